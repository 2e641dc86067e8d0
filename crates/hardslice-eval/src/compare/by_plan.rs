//! Arms compared by plan.

use super::comparison::{
    AbsentScore, ArmEstimate, Comparison, ComparisonRow, EstimateInterval, NotCompared,
    Sensitivity, TestOutcome,
};
use super::crossed::Spread;
use super::error::CompareError;
use super::limits::LEAST_TRAININGS;
use super::paired::Paired;
use super::plan::{ComparisonPlan, Reference};
use super::scores::{ArmScore, Scores};
use super::shared::{SharedOverall, SharedSlices};
use super::verdict;
use super::words::Wording;

/// Compares arms by plan. The same scores, in any order within an arm, give the same bits on any
/// number of threads.
///
/// Arms are paired on patient and training (split and seed), and cases on both: what one arm lacks is
/// left out of the other too, and counted; a pair that shares nothing is named, and the others are
/// compared, corrected for all that was planned. For several organs make one comparison each, by one plan that says how
/// many there are.
///
/// ```
/// use hardslice_eval::compare::{
///     ArmScore, ClaimedArm, ComparisonPlan, Conclusion, EndPoint, Reference, Role, Wording, compare,
/// };
///
/// let plan = ComparisonPlan {
///     score: "Dice".to_owned(),
///     arms: vec![ClaimedArm { arm: "hard".to_owned(), chooses_slices: true, control: None }],
///     references: vec![Reference { arm: "baseline".to_owned(), role: Role::Baseline }],
///     end_points: vec![EndPoint::Mean],
///     n_organs: 1,
///     alpha: 0.05,
/// };
/// // Write it down before the test set is opened.
/// let hash = plan.hash();
///
/// // Eight patients, one scan each, three trainings; `hard` is better in every one.
/// let score = |arm: &str, patient: u32, seed: u64, value: f64| ArmScore {
///     arm: arm.to_owned(),
///     seed,
///     split: 0,
///     patient: format!("p{patient}"),
///     case: format!("p{patient}_ct"),
///     value: Some(value),
///     absent_because: None,
/// };
/// let scores: Vec<ArmScore> = (0..24)
///     .map(|idx| (idx / 3, u64::from(idx % 3)))
///     .flat_map(|(patient, seed)| {
///         [score("hard", patient, seed, 0.75), score("baseline", patient, seed, 0.5)]
///     })
///     .collect();
///
/// let found = compare(&plan, &Wording::new(), &scores)?;
/// assert_eq!(found.plan_blake3, hash);
/// assert_eq!(found.rows[0].difference, 0.25);
/// assert!(found.rows[0].is_shown());
/// assert_eq!(found.claims[0].conclusion, Conclusion::HelpsInPart, "there is no control");
/// # Ok::<(), hardslice_eval::compare::CompareError>(())
/// ```
///
/// # Errors
///
/// [`CompareError`] for a plan that makes no sense, a score that is no finite number, a case scored
/// twice, and a plan of whose pairs none shares a patient.
pub fn compare(
    plan: &ComparisonPlan,
    wording: &Wording,
    rows: &[ArmScore],
) -> Result<Comparison, CompareError> {
    compare_given(plan, wording, rows, &[])
}

/// As [`compare`], given how many of their slices references share with the arms: from a reference
/// that shares more than [`MOST_SHARED`](super::MOST_SHARED) nothing is concluded. What is given of
/// arms that the plan does not pair is passed over.
///
/// # Errors
///
/// As [`compare`].
pub fn compare_given(
    plan: &ComparisonPlan,
    wording: &Wording,
    rows: &[ArmScore],
    shared: &[SharedSlices],
) -> Result<Comparison, CompareError> {
    plan.check()?;
    let scores = Scores::new(rows)?;
    let estimates = scores.arms.iter();
    let estimates = estimates.flat_map(|arm| arm_estimates(plan, &scores, arm));
    let (mut by_pair, mut not_compared) = (Vec::new(), Vec::new());
    for (arm, reference) in plan.pairs() {
        let Ok(paired) = Paired::new(&scores, &[arm, &reference.arm]) else {
            not_compared.push(NotCompared {
                arm: arm.to_owned(),
                reference: reference.arm.clone(),
            });
            continue;
        };
        let shared = SharedOverall::of(shared, arm, &reference.arm);
        by_pair.extend(pair_rows(plan, &paired, arm, reference, shared));
    }
    if by_pair.is_empty()
        && let Some(NotCompared { arm, reference }) = not_compared.pop()
    {
        let arms = vec![arm, reference];
        return Err(CompareError::NothingShared { arms });
    }
    let mut by_end_point = Vec::new();
    for &end_point in &plan.end_points {
        let of_end_point = by_pair.iter().filter(|row| row.end_point == end_point);
        by_end_point.extend(of_end_point.cloned());
    }
    let without_value = rows.iter().filter(|row| row.value.is_none());
    let mut absent: Vec<AbsentScore> = without_value
        .map(|row| AbsentScore {
            arm: row.arm.clone(),
            seed: row.seed,
            split: row.split,
            patient: row.patient.clone(),
            case: row.case.clone(),
            because: row.absent_because.clone(),
        })
        .collect();
    absent.sort();
    let mut comparison = Comparison {
        question: verdict::question(plan, wording),
        verdict: String::new(),
        notes: Vec::new(),
        claims: Vec::new(),
        primary: plan.end_points[0],
        n_claims: plan.n_claims(),
        estimates: estimates.collect(),
        rows: by_end_point,
        not_compared,
        sensitivity: Vec::new(),
        absent,
        lost: scores.lost(),
        plan: plan.clone(),
        plan_blake3: plan.hash(),
    };
    comparison.claims = verdict::claims(&comparison);
    comparison.verdict = verdict::verdict(&comparison, wording);
    comparison.notes = verdict::notes(&comparison, wording);
    Ok(comparison)
}

