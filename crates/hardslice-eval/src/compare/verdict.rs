//! A comparison in plain words.

use super::comparison::{Claim, Comparison, ComparisonRow, Conclusion, EstimateInterval};
use super::end_point::EndPoint;
use super::plan::{ClaimedArm, ComparisonPlan, Role, Test};
use super::words::{ArmWords, Wording};

/// Fewer patients than this give percentile intervals that are too narrow.
const FEW_PATIENTS: usize = 20;

/// What the primary end point is asked, one sentence an arm.
pub(super) fn question(plan: &ComparisonPlan, wording: &Wording) -> String {
    let asked = plan.arms.iter().filter_map(|ClaimedArm { arm, .. }| {
        let references: Vec<String> = plan
            .pairs()
            .into_iter()
            .filter(|(of, _)| of == arm)
            .map(|(_, reference)| format!("over {}", ArmWords::of(wording, &reference.arm).object))
            .collect();
        let words = ArmWords::of(wording, arm);
        (!references.is_empty()).then(|| {
            format!(
                "{} {} raise {} {}?",
                if words.is_plural { "Do" } else { "Does" },
                words.subject,
                number(plan, plan.end_points[0]),
                references.join(" and "),
            )
        })
    });
    asked.collect::<Vec<_>>().join(" ")
}

/// What is found of each arm of the plan.
pub(super) fn claims(comparison: &Comparison) -> Vec<Claim> {
    let arms = comparison.plan.arms.iter();
    let claims = arms.filter_map(|claimed| {
        let rows = rows_of(comparison, &claimed.arm);
        let conclusion = conclude(comparison, claimed, &rows)?;
        Some(Claim {
            arm: claimed.arm.clone(),
            conclusion,
        })
    });
    claims.collect()
}

/// What the primary end point answers.
pub(super) fn verdict(comparison: &Comparison, wording: &Wording) -> String {
    let mut said = Vec::new();
    for claim in &comparison.claims {
        let rows = rows_of(comparison, &claim.arm);
        said.extend(rows.iter().map(|row| sentence(comparison, row, wording)));
        said.push(conclusion(claim, &rows, wording));
    }
    said.join(" ")
}

/// What must be known beside the verdict.
pub(super) fn notes(comparison: &Comparison, wording: &Wording) -> Vec<String> {
    let mut notes = Vec::new();
    let primary: Vec<&ComparisonRow> = comparison.primary_rows().collect();
    let seeds = primary.iter().map(|row| row.n_seeds);
    let (fewest, most) = (seeds.clone().min(), seeds.max());
    match (fewest, most) {
        (Some(1), Some(1)) => notes.push(
            "One seed: how much the result changes from seed to seed is in no interval and in no p."
                .to_owned(),
        ),
        (Some(1), _) => notes.push(
            "Some arms share one seed only: their intervals hold no variation from seed to seed."
                .to_owned(),
        ),
        (Some(_), Some(_)) => notes.push(
            "The intervals hold the variation from seed to seed; the tests take the seeds as they \
             are."
                .to_owned(),
        ),
        _ => {}
    }
    let n_patients = primary.iter().map(|row| row.n_patients).min();
    let n_patients = n_patients.expect("a plan that was checked compares a pair");
    if comparison.primary == EndPoint::WorstTenth && comparison.primary.hangs_on_one(n_patients) {
        notes.push(format!(
            "The worst tenth of {n_patients} is a single patient: its interval is unreliable."
        ));
    }
    if n_patients < FEW_PATIENTS {
        notes.push(format!(
            "With fewer than {FEW_PATIENTS} patients, here {n_patients}, the intervals are too \
             narrow."
        ));
    }
    for row in primary {
        if row.n_left_out > 0 {
            notes.push(format!(
                "{} left out against {}: no score by one of the two with some seed.",
                patients(row.n_left_out),
                ArmWords::of(wording, &row.reference).object,
            ));
        }
        let holds_0 = |interval: &EstimateInterval| interval.low <= 0.0 && interval.high >= 0.0;
        if row.interval.as_ref().is_some_and(holds_0) && is_significant(comparison, row) {
            notes.push(format!(
                "The interval of the difference to {} holds 0 although its p is significant: take \
                 the gain as uncertain.",
                ArmWords::of(wording, &row.reference).object,
            ));
        }
    }
    notes
}

fn rows_of<'a>(comparison: &'a Comparison, arm: &str) -> Vec<&'a ComparisonRow> {
    let rows = comparison.primary_rows();
    rows.filter(|row| row.arm == arm).collect()
}

