//! Scores of the same patients by one arm or two, with the same seeds.

use std::collections::BTreeSet;

use super::end_point::EndPoint;
use super::error::CompareError;
use super::mean::mean;
use super::scores::{OfSeed, Scores};

/// Each patient's score with each seed, by `ARMS` arms that are compared with each other.
#[derive(Debug)]
pub(super) struct Paired<const ARMS: usize> {
    /// Mean over a patient's cases: `[arm][seed][patient]`, no axis empty.
    values: [Vec<Vec<f64>>; ARMS],
    /// Patients with a score by one of the arms who lack one in another place.
    pub(super) n_left_out: usize,
}

impl<const ARMS: usize> Paired<ARMS> {
    /// Takes the seeds that all arms have, and the patients with a score by every arm in each of
    /// these seeds. A case enters a patient's mean only where every arm has a value for it: means
    /// over different cases would not be comparable.
    pub(super) fn new(scores: &Scores<'_>, arms: [&str; ARMS]) -> Result<Self, CompareError> {
        let nothing = || CompareError::NothingShared {
            arms: arms.map(str::to_owned).to_vec(),
        };
        let mut by_seed = Vec::new();
        for arm in arms {
            by_seed.push(scores.of_arm(arm).ok_or_else(nothing)?);
        }
        let first = by_seed.first().ok_or_else(nothing)?;
        let shared = first
            .keys()
            .filter(|seed| by_seed.iter().all(|of_arm| of_arm.contains_key(seed)));
        let seeds: Vec<[&OfSeed<'_>; ARMS]> = shared
            .map(|seed| std::array::from_fn(|arm| &by_seed[arm][seed]))
            .collect();
        let everyone: BTreeSet<&str> = seeds
            .iter()
            .flatten()
            .flat_map(|of_seed| of_seed.iter())
            .filter(|(_, cases)| !cases.is_empty())
            .map(|(patient, _)| *patient)
            .collect();
        let mut values: [Vec<Vec<f64>>; ARMS] =
            std::array::from_fn(|_| vec![Vec::new(); seeds.len()]);
        let mut n_left_out = 0;
        for patient in everyone {
            let means: Option<Vec<[f64; ARMS]>> = seeds
                .iter()
                .map(|of_arms| means_of_shared_cases(of_arms, patient))
                .collect();
            let Some(means) = means else {
                n_left_out += 1;
                continue;
            };
            for (seed, of_arms) in means.into_iter().enumerate() {
                for (arm, mean) in of_arms.into_iter().enumerate() {
                    values[arm][seed].push(mean);
                }
            }
        }
        if values[0].first().is_none_or(Vec::is_empty) {
            return Err(nothing());
        }
        Ok(Self { values, n_left_out })
    }

    pub(super) fn n_patients(&self) -> usize {
        self.values[0][0].len()
    }

    pub(super) fn n_seeds(&self) -> usize {
        self.values[0].len()
    }

    /// An arm's scores: `[seed][patient]`.
    pub(super) fn of_arm(&self, arm: usize) -> &[Vec<f64>] {
        &self.values[arm]
    }

    /// An arm's end point: within each seed, then the mean over seeds.
    pub(super) fn estimate(&self, arm: usize, end_point: EndPoint) -> f64 {
        let of_seed = |values: &Vec<f64>| end_point.of_some(&mut values.clone());
        mean(self.values[arm].iter().map(of_seed))
    }
}

impl Paired<2> {
    /// Each patient's difference, first arm less second, averaged over seeds.
    pub(super) fn differences(&self) -> Vec<f64> {
        let [arm, reference] = &self.values;
        let of_patient = |patient: usize| {
            let of_seeds = arm.iter().zip(reference);
            mean(of_seeds.map(|(arm, reference)| arm[patient] - reference[patient]))
        };
        (0..self.n_patients()).map(of_patient).collect()
    }
}

/// A patient's mean by each arm over the cases that every arm has a value for.
fn means_of_shared_cases<const ARMS: usize>(
    of_arms: &[&OfSeed<'_>; ARMS],
    patient: &str,
) -> Option<[f64; ARMS]> {
    let mut cases = Vec::new();
    for of_seed in of_arms {
        cases.push(of_seed.get(patient)?);
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
            (pair.n_seeds(), pair.n_patients(), pair.n_left_out),
            (2, 2, 1),
            "seed 3 and patient r have no partner"
        );
        assert_eq!(
            pair.of_arm(0),
            [vec![0.5, 0.25], vec![0.25, 0.75]],
            "case p2 has no partner"
        );
        assert_eq!(
            pair.of_arm(1),
            [vec![0.75, 0.5], vec![0.5, 0.5]],
            "baseline"
        );
        assert_eq!(pair.differences(), [-0.25, 0.0], "over both seeds");
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
        assert_eq!(alone.of_arm(0), [vec![0.75, 0.25]], "(0.5 + 1) / 2 first");
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
