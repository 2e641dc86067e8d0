//! What a comparison by plan found: estimates, differences, tests, and what they come to.

use serde::{Deserialize, Serialize};

use super::end_point::EndPoint;
use super::permutation::PValue;
use super::plan::{ComparisonPlan, Role, Test};

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

impl Comparison {
    /// The rows of the primary end point, in the order of the plan's pairs.
    pub fn primary_rows(&self) -> impl Iterator<Item = &ComparisonRow> {
        self.rows.iter().filter(|row| row.end_point == self.primary)
    }
}
