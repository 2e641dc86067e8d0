//! The permutation test: whether a difference could be chance, by swapping arms within patients.
//!
//! If it made no difference which arm a patient's scores came from, every swap of labels would be as
//! likely as what was seen. The `p` is the share of swaps whose difference is at least as large,
//! either way. All seeds of a patient are swapped together: patients are independent, a patient's
//! scores are not. So the tests take the seeds as they are.
//!
//! An end point that few patients decide has few different swaps. Where the same `k` patients are
//! the lowest by both arms and far below the others, no `p` of their mean is under 2¹⁻ᵏ, however
//! many patients there are; [`PValue::smallest_p`] tells.
//!
//! # Sources
//!
//! - R. A. Fisher (1935), "The Design of Experiments", section 21 (signs of paired differences).
//! - B. Phipson and G. K. Smyth (2010), "Permutation p-values should never be zero", Statistical
//!   Applications in Genetics and Molecular Biology 9(1), 39: `(b + 1) / (m + 1)`.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::end_point::EndPoint;
use super::mean::mean;
use crate::splitmix::SplitMix64;

/// How many swaps are tried when not all can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permutations {
    /// Swaps drawn for more than [`Permutations::MOST_EXACT`] patients.
    pub n_resamples: usize,
    /// The same seed gives the same `p`.
    pub seed: u64,
}

/// How likely a difference as large as the one seen is by chance alone, either way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PValue {
    /// The probability, above 0 and at most 1.
    pub p: f64,
    /// The smallest `p` that a relabelling of these scores could have given. With `n` patients it is
    /// at least 2¹⁻ⁿ.
    pub smallest_p: f64,
    /// Whether all swaps were tried, or the distribution is known exactly.
    pub is_exact: bool,
}

impl Permutations {
    /// Up to so many patients every one of the 2ⁿ swaps is tried.
    pub const MOST_EXACT: usize = 16;

    /// Sign-flip test of the mean of paired differences, one a patient. `None` without patients.
    ///
    /// ```
    /// # use hardslice_eval::compare::Permutations;
    /// let permutations = Permutations { n_resamples: 10_000, seed: 0 };
    /// let found = permutations.of_mean(&[1.0, 2.0, 4.0]).unwrap();
    /// assert_eq!(found.p, 0.25); // of eight sign patterns, all plus and all minus
    /// assert_eq!(found.smallest_p, 0.25, "three patients can never give less");
    /// ```
    pub fn of_mean(&self, differences: &[f64]) -> Option<PValue> {
        let scale = differences.iter().fold(0.0_f64, |max, d| max.max(d.abs()));
        self.of_swaps(differences.len(), scale, |swapped| {
            let signed = differences.iter().zip(swapped);
            mean(signed.map(|(d, swapped)| if *swapped { -d } else { *d }))
        })
    }

    /// Test of the difference of an end point, first arm less second, which is found anew for each
    /// swap: within each seed, then averaged over seeds.
    ///
    /// # Shapes
    ///
    /// `arm` and `reference`: `[seed][patient]`, the same shape. `None` when they are not, or
    /// without seeds or patients.
    ///
    /// ```
    /// # use hardslice_eval::compare::{EndPoint, Permutations};
    /// let permutations = Permutations { n_resamples: 10_000, seed: 0 };
    /// let (arm, reference) = ([vec![0.75, 0.5, 0.875]], [vec![0.25, 0.5, 0.875]]);
    /// let found = permutations.of_end_point(EndPoint::Min, &arm, &reference).unwrap();
    /// assert_eq!(found.p, 1.0); // one patient differs: swapping it gives the same size
    /// ```
    pub fn of_end_point(
        &self,
        end_point: EndPoint,
        arm: &[Vec<f64>],
        reference: &[Vec<f64>],
    ) -> Option<PValue> {
        let n_patients = arm.first()?.len();
        let is_full = |values: &[Vec<f64>]| values.iter().all(|seed| seed.len() == n_patients);
        if arm.len() != reference.len() || !is_full(arm) || !is_full(reference) {
            return None;
        }
        let values = arm.iter().chain(reference).flatten();
        let scale = values.fold(0.0_f64, |max, value| max.max(value.abs()));
        self.of_swaps(n_patients, scale, |swapped| {
            let of_seeds = arm.iter().zip(reference).map(|(arm, reference)| {
                let of_patients = arm.iter().zip(reference).zip(swapped);
                let (mut first, mut second): (Vec<f64>, Vec<f64>) = of_patients
                    .map(|((a, r), swapped)| if *swapped { (*r, *a) } else { (*a, *r) })
                    .unzip();
                end_point.of_some(&mut first) - end_point.of_some(&mut second)
            });
            mean(of_seeds)
        })
    }

