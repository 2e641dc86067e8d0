//! Losses that measure overlap: soft Dice and Tversky.

use burn::tensor::Tensor;
use hardslice_kernels::ops::overlap_sums::overlap_sums;
use serde::{Deserialize, Serialize};

use super::Targets;

/// Added to numerator and denominator, so that two empty masks have loss 0 and no division by 0.
const SMOOTH: f64 = 1.0;

/// Over what the sums of an overlap loss run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SumOver {
    /// Over all annotated slices of the batch together.
    #[default]
    Batch,
    /// Slice by slice, then the mean. With many empty slices this stalls: every empty slice pulls
    /// towards "nothing anywhere".
    Slice,
}

/// Soft Dice loss: the mean, over the organs annotated in the batch, of
/// `1 − (2·Σpg + e) / (Σp + Σg + e)` with `e` = 1 and `p = sigmoid(logit)`.
///
/// # Shapes
///
/// `logits`: `[n, organs, y, x]`.
///
/// # Sources
///
/// Milletari et al. (2016), "V-Net", without their squares, which is the form in common use; the
/// paper names the Dice coefficient and gives no formula.
pub fn soft_dice(logits: Tensor<4>, targets: Targets, sum_over: SumOver) -> Tensor<1> {
    // Dice is Tversky with both errors weighed by a half, its numerator and denominator doubled.
    overlap(logits, targets, sum_over, [0.5, 0.5, SMOOTH / 2.0])
}

/// Tversky loss: the mean, over the organs annotated in the batch, of
/// `1 − (TP + e) / (TP + a·FP + b·FN + e)` with `e` = 1 and sums over the batch.
///
/// `false_positive` is `a`, `false_negative` is `b`; with both at a half it is close to soft Dice
/// (`e` counts twice as much).
///
/// # Shapes
///
/// `logits`: `[n, organs, y, x]`.
///
/// # Sources
///
/// Salehi et al. (2017), "Tversky loss function for image segmentation using 3D fully
/// convolutional deep networks".
pub fn tversky(
    logits: Tensor<4>,
    targets: Targets,
    false_positive: f64,
    false_negative: f64,
) -> Tensor<1> {
    let weights = [false_positive, false_negative, SMOOTH];
    overlap(logits, targets, SumOver::Batch, weights)
}

/// `1 − (TP + e) / (TP + a·FP + b·FN + e)`, averaged over what is annotated.
fn overlap(
    logits: Tensor<4>,
    targets: Targets,
    sum_over: SumOver,
    [a, b, e]: [f64; 3],
) -> Tensor<1> {
    let annotated = targets.annotated;
    let sums = overlap_sums(logits, targets.organs, targets.valid);
    let sums = [sums.shared, sums.predicted, sums.present];
    let [shared, predicted, present] = sums.map(|sums| match sum_over {
        SumOver::Batch => (sums * annotated.clone()).sum_dim(0),
        SumOver::Slice => sums,
    });
    // Each (slice or batch, organ) that is annotated counts once.
    let counts = match sum_over {
        SumOver::Batch => annotated.max_dim(0),
        SumOver::Slice => annotated,
    };
    // TP + a·FP + b·FN = (1 − a − b)·TP + a·Σp + b·Σg
    let union =
        shared.clone().mul_scalar(1.0 - a - b) + predicted.mul_scalar(a) + present.mul_scalar(b);
    let loss = (shared.add_scalar(e) / union.add_scalar(e))
        .neg()
        .add_scalar(1.0);
    (loss * counts.clone()).sum() / counts.sum().clamp_min(1.0)
}
