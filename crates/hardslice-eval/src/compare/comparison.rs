//! What a comparison by plan found: estimates, differences, tests, and what they come to.

use serde::{Deserialize, Serialize};

use super::end_point::EndPoint;
use super::plan::{ComparisonPlan, Role};
use super::scores::{LostTrainings, is_0};
use super::shared::SharedOverall;

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
    /// Claims that the plan can make over all arms and organs, which `p` and the intervals of
    /// differences are corrected for (Bonferroni).
    pub n_claims: usize,
    /// Every arm by every end point of the plan, whether the plan compares it or not; arms without
    /// a patient who has a score in each training are left out.
    pub estimates: Vec<ArmEstimate>,
    /// Every pair of the plan by every end point, the primary first; without those that are not
    /// compared.
    pub rows: Vec<ComparisonRow>,
    /// Pairs of the plan without a patient who has a score by both in every training that they share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<NotCompared>,
    /// What the comparison could have found; empty where nobody asked, and where nothing could be
    /// shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitivity: Vec<Sensitivity>,
    /// Scores without a value.
    pub absent: Vec<AbsentScore>,
    /// Arms of which trainings failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostTrainings>,
    /// The plan.
    pub plan: ComparisonPlan,
    /// The plan's hash.
    pub plan_blake3: String,
}

/// A pair of the plan that could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCompared {
    /// The arm.
    pub arm: String,
    /// What it was to be compared with.
    pub reference: String,
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
    /// It could not have been shown: fewer than [`LEAST_TRAININGS`](super::LEAST_TRAININGS) trainings
    /// an arm, fewer than [`LEAST_PATIENTS`](super::LEAST_PATIENTS) patients, no baseline or no control to
    /// be better than, references that are the arm's own training or share more than
    /// [`MOST_SHARED`](super::MOST_SHARED) of their slices with it, or [`LostTrainings`].
    CannotBeShown,
}

/// An arm's end point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmEstimate {
    /// The arm.
    pub arm: String,
    /// The end point.
    pub end_point: EndPoint,
    /// Its value: found within each training, then averaged over trainings.
    pub estimate: f64,
    /// How sure it is, with confidence `1 - alpha`. `None` for an end point that is only described,
    /// and for too few patients.
    pub interval: Option<EstimateInterval>,
    /// Patients with a score in each training.
    pub n_patients: usize,
    /// Trainings: seeds times A|B splits.
    pub n_trainings: usize,
    /// A|B splits.
    pub n_splits: usize,
}

/// A range that holds the truth with some confidence, had other patients, trainings and splits been
/// met.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EstimateInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Whether it may hold the truth more or less often than it says: where its end is moved far by the few
    /// patients who make the others skewed, with fewer than
    /// [`RELIABLE_PATIENTS`](super::RELIABLE_PATIENTS) patients a failure that few of them have is
    /// counted too coarsely, with fewer than
    /// [`RELIABLE_TRAININGS`](super::RELIABLE_TRAININGS) trainings their spread is.
    pub unreliable: bool,
    /// Whether the trainings differ no more than their luck with single patients makes them, and that they
    /// might is in the interval all the same: it holds the truth more often than it says as far as others
    /// are like these patients.
    #[serde(default)]
    pub wide: bool,
    /// Whether variation from training to training is in it. Not with one training.
    pub includes_trainings: bool,
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
    /// How sure it is, with confidence `1 - alpha / n_claims`. `None` for an end point that is only
    /// described, and for too few patients. Where there is a test, the difference is significant
    /// where 0 lies outside.
    pub interval: Option<EstimateInterval>,
    /// The test; `None` where there is no interval, for too few trainings, and where the reference is the
    /// arm's own training or shares too many slices with it to answer.
    pub test: Option<TestOutcome>,
    /// Patients with a score by both arms in each shared training.
    pub n_patients: usize,
    /// Trainings that both arms have.
    pub n_trainings: usize,
    /// A|B splits that both arms have.
    pub n_splits: usize,
    /// Patients left out because one of the arms lacks a score of theirs.
    pub n_left_out: usize,
    /// Trainings in which both have the same scores to the last bit: one net under two names, of which
    /// nothing is concluded.
    #[serde(default, skip_serializing_if = "is_0")]
    pub n_same: usize,
    /// Slices that the reference shows in common with the arm, though it was to choose others; absent
    /// where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedOverall>,
}

/// Student's test of a difference whose patients and trainings are both random.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TestOutcome {
    /// Standard error of the difference.
    pub standard_error: f64,
    /// Its degrees of freedom, by Satterthwaite.
    pub df: f64,
    /// Two-sided.
    pub p: f64,
    /// Times the number of claims, at most 1.
    pub p_corrected: f64,
}

/// What a comparison could have found of an arm, as the chance that such a comparison shows it better
/// than each of its references by the primary end point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// The arm.
    pub arm: String,
    /// The chance where the tenth of the patients with the lowest scores gains 0.10, though never beyond
    /// 1, and nobody else anything.
    pub lowest_tenth_gains: f64,
    /// The chance where every patient gains 0.01.
    pub all_gain: f64,
    /// The gain of every patient that is found in 80 of 100.
    pub found_in_80: f64,
}

/// A score without a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AbsentScore {
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// The A|B split.
    pub split: u64,
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

impl ComparisonRow {
    /// Whether the reference shares too many slices with the arm to answer.
    pub fn cannot_answer(&self) -> bool {
        self.shared.is_some_and(|shared| shared.is_too_much())
    }

    /// Whether the difference is shown: there is a test, and 0 lies outside the interval.
    pub fn is_shown(&self) -> bool {
        let excludes_0 = |interval: EstimateInterval| interval.low > 0.0 || interval.high < 0.0;
        self.test.is_some() && self.interval.is_some_and(excludes_0)
    }
}
