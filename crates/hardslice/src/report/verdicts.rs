//! The question and the verdict, in words first.

use std::collections::BTreeMap;

use hardslice_data::Organ;
use hardslice_data::balance::Arm;
use hardslice_eval::compare::{Comparison, Conclusion, counted, percent};
use hardslice_view::curves::{IntervalGroup, IntervalRow, Intervals};
use hardslice_view::report::{Block, Figure, Section, Tone, Verdict};
use hardslice_volume::whole_file::read_json_if_there;

use super::gathered::{Gathered, Variant};
use crate::arms::{compare_arms, comparison_plan};
use crate::layout::OutDir;

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("verdict", "Question and verdict");
    let asked = if gathered.arms().contains(&Arm::Hard) {
        "A net that was pre-trained on part B of the training patients scores every slice of the \
         rest, A. The slices that it gets wrong are hard; they are added to B, and training goes on. \
         What is asked is whether that raises the worst test patients, over training on all patients \
         and over adding as many slices drawn at random."
    } else {
        "Slices, or patients, are shown more or less often by how hard they are for a net that was \
         trained without them; what each arm shows stands in docs/experiment.md. What is asked is \
         whether that raises the worst test patients, over training on all patients alike and over \
         the same with what is drawn at random."
    };
    section.blocks.push(Block::Text(asked.to_owned()));
    let variant = gathered.shown_variant();
    for organ in gathered.organs() {
        match comparison(gathered, &variant, &organ) {
            Ok(comparison) => {
                section
                    .blocks
                    .push(Block::Verdict(verdict(&organ, &comparison)));
                section
                    .blocks
                    .extend(figures(gathered, &organ, &comparison));
            }
            Err(why) => section
                .blocks
                .push(Block::Missing(format!("{organ}: {why}"))),
        }
    }
    section
}

/// The comparison that was planned before the test set was opened, or one made here.
pub(super) fn comparison(
    gathered: &Gathered,
    variant: &Variant,
    organ: &Organ,
) -> Result<Comparison, String> {
    let planned = read_json_if_there::<BTreeMap<String, Comparison>>(
        &OutDir::new(&gathered.dir).comparison(),
    );
    let planned = planned.map_err(|error| format!("{}.", crate::causes::causes(&error)))?;
    if let Some(found) = planned.and_then(|mut planned| planned.remove(organ.as_str())) {
        return Ok(found);
    }
    let scores = gathered.arm_scores(variant, organ)?;
    let was_run = |arm: &Arm| scores.iter().any(|score| score.arm == arm.name());
    let arms: Vec<Arm> = Arm::ALL.into_iter().filter(was_run).collect();
    let no_verdict = |error: &dyn std::error::Error| format!("no verdict, because {error}.");
    let plan =
        comparison_plan(&arms, gathered.organs().len()).map_err(|error| no_verdict(&error))?;
    let shared = gathered.shared_slices(variant, organ, &plan)?;
    compare_arms(&plan, &scores, &shared).map_err(|error| no_verdict(&error))
}

fn verdict(organ: &Organ, comparison: &Comparison) -> Verdict {
    let words = |conclusion| match conclusion {
        Conclusion::Helps => "helps",
        Conclusion::HelpsInPart => "helps in part",
        Conclusion::Harms => "harms",
        Conclusion::NotShown => "not shown",
        Conclusion::CannotBeShown => "cannot be shown",
    };
    let claims = &comparison.claims;
    let is = |wanted| claims.iter().any(|claim| claim.conclusion == wanted);
    let tone = match () {
        () if is(Conclusion::Harms) => Tone::Bad,
        () if is(Conclusion::Helps) => Tone::Good,
        () => Tone::Open,
    };
    let labels: Vec<String> = match &claims[..] {
        [claim] => vec![words(claim.conclusion).to_owned()],
        claims => claims
            .iter()
            .map(|claim| format!("{} {}", claim.arm, words(claim.conclusion)))
            .collect(),
    };
    Verdict {
        about: organ.to_string(),
        label: labels.join(" · "),
        tone,
        question: comparison.question.clone(),
        answer: comparison.verdict.clone(),
        notes: comparison.notes.clone(),
    }
}

