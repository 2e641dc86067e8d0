//! Descriptive statistics: many cases in one line of a table.

use serde::{Deserialize, Serialize};

/// What mean, SD, minimum and maximum are where there are several trainings, the same in every table,
/// in the report and in comparisons.
pub const OVER_TRAININGS: &str = "Mean, SD, minimum and maximum are those of the test scans within \
     one training; over several trainings (seeds, over folds all nets of a seed) they are averaged, \
     over the scans that every training scored. So the minimum is the mean of the trainings' lowest \
     scores. A comparison takes the mean of a patient's scans first.";

/// Count, mean, spread and range of one score over the cases that have it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Cases with a value.
    pub n: usize,
    /// Cases without one; they enter nothing below.
    pub n_absent: usize,
    /// Mean. `None` without values.
    pub mean: Option<f64>,
    /// Standard deviation with `n - 1` in the denominator. `None` for fewer than two values.
    pub sd: Option<f64>,
    /// Least value. `None` without values.
    pub min: Option<f64>,
    /// Greatest value. `None` without values.
    pub max: Option<f64>,
}

impl Summary {
    /// Summarises scores in the order given; the same order gives the same bits.
    ///
    /// Two passes: the mean first, then the squared distances from it.
    ///
    /// ```
    /// # use hardslice_eval::Summary;
    /// let dice = Summary::of([Some(0.5), None, Some(1.0)]);
    /// assert_eq!((dice.n, dice.n_absent, dice.mean), (2, 1, Some(0.75)));
    /// ```
    pub fn of(scores: impl IntoIterator<Item = Option<f64>>) -> Self {
        let mut n_absent = 0;
        let mut values = Vec::new();
        for score in scores {
            match score {
                Some(value) => values.push(value),
                None => n_absent += 1,
            }
        }
        let n = values.len();
        let mean = (n > 0).then(|| values.iter().sum::<f64>() / n as f64);
        let sd = mean.filter(|_| n > 1).map(|mean| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            (squares / (n - 1) as f64).sqrt()
        });
        Self {
            n,
            n_absent,
            mean,
            sd,
            min: values.iter().copied().reduce(f64::min),
            max: values.iter().copied().reduce(f64::max),
        }
    }
}

impl Summary {
    /// Summarises the scores of several trainings on the same cases, `[training][case]`: each
    /// statistic within each training, then its mean over trainings ([`OVER_TRAININGS`]). Averaged
    /// scores would spread less and have a higher minimum than any training has.
    ///
    /// Cases that lack a value in some training are absent. Without trainings there is nothing.
    ///
    /// ```
    /// # use hardslice_eval::Summary;
    /// let first = vec![Some(0.5), Some(1.0), None];
    /// let second = vec![Some(1.0), Some(0.25), Some(0.75)];
    /// let dice = Summary::over_trainings(&[first, second]);
    /// assert_eq!((dice.n, dice.n_absent), (2, 1));
    /// assert_eq!(dice.min, Some(0.375)); // (0.5 + 0.25) / 2
    /// ```
    ///
    /// # Panics
    ///
    /// When trainings have different numbers of cases.
    pub fn over_trainings(trainings: &[Vec<Option<f64>>]) -> Self {
        let Some(first) = trainings.first() else {
            return Self::of([]);
        };
        let is_scored: Vec<bool> = (0..first.len())
            .map(|case| trainings.iter().all(|scores| scores[case].is_some()))
            .collect();
        let of_training = |scores: &Vec<Option<f64>>| {
            assert_eq!(scores.len(), first.len(), "a place for each case");
            let shared = scores.iter().zip(&is_scored);
            Self::of(shared.map(|(score, is_scored)| score.filter(|_| *is_scored)))
        };
        let summaries: Vec<Self> = trainings.iter().map(of_training).collect();
        let mean = |of: fn(&Self) -> Option<f64>| {
            let values: Option<Vec<f64>> = summaries.iter().map(of).collect();
            values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
        };
        Self {
            n: summaries[0].n,
            n_absent: summaries[0].n_absent,
            mean: mean(|summary| summary.mean),
            sd: mean(|summary| summary.sd),
            min: mean(|summary| summary.min),
            max: mean(|summary| summary.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_training_is_summarised_as_it_is_and_none_as_nothing() {
        let scores = vec![Some(0.5), None, Some(0.75), Some(0.125)];
        let alone = Summary::over_trainings(std::slice::from_ref(&scores));
        assert_eq!(alone, Summary::of(scores));
        assert_eq!(Summary::over_trainings(&[]), Summary::of([]));
    }

    #[test]
    fn statistics_are_found_within_trainings_and_then_averaged() {
        let first = vec![Some(0.25), Some(0.75)];
        let second = vec![Some(0.75), Some(0.5)];
        let found = Summary::over_trainings(&[first, second]);
        assert_eq!(found.mean, Some(0.5625), "of 0.5 and 0.625");
        assert_eq!(found.min, Some(0.375), "of 0.25 and 0.5");
        assert_eq!(found.max, Some(0.75), "of 0.75 twice");
        // 0.5 / sqrt 2 and 0.25 / sqrt 2; the averaged scores 0.5 and 0.625 have 0.088.
        let sd = 0.375 / 2.0_f64.sqrt();
        assert!((found.sd.unwrap() - sd).abs() < 1e-15, "{:?}", found.sd);
    }

    #[test]
    fn four_values_worked_by_hand() {
        let summary = Summary::of([Some(2.0), Some(4.0), None, Some(4.0), Some(6.0)]);
        assert_eq!(
            (summary.n, summary.n_absent),
            (4, 1),
            "the absent one is counted apart"
        );
        assert_eq!(summary.mean, Some(4.0), "16 / 4");
        assert_eq!(
            summary.sd,
            Some((8.0_f64 / 3.0).sqrt()),
            "(4 + 0 + 0 + 4) / 3"
        );
        assert_eq!((summary.min, summary.max), (Some(2.0), Some(6.0)), "range");
    }

    #[test]
    fn one_value_has_no_spread_and_none_has_no_mean() {
        let one = Summary::of([Some(0.9)]);
        assert_eq!(
            (one.mean, one.sd, one.min, one.max),
            (Some(0.9), None, Some(0.9), Some(0.9)),
            "n = 1"
        );
        let none = Summary::of([None, None]);
        assert_eq!(
            (none.n, none.n_absent, none.mean, none.sd),
            (0, 2, None, None),
            "n = 0"
        );
        assert_eq!((none.min, none.max), (None, None), "no range");
    }
}
