//! Binary cross-entropy from logits.

use burn::tensor::{Tensor, activation};

use super::mean_over_annotated;

/// Cross-entropy of each pixel, `max(z, 0) − z·g + ln(1 + e^−|z|)`, never overflowing.
///
/// # Shapes
///
/// All `[n, organs, y, x]`.
pub(super) fn pixel_cross_entropy(logits: Tensor<4>, targets: Tensor<4>) -> Tensor<4> {
    let magnitude = logits.clone().abs();
    activation::relu(logits.clone()) - logits * targets + magnitude.neg().exp().log1p()
}

/// Mean binary cross-entropy over the annotated pixels.
///
/// # Shapes
///
/// - `logits`, `targets`: `[n, organs, y, x]`
/// - `annotated`: `[n, organs]`
pub fn binary_cross_entropy(
    logits: Tensor<4>,
    targets: Tensor<4>,
    annotated: Tensor<2>,
) -> Tensor<1> {
    mean_over_annotated(pixel_cross_entropy(logits, targets), annotated)
}