/// What stands below charts with intervals.
const DASHED: &str = "A dashed interval may hold the truth more or less often than it says, because \
                      of few patients, trainings or divisions; what has none is described, not tested";

/// What the intervals of differences are, behind what the chart shows.
fn about_differences(comparison: &Comparison) -> String {
    let mut intervals = comparison.rows.iter().filter_map(|row| row.interval);
    let Some(first) = intervals.next() else {
        return TOO_FEW.to_owned();
    };
    let others = if first.includes_trainings {
        "other patients and other trainings"
    } else {
        "other patients, not for other trainings"
    };
    format!(
        ", with {} % intervals for {others}, corrected for {} in all organs. {DASHED}",
        percent(1.0 - comparison.plan.alpha / comparison.n_claims as f64),
        counted(comparison.n_claims, "claim")
    )
}

/// What the intervals of single arms are.
fn about_arms(comparison: &Comparison) -> String {
    if comparison.estimates.iter().all(|of| of.interval.is_none()) {
        return TOO_FEW.to_owned();
    }
    format!(
        ", with {} % intervals. {DASHED}. Overlapping intervals say nothing about a difference, since the \
         patients are the same",
        percent(1.0 - comparison.plan.alpha)
    )
}

/// Where there are no intervals.
const TOO_FEW: &str = ": too few patients for intervals";

/// Arms by end point, and their differences.
fn figures(gathered: &Gathered, organ: &Organ, comparison: &Comparison) -> Vec<Block> {
    let plan = &comparison.plan;
    // The place among the arms, as in every other chart; beyond them for an arm whose scores are no
    // longer there.
    let arms_of_charts = gathered.arms();
    let colour = |arm: &str| {
        let place = arms_of_charts.iter().position(|known| known.name() == arm);
        place.unwrap_or(arms_of_charts.len())
    };
    let arms = plan.end_points.iter().map(|end_point| {
        let estimates = comparison.estimates.iter();
        let rows = estimates.filter(|estimate| estimate.end_point == *end_point);
        IntervalGroup {
            heading: end_point.title().to_owned(),
            rows: rows
                .map(|row| IntervalRow {
                    name: row.arm.clone(),
                    estimate: row.estimate,
                    interval: row.interval.map(|found| [found.low, found.high]),
                    is_unreliable: row.interval.is_some_and(|found| found.unreliable),
                    colour: colour(&row.arm),
                })
                .collect(),
        }
    });
    let differences = plan.end_points.iter().map(|end_point| {
        let rows = comparison
            .rows
            .iter()
            .filter(|row| row.end_point == *end_point);
        IntervalGroup {
            heading: end_point.title().to_owned(),
            rows: rows
                .map(|row| IntervalRow {
                    name: format!("{} less {}", row.arm, row.reference),
                    estimate: row.difference,
                    interval: row.interval.map(|found| [found.low, found.high]),
                    is_unreliable: row.interval.is_some_and(|found| found.unreliable),
                    colour: colour(&row.arm),
                })
                .collect(),
        }
    });
    let arms = Intervals {
        title: format!("{organ}: {} by arm", plan.score),
        x_name: format!("{} on the test patients", plan.score),
        groups: arms.collect(),
        has_zero: false,
    };
    let differences = Intervals {
        title: format!("{organ}: what the arms gain"),
        x_name: format!("difference in {}, above 0 is better", plan.score),
        groups: differences.collect(),
        has_zero: true,
    };
    let figure = |chart: &Intervals, stem: &str, caption: String| {
        let stem = format!("{stem}-{organ}");
        Block::Figure(Figure::of_chart(&chart.to_chart(), &stem, &caption))
    };
    vec![
        figure(
            &differences,
            "gain",
            format!(
                "Differences of the arms on the same {organ} test patients{}.",
                about_differences(comparison)
            ),
        ),
        figure(
            &arms,
            "arms",
            format!(
                "{} of each arm by end point{}.",
                plan.score,
                about_arms(comparison)
            ),
        ),
    ]
}