fn is_significant(comparison: &Comparison, row: &ComparisonRow) -> bool {
    row.test.p_holm <= comparison.plan.alpha && row.difference != 0.0
}

/// The least `p` after correction that any relabelling of the row's scores could have had: Holm
/// multiplies the smallest `p` by the number of comparisons and lets none fall below it.
fn least_p(comparison: &Comparison, row: &ComparisonRow) -> f64 {
    (row.test.raw.smallest_p * comparison.n_comparisons as f64).min(1.0)
}

/// `None` for an arm without a row.
fn conclude(
    comparison: &Comparison,
    claimed: &ClaimedArm,
    rows: &[&ComparisonRow],
) -> Option<Conclusion> {
    if rows.is_empty() {
        return None;
    }
    let is_significant = |row: &&ComparisonRow| is_significant(comparison, row);
    let is_better = |row: &&ComparisonRow| is_significant(row) && row.difference > 0.0;
    let is_better_than_a = |role: Role| {
        let mut rows = rows.iter().filter(|row| row.role == role);
        rows.any(&is_better)
    };
    let is_hopeless = |row: &&ComparisonRow| least_p(comparison, row) > comparison.plan.alpha;
    Some(
        if rows
            .iter()
            .any(|row| is_significant(row) && row.difference < 0.0)
        {
            Conclusion::Harms
        } else if rows.iter().all(is_better)
            && is_better_than_a(Role::Baseline)
            && (is_better_than_a(Role::Control) || !claimed.chooses_slices)
        {
            Conclusion::Helps
        } else if rows.iter().any(is_better) {
            Conclusion::HelpsInPart
        } else if rows.iter().all(is_hopeless) {
            Conclusion::CannotBeShown
        } else {
            Conclusion::NotShown
        },
    )
}

/// What one comparison found.
fn sentence(comparison: &Comparison, row: &ComparisonRow, wording: &Wording) -> String {
    let plan = &comparison.plan;
    let what = number(plan, row.end_point);
    let arm = ArmWords::of(wording, &row.arm).subject;
    let reference = ArmWords::of(wording, &row.reference).object;
    let decimals = decimals(row);
    let p = p_in_words(comparison, row);
    let interval = |sign: f64| match row.interval {
        Some(EstimateInterval { low, high, .. }) => {
            let (low, high) = if sign < 0.0 {
                (-high, -low)
            } else {
                (low, high)
            };
            format!(
                " ({} % interval {} to {})",
                percent(1.0 - plan.alpha),
                signed(low, decimals),
                signed(high, decimals)
            )
        }
        None => String::new(),
    };
    if is_significant(comparison, row) {
        let is_gain = row.difference > 0.0;
        return format!(
            "{} {} {what} by {:.decimals$}{} {} {reference}; {p}.",
            capitalised(&arm),
            if is_gain { "raised" } else { "lowered" },
            row.difference.abs(),
            interval(row.difference.signum()),
            if is_gain { "over" } else { "below that of" },
        );
    }
    let found = format!(
        "No difference between {arm} and {reference} could be shown in {what}: {}{}; {p}.",
        signed(row.difference, decimals),
        interval(1.0),
    );
    if least_p(comparison, row) > plan.alpha {
        format!("{found} {}", why_hopeless(comparison, row))
    } else {
        found
    }
}

/// Why no outcome could have been significant.
fn why_hopeless(comparison: &Comparison, row: &ComparisonRow) -> String {
    let m = comparison.n_comparisons as f64;
    let alpha = comparison.plan.alpha;
    if row.test.raw.smallest_p >= 1.0 {
        return "With these scores nothing could be: swapping the arms changes nothing.".to_owned();
    }
    let least = |n_patients: i32| m * 2.0_f64.powi(1 - n_patients);
    let needed = (1..64).find(|n| least(*n) <= alpha).unwrap_or(64);
    let smallest = format!(
        "the smallest attainable p is {}{}",
        rounded(row.test.raw.smallest_p, alpha),
        corrected(comparison, least_p(comparison, row)),
    );
    let n_patients = row.n_patients;
    if i32::try_from(n_patients).is_ok_and(|n| n < needed) {
        return format!(
            "With {} nothing could be: {smallest}; at least {needed} patients are needed.",
            patients(n_patients)
        );
    }
    let is_too_few_resamples = row.test.test == Test::Permutation
        && !row.test.raw.is_exact
        && m / (comparison.plan.n_resamples as f64 + 1.0) > alpha;
    if is_too_few_resamples {
        return format!(
            "With {} resamples nothing could be: {smallest}.",
            comparison.plan.n_resamples
        );
    }
    format!(
        "With these scores nothing could be: {smallest}, because few patients decide the {}.",
        row.end_point.title()
    )
}

