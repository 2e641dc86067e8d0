//! A learning curve in plain words.

use super::curve::{Contrast, LearningCurve, LineFit};
use crate::compare::EndPoint;
use crate::compare::limits::{unreliable_notes, what_is_missing};
use crate::compare::phrase::{capitalised, counted, decimals_beside_0, percent, signed};

/// What could not be put on the curve.
#[derive(Debug)]
pub(super) struct LeftOut<'a> {
    /// Arms of the line without a score.
    pub(super) arms: Vec<&'a str>,
    /// Test patients who lack a score by an arm in a training.
    pub(super) n_patients: usize,
    /// Trainings that some arm lacks.
    pub(super) n_trainings: usize,
}

/// What a line says of more and of fewer patients, and whether it fits.
pub(super) fn answer(curve: &LearningCurve, fit: &LineFit) -> String {
    let name = match fit.end_point {
        EndPoint::Mean => format!("mean {}", curve.score),
        other => format!("{}, {}", curve.score, other.title()),
    };
    let mut said = vec![format!(
        "{}: {} more patients: {}; with half of the patients: {}.",
        capitalised(&name),
        curve.n_more,
        change(&fit.more),
        change(&fit.half),
    )];
    said.push(whether_it_fits(curve, fit));
    said.extend(what_is_missing(
        curve.n_patients,
        curve.n_trainings,
        "test patient",
    ));
    said.join(" ")
}

fn whether_it_fits(curve: &LearningCurve, fit: &LineFit) -> String {
    let numbers = curve.numbers();
    let Some(bend) = &fit.bend else {
        return format!(
            "Whether a straight line fits cannot be seen with {} numbers of patients.",
            numbers.len()
        );
    };
    let fewest = numbers.first().expect("a line has points");
    let middle = curve.middle();
    let upper = format!("from {middle:.0} to {} patients", curve.n_trained);
    let lower = format!("from {fewest} to {middle:.0}");
    if !bend.is_shown {
        return format!(
            "A bend is not shown: {upper} the curve rises by {} more than {lower}.",
            change(bend)
        );
    }
    let amount = unsigned(bend);
    if bend.estimate < 0.0 {
        format!(
            "The line does not fit: the curve flattens. {} it rises by {amount} less than {lower}, \
             and {} more patients give less than the line says.",
            capitalised(&upper),
            curve.n_more
        )
    } else {
        format!(
            "The line does not fit: the curve steepens. {} it rises by {amount} more than {lower}, \
             and {} more patients may give more than the line says.",
            capitalised(&upper),
            curve.n_more
        )
    }
}

/// What must be known beside a learning curve.
pub(super) fn notes(curve: &LearningCurve, left_out: &LeftOut<'_>) -> Vec<String> {
    let points = curve.fits.first().map_or(&[][..], |fit| &fit.points);
    let points: Vec<String> = points
        .iter()
        .map(|point| format!("{} ({})", point.arm, counted(point.n_patients, "patient")))
        .collect();
    let mut notes = vec![
        format!(
            "A straight line in the logarithm of the number of training patients, by least squares \
             through {}, each counting alike.",
            points.join(", ")
        ),
        format!(
            "What {} more patients than {} would give is an extrapolation: nothing was trained on so \
             many, and a curve that flattens gives less.",
            curve.n_more, curve.n_trained
        ),
    ];
    notes.push(if curve.n_splits == 1 {
        "Each number of patients is one draw of them: the luck of who was drawn is in no interval."
            .to_owned()
    } else {
        format!(
            "Each number of patients was drawn {} times: the luck of who was drawn is in the \
             intervals.",
            curve.n_splits
        )
    });
    notes.push(if curve.n_trainings == 1 {
        "One training of each: the intervals are for other test patients alone; how much the result \
         changes from training to training is in none."
            .to_owned()
    } else {
        "Test patients and trainings are both random: the intervals are for other patients and other \
         trainings, too."
            .to_owned()
    });
    notes.push(format!(
        "Intervals hold {} % each by itself: they are not corrected for two end points, several \
         organs and nets.",
        percent(1.0 - curve.alpha)
    ));
    notes.extend(unreliable_notes(
        curve.n_patients,
        curve.n_trainings,
        curve.n_splits,
        "test patient",
    ));
    for arm in &left_out.arms {
        notes.push(format!(
            "{} has no scores and is not on the curve.",
            capitalised(arm)
        ));
    }
    if left_out.n_patients > 0 {
        notes.push(format!(
            "{} left out: no score by one of the points in some training.",
            counted(left_out.n_patients, "test patient")
        ));
    }
    if left_out.n_trainings > 0 {
        notes.push(format!(
            "{} left out that not every point has.",
            counted(left_out.n_trainings, "training")
        ));
    }
    notes
}

/// A change with its sign and its interval.
fn change(contrast: &Contrast) -> String {
    let decimals = decimals(contrast);
    let estimate = signed(contrast.estimate, decimals);
    let is_0 = |text: &str| text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if contrast.estimate > 0.0 && !is_0(&estimate) {
        "+"
    } else {
        ""
    };
    let ends = contrast.interval.map(|found| [found.low, found.high]);
    format!("{sign}{estimate}{}", interval(ends, decimals))
}

/// How large a change is, and its interval.
fn unsigned(contrast: &Contrast) -> String {
    let decimals = decimals(contrast);
    let ends = contrast.interval.map(|found| {
        if contrast.estimate < 0.0 {
            [-found.high, -found.low]
        } else {
            [found.low, found.high]
        }
    });
    let estimate = contrast.estimate.abs();
    format!("{estimate:.decimals$}{}", interval(ends, decimals))
}

fn interval(ends: Option<[f64; 2]>, decimals: usize) -> String {
    ends.map_or(String::new(), |[low, high]| {
        format!(" ({} to {})", signed(low, decimals), signed(high, decimals))
    })
}

/// As many decimals as show a change, at least three, and on which side of 0 its interval ends.
fn decimals(contrast: &Contrast) -> usize {
    let ends = contrast.interval.map(|found| [found.low, found.high]);
    let all = ends.into_iter().flatten().chain([contrast.estimate]);
    let least = match all.map(f64::abs).fold(0.0, f64::max) {
        0.0 => 3,
        size if size >= 0.002 => 3,
        size if size >= 0.0002 => 4,
        _ => 5,
    };
    match ends {
        Some([low, high]) if low > 0.0 || high < 0.0 => decimals_beside_0(least, [low, high]),
        _ => least,
    }
}
