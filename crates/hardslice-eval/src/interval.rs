//! How sure a mean over a few patients is.
//!
//! # Sources
//!
//! - B. Efron and R. J. Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13
//!   (percentile interval).
//! - G. L. Steele, D. Lea and C. H. Flood (2014), "Fast splittable pseudorandom number
//!   generators", OOPSLA, 453–472 (`SplitMix64`, the generator used here).

use serde::{Deserialize, Serialize};

/// A range that holds the mean of the population with some confidence.
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
    pub fn interval_of_mean(&self, values: &[f64]) -> Option<Interval> {
        if values.len() < 2 || self.n_resamples == 0 {
            return None;
        }
        let mut random = SplitMix64 { state: self.seed };
        let mut means: Vec<f64> = (0..self.n_resamples)
            .map(|_| {
                let draws = (0..values.len()).map(|_| values[random.below(values.len())]);
                draws.sum::<f64>() / values.len() as f64
            })
            .collect();
        means.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.confidence.clamp(0.0, 1.0)) / 2.0;
        Some(Interval {
            low: at_share(&means, tail),
            high: at_share(&means, 1.0 - tail),
        })
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

/// A small generator whose numbers are the same on every machine.
#[derive(Debug)]
struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `n`. Off an even chance by less than `n / 2⁶⁴`.
    fn below(&mut self, n: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the product's upper half is below n"
        )]
        let drawn = ((u128::from(self.next()) * n as u128) >> 64) as usize;
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        // From the reference implementation, prng.di.unimi.it/splitmix64.c, seed 1234567.
        let mut random = SplitMix64 { state: 1_234_567 };
        assert_eq!(random.next(), 6_457_827_717_110_365_317, "first");
        assert_eq!(random.next(), 3_203_168_211_198_807_973, "second");
    }

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