/// What an arm's comparisons come to.
fn conclusion(claim: &Claim, rows: &[&ComparisonRow], wording: &Wording) -> String {
    let subject = ArmWords::of(wording, &claim.arm);
    let name = &subject.subject;
    let verb = if subject.is_plural { "help" } else { "helps" };
    let has = |role: Role| rows.iter().any(|row| row.role == role);
    let not_shown = format!("That {name} {verb} is not shown");
    match claim.conclusion {
        Conclusion::Helps if !has(Role::Control) => {
            format!("So {name} {verb}: better than the baseline.")
        }
        Conclusion::Helps => {
            format!("So {name} {verb}: better than the baseline and than the random control.")
        }
        Conclusion::Harms => format!("So {name} did harm."),
        Conclusion::HelpsInPart if !has(Role::Control) => {
            format!(
                "{not_shown}: there is no random control to tell the choice from the procedure."
            )
        }
        Conclusion::HelpsInPart if !has(Role::Baseline) => {
            format!("{not_shown}: there is no baseline to compare with.")
        }
        Conclusion::HelpsInPart => {
            format!(
                "{not_shown}: it takes a significant gain over the baseline and over the control."
            )
        }
        Conclusion::NotShown | Conclusion::CannotBeShown => format!("{not_shown}."),
    }
}

/// The end point of the plan's score.
fn number(plan: &ComparisonPlan, end_point: EndPoint) -> String {
    let score = &plan.score;
    match end_point {
        EndPoint::WorstTenth => format!("the mean {score} of the worst tenth of the patients"),
        EndPoint::Mean => format!("the mean {score}"),
        EndPoint::Min => format!("the lowest {score}"),
    }
}

fn patients(n: usize) -> String {
    match n {
        1 => "1 patient".to_owned(),
        n => format!("{n} patients"),
    }
}

/// As many decimals as show a difference, at least three.
fn decimals(row: &ComparisonRow) -> usize {
    let ends = row.interval.map_or([0.0, 0.0], |i| [i.low, i.high]);
    let largest = ends.into_iter().chain([row.difference]).map(f64::abs);
    match largest.fold(0.0, f64::max) {
        0.0 => 3,
        size if size >= 0.01 => 3,
        size if size >= 0.001 => 4,
        _ => 5,
    }
}

/// A number with its sign, and none on what is rounded to 0.
fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|c| matches!(c, '0' | '.')) => digits.to_owned(),
        Some(digits) => format!("\u{2212}{digits}"),
        None => text,
    }
}

fn percent(share: f64) -> String {
    let percent = (share * 1000.0).round() / 10.0;
    percent.to_string()
}

fn p_in_words(comparison: &Comparison, row: &ComparisonRow) -> String {
    let p = row.test.p_holm;
    let rounded = match rounded(p, comparison.plan.alpha) {
        text if text.starts_with('<') => format!("p {text}"),
        text => format!("p = {text}"),
    };
    match comparison.n_comparisons {
        1 => rounded,
        n => format!("{rounded} after Holm's correction for {n} comparisons"),
    }
}

fn corrected(comparison: &Comparison, p: f64) -> String {
    match comparison.n_comparisons {
        1 => String::new(),
        n => format!(
            ", {} after Holm's correction for {n} comparisons",
            rounded(p, comparison.plan.alpha)
        ),
    }
}

/// A `p` with two decimals from 0.1 on and three below, or more where rounding would take it across
/// `alpha`.
fn rounded(p: f64, alpha: f64) -> String {
    if p < 0.001 {
        return "< 0.001".to_owned();
    }
    if p >= 1.0 {
        return "1".to_owned();
    }
    let from = if p >= 0.1 { 2 } else { 3 };
    let crosses = |text: &String| {
        let shown: f64 = text.parse().expect("a printed number reads back");
        (shown <= alpha) != (p <= alpha)
    };
    let texts = (from..12).map(|decimals| format!("{p:.decimals$}"));
    let mut fitting = texts.filter(|text| !crosses(text));
    fitting.next().unwrap_or_else(|| p.to_string())
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
