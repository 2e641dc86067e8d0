//! The line and what it says.

use super::curve::{Contrast, CurveArm, CurvePoint, LearningCurve, LineFit, LinePoint};
use super::error::CurveError;
use super::line::Line;
use super::more::more_patients;
use super::words;
use crate::compare::paired::Paired;
use crate::compare::scores::Scores;
use crate::compare::{ArmScore, EndPoint, LEAST_TRAININGS};

/// The end points that a line is drawn through.
const END_POINTS: [EndPoint; 2] = [EndPoint::Mean, EndPoint::WorstOfFive];

/// Confidence is 95 %, of each interval by itself.
const ALPHA: f64 = 0.05;

/// Steps that a line is drawn in.
const N_STEPS: usize = 24;

/// The share of a sum that its rounding may be: less than that is 0, not a small effect.
const ROUNDING: f64 = 1e-12;

/// Draws a line through the end points of arms that were trained on different numbers of patients.
/// `score` is what the scores are called in sentences; greater must be better.
///
/// Arms of the line are compared on the trainings (seeds, and divisions where there are several) and
/// the test patients that all of them have; what one of them lacks is left out of the others too, and
/// a note says so, as of an arm without any score. Two arms of the line must not be the same training:
/// they would pass for two.
///
/// ```
/// use hardslice_eval::compare::ArmScore;
/// use hardslice_eval::learning_curve::{CurveArm, learning_curve};
///
/// let arm = |arm: &str, n_patients| CurveArm {
///     arm: arm.to_owned(),
///     n_patients,
///     is_fitted: true,
/// };
/// let arms = [arm("quarter", 10), arm("half", 20), arm("all", 40)];
/// let mut scores = Vec::new();
/// for (arm, gain) in [("quarter", 0.0), ("half", 0.01), ("all", 0.02)] {
///     for (patient, seed) in (0..30).map(|idx| (idx / 3, idx % 3)) {
///         scores.push(ArmScore {
///             arm: arm.to_owned(),
///             seed,
///             split: 0,
///             patient: format!("p{patient}"),
///             case: format!("p{patient}_ct"),
///             value: Some(0.8 + gain + 0.01 * patient as f64),
///             absent_because: None,
///         });
///     }
/// }
/// let curve = learning_curve("Dice", &arms, &scores)?;
/// let mean = &curve.fits[0];
/// assert!((mean.half.estimate + 0.01).abs() < 1e-12, "a doubling gives 0.01");
/// assert_eq!(curve.n_more, 10);
/// assert!(mean.answer.starts_with("Mean Dice: 10 more patients: +0.003 (0.003 to 0.003);"));
/// # Ok::<(), hardslice_eval::learning_curve::CurveError>(())
/// ```
///
/// # Errors
///
/// [`CurveError`] for fewer than two different numbers of patients, an arm on 0 patients or listed
/// twice, a score that is no finite number, a case scored twice, and arms without a shared patient or
/// training.
pub fn learning_curve(
    score: &str,
    arms: &[CurveArm],
    scores: &[ArmScore],
) -> Result<LearningCurve, CurveError> {
    check(arms)?;
    let scores = Scores::new(scores)?;
    let has_scores = |arm: &&CurveArm| scores.of_arm(&arm.arm).is_some();
    let mut fitted: Vec<&CurveArm> = arms.iter().filter(|arm| arm.is_fitted).collect();
    let without: Vec<&str> = fitted
        .iter()
        .filter(|arm| !has_scores(arm))
        .map(|arm| arm.arm.as_str())
        .collect();
    fitted.retain(has_scores);
    fitted.sort_by_key(|arm| arm.n_patients);
    let numbers: Vec<usize> = fitted.iter().map(|arm| arm.n_patients).collect();
    let Some(line) = Line::through(&numbers) else {
        let mut got = numbers;
        got.dedup();
        return Err(CurveError::TooFewNumbers { got });
    };
    let names: Vec<&str> = fitted.iter().map(|arm| arm.arm.as_str()).collect();
    let paired = Paired::new(&scores, &names)?;
    let beside = arms.iter().filter(|arm| !arm.is_fitted).filter(has_scores);
    let mut alone: Vec<(&CurveArm, Paired)> = Vec::new();
    for arm in beside {
        alone.push((arm, Paired::new(&scores, &[&arm.arm])?));
    }
    let n_trained = numbers[numbers.len() - 1];
    let n_more = more_patients(n_trained);
    let mut curve = LearningCurve {
        score: score.to_owned(),
        fits: Vec::new(),
        n_trained,
        n_more,
        n_patients: paired.n_patients(),
        n_trainings: paired.n_trainings(),
        n_splits: paired.n_splits(),
        alpha: ALPHA,
        notes: Vec::new(),
    };
    for end_point in END_POINTS {
        let places = fitted.iter().enumerate();
        let points =
            places.map(|(place, arm)| CurvePoint::of_paired(arm, end_point, &paired, place));
        let fit = Fit {
            end_point,
            paired: &paired,
            pseudo_values: paired.pseudo_values(end_point),
            points: points.collect(),
        };
        let beside = alone.iter();
        let beside = beside.map(|(arm, paired)| CurvePoint::of_paired(arm, end_point, paired, 0));
        curve
            .fits
            .push(fit.through(&line, &curve, beside.collect()));
    }
    for place in 0..curve.fits.len() {
        curve.fits[place].answer = words::answer(&curve, &curve.fits[place]);
    }
    let most_trainings = names
        .iter()
        .filter_map(|arm| Some(scores.of_arm(arm)?.len()));
    let left_out = words::LeftOut {
        arms: without,
        n_patients: paired.n_left_out,
        n_trainings: most_trainings.max().unwrap_or(0) - paired.n_trainings(),
    };
    curve.notes = words::notes(&curve, &left_out);
    Ok(curve)
}

