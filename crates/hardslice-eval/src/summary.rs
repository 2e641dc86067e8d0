//! Descriptive statistics: many cases in one line of a table.

use serde::{Deserialize, Serialize};

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

#[cfg(test)]
mod tests {
    use super::*;

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
