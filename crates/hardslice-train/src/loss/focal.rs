//! The focal loss.

use burn::tensor::{Tensor, activation};

use super::{cross_entropy::pixel_cross_entropy, mean_over_annotated};

/// Focal loss, the mean over annotated pixels of `α_t · (1 − p_t)^γ · CE`.
///
/// `p_t` is the probability given to the pixel's true class; `α_t` is `alpha` on the organ and
/// `1 − alpha` off it.
///
/// # Shapes
///
/// - `logits`, `targets`: `[n, organs, y, x]`
/// - `annotated`: `[n, organs]`
///
/// # Sources
///
/// Lin et al. (2017), "Focal Loss for Dense Object Detection", equation 5. They divide by the
/// number of foreground anchors; we divide by the number of pixels, as torchvision's
/// `sigmoid_focal_loss(reduction="mean")` does.
pub fn focal(
    logits: Tensor<4>,
    targets: Tensor<4>,
    annotated: Tensor<2>,
    gamma: f64,
    alpha: f64,
) -> Tensor<1> {
    let cross_entropy = pixel_cross_entropy(logits.clone(), targets.clone());
    let p = activation::sigmoid(logits);
    // 1 − p_t = p + g − 2·p·g for g in {0, 1}
    let missed = p.clone() + targets.clone() - (p * targets.clone()).mul_scalar(2.0);
    let weight = targets
        .mul_scalar(2.0 * alpha - 1.0)
        .add_scalar(1.0 - alpha);
    mean_over_annotated(
        weight * missed.powf_scalar(gamma) * cross_entropy,
        annotated,
    )
}
