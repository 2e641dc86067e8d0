//! Arms compared by plan: estimates, differences, tests, and what they come to.

use serde::{Deserialize, Serialize};

use super::bootstrap::resample;
use super::end_point::EndPoint;
use super::holm::holm;
use super::paired::Paired;
use super::permutation::{PValue, Permutations};
use super::plan::{ComparisonPlan, Reference, Role, Test};
use super::scores::{ArmScore, CompareError, Scores};
use super::verdict;
use super::wilcoxon::wilcoxon;
use crate::interval::Bootstrap;

/// What a comparison by plan found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What was asked, in plain words.
    pub question: String,
    /// What the primary end point answers, in plain words.
    pub verdict: String,
    /// What must be known beside it, in plain words.
    pub notes: Vec<String>,
    /// The verdict on each arm of the plan.
    pub claims: Vec<Claim>,
    /// The end point that decides.
    pub primary: EndPoint,
    /// Comparisons of each end point, which its `p` are corrected for.
    pub n_comparisons: usize,
    /// Every arm by every end point of the plan, whether the plan compares it or not; arms without
    /// a patient who has a score in each seed are left out.
    pub estimates: Vec<ArmEstimate>,
    /// Every pair of the plan by every end point, the primary first.
    pub rows: Vec<ComparisonRow>,
    /// Scores without a value.
    pub absent: Vec<AbsentScore>,
    /// The plan.
    pub plan: ComparisonPlan,
    /// The plan's hash.
    pub plan_blake3: String,
}

/// What was found of an arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The arm.
    pub arm: String,
    /// What was found.
    pub conclusion: Conclusion,
}

/// What the primary end point says of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Significantly better than all its references, a baseline and, where the arm chooses slices,
    /// a control among them.
    Helps,
    /// Significantly better than some reference, but not than all, or there is no baseline or no
    /// control.
    HelpsInPart,
    /// Significantly worse than a reference.
    Harms,
    /// No significant difference.
    NotShown,
    /// No outcome could have been significant: too few patients, or too few that decide.
    CannotBeShown,
}

/// An arm's end point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmEstimate {
    /// The arm.
    pub arm: String,
    /// The end point.
    pub end_point: EndPoint,
    /// Its value: found within each seed, then averaged over seeds.
    pub estimate: f64,
    /// How sure it is. `None` for a single patient.
    pub interval: Option<EstimateInterval>,
    /// Patients with a score in each seed.
    pub n_patients: usize,
    /// Seeds.
    pub n_seeds: usize,
}

/// A percentile interval from resampled patients and seeds, not corrected for several comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EstimateInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Whether the end point hangs on a single patient, so that the interval means little: a
    /// resample holds no lower patient than those seen.
    pub unreliable: bool,
    /// Whether seed-to-seed variation is in it. Not with one seed.
    pub includes_seeds: bool,
}

/// An arm less a reference, by one end point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRow {
    /// The end point.
    pub end_point: EndPoint,
    /// The arm.
    pub arm: String,
    /// What it is compared with.
    pub reference: String,
    /// What a gain over it shows.
    pub role: Role,
    /// Arm less reference: above 0 the arm is better.
    pub difference: f64,
    /// How sure it is. `None` for a single patient.
    pub interval: Option<EstimateInterval>,
    /// The test that decides.
    pub test: TestOutcome,
    /// The plan's other tests that suit the end point.
    pub further_tests: Vec<TestOutcome>,
    /// Patients with a score by both arms in each shared seed.
    pub n_patients: usize,
    /// Seeds that both arms have.
    pub n_seeds: usize,
    /// Patients left out because one of the arms lacks a score of theirs.
    pub n_left_out: usize,
}

/// A test's `p`, raw and corrected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TestOutcome {
    /// The test.
    pub test: Test,
    /// Two-sided.
    #[serde(flatten)]
    pub raw: PValue,
    /// After Holm's correction for all pairs of the plan, within end point and test.
    pub p_holm: f64,
}

/// A score without a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AbsentScore {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// The patient.
    pub patient: String,
    /// The case.
    pub case: String,
    /// Why, where that is known.
    pub because: Option<String>,
}

/// Compares arms by plan. The same scores, in any order within an arm, give the same bits on any
/// number of threads.
///
/// Arms are paired on patient and seed, and cases on both: what one arm lacks is left out of the
/// other too, and counted. For several organs make one comparison each, and mind that each corrects
/// for its own pairs alone.
///
/// # Errors
///
/// [`CompareError`] for a plan that makes no sense, a score that is no finite number, a case scored
/// twice, and arms without a shared patient.
pub fn compare(plan: &ComparisonPlan, rows: &[ArmScore]) -> Result<Comparison, CompareError> {
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
        question: verdict::question(plan),
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
    comparison.verdict = verdict::verdict(&comparison);
    comparison.notes = verdict::notes(&comparison);
    Ok(comparison)
}

impl Comparison {
    /// The rows of the primary end point, in the order of the plan's pairs.
    pub fn primary_rows(&self) -> impl Iterator<Item = &ComparisonRow> {
        self.rows.iter().filter(|row| row.end_point == self.primary)
    }
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
