//! Binary cross-entropy from logits.

use burn::tensor::Tensor;
use hardslice_kernels::ops::pixel_loss_sums::PixelLoss;

use super::{Targets, mean_pixel_loss};

/// Mean binary cross-entropy over the pixels that count.
///
/// # Shapes
///
/// `logits`: `[n, organs, y, x]`.
pub fn binary_cross_entropy(logits: Tensor<4>, targets: Targets) -> Tensor<1> {
    mean_pixel_loss(logits, targets, PixelLoss::CrossEntropy)
}
