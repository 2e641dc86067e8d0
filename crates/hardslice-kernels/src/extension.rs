//! The operations as an extension of Burn's CPU backend and of its autodiff.
//!
//! Each is one node of the graph. Between layers a tensor holds a convolution's output; a batch
//! norm and ReLU after it stand in the [`Layer`] beside it, and the tensor's gradient is that of
//! the layer *after* them. No operation but these sees such a tensor.

mod autodiff;
mod flex;

use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, backend_extension};

use crate::KeptWeight;
use crate::batch_norm::Normed;
use crate::layer::Layer;
use crate::stored::Precision;

/// What [`Kernels::conv_norm`] knows besides its tensors.
#[derive(Debug, Clone)]
pub(crate) struct NormedConv {
    /// Of `skip` and `x`.
    pub(crate) layers: [Layer; 2],
    /// Added to the variance.
    pub(crate) eps: f64,
    /// Of what the convolution gives.
    pub(crate) precision: Precision,
}

/// What [`Kernels::conv_bias`] knows besides its tensors.
#[derive(Debug, Clone)]
pub(crate) struct BiasedConv {
    /// Of `skip` and `x`.
    pub(crate) layers: [Layer; 2],
    /// Whether a ReLU follows.
    pub(crate) rectify: bool,
    /// Where the weight may be kept.
    pub(crate) kept: Option<KeptWeight>,
    /// Of what the convolution gives.
    pub(crate) precision: Precision,
}

/// The operations on primitives; shapes as in [`crate::operations`], layers in blocks.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Kernels: Backend {
    /// `[n, c, y, x]` to `[n, c / 16, y, x, 16]`.
    fn blocks_from_planes(x: FloatTensor<Self>, precision: Precision) -> FloatTensor<Self>;
    /// `[n, c / 16, y, x, 16]` to `[n, c, y, x]`, with the layer's norm.
    fn planes_from_blocks(x: FloatTensor<Self>, layer: Layer) -> FloatTensor<Self>;
    /// A 3x3 convolution of `skip` (without channels where there is none) and `x`, and the norm
    /// that belongs to it.
    fn conv_norm(
        skip: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        about: NormedConv,
    ) -> (FloatTensor<Self>, Arc<Normed>);
    /// A square convolution with bias and, where asked for, ReLU.
    fn conv_bias(
        skip: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        about: BiasedConv,
    ) -> FloatTensor<Self>;
    /// 2x2 max pool.
    fn max_pool(x: FloatTensor<Self>, layer: Layer) -> FloatTensor<Self>;
    /// 2x2 transposed convolution.
    fn up_conv(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        layer: Layer,
    ) -> FloatTensor<Self>;
    /// 1x1 convolution to planes.
    fn head(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        layer: Layer,
    ) -> FloatTensor<Self>;
    /// Transposed convolution of planes by an even stride.
    fn upsample(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        stride: usize,
    ) -> FloatTensor<Self>;
    /// `[n, c, y, x]` to `[n, c]`.
    fn plane_sums(x: FloatTensor<Self>) -> FloatTensor<Self>;
}