impl Comparison {
    /// Adds what the comparison could have found, a note for each arm.
    #[must_use]
    pub fn with_sensitivity(mut self, found: Vec<Sensitivity>, wording: &Wording) -> Self {
        let notes = found
            .iter()
            .map(|of_arm| verdict::sensitivity_note(of_arm, wording));
        self.notes.extend(notes);
        self.sensitivity = found;
        self
    }
}

/// An arm's end points; none for an arm without a patient who has a score in each training.
fn arm_estimates(plan: &ComparisonPlan, scores: &Scores<'_>, arm: &str) -> Vec<ArmEstimate> {
    let Ok(paired) = Paired::new(scores, &[arm]) else {
        return Vec::new();
    };
    let of_end_points = plan.end_points.iter();
    of_end_points
        .map(|&end_point| {
            let estimate = paired.estimate(0, end_point);
            let spread = paired.spread(end_point, &[1.0]);
            let interval = |spread: Spread| {
                let ends = spread.skewed_ends(estimate, plan.alpha);
                let ends = match plan.range() {
                    Some([least, most]) => ends.map(|end| end.clamp(least, most)),
                    None => ends,
                };
                let interval = paired.interval(&spread, ends);
                EstimateInterval {
                    unreliable: interval.unreliable || spread.is_too_skewed(plan.alpha),
                    ..interval
                }
            };
            ArmEstimate {
                arm: arm.to_owned(),
                end_point,
                estimate,
                interval: spread.map(interval),
                n_patients: paired.n_patients(),
                n_trainings: paired.n_trainings(),
                n_splits: paired.n_splits(),
            }
        })
        .collect()
}

/// A pair's rows, one an end point.
fn pair_rows(
    plan: &ComparisonPlan,
    paired: &Paired,
    arm: &str,
    reference: &Reference,
    shared: Option<SharedOverall>,
) -> Vec<ComparisonRow> {
    let n_claims = plan.n_claims() as f64;
    let of_end_points = plan.end_points.iter();
    of_end_points
        .map(|&end_point| {
            let difference = paired.estimate(0, end_point) - paired.estimate(1, end_point);
            let spread = paired.spread(end_point, &[1.0, -1.0]);
            let ends = |spread: Spread| {
                let half = spread.half_width(plan.alpha / n_claims);
                paired.interval(&spread, [difference - half, difference + half])
            };
            let can_answer = !shared.is_some_and(|shared| shared.is_too_much());
            let n_same = paired.n_same();
            let is_enough = paired.n_trainings() >= LEAST_TRAININGS && can_answer && n_same == 0;
            ComparisonRow {
                end_point,
                arm: arm.to_owned(),
                reference: reference.arm.clone(),
                role: reference.role,
                difference,
                interval: spread.map(ends),
                test: spread
                    .filter(|_| is_enough)
                    .map(|spread| outcome(spread, difference, n_claims)),
                n_patients: paired.n_patients(),
                n_trainings: paired.n_trainings(),
                n_splits: paired.n_splits(),
                n_left_out: paired.n_left_out,
                n_same,
                shared,
            }
        })
        .collect()
}

fn outcome(spread: Spread, difference: f64, n_claims: f64) -> TestOutcome {
    let (standard_error, p) = spread.test(difference);
    TestOutcome {
        standard_error: standard_error.value,
        df: standard_error.df,
        p,
        p_corrected: (p * n_claims).min(1.0),
    }
}
