//! The same convolution in Burn's own operations.

use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use crate::Features;

/// `skip` (where there is one) and `x` concatenated, convolved with same padding and stride 1: planes.
pub(crate) fn conv2d_same(
    x: &Features,
    skip: Option<&Features>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
) -> Tensor<4> {
    let planar = x.clone().into_planar();
    let planar = match skip {
        Some(skip) => Tensor::cat(vec![skip.clone().into_planar(), planar], 1),
        None => planar,
    };
    let pad = weight.dims()[2] / 2;
    let options = ConvOptions::new([1, 1], [pad; 2], [1, 1], 1);
    conv2d(planar, weight, bias, options)
}
