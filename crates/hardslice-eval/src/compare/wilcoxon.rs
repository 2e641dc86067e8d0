//! Wilcoxon's signed-rank test: whether differences lean to one side.
//!
//! # Sources
//!
//! - F. Wilcoxon (1945), "Individual comparisons by ranking methods", Biometrics Bulletin 1(6),
//!   80–83: zeros are dropped.
//! - M. Hollander and D. A. Wolfe (1973), "Nonparametric Statistical Methods", chapter 3 (variance
//!   with ties).
//!
//! Which distribution is used is `SciPy` 1.17's choice in `scipy.stats.wilcoxon` with its defaults.

use super::permutation::PValue;

/// Most differences whose ranks' distribution is computed exactly, where no two are alike and none
/// is 0.
const MOST_EXACT: usize = 50;

/// The same where some are alike or 0.
const MOST_EXACT_WITH_TIES: usize = 13;

/// Wilcoxon's signed-rank test of paired differences, one a patient, two-sided.
///
/// Differences of 0 are dropped; equal ones share the mean of their ranks. The distribution of the
/// ranks' sum is exact for up to 50 differences without ties or zeros, and for up to 13 with them;
/// otherwise normal, with the variance that the ties leave and without a correction for continuity.
/// When all are 0, `p` is 1 (`SciPy`: not a number). `None` without differences.
///
/// ```
/// # use hardslice_eval::compare::wilcoxon;
/// // All ranks on one side: 2 of the 2⁵ ways to sign five ranks.
/// let found = wilcoxon(&[0.01, 0.02, 0.05, 0.03, 0.04]).unwrap();
/// assert_eq!((found.p, found.is_exact), (0.0625, true));
/// ```
pub fn wilcoxon(differences: &[f64]) -> Option<PValue> {
    if differences.is_empty() {
        return None;
    }
    let mut by_size: Vec<f64> = differences.to_vec();
    by_size.retain(|difference| *difference != 0.0);
    by_size.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    if by_size.is_empty() {
        return Some(PValue {
            p: 1.0,
            smallest_p: 1.0,
            is_exact: true,
        });
    }
    let ranks = Ranks::of(&by_size);
    let has_zeros = by_size.len() < differences.len();
    let most = if has_zeros || ranks.has_ties() {
        MOST_EXACT_WITH_TIES
    } else {
        MOST_EXACT
    };
    let is_exact = differences.len() <= most;
    let p_of = |doubled_sum: usize| {
        if is_exact {
            ranks.exact_p(doubled_sum)
        } else {
            ranks.normal_p(doubled_sum)
        }
    };
    let positive = by_size.iter().zip(&ranks.doubled);
    let doubled_sum = positive
        .filter(|(difference, _)| **difference > 0.0)
        .map(|(_, rank)| rank)
        .sum();
    Some(PValue {
        p: p_of(doubled_sum),
        smallest_p: p_of(0),
        is_exact,
    })
}

/// Ranks of differences by size, from 1; equal ones share the mean.
struct Ranks {
    /// Twice each rank, so that shared ranks are whole. Ascending.
    doubled: Vec<usize>,
    /// How many differences share each rank.
    tied: Vec<usize>,
}

impl Ranks {
    /// Of differences in ascending order of their size, none 0.
    fn of(by_size: &[f64]) -> Self {
        let mut doubled = Vec::new();
        let mut tied = Vec::new();
        for alike in by_size.chunk_by(|a, b| a.abs().total_cmp(&b.abs()).is_eq()) {
            let first = doubled.len() + 1;
            let last = doubled.len() + alike.len();
            doubled.extend(std::iter::repeat_n(first + last, alike.len()));
            tied.push(alike.len());
        }
        Self { doubled, tied }
    }

    fn has_ties(&self) -> bool {
        self.tied.len() < self.doubled.len()
    }

    /// Two-sided, of twice the sum of the positive differences' ranks, when each of the 2ⁿ choices
    /// of signs is as likely as any other.
    fn exact_p(&self, doubled_sum: usize) -> f64 {
        let largest: usize = self.doubled.iter().sum();
        let mut probability = vec![0.0; largest + 1];
        probability[0] = 1.0;
        for &rank in &self.doubled {
            for sum in (0..=largest).rev() {
                let with = sum.checked_sub(rank).map_or(0.0, |rest| probability[rest]);
                probability[sum] = f64::midpoint(probability[sum], with);
            }
        }
        // The distribution is symmetric: the tail on the side of the sum, twice.
        let nearer_end = doubled_sum.min(largest - doubled_sum);
        (2.0 * probability[..=nearer_end].iter().sum::<f64>()).min(1.0)
    }

    /// Two-sided, by the normal distribution with the same mean and variance.
    fn normal_p(&self, doubled_sum: usize) -> f64 {
        let n = self.doubled.len() as f64;
        let ties: f64 = self
            .tied
            .iter()
            .map(|&t| (t as f64).powi(3) - t as f64)
            .sum();
        let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - ties / 2.0) / 24.0;
        let z = (doubled_sum as f64 / 2.0 - n * (n + 1.0) / 4.0) / variance.sqrt();
        libm::erfc(z.abs() / std::f64::consts::SQRT_2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_differences_worked_by_hand() {
        // Ranks 1, 2, 3, the first negative: the sum is 5, and of the 8 sums 0 1 2 3 3 4 5 6 two lie
        // at or above 5. Twice 2 / 8.
        let found = wilcoxon(&[0.5, -0.25, 2.0]).unwrap();
        assert_eq!(
            (found.p, found.smallest_p, found.is_exact),
            (0.5, 0.25, true)
        );
    }

    #[test]
    fn equal_sizes_share_the_mean_of_their_ranks() {
        let ranks = Ranks::of(&[-0.5, 1.0, -1.0, 1.0, 7.0]);
        assert_eq!(ranks.doubled, [2, 6, 6, 6, 10], "1, 3, 3, 3, 5");
        assert_eq!(ranks.tied, [1, 3, 1], "three alike");
        // Both of two alike positive: sums 0, 1.5, 1.5, 3; twice 1 / 4.
        assert_eq!(wilcoxon(&[1.0, 1.0]).map(|found| found.p), Some(0.5));
    }

    #[test]
    fn zeros_are_dropped_and_nothing_else_gives_p_1() {
        assert_eq!(wilcoxon(&[0.0; 4]).map(|found| found.p), Some(1.0), "all 0");
        assert_eq!(
            wilcoxon(&[0.0, 0.5, -0.25, 2.0, 0.0]).map(|found| found.p),
            Some(0.5),
            "as without zeros"
        );
        assert_eq!(wilcoxon(&[]), None, "no differences");
    }
}
