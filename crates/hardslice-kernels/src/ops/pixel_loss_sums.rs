//! Sums of what each pixel loses: cross-entropy and focal loss.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::buffers::Buffer;
use crate::features::has_kernels;
use crate::pixel_sums::{CrossEntropy, Focal, PlaneTerms, Terms, check_planes, pixel_sums};
use crate::simd::{Kernel, LANES, Pixel, Simd, with_simd};
use crate::tensor::{elements, in_order};

/// What a pixel loses, given its logit `z` and its target `g`, which is 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PixelLoss {
    /// Binary cross-entropy `CE`: `−ln p_t`, with `p_t` the probability that the true class is given.
    CrossEntropy,
    /// `α_t · (1 − p_t)^γ · CE`, with `α_t = alpha` where `g` is 1 and `1 − alpha` where it is 0.
    Focal {
        /// Focusing exponent `γ`, 0 or more.
        gamma: f32,
        /// Weight of the pixels whose target is 1.
        alpha: f32,
    },
}

/// Sums what the pixels of each plane lose, each pixel with its weight: `[n, c]`.
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
/// use hardslice_kernels::ops::pixel_loss_sums::{PixelLoss, pixel_loss_sums};
///
/// let device = Device::default();
/// let logits = Tensor::<4>::zeros([1, 1, 1, 2], &device);
/// let targets = Tensor::<4>::from_data([[[[1.0, 0.0]]]], &device);
/// let sums = pixel_loss_sums(logits, targets, None, PixelLoss::CrossEntropy);
/// let [sum] = sums.into_data().to_vec::<f32>().unwrap()[..] else { unreachable!() };
/// assert!((sum - 2.0 * 2_f32.ln()).abs() < 1e-6);
/// ```
///
/// # Sources
///
/// - T.-Y. Lin et al. (2017), "Focal Loss for Dense Object Detection", equation 5.
pub fn pixel_loss_sums(
    logits: Tensor<4>,
    targets: Tensor<4>,
    weights: Option<Tensor<4>>,
    loss: PixelLoss,
) -> Tensor<2> {
    check_planes(&logits, &targets, weights.as_ref());
    if !has_kernels(&logits) {
        return fallback::pixel_loss_sums(logits, targets, weights, loss);
    }
    let [n, channels, _, _] = logits.dims();
    let terms = match loss {
        PixelLoss::CrossEntropy => PlaneTerms::CrossEntropy(CrossEntropy),
        PixelLoss::Focal { gamma, alpha } => PlaneTerms::Focal(Focal { gamma, alpha }),
    };
    pixel_sums(logits, targets, weights, terms).reshape([n, channels])
}

/// The binary cross-entropy of each pixel, `[n, c, y, x]` like logits and targets.
///
/// Not differentiable: it is there to choose pixels by.
///
/// # Panics
///
/// When the shapes differ, or a tensor is tracked by autodiff.
pub fn cross_entropies(logits: Tensor<4>, targets: Tensor<4>) -> Tensor<4> {
    check_planes(&logits, &targets, None);
    if !has_kernels(&logits) {
        return fallback::cross_entropies(logits, targets);
    }
    Tensor::from_dispatch(<Dispatch as CrossEntropies>::cross_entropies(
        logits.into_dispatch(),
        targets.into_dispatch(),
    ))
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::{Tensor, activation};

    use super::PixelLoss;
    use crate::ops::plane_sums::fallback::plane_sums;

    /// See [`pixel_loss_sums`](super::pixel_loss_sums()).
    pub fn pixel_loss_sums(
        logits: Tensor<4>,
        targets: Tensor<4>,
        weights: Option<Tensor<4>>,
        loss: PixelLoss,
    ) -> Tensor<2> {
        let cross_entropies = cross_entropies(logits.clone(), targets.clone());
        let losses = match loss {
            PixelLoss::CrossEntropy => cross_entropies,
            PixelLoss::Focal { gamma, alpha } => {
                let p = activation::sigmoid(logits);
                // 1 − p_t = p + g − 2·p·g for g in {0, 1}.
                let missed = p.clone() + targets.clone() - (p * targets.clone()).mul_scalar(2.0);
                let alphas = targets
                    .mul_scalar(2.0 * alpha - 1.0)
                    .add_scalar(1.0 - alpha);
                alphas * missed.powf_scalar(gamma) * cross_entropies
            }
        };
        plane_sums(match weights {
            Some(weights) => losses * weights,
            None => losses,
        })
    }

    /// See [`cross_entropies`](super::cross_entropies()).
    pub fn cross_entropies(logits: Tensor<4>, targets: Tensor<4>) -> Tensor<4> {
        // max(z, 0) − z·g + ln(1 + e^−|z|), never overflowing.
        let magnitude = logits.clone().abs();
        activation::relu(logits.clone()) - logits * targets + magnitude.neg().exp().log1p()
    }
}

/// Nothing here is differentiable.
#[backend_extension(Flex)]
trait CrossEntropies: Backend {
    /// Of each pixel of `[n, c, y, x]`.
    fn cross_entropies(logits: FloatTensor<Self>, targets: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Pixels of a task.
const CHUNK: usize = 1 << 12;

impl CrossEntropies for Flex {
    fn cross_entropies(logits: FlexTensor, targets: FlexTensor) -> FlexTensor {
        let [logits, targets] = [logits, targets].map(in_order);
        let mut losses = Buffer::stale(elements(&logits).len());
        let inputs = elements(&logits)
            .par_chunks(CHUNK)
            .zip(elements(&targets).par_chunks(CHUNK));
        with_simd!(s => losses
            .par_chunks_mut(CHUNK)
            .zip(inputs)
            .for_each(|(to, (logits, targets))| s.run(Each { logits, targets, to })));
        losses.into_tensor(logits.layout().shape().clone())
    }
}

struct Each<'a> {
    logits: &'a [f32],
    targets: &'a [f32],
    to: &'a mut [f32],
}

impl Kernel for Each<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let inputs = self.logits.chunks(LANES).zip(self.targets.chunks(LANES));
        for (to, (logits, targets)) in self.to.chunks_mut(LANES).zip(inputs) {
            let (logits, targets) = (filled_up(logits), filled_up(targets));
            let [loss] = CrossEntropy.of(s, s.read(&logits), s.read(&targets));
            to.copy_from_slice(&s.to_array(loss)[..to.len()]);
        }
    }
}

/// Sixteen elements, the last ones zero where there are fewer.
#[inline(always)]
fn filled_up(values: &[f32]) -> Pixel {
    let mut pixel = [0.0; LANES];
    pixel[..values.len()].copy_from_slice(values);
    pixel
}
