//! A batch norm folded into a convolution's weights.

use burn::tensor::Tensor;

use super::scaled::{self, scaled};

/// Folds a batch norm with fixed statistics into the convolution before it.
///
/// Gives the weight and the bias with which [`conv3x3_bias`](super::conv_bias::conv3x3_bias) computes the convolution and
/// the norm at once: `w' = w · s`, `b' = beta − mean · s`, with `s = gamma / sqrt(var + eps)`.
///
/// # Shapes
///
/// `weight`: `[out, in, y, x]`; the others: `[out]`; gives `[out, in, y, x]` and `[out]`.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::fold_norm::fold_norm;
///
/// let device = Device::default();
/// let [gamma, beta, mean, var] =
///     [2.0, 1.0, 3.0, 4.0].map(|value| Tensor::<1>::full([1], value, &device));
/// let weight = Tensor::<4>::ones([1, 1, 1, 1], &device);
/// let (weight, bias) = fold_norm(weight, gamma, beta, mean, var, 0.0);
/// assert_eq!(weight.into_data().to_vec::<f32>().unwrap(), [1.0]);
/// assert_eq!(bias.into_data().to_vec::<f32>().unwrap(), [-2.0]);
/// ```
pub fn fold_norm(
    weight: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    mean: Tensor<1>,
    var: Tensor<1>,
    eps: f64,
) -> (Tensor<4>, Tensor<1>) {
    let scale = gamma / (var + eps).sqrt();
    let bias = beta - mean * scale.clone();
    let weight = if weight.device().is_autodiff() {
        // Through the scale a gradient flows to the norm.
        scaled::fallback::scaled(weight, scale)
    } else {
        scaled(weight, scale)
    };
    (weight, bias)
}
