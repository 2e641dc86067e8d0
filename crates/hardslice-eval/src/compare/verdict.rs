//! A comparison in plain words.

use super::comparison::{
    Claim, Comparison, ComparisonRow, Conclusion, EstimateInterval, Sensitivity,
};
use super::end_point::EndPoint;
use super::limits::{LEAST_PATIENTS, unreliable_notes, what_is_missing};
use super::observed::{GAIN_OF_ALL, GAIN_OF_TENTH};
use super::phrase::{capitalised, counted, decimals_beside_0, percent, signed};
use super::plan::{ClaimedArm, ComparisonPlan, Role};
use super::scores::LostTrainings;
use super::shared::MOST_SHARED;
use super::words::{ArmWords, Wording};

/// What the primary end point is asked, one sentence an arm.
pub(super) fn question(plan: &ComparisonPlan, wording: &Wording) -> String {
    let asked = plan.arms.iter().filter_map(|ClaimedArm { arm, .. }| {
        let references = plan.references_of(arm).into_iter();
        let references: Vec<String> = references
            .map(|reference| format!("over {}", ArmWords::of(wording, &reference.arm).object))
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
        let is_planned = !comparison.plan.references_of(&claimed.arm).is_empty();
        let conclusion = is_planned.then(|| conclude(comparison, claimed, &rows))?;
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
        said.push(conclusion(comparison, claim, &rows, wording));
    }
    said.join(" ")
}

/// What must be known beside the verdict.
pub(super) fn notes(comparison: &Comparison, wording: &Wording) -> Vec<String> {
    let primary: Vec<&ComparisonRow> = comparison.primary_rows().collect();
    let fewest = |n: fn(&ComparisonRow) -> usize| {
        let n = primary.iter().map(|row| n(row)).min();
        n.expect("a plan that was checked compares a pair")
    };
    let n_patients = fewest(|row| row.n_patients);
    let n_trainings = fewest(|row| row.n_trainings);
    let n_splits = fewest(|row| row.n_splits);
    let mut notes = vec![claims_note(comparison)];
    if n_trainings == 1 {
        notes.push(
            "One training: how much the result changes from training to training is in no interval."
                .to_owned(),
        );
    }
    if n_splits == 1 {
        notes.push(
            "One split into A and B (of each fold, where there are folds): the luck of who is in B is in no \
             interval and in no p."
                .to_owned(),
        );
    }
    // Of fewer patients there are no intervals.
    if n_patients >= LEAST_PATIENTS {
        notes.push(in_the_intervals(n_trainings));
        notes.extend(unreliable_notes(
            n_patients,
            n_trainings,
            n_splits,
            "patient",
        ));
    }
    for row in primary {
        if row.n_left_out > 0 {
            notes.push(format!(
                "{} left out of {} against {}: no score by one of the two in some training.",
                counted(row.n_left_out, "patient"),
                ArmWords::of(wording, &row.arm).subject,
                ArmWords::of(wording, &row.reference).object,
            ));
        }
        notes.extend(shared_note(row, wording));
        if row.n_same > 0 {
            notes.push(format!(
                "In {} of {} {} and {} have the same scores to the last digit, as one net has: nothing was \
                 chosen, or the same, or nothing was learnt. Nothing is concluded.",
                row.n_same,
                counted(row.n_trainings, "training"),
                ArmWords::of(wording, &row.arm).subject,
                ArmWords::of(wording, &row.reference).object,
            ));
        }
    }
    notes.extend(comparison.not_compared.iter().map(|pair| {
        format!(
            "No patient has a score by both {} and {} in every training that they share: the two are \
             not compared.",
            ArmWords::of(wording, &pair.arm).object,
            ArmWords::of(wording, &pair.reference).object,
        )
    }));
    notes
}

/// What the intervals know, and what they cannot.
fn in_the_intervals(n_trainings: usize) -> String {
    let random = if n_trainings == 1 {
        "The intervals are for other patients."
    } else {
        "Patients and trainings are both random: the intervals are for other patients and other \
         trainings, too."
    };
    format!("{random} Of failures too rare to be met among these patients they know nothing.")
}

/// What a reference has in common with the arm that it was to differ from.
fn shared_note(row: &ComparisonRow, wording: &Wording) -> Option<String> {
    let shared = row.shared?;
    let outcome = if row.cannot_answer() {
        format!(
            "more than {} %, so that nothing is concluded from it",
            percent(MOST_SHARED)
        )
    } else {
        "which makes a difference between the two smaller".to_owned()
    };
    Some(format!(
        "In {} of {} {} shares slices with {}: {} of {}, {outcome}.",
        shared.n_trainings_sharing,
        counted(shared.n_trainings, "training"),
        ArmWords::of(wording, &row.reference).object,
        ArmWords::of(wording, &row.arm).subject,
        shared.n_shared,
        counted(shared.n_slices, "slice"),
    ))
}

/// What a comparison could have found of an arm.
pub(super) fn sensitivity_note(found: &Sensitivity, wording: &Wording) -> String {
    let of_100 = |share: f64| format!("{:.0}", 100.0 * share);
    format!(
        "Had the lowest tenth of the patients gained {GAIN_OF_TENTH:.2} by {}, {} of 100 such \
         comparisons would have shown it, with patients and nets that vary as these do; had every \
         patient gained {GAIN_OF_ALL}, {}. It takes {:.3} in every patient to be shown in 80.",
        ArmWords::of(wording, &found.arm).subject,
        of_100(found.lowest_tenth_gains),
        of_100(found.all_gain),
        found.found_in_80,
    )
}

fn claims_note(comparison: &Comparison) -> String {
    let plan = &comparison.plan;
    let organs = counted(plan.n_organs, "organ");
    if comparison.n_claims == 1 {
        return format!(
            "One claim, of one arm and {organs}: p and the intervals of differences ({} %) need no \
             correction.",
            percent(1.0 - plan.alpha)
        );
    }
    format!(
        "p and the intervals of differences ({} % each) are corrected for {} claims, of {} and \
         {organs}.",
        percent(1.0 - plan.alpha / comparison.n_claims as f64),
        comparison.n_claims,
        counted(comparison.n_claims / plan.n_organs, "arm"),
    )
}

fn rows_of<'a>(comparison: &'a Comparison, arm: &str) -> Vec<&'a ComparisonRow> {
    let rows = comparison.primary_rows();
    rows.filter(|row| row.arm == arm).collect()
}