fn check(arms: &[CurveArm]) -> Result<(), CurveError> {
    for (idx, arm) in arms.iter().enumerate() {
        let name = || arm.arm.clone();
        if arm.n_patients == 0 {
            return Err(CurveError::NoPatients { arm: name() });
        }
        if arms[..idx].iter().any(|other| other.arm == arm.arm) {
            return Err(CurveError::Twice { arm: name() });
        }
    }
    Ok(())
}

/// The arms of a line, by one end point.
struct Fit<'p> {
    end_point: EndPoint,
    paired: &'p Paired,
    pseudo_values: Option<Vec<Vec<Vec<f64>>>>,
    points: Vec<CurvePoint>,
}

impl Fit<'_> {
    /// What a line through the arms says, but for its words.
    fn through(self, line: &Line, curve: &LearningCurve, beside: Vec<CurvePoint>) -> LineFit {
        let fewest = self.points[0].n_patients as f64;
        let (most, beyond) = (
            curve.n_trained as f64,
            (curve.n_trained + curve.n_more) as f64,
        );
        let height = |n_patients: f64| {
            let height = self.contrast(&line.height(n_patients));
            LinePoint {
                n_patients,
                estimate: height.estimate,
                interval: height.interval,
            }
        };
        LineFit {
            end_point: self.end_point,
            beside,
            slope: self.contrast(&line.change(std::f64::consts::E)),
            more: self.contrast(&line.change(beyond / most)),
            half: self.contrast(&line.change(0.5)),
            bend: line.bend().map(|weights| self.contrast(&weights)),
            line: steps(fewest, beyond).map(height).collect(),
            answer: String::new(),
            points: self.points,
        }
    }

    /// The sum of the end points, each times its weight.
    fn contrast(&self, weights: &[f64]) -> Contrast {
        let weighted = self.points.iter().zip(weights);
        let parts: Vec<f64> = weighted
            .map(|(point, weight)| weight * point.estimate())
            .collect();
        let least = ROUNDING * parts.iter().map(|part| part.abs()).sum::<f64>();
        let or_0 = |value: f64| if value.abs() > least { value } else { 0.0 };
        let estimate = or_0(parts.iter().sum());
        let interval = self.pseudo_values.as_ref().map(|values| {
            let spread = self.paired.spread_of(values, weights);
            let half = or_0(spread.half_width(ALPHA));
            self.paired
                .interval(&spread, [estimate - half, estimate + half])
        });
        let excludes_0 = interval.is_some_and(|found| found.low > 0.0 || found.high < 0.0);
        Contrast {
            estimate,
            interval,
            is_shown: excludes_0 && self.paired.n_trainings() >= LEAST_TRAININGS,
        }
    }
}

/// Numbers of patients from one to another, in equal steps of the logarithm.
fn steps(from: f64, to: f64) -> impl Iterator<Item = f64> {
    let step = libm::log(to / from) / N_STEPS as f64;
    (0..=N_STEPS).map(move |idx| match idx {
        0 => from,
        N_STEPS => to,
        idx => from * libm::exp(step * idx as f64),
    })
}
