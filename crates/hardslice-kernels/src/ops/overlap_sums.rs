//! The sums that overlap losses (soft Dice, Tversky) are made of.

use burn::tensor::Tensor;

use crate::features::has_kernels;
use crate::pixel_sums::{Overlap, PlaneTerms, check_planes, pixel_sums};

/// Sums over the pixels of each plane, each `[n, c]`.
#[derive(Debug, Clone)]
pub struct OverlapSums {
    /// `Σ w · p · g`: the soft true positives.
    pub shared: Tensor<2>,
    /// `Σ w · p`.
    pub predicted: Tensor<2>,
    /// `Σ w · g`. No gradient flows through it.
    pub present: Tensor<2>,
}

/// Sums of probability `p = sigmoid(logit)` and target `g` over each plane, each pixel with its
/// weight `w`.
///
/// Differentiable in the logits. An empty plane sums to 0; a pixel of weight 0 takes part in
/// neither sums nor gradient. On the CPU the order of the sums depends on the shape alone.
///
/// # Shapes
///
/// `logits`, `targets`: `[n, c, y, x]`; `weights`: `[n, c, y, x]` or, the same for all planes of an
/// image, `[n, 1, y, x]`. Without weights each pixel weighs 1.
///
/// # Panics
///
/// When the shapes do not fit each other.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::overlap_sums::overlap_sums;
///
/// let device = Device::default();
/// let logits = Tensor::<4>::zeros([1, 1, 1, 3], &device);
/// let targets = Tensor::<4>::from_data([[[[1.0, 0.0, 1.0]]]], &device);
/// let weights = Tensor::<4>::from_data([[[[1.0, 1.0, 0.0]]]], &device);
/// let sums = overlap_sums(logits, targets, Some(weights));
/// assert_eq!(sums.shared.into_data().to_vec::<f32>().unwrap(), [0.5]);
/// assert_eq!(sums.predicted.into_data().to_vec::<f32>().unwrap(), [1.0]);
/// assert_eq!(sums.present.into_data().to_vec::<f32>().unwrap(), [1.0]);
/// ```
pub fn overlap_sums(
    logits: Tensor<4>,
    targets: Tensor<4>,
    weights: Option<Tensor<4>>,
) -> OverlapSums {
    check_planes(&logits, &targets, weights.as_ref());
    if !has_kernels(&logits) {
        return fallback::overlap_sums(logits, targets, weights);
    }
    let [n, channels, _, _] = logits.dims();
    let sums = pixel_sums(logits, targets, weights, PlaneTerms::Overlap(Overlap));
    let of_term = |term: usize| {
        let sums = sums.clone().slice([term..term + 1, 0..n, 0..channels]);
        sums.reshape([n, channels])
    };
    OverlapSums {
        shared: of_term(0),
        predicted: of_term(1),
        present: of_term(2),
    }
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::{Tensor, activation};

    use super::OverlapSums;
    use crate::ops::plane_sums::fallback::plane_sums;

    /// See [`overlap_sums`](super::overlap_sums()).
    pub fn overlap_sums(
        logits: Tensor<4>,
        targets: Tensor<4>,
        weights: Option<Tensor<4>>,
    ) -> OverlapSums {
        let p = activation::sigmoid(logits);
        let weighed = move |values: Tensor<4>| match &weights {
            Some(weights) => values * weights.clone(),
            None => values,
        };
        OverlapSums {
            shared: plane_sums(weighed(p.clone() * targets.clone())),
            predicted: plane_sums(weighed(p)),
            present: plane_sums(weighed(targets)),
        }
    }
}