fn conclude(comparison: &Comparison, claimed: &ClaimedArm, rows: &[&ComparisonRow]) -> Conclusion {
    let is_better = |row: &&ComparisonRow| row.is_shown() && row.difference > 0.0;
    let is_flattered = |row: &ComparisonRow| lost_trainings(comparison, &row.reference).is_some();
    let mut worse = worse_than(rows);
    if worse.clone().any(|row| !is_flattered(row)) {
        Conclusion::Harms
    } else if worse.next().is_some() || lost_trainings(comparison, &claimed.arm).is_some() {
        Conclusion::CannotBeShown
    } else if rows.iter().any(is_better) {
        if rows.iter().all(is_better) && why_not(comparison, claimed, rows).is_none() {
            Conclusion::Helps
        } else {
            Conclusion::HelpsInPart
        }
    } else if rows.iter().any(|row| row.test.is_none())
        || why_not(comparison, claimed, rows).is_some()
    {
        Conclusion::CannotBeShown
    } else {
        Conclusion::NotShown
    }
}

/// The comparisons in which the arm is shown to be worse.
fn worse_than<'c>(rows: &[&'c ComparisonRow]) -> impl Iterator<Item = &'c ComparisonRow> + Clone {
    let rows = rows.iter().copied();
    rows.filter(|row| row.is_shown() && row.difference < 0.0)
}

/// The trainings of an arm that failed, if any.
fn lost_trainings<'c>(comparison: &'c Comparison, arm: &str) -> Option<&'c LostTrainings> {
    comparison.lost.iter().find(|lost| lost.arm == arm)
}

fn without_scores(lost: &LostTrainings) -> String {
    format!(
        "{} trainings have no scores, or not of all patients",
        lost.n_trainings
    )
}

/// Why an arm cannot be said to help, whatever its differences are.
fn why_not(
    comparison: &Comparison,
    claimed: &ClaimedArm,
    rows: &[&ComparisonRow],
) -> Option<String> {
    if let Some(lost) = lost_trainings(comparison, &claimed.arm) {
        return Some(format!("{} of its {}", lost.n_lost, without_scores(lost)));
    }
    let flattered = worse_than(rows).find_map(|row| lost_trainings(comparison, &row.reference));
    if let Some(lost) = flattered {
        return Some(format!(
            "it is worse than `{}` by the trainings of that which are left, {} of whose {}",
            lost.arm,
            lost.n_lost,
            without_scores(lost)
        ));
    }
    let has = |role: Role| rows.iter().any(|row| row.role == role);
    let is_planned = |role: Role| {
        let references = comparison.plan.references_of(&claimed.arm);
        references.iter().any(|reference| reference.role == role)
    };
    let reason = match (has(Role::Baseline), has(Role::Control)) {
        (_, false) if is_planned(Role::Control) => "its random control was not compared",
        (false, _) if is_planned(Role::Baseline) => "the baseline was not compared",
        (_, false) if claimed.chooses_slices => {
            "there is no random control to tell the choice from the procedure"
        }
        (false, _) => "there is no baseline to compare with",
        _ if rows.iter().any(|row| row.cannot_answer()) => "the random control could not answer",
        _ => return None,
    };
    Some(reason.to_owned())
}

