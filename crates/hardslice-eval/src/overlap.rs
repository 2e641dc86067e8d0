//! Overlap of two masks: Dice from true and false positives and negatives.
//!
//! # Sources
//!
//! - L. R. Dice (1945), "Measures of the amount of ecologic association between species",
//!   Ecology 26(3), 297–302.

use std::ops::Add;

/// Voxel counts from which every overlap score follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overlap {
    /// Voxels in the truth.
    pub n_truth: usize,
    /// Voxels in the prediction.
    pub n_predicted: usize,
    /// Voxels in both.
    pub n_shared: usize,
}

impl Overlap {
    /// Dice coefficient `2·|T∩P| / (|T|+|P|)`, from 0 (apart) to 1 (equal).
    ///
    /// `None` when both masks are empty; surface-distance gives `NaN` there, other tools 1.
    ///
    /// ```
    /// # use hardslice_eval::Overlap;
    /// let overlap = Overlap { n_truth: 100, n_predicted: 60, n_shared: 40 };
    /// assert_eq!(overlap.dice(), Some(0.5)); // 2 · 40 / (100 + 60)
    /// assert_eq!(Overlap::default().dice(), None);
    /// ```
    pub fn dice(self) -> Option<f64> {
        let n_total = self.n_truth + self.n_predicted;
        (n_total > 0).then(|| 2.0 * self.n_shared as f64 / n_total as f64)
    }

    /// Predicted less true volume, in millilitres: above 0 where the prediction is too large.
    ///
    /// `voxel_ml` is the volume of one voxel in millilitres. 0 when both masks are empty.
    ///
    /// ```
    /// # use hardslice_eval::Overlap;
    /// let overlap = Overlap { n_truth: 100, n_predicted: 60, n_shared: 40 };
    /// // Voxels of 1 × 1 × 5 mm: 40 too few.
    /// assert_eq!(overlap.volume_difference_ml(0.005), -0.2);
    /// ```
    pub fn volume_difference_ml(self, voxel_ml: f64) -> f64 {
        (self.n_predicted as f64 - self.n_truth as f64) * voxel_ml
    }
}

impl Add for Overlap {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            n_truth: self.n_truth + other.n_truth,
            n_predicted: self.n_predicted + other.n_predicted,
            n_shared: self.n_shared + other.n_shared,
        }
    }
}

#[cfg(test)]
mod tests {
    use hardslice_volume::PerAxis;

    use super::*;
    use crate::Mask;

    const SHAPE: PerAxis<usize> = PerAxis::new(1, 2, 2);

    fn overlap(a: u8, b: u8) -> Overlap {
        let [a, b] = [a, b].map(|bits| [0, 1, 2, 3].map(|i| bits >> i & 1));
        let (a, b) = (
            Mask::new(&a, 1, SHAPE).unwrap(),
            Mask::new(&b, 1, SHAPE).unwrap(),
        );
        Overlap::count(&a, &b).unwrap()
    }

    #[test]
    fn two_voxels_that_share_one_have_dice_one_half() {
        assert_eq!(overlap(0b0011, 0b0110).dice(), Some(0.5), "2 * 1 / (2 + 2)");
    }

    #[test]
    fn dice_of_all_masks_of_four_voxels_is_symmetric_bounded_and_one_only_for_equal_masks() {
        for a in 0..16 {
            for b in 0..16 {
                let dice = overlap(a, b).dice();
                assert_eq!(dice, overlap(b, a).dice(), "{a:04b} and {b:04b}");
                match dice {
                    Some(dice) => {
                        assert!(
                            (0.0..=1.0).contains(&dice),
                            "{dice} for {a:04b} and {b:04b}"
                        );
                        assert_eq!(dice >= 1.0, a == b, "{dice} for {a:04b} and {b:04b}");
                    }
                    None => assert_eq!((a, b), (0, 0), "only two empty masks have no Dice"),
                }
            }
        }
    }

    #[test]
    fn a_prediction_one_voxel_too_small_has_a_negative_volume_difference() {
        let ml = overlap(0b0111, 0b0110).volume_difference_ml(0.8 * 0.8 * 5.0 / 1000.0);
        assert!(
            (ml + 0.0032).abs() < 1e-15,
            "{ml} ml, expected one voxel of 3.2 µl less"
        );
    }
}
