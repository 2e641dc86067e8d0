//! Arms compared by plan.

use super::bootstrap::resample;
use super::comparison::{
    AbsentScore, ArmEstimate, Comparison, ComparisonRow, EstimateInterval, TestOutcome,
};
use super::end_point::EndPoint;
use super::error::CompareError;
use super::holm::holm;
use super::paired::Paired;
use super::permutation::Permutations;
use super::plan::{ComparisonPlan, Reference, Test};
use super::scores::{ArmScore, Scores};
use super::verdict;
use super::wilcoxon::wilcoxon;
use super::words::Wording;
use crate::interval::Bootstrap;

/// Compares arms by plan. The same scores, in any order within an arm, give the same bits on any
/// number of threads.
///
/// Arms are paired on patient and seed, and cases on both: what one arm lacks is left out of the
/// other too, and counted. For several organs make one comparison each, and mind that each corrects
/// for its own pairs alone.
///
/// ```
/// use hardslice_eval::compare::{
///     ArmScore, ClaimedArm, ComparisonPlan, Conclusion, EndPoint, Reference, Role, Test, Wording,
///     compare,
/// };
///
/// let plan = ComparisonPlan {
///     score: "Dice".to_owned(),
///     arms: vec![ClaimedArm { arm: "hard".to_owned(), chooses_slices: true }],
///     references: vec![Reference { arm: "baseline".to_owned(), role: Role::Baseline }],
///     end_points: vec![EndPoint::Mean],
///     tests: vec![Test::Permutation],
///     n_resamples: 1000,
///     seed: 0,
///     alpha: 0.05,
/// };
/// // Write it down before the test set is opened.
/// let hash = plan.hash();
///
/// // Eight patients, one scan and one seed each; `hard` is better in every one.
/// let score = |arm: &str, patient: u32, value: f64| ArmScore {
///     arm: arm.to_owned(),
///     seed: 0,
///     patient: format!("p{patient}"),
///     case: format!("p{patient}_ct"),
///     value: Some(value),
///     absent_because: None,
/// };
/// let scores: Vec<ArmScore> = (0..8)
///     .flat_map(|patient| [score("hard", patient, 0.75), score("baseline", patient, 0.5)])
///     .collect();
///
/// let found = compare(&plan, &Wording::new(), &scores)?;
/// assert_eq!(found.plan_blake3, hash);
/// assert_eq!(found.rows[0].difference, 0.25);
/// assert_eq!(found.rows[0].test.raw.p, 2.0 / 256.0, "all swaps of eight, or none");
/// assert_eq!(found.claims[0].conclusion, Conclusion::HelpsInPart, "there is no control");
/// # Ok::<(), hardslice_eval::compare::CompareError>(())
/// ```
///
/// # Errors
///
/// [`CompareError`] for a plan that makes no sense, a score that is no finite number, a case scored
/// twice, and arms without a shared patient.
pub fn compare(
    plan: &ComparisonPlan,
    wording: &Wording,
    rows: &[ArmScore],
) -> Result<Comparison, CompareError> {
    plan.check()?;
    let scores = Scores::new(rows)?;
    let estimates = scores.arms.iter();
    let estimates = estimates.flat_map(|arm| arm_estimates(plan, &scores, arm));
    let mut by_pair = Vec::new();
    for (arm, reference) in plan.pairs() {
        let paired = Paired::new(&scores, [arm, &reference.arm])?;
        by_pair.extend(pair_rows(plan, &paired, arm, reference));
    }
    let mut by_end_point = Vec::new();
    for &end_point in &plan.end_points {
        let of_end_point = by_pair.iter().filter(|row| row.end_point == end_point);
        let mut of_end_point: Vec<ComparisonRow> = of_end_point.cloned().collect();
        correct(&mut of_end_point);
        by_end_point.extend(of_end_point);
    }
    let without_value = rows.iter().filter(|row| row.value.is_none());
    let mut absent: Vec<AbsentScore> = without_value
        .map(|row| AbsentScore {
            arm: row.arm.clone(),
            seed: row.seed,
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
        n_comparisons: plan.pairs().len(),
        estimates: estimates.collect(),
        rows: by_end_point,
        absent,
        plan: plan.clone(),
        plan_blake3: plan.hash(),
    };
    comparison.claims = verdict::claims(&comparison);
    comparison.verdict = verdict::verdict(&comparison, wording);
    comparison.notes = verdict::notes(&comparison, wording);
    Ok(comparison)
}

fn bootstrap(plan: &ComparisonPlan) -> Bootstrap {
    Bootstrap {
        confidence: 1.0 - plan.alpha,
        n_resamples: plan.n_resamples,
        seed: plan.seed,
    }
}

/// An arm's end points; none for an arm without a patient who has a score in each seed.
fn arm_estimates(plan: &ComparisonPlan, scores: &Scores<'_>, arm: &str) -> Vec<ArmEstimate> {
    let Ok(paired) = Paired::new(scores, [arm]) else {
        return Vec::new();
    };
    let bootstrap = bootstrap(plan);
    let resampled = resample(&paired, &plan.end_points, &bootstrap);
    let of_end_points = plan.end_points.iter().zip(resampled);
    of_end_points
        .map(|(&end_point, resampled)| ArmEstimate {
            arm: arm.to_owned(),
            end_point,
            estimate: paired.estimate(0, end_point),
            interval: interval(
                &bootstrap,
                &paired,
                end_point,
                resampled.into_iter().map(|[estimate]| estimate),
            ),
            n_patients: paired.n_patients(),
            n_seeds: paired.n_seeds(),
        })
        .collect()
}

/// A pair's rows, one an end point, their `p` not yet corrected.
fn pair_rows(
    plan: &ComparisonPlan,
    paired: &Paired<2>,
    arm: &str,
    reference: &Reference,
) -> Vec<ComparisonRow> {
    let bootstrap = bootstrap(plan);
    let resampled = resample(paired, &plan.end_points, &bootstrap);
    let of_end_points = plan.end_points.iter().zip(resampled);
    of_end_points
        .filter_map(|(&end_point, resampled)| {
            let mut tests = tests(plan, paired, end_point).into_iter();
            Some(ComparisonRow {
                end_point,
                arm: arm.to_owned(),
                reference: reference.arm.clone(),
                role: reference.role,
                difference: paired.estimate(0, end_point) - paired.estimate(1, end_point),
                interval: interval(
                    &bootstrap,
                    paired,
                    end_point,
                    resampled.into_iter().map(|[arm, other]| arm - other),
                ),
                test: tests.next()?,
                further_tests: tests.collect(),
                n_patients: paired.n_patients(),
                n_seeds: paired.n_seeds(),
                n_left_out: paired.n_left_out,
            })
        })
        .collect()
}

fn interval<const ARMS: usize>(
    bootstrap: &Bootstrap,
    paired: &Paired<ARMS>,
    end_point: EndPoint,
    resampled: impl Iterator<Item = f64>,
) -> Option<EstimateInterval> {
    if paired.n_patients() < 2 {
        return None;
    }
    let found = bootstrap.percentiles(&mut resampled.collect::<Vec<f64>>());
    Some(EstimateInterval {
        low: found.low,
        high: found.high,
        unreliable: end_point.hangs_on_one(paired.n_patients()),
        includes_seeds: paired.n_seeds() > 1,
    })
}

/// The plan's tests that suit the end point, in the plan's order, not yet corrected.
fn tests(plan: &ComparisonPlan, paired: &Paired<2>, end_point: EndPoint) -> Vec<TestOutcome> {
    let permutations = Permutations {
        n_resamples: plan.n_resamples,
        seed: plan.seed,
    };
    let suitable = plan.tests.iter().filter(|test| test.suits(end_point));
    suitable
        .filter_map(|&test| {
            let raw = match (test, end_point) {
                (Test::Wilcoxon, _) => wilcoxon(&paired.differences()),
                (Test::Permutation, EndPoint::Mean) => permutations.of_mean(&paired.differences()),
                (Test::Permutation, _) => {
                    permutations.of_end_point(end_point, paired.of_arm(0), paired.of_arm(1))
                }
            }?;
            Some(TestOutcome {
                test,
                raw,
                p_holm: raw.p,
            })
        })
        .collect()
}

/// Corrects the `p` of an end point's rows, each test by itself.
fn correct(rows: &mut [ComparisonRow]) {
    let n_tests = rows.iter().map(|row| 1 + row.further_tests.len()).min();
    for idx in 0..n_tests.unwrap_or(0) {
        let mut outcomes: Vec<&mut TestOutcome> = rows
            .iter_mut()
            .filter_map(|row| match idx {
                0 => Some(&mut row.test),
                _ => row.further_tests.get_mut(idx - 1),
            })
            .collect();
        let raw: Vec<f64> = outcomes.iter().map(|outcome| outcome.raw.p).collect();
        for (outcome, corrected) in outcomes.iter_mut().zip(holm(&raw)) {
            outcome.p_holm = corrected;
        }
    }
}