/// What one comparison found.
fn sentence(comparison: &Comparison, row: &ComparisonRow, wording: &Wording) -> String {
    let plan = &comparison.plan;
    let what = number(plan, row.end_point);
    let arm = ArmWords::of(wording, &row.arm).subject;
    let reference = ArmWords::of(wording, &row.reference).object;
    if let Some(shared) = row.shared.filter(|_| row.cannot_answer()) {
        return format!(
            "{} cannot answer whether the choice of slices matters in {what}: {} of its {} are \
             those of {arm}, too.",
            capitalised(&reference),
            shared.n_shared,
            counted(shared.n_slices, "slice"),
        );
    }
    let decimals = decimals(row);
    let p = row.test.map_or(String::new(), |test| {
        format!("; {}", p_in_words(comparison, test.p_corrected))
    });
    let interval = |sign: f64| match row.interval {
        Some(EstimateInterval { low, high, .. }) => {
            let (low, high) = if sign < 0.0 {
                (-high, -low)
            } else {
                (low, high)
            };
            format!(
                " ({} % interval {} to {})",
                percent(1.0 - plan.alpha / comparison.n_claims as f64),
                signed(low, decimals),
                signed(high, decimals)
            )
        }
        None => String::new(),
    };
    if row.is_shown() {
        let is_gain = row.difference > 0.0;
        return format!(
            "{} {} {what} by {:.decimals$}{} {} {reference}{p}.",
            capitalised(&arm),
            if is_gain { "raised" } else { "lowered" },
            row.difference.abs(),
            interval(row.difference.signum()),
            if is_gain { "over" } else { "below that of" },
        );
    }
    let found = format!(
        "No difference between {arm} and {reference} could be shown in {what}: {}{}{p}.",
        signed(row.difference, decimals),
        interval(1.0),
    );
    match what_is_missing(row.n_patients, row.n_trainings, "patient") {
        Some(missing) => format!("{found} {missing}"),
        None => found,
    }
}

/// What an arm's comparisons come to.
fn conclusion(
    comparison: &Comparison,
    claim: &Claim,
    rows: &[&ComparisonRow],
    wording: &Wording,
) -> String {
    let mut arms = comparison.plan.arms.iter();
    let claimed = arms.find(|claimed| claimed.arm == claim.arm);
    let claimed = claimed.expect("claims are of the plan's arms");
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
        Conclusion::Harms => match lost_trainings(comparison, &claim.arm) {
            Some(lost) => format!(
                "So {name} did harm, by the trainings that are left: {} of {}.",
                lost.n_lost,
                without_scores(lost)
            ),
            None => format!("So {name} did harm."),
        },
        Conclusion::HelpsInPart => {
            let enough = "it takes a significant gain over the baseline and over the control";
            let why = why_not(comparison, claimed, rows);
            format!("{not_shown}: {}.", why.as_deref().unwrap_or(enough))
        }
        Conclusion::NotShown => format!("{not_shown}."),
        Conclusion::CannotBeShown => match why_not(comparison, claimed, rows) {
            Some(why) => format!("Whether {name} {verb} cannot be said: {why}."),
            None => format!("Whether {name} {verb} cannot be said."),
        },
    }
}

/// The end point of the plan's score.
fn number(plan: &ComparisonPlan, end_point: EndPoint) -> String {
    let score = &plan.score;
    match end_point {
        EndPoint::WorstOfFive => {
            format!("the {score} expected of the worst of five patients")
        }
        EndPoint::WorstTenth => format!("the mean {score} of the worst tenth of the patients"),
        EndPoint::Mean => format!("the mean {score}"),
        EndPoint::Min => format!("the lowest {score}"),
    }
}

/// As many decimals as show a difference, at least three, and on which side of 0 the interval ends.
fn decimals(row: &ComparisonRow) -> usize {
    let ends = row.interval.map_or([0.0, 0.0], |i| [i.low, i.high]);
    let largest = ends.into_iter().chain([row.difference]).map(f64::abs);
    let least = match largest.fold(0.0, f64::max) {
        0.0 => 3,
        size if size >= 0.01 => 3,
        size if size >= 0.001 => 4,
        _ => 5,
    };
    if row.is_shown() {
        decimals_beside_0(least, ends)
    } else {
        least
    }
}

fn p_in_words(comparison: &Comparison, p: f64) -> String {
    let rounded = match rounded(p, comparison.plan.alpha) {
        text if text.starts_with('<') => format!("p {text}"),
        text => format!("p = {text}"),
    };
    match comparison.n_claims {
        1 => rounded,
        n => format!("{rounded} after correction for {n} claims"),
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