    /// The share of swaps whose `difference` is as far from 0 as without a swap. It must change its
    /// sign, and nothing else, when all patients are swapped.
    ///
    /// Differences that agree to 10⁻¹² of `scale`, the largest value that enters, are the same:
    /// sums of the same numbers in another order differ in their last digits.
    fn of_swaps(
        &self,
        n_patients: usize,
        scale: f64,
        difference: impl Fn(&[bool]) -> f64 + Sync,
    ) -> Option<PValue> {
        if n_patients == 0 {
            return None;
        }
        let is_exact = n_patients <= Self::MOST_EXACT;
        let size = |swapped: Vec<bool>| difference(&swapped).abs();
        let seen = size(vec![false; n_patients]);
        let mut sizes: Vec<f64> = if is_exact {
            // The last patient is never swapped: the other half of the swaps are the same with the
            // sign changed.
            (0..1_usize << (n_patients - 1))
                .into_par_iter()
                .map(|swap| size((0..n_patients).map(|bit| swap >> bit & 1 == 1).collect()))
                .collect()
        } else {
            (0..self.n_resamples as u64)
                .into_par_iter()
                .map(|idx| {
                    let mut random = SplitMix64::of_resample(self.seed, idx);
                    size((0..n_patients).map(|_| random.below(2) == 1).collect())
                })
                .collect()
        };
        if !is_exact {
            // What was seen is one of the swaps that could have been drawn.
            sizes.push(seen);
        }
        let largest = sizes.iter().copied().fold(0.0, f64::max);
        let share_from = |least: f64| {
            let n = sizes.iter().filter(|size| **size >= least - 1e-12 * scale);
            n.count() as f64 / sizes.len() as f64
        };
        Some(PValue {
            p: share_from(seen),
            smallest_p: share_from(largest),
            is_exact,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERMUTATIONS: Permutations = Permutations {
        n_resamples: 999,
        seed: 5,
    };

    #[test]
    fn three_patients_worked_by_hand() {
        // Sums of ±1 ±2 ±4 are the odd numbers from -7 to 7; 5 = 4 + 2 - 1 is reached or passed by
        // ±5 and ±7: 4 of 8.
        let found = PERMUTATIONS.of_mean(&[-1.0, 2.0, 4.0]).unwrap();
        assert_eq!(
            (found.p, found.smallest_p, found.is_exact),
            (0.5, 0.25, true)
        );
    }

    #[test]
    fn the_mean_as_an_end_point_is_the_sign_flip_test() {
        let arm = vec![vec![0.5, 0.25, 1.0, 0.75, 0.875], vec![0.5; 5]];
        let reference = vec![
            vec![0.25, 0.5, 0.5, 0.5, 0.5],
            vec![0.5, 0.5, 0.25, 0.5, 0.5],
        ];
        let differences = [0.125, -0.125, 0.375, 0.125, 0.1875];
        assert_eq!(
            PERMUTATIONS.of_end_point(EndPoint::Mean, &arm, &reference),
            PERMUTATIONS.of_mean(&differences),
            "every swap gives the same two sums"
        );
    }

    #[test]
    fn swaps_of_the_minimum_worked_by_hand() {
        // Minima without a swap: 4 and 1. They stay so unless the first patient is swapped, and are 1
        // and 4 if it is: every swap gives a difference of 3.
        let (arm, reference) = (vec![vec![4.0, 5.0, 9.0]], vec![vec![1.0, 6.0, 8.0]]);
        let found = PERMUTATIONS.of_end_point(EndPoint::Min, &arm, &reference);
        assert_eq!(
            found.map(|found| (found.p, found.smallest_p)),
            Some((1.0, 1.0)),
            "one patient decides"
        );
        let (arm, reference) = (vec![vec![4.0, 5.0]], vec![vec![1.0, 2.0]]);
        // With no patient swapped or both, 4 against 1; with one of the two, 2 against 1.
        let found = PERMUTATIONS.of_end_point(EndPoint::Min, &arm, &reference);
        assert_eq!(found.map(|found| found.p), Some(0.5), "2 of 4 reach 3");
    }

    #[test]
    fn arms_that_do_not_fit_and_no_patients_have_no_p() {
        let one = vec![vec![0.5]];
        let of = |a: &[Vec<f64>], b: &[Vec<f64>]| PERMUTATIONS.of_end_point(EndPoint::Mean, a, b);
        assert_eq!(of(&one, &[vec![0.5, 0.5]]), None, "another patient");
        assert_eq!(of(&one, &[]), None, "another seed");
        assert_eq!(of(&[vec![]], &[vec![]]), None, "no patients");
        assert_eq!(PERMUTATIONS.of_mean(&[]), None, "no differences");
    }

    #[test]
    fn seventeen_patients_are_sampled_and_never_reach_0() {
        let found = PERMUTATIONS.of_mean(&[1.0; 17]).unwrap();
        assert_eq!(
            (found.p, found.smallest_p, found.is_exact),
            (0.001, 0.001, false)
        );
        let sixteen = PERMUTATIONS.of_mean(&[1.0; 16]).unwrap();
        assert_eq!((sixteen.p, sixteen.is_exact), (1.0 / 32_768.0, true));
    }
}
