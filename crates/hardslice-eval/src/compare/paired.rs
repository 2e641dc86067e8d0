//! Scores of the same patients by one arm or several, with the same trainings.

use std::collections::BTreeSet;

use super::comparison::EstimateInterval;
use super::crossed::Spread;
use super::end_point::EndPoint;
use super::error::CompareError;
use super::jackknife::pseudo_values;
use super::limits::{LEAST_PATIENTS, is_reliable};
use super::mean::mean;
use super::scores::{OfTraining, Scores, Training};

/// Each patient's score with each training, by arms that are compared with each other.
#[derive(Debug)]
pub(crate) struct Paired {
    /// Mean over a patient's cases: `[arm][training][patient]`, no axis empty.
    values: Vec<Vec<Vec<f64>>>,
    /// The trainings, in order.
    trainings: Vec<Training>,
    /// Patients with a score by one of the arms who lack one in another place.
    pub(crate) n_left_out: usize,
}

impl Paired {
    /// Takes the trainings that all arms have, by split and seed, and the patients with a score by
    /// every arm in each of them. A case enters a patient's mean only where every arm has a value for it with
    /// every training: means over different cases would not be comparable.
    ///
    /// # Errors
    ///
    /// [`CompareError::NothingShared`], and no other.
    pub(crate) fn new(scores: &Scores<'_>, arms: &[&str]) -> Result<Self, CompareError> {
        let nothing = || CompareError::NothingShared {
            arms: arms.iter().map(|arm| (*arm).to_owned()).collect(),
        };
        let mut by_training = Vec::new();
        for arm in arms {
            by_training.push(scores.of_arm(arm).ok_or_else(nothing)?);
        }
        let first = by_training.first().ok_or_else(nothing)?;
        let shared = first
            .keys()
            .filter(|training| by_training.iter().all(|arm| arm.contains_key(training)));
        let shared: Vec<Training> = shared.copied().collect();
        let of_training = |training: &Training| -> Vec<&OfTraining<'_>> {
            let of_arms = by_training.iter();
            of_arms.map(|arm| &arm[training]).collect()
        };
        let trainings: Vec<Vec<&OfTraining<'_>>> = shared.iter().map(of_training).collect();
        let everyone: BTreeSet<&str> = trainings
            .iter()
            .flatten()
            .flat_map(|of_training| of_training.iter())
            .filter(|(_, cases)| !cases.is_empty())
            .map(|(patient, _)| *patient)
            .collect();
        let mut values = vec![vec![Vec::new(); shared.len()]; arms.len()];
        let mut n_left_out = 0;
        for patient in everyone {
            let Some(cases) = shared_cases(trainings.iter().flatten().copied(), patient) else {
                n_left_out += 1;
                continue;
            };
            let mean_of = |of_training: &&OfTraining<'_>| {
                mean(cases.iter().map(|case| of_training[patient][case]))
            };
            let means = trainings.iter().map(|of_arms| of_arms.iter().map(mean_of));
            for (training, of_arms) in means.enumerate() {
                for (arm, mean) in of_arms.enumerate() {
                    values[arm][training].push(mean);
                }
            }
        }
        if values[0].first().is_none_or(Vec::is_empty) {
            return Err(nothing());
        }
        Ok(Self {
            values,
            trainings: shared,
            n_left_out,
        })
    }

    pub(crate) fn n_patients(&self) -> usize {
        self.values[0][0].len()
    }

    pub(crate) fn n_trainings(&self) -> usize {
        self.trainings.len()
    }

    pub(crate) fn trainings(&self) -> &[Training] {
        &self.trainings
    }

    pub(crate) fn n_splits(&self) -> usize {
        self.splits().into_iter().collect::<BTreeSet<_>>().len()
    }

    /// Trainings in which all arms have the same scores to the last bit: one net under several names, as
    /// where an arm found nothing to choose. Nets that find nothing in anybody are alike without being
    /// one; where all trainings are such, nothing can be concluded of them either.
    pub(crate) fn n_same(&self) -> usize {
        let is_same = |training: &usize| {
            let mut arms = self.values.iter();
            arms.all(|arm| arm[*training] == self.values[0][*training])
        };
        let finds_something =
            |training: &usize| self.values[0][*training].iter().any(|value| *value != 0.0);
        let same: Vec<usize> = (0..self.n_trainings()).filter(is_same).collect();
        if same.len() == self.n_trainings() {
            return same.len();
        }
        same.into_iter().filter(finds_something).count()
    }

    /// Each patient's score, `[arm][training][patient]`.
    pub(crate) fn scores(&self) -> &[Vec<Vec<f64>>] {
        &self.values
    }

    /// The split of each training; those of a split stand together.
    pub(crate) fn splits(&self) -> Vec<u64> {
        let trainings = self.trainings.iter();
        trainings.map(|training| training.split).collect()
    }

    /// An arm's end point within each training.
    pub(crate) fn by_training(&self, arm: usize, end_point: EndPoint) -> Vec<f64> {
        let of_training = |values: &Vec<f64>| end_point.of_some(&mut values.clone());
        self.values[arm].iter().map(of_training).collect()
    }

    /// An arm's end point: within each training, then the mean over trainings.
    pub(crate) fn estimate(&self, arm: usize, end_point: EndPoint) -> f64 {
        mean(self.by_training(arm, end_point).into_iter())
    }

    /// Each patient's pseudo-value in each training, `[arm][training][patient]`; `None` where the end
    /// point is not tested or there are fewer than [`LEAST_PATIENTS`].
    pub(crate) fn pseudo_values(&self, end_point: EndPoint) -> Option<Vec<Vec<Vec<f64>>>> {
        if !end_point.is_tested() || self.n_patients() < LEAST_PATIENTS {
            return None;
        }
        let of_training = |scores: &Vec<f64>| pseudo_values(end_point, scores);
        let of_arm = |trainings: &Vec<Vec<f64>>| trainings.iter().map(of_training).collect();
        Some(self.values.iter().map(of_arm).collect())
    }

    /// How sure the sum of the arms' end points, each times its weight, is, given their pseudo-values.
    pub(crate) fn spread_of(&self, pseudo_values: &[Vec<Vec<f64>>], weights: &[f64]) -> Spread {
        Spread::of(pseudo_values, weights, &self.splits())
    }

    /// As [`Paired::spread_of`]; `None` where the end point has no pseudo-values.
    pub(crate) fn spread(&self, end_point: EndPoint, weights: &[f64]) -> Option<Spread> {
        let values = self.pseudo_values(end_point)?;
        Some(self.spread_of(&values, weights))
    }

    /// The interval between two ends of this spread, marked by how many patients and trainings it
    /// rests on.
    pub(crate) fn interval(&self, spread: &Spread, [low, high]: [f64; 2]) -> EstimateInterval {
        EstimateInterval {
            low,
            high,
            unreliable: !is_reliable(self.n_patients(), self.n_trainings(), self.n_splits()),
            wide: spread.is_wide(),
            includes_trainings: self.n_trainings() > 1,
        }
    }
}

/// A patient's cases that have a value in every table; `None` where there is none.
fn shared_cases<'a>(
    tables: impl Iterator<Item = &'a OfTraining<'a>>,
    patient: &str,
) -> Option<Vec<&'a str>> {
    let mut shared: Option<Vec<&str>> = None;
    for of_training in tables {
        let cases = of_training.get(patient)?;
        match &mut shared {
            None => shared = Some(cases.keys().copied().collect()),
            Some(shared) => shared.retain(|case| cases.contains_key(case)),
        }
    }
    shared.filter(|cases| !cases.is_empty())
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
        let pair = Paired::new(&scores, &["hard", "baseline"]).unwrap();
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
        let alone = Paired::new(&scores, &["baseline"]).unwrap();
        assert_eq!(alone.n_left_out, 1, "r has no score with seed 2");
        let mut rows = rows.clone();
        rows.retain(|row| row.seed == 1);
        let scores = Scores::new(&rows).unwrap();
        let alone = Paired::new(&scores, &["hard"]).unwrap();
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
            let err = Paired::new(&scores, &["hard", other]).unwrap_err();
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
