//! Loss functions over the organs that are annotated.
//!
//! All losses take logits `[n, organs, y, x]` and the [`Targets`] of the same slices. An organ
//! without annotation takes no part, neither its value nor its gradient, and neither does a pixel
//! whose truth is unknown. A batch in which nothing counts has loss 0 and a zero gradient.

mod cross_entropy;
mod focal;
mod overlap;
mod targets;
mod top_k;

use burn::tensor::Tensor;
use hardslice_data::SettingError;
use hardslice_kernels::ops::fork::fork;
use hardslice_kernels::ops::pixel_loss_sums::{PixelLoss, pixel_loss_sums};
use serde::{Deserialize, Serialize};

pub use cross_entropy::binary_cross_entropy;
pub use focal::focal;
pub use overlap::{SumOver, soft_dice, tversky};
pub use targets::Targets;
pub use top_k::top_k;

/// Which loss to train with, and its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// Soft Dice, the paper's loss.
    Dice {
        /// Sums over the batch (default) or slice by slice.
        #[serde(default)]
        sum_over: SumOver,
    },
    /// Soft Dice plus mean binary cross-entropy, as in nnU-Net.
    DiceCrossEntropy,
    /// Focal loss (Lin et al. 2017).
    Focal {
        /// Focusing exponent, 2 in the paper.
        #[serde(default = "default_gamma")]
        gamma: f64,
        /// Weight of the organ's pixels, 0.25 in the paper; the rest weigh `1 − alpha`.
        #[serde(default = "default_alpha")]
        alpha: f64,
    },
    /// Mean cross-entropy of the hardest pixels.
    TopK {
        /// Share of the annotated pixels that counts, 0.1 by default.
        #[serde(default = "default_share")]
        share: f64,
    },
    /// Tversky loss (Salehi et al. 2017).
    Tversky {
        /// Weight of false positives, 0.3 by default.
        #[serde(default = "default_false_positive")]
        false_positive: f64,
        /// Weight of false negatives, 0.7 by default.
        #[serde(default = "default_false_negative")]
        false_negative: f64,
    },
}

fn default_gamma() -> f64 {
    2.0
}

fn default_alpha() -> f64 {
    0.25
}

fn default_share() -> f64 {
    0.1
}

fn default_false_positive() -> f64 {
    0.3
}

fn default_false_negative() -> f64 {
    0.7
}

impl Loss {
    /// Checks that every parameter is in its range.
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(self) -> Result<(), SettingError> {
        let is_amount = |value: f64| value.is_finite() && value >= 0.0;
        let [exponent, weight, share, costs] = match self {
            Self::Dice { .. } | Self::DiceCrossEntropy => [true; 4],
            Self::Focal { gamma, alpha } => {
                [is_amount(gamma), alpha > 0.0 && alpha < 1.0, true, true]
            }
            Self::TopK { share } => [true, true, share > 0.0 && share <= 1.0, true],
            Self::Tversky {
                false_positive,
                false_negative,
            } => {
                let are_amounts = is_amount(false_positive) && is_amount(false_negative);
                let is_some = false_positive + false_negative > 0.0;
                [true, true, true, are_amounts && is_some]
            }
        };
        SettingError::check(
            "train.loss",
            [
                (!exponent, "gamma must be 0 at least"),
                (!weight, "alpha must be above 0 and below 1"),
                (
                    !share,
                    "share must be above 0 and at most 1: a share of the pixels, 0.1 for 10 %",
                ),
                (
                    !costs,
                    "false_positive and false_negative must be 0 at least, and one of them above",
                ),
            ],
        )
    }

    /// Focal loss with the parameters of Lin et al. (2017).
    pub fn focal_of_its_authors() -> Self {
        Self::Focal {
            gamma: default_gamma(),
            alpha: default_alpha(),
        }
    }

    /// Cross-entropy of the hardest tenth of the pixels.
    pub fn top_k_by_default() -> Self {
        Self::TopK {
            share: default_share(),
        }
    }

    /// The first learning rate that the loss takes, as a multiple of soft Dice's: the scales of their
    /// gradients differ. Found on validation patients of phantoms with a U-Net with batch norm
    /// (`benches/results/2026-11-28-rival-losses.md`): at soft Dice's own rate focal and top-k loss
    /// end in all-background.
    pub fn lr0_factor(self) -> f64 {
        match self {
            Self::Dice { .. } | Self::DiceCrossEntropy | Self::Tversky { .. } => 1.0,
            Self::Focal { .. } => 10.0,
            Self::TopK { .. } => 0.03,
        }
    }
}

impl Default for Loss {
    fn default() -> Self {
        Self::Dice {
            sum_over: SumOver::Batch,
        }
    }
}

impl Loss {
    /// The loss of one batch, a tensor of one element that can be differentiated.
    ///
    /// # Shapes
    ///
    /// `logits`: `[n, organs, y, x]`.
    pub fn of(self, logits: Tensor<4>, targets: Targets) -> Tensor<1> {
        match self {
            Self::Dice { sum_over } => soft_dice(logits, targets, sum_over),
            Self::DiceCrossEntropy => {
                let [for_dice, for_pixels] = fork(logits);
                let dice = soft_dice(for_dice, targets.clone(), SumOver::Batch);
                dice + binary_cross_entropy(for_pixels, targets)
            }
            Self::Focal { gamma, alpha } => focal(logits, targets, gamma, alpha),
            Self::TopK { share } => top_k(logits, targets, share),
            Self::Tversky {
                false_positive,
                false_negative,
            } => tversky(logits, targets, false_positive, false_negative),
        }
    }
}

/// The mean of what the pixels that count lose; 0 where there is none.
///
/// # Shapes
///
/// `logits`: `[n, organs, y, x]`.
fn mean_pixel_loss(logits: Tensor<4>, targets: Targets, loss: PixelLoss) -> Tensor<1> {
    let n_pixels = targets.n_pixels();
    let sums = pixel_loss_sums(logits, targets.organs, targets.valid, loss);
    (sums * targets.annotated).sum() / n_pixels.clamp_min(1.0)
}
