//! The scores that a comparison starts from.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::error::CompareError;

/// One score of one case, by one net.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmScore {
    /// The arm, for example `hard`.
    pub arm: String,
    /// Seed of the training.
    pub seed: u64,
    /// Which of several A|B splits it was trained on; 0 where there is one. Trainings on one split
    /// share its luck.
    #[serde(default, skip_serializing_if = "is_0")]
    pub split: u64,
    /// Whose scan it is.
    pub patient: String,
    /// The scan.
    pub case: String,
    /// The score, greater is better. A missed organ has Dice 0, not none; `None` is for a case that
    /// says nothing, as when the organ is in neither mask.
    pub value: Option<f64>,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent_because: Option<String>,
}

/// An arm of which trainings have no scores, or none of some patients, whom others have scores of there.
///
/// No training fails by chance: those that are left flatter the arm. So it can do harm by them and not help,
/// and nothing that is compared with it can do harm by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostTrainings {
    /// The arm.
    pub arm: String,
    /// How many.
    pub n_lost: usize,
    /// Of how many.
    pub n_trainings: usize,
}

/// Whether serde may leave a number out.
pub(super) fn is_0<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}

/// What tells the trainings of an arm apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Training {
    pub(crate) split: u64,
    pub(crate) seed: u64,
}

/// A training's values: patient, case, value.
pub(crate) type OfTraining<'a> = BTreeMap<&'a str, BTreeMap<&'a str, f64>>;

/// Scores in order, whatever the order of the rows, so that the same scores give the same sums.
#[derive(Debug)]
pub(crate) struct Scores<'a> {
    /// Arms in the order in which they first appear.
    pub(crate) arms: Vec<&'a str>,
    by_arm: BTreeMap<&'a str, BTreeMap<Training, OfTraining<'a>>>,
}

impl<'a> Scores<'a> {
    pub(crate) fn new(rows: &'a [ArmScore]) -> Result<Self, CompareError> {
        let mut arms = Vec::new();
        let mut by_arm: BTreeMap<&str, BTreeMap<Training, OfTraining<'_>>> = BTreeMap::new();
        for row in rows {
            if !arms.contains(&row.arm.as_str()) {
                arms.push(row.arm.as_str());
            }
            let of_arm = by_arm.entry(&row.arm).or_default();
            let training = Training {
                split: row.split,
                seed: row.seed,
            };
            let of_training = of_arm.entry(training).or_default();
            let cases = of_training.entry(&row.patient).or_default();
            let Some(value) = row.value else { continue };
            if !value.is_finite() {
                return Err(CompareError::NotFinite {
                    got: value,
                    arm: row.arm.clone(),
                    seed: row.seed,
                    split: row.split,
                    case: row.case.clone(),
                });
            }
            if cases.insert(&row.case, value).is_some() {
                return Err(CompareError::Twice {
                    arm: row.arm.clone(),
                    seed: row.seed,
                    split: row.split,
                    patient: row.patient.clone(),
                    case: row.case.clone(),
                });
            }
        }
        Ok(Self { arms, by_arm })
    }

    /// The arms of which trainings failed, or failed in a fold: others have rows of patients there whom the
    /// arm has in other trainings.
    pub(crate) fn lost(&self) -> Vec<LostTrainings> {
        let mut planned: BTreeMap<Training, BTreeSet<&str>> = BTreeMap::new();
        for (training, patients) in self.by_arm.values().flatten() {
            planned
                .entry(*training)
                .or_default()
                .extend(patients.keys());
        }
        let of_arm = |arm: &&str| {
            let trainings = &self.by_arm[arm];
            let own: BTreeSet<&str> = trainings
                .values()
                .flat_map(BTreeMap::keys)
                .copied()
                .collect();
            let is_lost = |(training, patients): &(&Training, &BTreeSet<&str>)| {
                let scored = trainings.get(training);
                let is_scored = |patient: &str| scored.is_some_and(|of| of.contains_key(patient));
                patients
                    .iter()
                    .any(|patient| own.contains(patient) && !is_scored(patient))
            };
            let n_lost = planned.iter().filter(is_lost).count();
            (n_lost > 0).then(|| LostTrainings {
                arm: (*arm).to_owned(),
                n_lost,
                n_trainings: planned.len(),
            })
        };
        self.arms.iter().filter_map(of_arm).collect()
    }

    /// The arm's values by training; `None` for an arm without a row.
    pub(crate) fn of_arm(&self, arm: &str) -> Option<&BTreeMap<Training, OfTraining<'a>>> {
        self.by_arm.get(arm)
    }
}
