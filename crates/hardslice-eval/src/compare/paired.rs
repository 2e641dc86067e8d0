//! Scores of the same patients by one arm or two, with the same trainings.

use std::collections::BTreeSet;

use super::crossed::Spread;
use super::end_point::EndPoint;
use super::error::CompareError;
use super::jackknife::pseudo_values;
use super::limits::LEAST_PATIENTS;
use super::mean::mean;
use super::scores::{OfTraining, Scores};

/// Each patient's score with each training, by `ARMS` arms that are compared with each other.
#[derive(Debug)]
pub(super) struct Paired<const ARMS: usize> {
    /// Mean over a patient's cases: `[arm][training][patient]`, no axis empty.
    values: [Vec<Vec<f64>>; ARMS],
    /// The split of each training.
    splits: Vec<u64>,
    /// Patients with a score by one of the arms who lack one in another place.
    pub(super) n_left_out: usize,
}

impl<const ARMS: usize> Paired<ARMS> {
    /// Takes the trainings that all arms have, by split and seed, and the patients with a score by
    /// every arm in each of them. A case enters a patient's mean only where every arm has a value for it: means
    /// over different cases would not be comparable.
    pub(super) fn new(scores: &Scores<'_>, arms: [&str; ARMS]) -> Result<Self, CompareError> {
        let nothing = || CompareError::NothingShared {
            arms: arms.map(str::to_owned).to_vec(),
        };
        let mut by_training = Vec::new();
        for arm in arms {
            by_training.push(scores.of_arm(arm).ok_or_else(nothing)?);
        }
        let first = by_training.first().ok_or_else(nothing)?;
        let shared = first
            .keys()
            .filter(|training| by_training.iter().all(|arm| arm.contains_key(training)));
        let mut splits = Vec::new();
        let mut trainings: Vec<[&OfTraining<'_>; ARMS]> = Vec::new();
        for training in shared {
            splits.push(training.split);
            trainings.push(std::array::from_fn(|arm| &by_training[arm][training]));
        }
        let everyone: BTreeSet<&str> = trainings
            .iter()
            .flatten()
            .flat_map(|of_training| of_training.iter())
            .filter(|(_, cases)| !cases.is_empty())
            .map(|(patient, _)| *patient)
            .collect();
        let mut values: [Vec<Vec<f64>>; ARMS] =
            std::array::from_fn(|_| vec![Vec::new(); trainings.len()]);
        let mut n_left_out = 0;
        for patient in everyone {
            let means: Option<Vec<[f64; ARMS]>> = trainings
                .iter()
                .map(|of_arms| means_of_shared_cases(of_arms, patient))
                .collect();
            let Some(means) = means else {
                n_left_out += 1;
                continue;
            };
            for (training, of_arms) in means.into_iter().enumerate() {
                for (arm, mean) in of_arms.into_iter().enumerate() {
                    values[arm][training].push(mean);
                }
            }
        }
        if values[0].first().is_none_or(Vec::is_empty) {
            return Err(nothing());
        }
        Ok(Self {
            values,
            splits,
            n_left_out,
        })
    }

    pub(super) fn n_patients(&self) -> usize {
        self.values[0][0].len()
    }

    pub(super) fn n_trainings(&self) -> usize {
        self.splits.len()
    }

    pub(super) fn n_splits(&self) -> usize {
        self.splits.iter().collect::<BTreeSet<_>>().len()
    }

    /// An arm's end point: within each training, then the mean over trainings.
    pub(super) fn estimate(&self, arm: usize, end_point: EndPoint) -> f64 {
        let of_training = |values: &Vec<f64>| end_point.of_some(&mut values.clone());
        mean(self.values[arm].iter().map(of_training))
    }

    /// How sure the arm, or the difference of two arms, is; `None` where the end point is not tested
    /// or there are fewer than [`LEAST_PATIENTS`].
    pub(super) fn spread(&self, end_point: EndPoint) -> Option<Spread> {
        if !end_point.is_tested() || self.n_patients() < LEAST_PATIENTS {
            return None;
        }
        let arms: Vec<Vec<Vec<f64>>> = self
            .values
            .iter()
            .map(|trainings| {
                let values = trainings
                    .iter()
                    .map(|scores| pseudo_values(end_point, scores));
                values.collect()
            })
            .collect();
        Some(Spread::of(&arms, &self.splits))
    }
}

/// A patient's mean by each arm over the cases that every arm has a value for.
fn means_of_shared_cases<const ARMS: usize>(
    of_arms: &[&OfTraining<'_>; ARMS],
    patient: &str,
) -> Option<[f64; ARMS]> {
    let mut cases = Vec::new();
    for of_training in of_arms {
        cases.push(of_training.get(patient)?);
    }
    let shared: Vec<&str> = cases
        .first()?
        .keys()
        .filter(|case| cases.iter().all(|of_arm| of_arm.contains_key(*case)))
        .copied()
        .collect();
    if shared.is_empty() {
        return None;
    }
    Some(std::array::from_fn(|arm| {
        mean(shared.iter().map(|case| cases[arm][case]))
    }))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "sums of few halves are exact")]
mod tests {
    use super::*;
    use crate::compare::ArmScore;

