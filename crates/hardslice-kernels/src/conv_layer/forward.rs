//! A convolution forward.

use burn::backend::flex::FlexTensor;

use super::sources::{ConvSources, ConvWeight};
use crate::PackedWeight;
use crate::affine::by_block;
use crate::buffers::Activations;
use crate::conv::{Output, SameConv};
use crate::layout::n_blocks;
use crate::moments::Moments;
use crate::simd::{LANES, with_simd};
use crate::stored::SharedPixels;
use crate::tensor::elements;

/// Convolves and takes the moments of the result, by block.
pub(crate) fn conv_with_moments(
    sources: &ConvSources,
    weight: &ConvWeight,
) -> (FlexTensor, Vec<Moments>) {
    let (grid, blocks) = (sources.extent(), n_blocks(weight.outputs()));
    let zeros = vec![[0.0; LANES]; blocks];
    let mut out = Activations::stale(sources.precision, grid.n * blocks * grid.plane());
    let moments = with_simd!(s => sources.with_input(|input| {
        let (window, weights) = (weight.window(), weight.for_outputs(sources.channels()));
        let conv = SameConv { input, window, grid, weights, bias: &zeros, relu: false };
        conv.run(s, &Output::all_of(SharedPixels::new(out.pixels_mut()), blocks), true)
    }));
    (
        out.into_tensor(grid.blocked_shape(weight.outputs())),
        moments,
    )
}

/// Convolves, adds the bias and, where `relu` is set, applies ReLU. `packed`: where the weight may be
/// kept in the order in which the kernel reads it.
pub(crate) fn conv_with_bias(
    sources: &ConvSources,
    weight: &ConvWeight,
    bias: &FlexTensor,
    relu: bool,
    packed: Option<&PackedWeight>,
) -> FlexTensor {
    let (grid, blocks) = (sources.extent(), n_blocks(weight.outputs()));
    let bias = by_block(elements(bias));
    let mut out = Activations::stale(sources.precision, grid.n * blocks * grid.plane());
    if let Some(conv) = sources.im2col(weight) {
        with_simd!(s => {
            let packed = packed.map(|packed| {
                packed.or_make(&weight.0, sources.precision, || conv.pack_weight(s))
            });
            conv.forward(s, &bias, relu, packed.as_deref(), out.pixels_mut());
        });
    } else {
        with_simd!(s => sources.with_input(|input| {
            let (window, weights) = (weight.window(), weight.for_outputs(sources.channels()));
            let conv = SameConv { input, window, grid, weights, bias: &bias, relu };
            conv.run(s, &Output::all_of(SharedPixels::new(out.pixels_mut()), blocks), false);
        }));
    }
    out.into_tensor(grid.blocked_shape(weight.outputs()))
}
