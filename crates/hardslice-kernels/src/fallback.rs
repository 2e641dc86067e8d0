//! Each operation in Burn's own operations: for every device without own kernels, and the oracle
//! of the tests.
//!
//! Same names, arguments and shapes as at the root of the crate.

use burn::tensor::Tensor;
use burn::tensor::activation::relu as rectify;
use burn::tensor::module::{conv_transpose2d, conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions, MaxPoolOptions};

use crate::{BatchStatistics, Features, Norm};

/// See [`crate::conv3x3_norm_relu`].
pub fn conv3x3_norm_relu(
    x: &Features,
    skip: Option<&Features>,
    weight: Tensor<4>,
    norm: &Norm,
) -> (Features, BatchStatistics) {
    let conv = conv2d(concatenated(x, skip), weight, None, same(3));
    let [n, n_out, height, width] = conv.dims();
    let n_values = n * height * width;
    let channels = [1, n_out, 1, 1];
    let mean = channel_means(conv.clone());
    let centred = conv - mean.clone().reshape(channels);
    let var = channel_means(centred.clone().powi_scalar(2));
    let scale = norm.gamma.clone() / (var.clone() + norm.eps).sqrt();
    let out = centred * scale.reshape(channels) + norm.beta.clone().reshape(channels);
    let statistics = BatchStatistics {
        mean: mean.detach(),
        var_biased: var.detach(),
        n: n_values,
    };
    (Features::from_planar(rectify(out)), statistics)
}

/// See [`crate::conv3x3_bias`].
pub fn conv3x3_bias(
    x: &Features,
    skip: Option<&Features>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    relu: bool,
) -> Features {
    let out = conv2d(concatenated(x, skip), weight, Some(bias), same(3));
    Features::from_planar(if relu { rectify(out) } else { out })
}

/// See [`crate::max_pool2x2`].
pub fn max_pool2x2(x: &Features) -> Features {
    let planar = x.clone().into_planar();
    Features::from_planar(max_pool2d(planar, MaxPoolOptions::new([2, 2])))
}

/// See [`crate::conv_transpose2x2`].
pub fn conv_transpose2x2(x: &Features, weight: Tensor<4>, bias: Tensor<1>) -> Features {
    let options = ConvTransposeOptions::new([2, 2], [0, 0], [0, 0], [1, 1], 1);
    Features::from_planar(conv_transpose2d(
        x.clone().into_planar(),
        weight,
        Some(bias),
        options,
    ))
}

/// See [`crate::conv1x1`].
pub fn conv1x1(x: &Features, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    conv2d(x.clone().into_planar(), weight, Some(bias), same(1))
}

/// See [`crate::conv_bias`].
pub fn conv_bias(x: &Features, weight: Tensor<4>, bias: Tensor<1>, relu: bool) -> Features {
    let kernel = weight.dims()[2];
    let out = conv2d(x.clone().into_planar(), weight, Some(bias), same(kernel));
    Features::from_planar(if relu { rectify(out) } else { out })
}

/// See [`crate::conv_transpose_bilinear`].
pub fn conv_transpose_bilinear(x: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let padding = stride / 2;
    let options = ConvTransposeOptions::new([stride; 2], [padding; 2], [0, 0], [1, 1], 1);
    conv_transpose2d(x, weight, None, options)
}

/// See [`crate::plane_sums()`].
pub fn plane_sums(x: Tensor<4>) -> Tensor<2> {
    let [n, c, height, width] = x.dims();
    x.reshape([n, c, height * width]).sum_dim(2).reshape([n, c])
}

fn concatenated(x: &Features, skip: Option<&Features>) -> Tensor<4> {
    let planar = x.clone().into_planar();
    match skip {
        Some(skip) => Tensor::cat(vec![skip.clone().into_planar(), planar], 1),
        None => planar,
    }
}

fn same(kernel: usize) -> ConvOptions<2> {
    ConvOptions::new([1, 1], [kernel / 2; 2], [1, 1], 1)
}

/// `[n, c, y, x]` to `[c]`.
fn channel_means(x: Tensor<4>) -> Tensor<1> {
    let [n, c, height, width] = x.dims();
    x.swap_dims(0, 1)
        .reshape([c, n * height * width])
        .mean_dim(1)
        .reshape([c])
}
