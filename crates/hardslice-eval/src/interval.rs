//! Bootstrap confidence intervals of a mean over a few patients.
//!
//! # Sources
//!
//! B. Efron and R. J. Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13 (percentile
//! interval).

use serde::{Deserialize, Serialize};

use crate::splitmix::SplitMix64;

/// A range that holds a mean, or another number, of the population with some confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How to resample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Share of intervals that hold the population's mean, 0 to 1.
    pub confidence: f64,
    /// Resamples drawn.
    pub n_resamples: usize,
    /// The same seed gives the same interval.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            confidence: 0.95,
            n_resamples: 10_000,
            seed: 0,
        }
    }
}

impl Bootstrap {
    /// Percentile bootstrap interval of a mean: `values` are drawn anew, with repetition, and the
    /// interval spans the middle share of the means found. Ends lie linearly between ranks.
    ///
    /// Each value must be independent of the others: one per *patient*, not per slice. With fewer
    /// than about 20 patients the interval is too narrow; say how many there were.
    ///
    /// `None` for fewer than two values or without resamples.
    ///
    /// ```
    /// # use hardslice_eval::Bootstrap;
    /// let dice_of_patients = [0.91, 0.88, 0.95, 0.70, 0.93];
    /// let interval = Bootstrap::default().interval_of_mean(&dice_of_patients).unwrap();
    /// assert!(interval.low < 0.874 && 0.874 < interval.high, "around the mean");
    /// assert!(interval.low >= 0.70 && interval.high <= 0.95, "within the values");
    /// assert_eq!(Bootstrap::default().interval_of_mean(&[0.9]), None, "one patient");
    /// ```
    pub fn interval_of_mean(&self, values: &[f64]) -> Option<Interval> {
        if values.len() < 2 || self.n_resamples == 0 {
            return None;
        }
        let mut random = SplitMix64::new(self.seed);
        let mut means: Vec<f64> = (0..self.n_resamples)
            .map(|_| {
                let draws = (0..values.len()).map(|_| values[random.below(values.len())]);
                draws.sum::<f64>() / values.len() as f64
            })
            .collect();
        Some(self.percentiles(&mut means))
    }

    /// The interval that holds the middle share of what resamples gave, at least one.
    pub(crate) fn percentiles(&self, of_resamples: &mut [f64]) -> Interval {
        of_resamples.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.confidence.clamp(0.0, 1.0)) / 2.0;
        Interval {
            low: at_share(of_resamples, tail),
            high: at_share(of_resamples, 1.0 - tail),
        }
    }
}

/// The value at a share, 0 to 1, of the way through an ascending list that is not empty.
fn at_share(ascending: &[f64], share: f64) -> f64 {
    let last = ascending.len() - 1;
    let rank = share * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of 0 to 1 gives a rank on the list"
    )]
    let below = (rank as usize).min(last);
    let (low, high) = (ascending[below], ascending[(below + 1).min(last)]);
    low + (high - low) * (rank - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_resamples_find_the_interval_that_all_of_them_give() {
        let values = [1.0, 2.0, 4.0, 16.0];
        let mut every_mean: Vec<f64> = (0..256_usize)
            .map(|draw| (0..4).map(|i| values[draw >> (2 * i) & 3]).sum::<f64>() / 4.0)
            .collect();
        every_mean.sort_by(f64::total_cmp);
        let bootstrap = Bootstrap {
            confidence: 0.9,
            n_resamples: 50_000,
            seed: 3,
        };
        let found = bootstrap.interval_of_mean(&values).unwrap();
        // Means are whole quarters: the share of means below each end is what counts.
        let share_below = |end: f64| every_mean.partition_point(|mean| *mean < end) as f64 / 256.0;
        let share_upto = |end: f64| every_mean.partition_point(|mean| *mean <= end) as f64 / 256.0;
        assert!(
            share_below(found.low) <= 0.05 && share_upto(found.low) >= 0.05,
            "{found:?}"
        );
        assert!(
            share_below(found.high) <= 0.95 && share_upto(found.high) >= 0.95,
            "{found:?}"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_interval_and_another_seed_another() {
        let values: Vec<f64> = (0..30).map(|i| f64::from(i * i % 17)).collect();
        let interval = |seed| {
            Bootstrap {
                seed,
                ..Bootstrap::default()
            }
            .interval_of_mean(&values)
        };
        assert_eq!(interval(1), interval(1), "the same bits");
        assert_ne!(interval(1), interval(2), "another draw");
    }

    #[test]
    fn values_without_spread_have_an_interval_without_width_and_one_value_has_none() {
        let found = Bootstrap::default().interval_of_mean(&[0.5; 9]);
        assert_eq!(
            found,
            Some(Interval {
                low: 0.5,
                high: 0.5
            }),
            "every resample is the same"
        );
        assert_eq!(
            Bootstrap::default().interval_of_mean(&[0.5]),
            None,
            "no spread to see"
        );
    }
}
