//! The focal loss.

use burn::tensor::Tensor;
use hardslice_kernels::ops::pixel_loss_sums::PixelLoss;

use super::{Targets, mean_pixel_loss};

/// Focal loss, the mean over the pixels that count of `α_t · (1 − p_t)^γ · CE`.
///
/// `p_t` is the probability given to the pixel's true class; `α_t` is `alpha` on the organ and
/// `1 − alpha` off it.
///
/// # Shapes
///
/// `logits`: `[n, organs, y, x]`.
///
/// # Sources
///
/// Lin et al. (2017), "Focal Loss for Dense Object Detection", equation 5. They divide by the
/// number of foreground anchors; we divide by the number of pixels, as torchvision's
/// `sigmoid_focal_loss(reduction="mean")` does.
pub fn focal(logits: Tensor<4>, targets: Targets, gamma: f64, alpha: f64) -> Tensor<1> {
    #[expect(clippy::cast_possible_truncation, reason = "pixels are f32")]
    let [gamma, alpha] = [gamma as f32, alpha as f32];
    mean_pixel_loss(logits, targets, PixelLoss::Focal { gamma, alpha })
}