    fn row(arm: &str, seed: u64, patient: &str, case: &str, value: Option<f64>) -> ArmScore {
        ArmScore {
            arm: arm.to_owned(),
            seed,
            split: 0,
            patient: patient.to_owned(),
            case: case.to_owned(),
            value,
            absent_because: None,
        }
    }

    /// Two seeds; patient p has two cases, one of them without a value for the second arm.
    fn rows() -> Vec<ArmScore> {
        vec![
            row("hard", 1, "p", "p1", Some(0.5)),
            row("hard", 1, "p", "p2", Some(1.0)),
            row("hard", 1, "q", "q1", Some(0.25)),
            row("hard", 2, "q", "q1", Some(0.75)),
            row("hard", 2, "p", "p2", Some(0.5)),
            row("hard", 2, "p", "p1", Some(0.25)),
            row("hard", 3, "p", "p1", Some(0.125)),
            row("baseline", 2, "p", "p1", Some(0.5)),
            row("baseline", 2, "q", "q1", Some(0.5)),
            row("baseline", 1, "q", "q1", Some(0.5)),
            row("baseline", 1, "p", "p1", Some(0.75)),
            row("baseline", 1, "p", "p2", None),
            row("baseline", 1, "r", "r1", Some(0.9)),
        ]
    }

    #[test]
    fn a_pair_shares_seeds_patients_and_cases() {
        let rows = rows();
        let scores = Scores::new(&rows).unwrap();
        let pair = Paired::new(&scores, ["hard", "baseline"]).unwrap();
        assert_eq!(
            (pair.n_trainings(), pair.n_patients(), pair.n_left_out),
            (2, 2, 1),
            "seed 3 and patient r have no partner"
        );
        assert_eq!(
            pair.values[0],
            [vec![0.5, 0.25], vec![0.25, 0.75]],
            "case p2 has no partner"
        );
        assert_eq!(
            pair.values[1],
            [vec![0.75, 0.5], vec![0.5, 0.5]],
            "baseline"
        );
        assert_eq!(
            pair.estimate(0, EndPoint::Min),
            0.25,
            "the mean of both seeds' minima"
        );
    }

    #[test]
    fn an_arm_of_its_own_averages_all_cases_of_a_patient() {
        let rows = rows();
        let scores = Scores::new(&rows).unwrap();
        let alone = Paired::new(&scores, ["baseline"]).unwrap();
        assert_eq!(alone.n_left_out, 1, "r has no score with seed 2");
        let mut rows = rows.clone();
        rows.retain(|row| row.seed == 1);
        let scores = Scores::new(&rows).unwrap();
        let alone = Paired::new(&scores, ["hard"]).unwrap();
        assert_eq!(alone.values[0], [vec![0.75, 0.25]], "(0.5 + 1) / 2 first");
    }

    #[test]
    fn arms_without_a_shared_patient_cannot_be_paired() {
        let rows = [
            row("hard", 1, "p", "p1", Some(0.5)),
            row("baseline", 1, "q", "q1", Some(0.5)),
            row("random", 1, "p", "p1", None),
        ];
        let scores = Scores::new(&rows).unwrap();
        for other in ["baseline", "random", "b_only"] {
            let err = Paired::new(&scores, ["hard", other]).unwrap_err();
            assert!(matches!(err, CompareError::NothingShared { .. }), "{err}");
        }
    }

    #[test]
    fn a_case_scored_twice_and_a_score_that_is_no_number_are_refused() {
        let twice = [0.5, 0.5].map(|value| row("hard", 1, "p", "p1", Some(value)));
        let err = Scores::new(&twice).unwrap_err();
        assert!(matches!(err, CompareError::Twice { .. }), "{err}");
        let nan = [row("hard", 1, "p", "p1", Some(f64::NAN))];
        let err = Scores::new(&nan).unwrap_err();
        assert!(matches!(err, CompareError::NotFinite { .. }), "{err}");
    }
}
