//! Confusion counts and Dice of one organ in one slice.

use serde::{Deserialize, Serialize};

use crate::names::named;
use crate::{OutputIdx, SliceRef};

/// Pixel counts of one organ in one slice, on the store's grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceScore {
    /// The slice.
    pub slice: SliceRef,
    /// The organ, by its place among those that were predicted.
    pub output: OutputIdx,
    /// Pixels of the organ in the labels.
    pub n_truth: u32,
    /// Pixels of the organ in the prediction.
    pub n_predicted: u32,
    /// Pixels in both.
    pub n_shared: u32,
}

/// Why a slice's score is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScoreRule {
    /// The organ is in the slice: the Dice coefficient.
    Overlap,
    /// The organ is neither in the labels nor in the prediction: no Dice, easy.
    BothEmpty,
    /// The organ is not in the slice, but predicted: Dice 0, hard under any threshold above 0.
    FalsePositive,
    /// The organ is not in the slice, and what is predicted is smaller than the smallest area that
    /// counts: as if it were empty, easy.
    Speck,
}

named!(ScoreRule, "rule", {
    Overlap => "overlap",
    BothEmpty => "both_empty",
    FalsePositive => "false_positive",
    Speck => "speck",
});

impl SliceScore {
    /// Counts pixels, each given as whether it lies in the ground truth and in the prediction.
    ///
    /// ```
    /// use hardslice_data::mining::{ScoreRule, SliceScore};
    /// use hardslice_data::{OutputIdx, SliceRef};
    ///
    /// let (slice, liver) = (SliceRef::at(0, 4), OutputIdx::new(0));
    /// let pixels = [(true, true), (true, false), (false, false), (false, true)];
    /// let score = SliceScore::counted(slice, liver, pixels.into_iter());
    /// assert_eq!(score.dice(1), Some(0.5), "2 · 1 / (2 + 2)");
    /// let beside = SliceScore::counted(slice, liver, [(false, true)].into_iter());
    /// assert_eq!(beside.rule(1), ScoreRule::FalsePositive);
    /// assert_eq!(beside.rule(10), ScoreRule::Speck);
    /// ```
    pub fn counted(
        slice: SliceRef,
        output: OutputIdx,
        pixels: impl Iterator<Item = (bool, bool)>,
    ) -> Self {
        let (mut n_truth, mut n_predicted, mut n_shared) = (0, 0, 0);
        for (truth, predicted) in pixels {
            n_truth += u32::from(truth);
            n_predicted += u32::from(predicted);
            n_shared += u32::from(truth && predicted);
        }
        Self {
            slice,
            output,
            n_truth,
            n_predicted,
            n_shared,
        }
    }

    /// Which rule scores this slice.
    ///
    /// `min_false_positive_px` is the smallest area that counts as a false positive where the organ
    /// is absent; 1 counts every pixel.
    pub fn rule(&self, min_false_positive_px: u32) -> ScoreRule {
        match (self.n_truth, self.n_predicted) {
            (0, 0) => ScoreRule::BothEmpty,
            (0, predicted) if predicted < min_false_positive_px => ScoreRule::Speck,
            (0, _) => ScoreRule::FalsePositive,
            _ => ScoreRule::Overlap,
        }
    }

    /// Dice of the slice, from 0 to 1; `None` where the slice counts as empty in labels and
    /// prediction.
    pub fn dice(&self, min_false_positive_px: u32) -> Option<f64> {
        match self.rule(min_false_positive_px) {
            ScoreRule::BothEmpty | ScoreRule::Speck => None,
            ScoreRule::FalsePositive => Some(0.0),
            ScoreRule::Overlap => {
                let n_total = f64::from(self.n_truth) + f64::from(self.n_predicted);
                Some(2.0 * f64::from(self.n_shared) / n_total)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(n_truth: u32, n_predicted: u32, n_shared: u32) -> SliceScore {
        SliceScore {
            slice: SliceRef { case_idx: 0, z: 0 },
            output: OutputIdx::new(0),
            n_truth,
            n_predicted,
            n_shared,
        }
    }

    #[test]
    fn a_slice_with_the_organ_scores_its_dice() {
        assert_eq!(score(6, 2, 2).dice(1), Some(0.5), "2 * 2 / (6 + 2)");
        assert_eq!(score(6, 0, 0).dice(1), Some(0.0), "missed altogether");
    }

    #[test]
    fn a_negative_slice_is_easy_when_predicted_empty_and_hard_otherwise() {
        assert_eq!(score(0, 0, 0).dice(1), None, "both empty: easy");
        assert_eq!(score(0, 0, 0).rule(1), ScoreRule::BothEmpty, "both empty");
        assert_eq!(score(0, 1, 0).dice(1), Some(0.0), "one false pixel: hard");
        assert_eq!(
            score(0, 1, 0).rule(1),
            ScoreRule::FalsePositive,
            "one false pixel"
        );
    }

    #[test]
    fn specks_below_the_smallest_area_do_not_make_a_negative_slice_hard() {
        assert_eq!(score(0, 9, 0).dice(10), None, "nine pixels of ten");
        assert_eq!(
            score(0, 9, 0).rule(10),
            ScoreRule::Speck,
            "nine pixels of ten"
        );
        assert_eq!(score(0, 10, 0).dice(10), Some(0.0), "ten pixels of ten");
    }
}
