//! Reliability: whether what was expected came to pass.

use serde::{Deserialize, Serialize};

use super::isotonic::equal_groups;

/// Groups of slices that a reliability diagram shows.
const N_BINS: usize = 10;

/// Expected against observed Dice, over slices where something was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Slices.
    pub n: usize,
    /// Mean Dice that was expected.
    pub expected: f64,
    /// Mean Dice that was observed.
    pub observed: f64,
    /// Expected calibration error: by how much the groups' observed means miss the expected ones, on
    /// average over the slices.
    pub calibration_error: f64,
    /// By how much a slice's Dice misses what was expected of it, on average.
    pub absolute_error: f64,
    /// The same if the mean Dice were expected of every slice: what knowing nothing of a slice costs.
    pub absolute_error_of_mean: f64,
    /// The groups, from the lowest expectation to the highest.
    pub bins: Vec<Bin>,
}

/// Slices of like expectation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Slices.
    pub n: usize,
    /// Mean Dice that was expected.
    pub expected: f64,
    /// Mean Dice that was observed.
    pub observed: f64,
}

impl Reliability {
    /// Of pairs `(expected, observed)`, in ten groups of about equal size, or fewer where many
    /// expectations are equal. `None` where there is no pair.
    ///
    /// # Sources
    ///
    /// - M. P. Naeini et al. (2015), "Obtaining well calibrated probabilities using Bayesian binning",
    ///   AAAI: the expected calibration error; here of a score, over groups of equal size.
    ///
    /// ```
    /// # use hardslice_eval::confidence::Reliability;
    /// let right = Reliability::of(&[(0.8, 0.9), (0.8, 0.7), (0.2, 0.2)]).unwrap();
    /// assert!((right.absolute_error - 0.2 / 3.0).abs() < 1e-12);
    /// assert_eq!(Reliability::of(&[]), None);
    /// ```
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let all = Bin::of(pairs)?;
        let mut sorted = pairs.to_vec();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let groups = equal_groups(&sorted, N_BINS).into_iter();
        let bins: Vec<Bin> = groups.filter_map(Bin::of).collect();
        let n = all.n as f64;
        let missed_by = |bin: &Bin| bin.n as f64 * (bin.expected - bin.observed).abs();
        let errors = pairs.iter().map(|(expected, dice)| (expected - dice).abs());
        let of_mean = pairs.iter().map(|(_, dice)| (all.observed - dice).abs());
        Some(Self {
            n: all.n,
            expected: all.expected,
            observed: all.observed,
            calibration_error: bins.iter().map(missed_by).sum::<f64>() / n,
            absolute_error: errors.sum::<f64>() / n,
            absolute_error_of_mean: of_mean.sum::<f64>() / n,
            bins,
        })
    }
}

impl Bin {
    fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let n = pairs.len() as f64;
        (!pairs.is_empty()).then(|| Self {
            n: pairs.len(),
            expected: pairs.iter().map(|pair| pair.0).sum::<f64>() / n,
            observed: pairs.iter().map(|pair| pair.1).sum::<f64>() / n,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_opposite_sign_do_not_cancel_between_groups() {
        // Ten groups of two slices: half expect 0.1 too much, half 0.1 too little.
        let pairs: Vec<(f64, f64)> = (0..20)
            .map(|i| {
                let expected = 0.2 + f64::from(i) / 50.0;
                (expected, expected + if i < 10 { 0.1 } else { -0.1 })
            })
            .collect();
        let found = Reliability::of(&pairs).unwrap();
        assert!((found.expected - found.observed).abs() < 1e-12);
        assert!((found.calibration_error - 0.1).abs() < 1e-12);
        assert!((found.absolute_error - 0.1).abs() < 1e-12);
        assert_eq!((found.n, found.bins.len()), (20, 10));
    }

    #[test]
    fn scatter_within_a_group_is_no_fault_of_the_calibration() {
        let pairs: Vec<(f64, f64)> = (0..40)
            .map(|i| (0.5, 0.4 + f64::from(i % 2) / 5.0))
            .collect();
        let found = Reliability::of(&pairs).unwrap();
        assert!(found.calibration_error < 1e-12, "{found:?}");
        assert!((found.absolute_error - 0.1).abs() < 1e-12);
    }

    #[test]
    fn fewer_slices_than_groups_leave_no_group_empty() {
        let found = Reliability::of(&[(0.5, 0.4), (0.7, 0.9)]).unwrap();
        assert_eq!(found.bins.iter().map(|bin| bin.n).sum::<usize>(), 2);
        assert!(found.bins.iter().all(|bin| bin.n > 0));
    }
}
