//! A convolution backward: the gradients of its inputs and of its weight.

use burn::backend::flex::FlexTensor;

use super::sources::{ConvSources, ConvWeight};
use crate::buffers::Activations;
use crate::conv::{Blocks, Im2colConv, Input, Output, SameConv, WeightGradient, channel_blocks};
use crate::layout::{n_blocks, to_planar};
use crate::precision::Precision;
use crate::simd::{LANES, with_simd};
use crate::source::Source;
use crate::stored::SharedPixels;

/// Which gradients are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Of the skip connection and of x.
    pub(crate) inputs: [bool; 2],
    pub(crate) weight: bool,
}

/// The gradients of a convolution's inputs and weight; `None` where one was not asked for.
#[derive(Default)]
pub(crate) struct ConvGradients {
    /// Skip, x.
    pub(crate) inputs: [Option<FlexTensor>; 2],
    pub(crate) weight: Option<FlexTensor>,
}

/// The gradients that are asked for, from that of the convolution's output.
pub(crate) fn conv_backward(
    sources: &ConvSources,
    weight: &ConvWeight,
    gradient: Source<'_>,
    wanted: Wanted,
) -> ConvGradients {
    if let Some(conv) = sources.im2col(weight) {
        return im2col_backward(&conv, sources, weight, gradient, wanted);
    }
    let gradient = Blocks {
        sources: &[gradient],
        extent: sources.extent(),
    };
    let mut gradients = ConvGradients::default();
    if wanted.weight {
        let weight_gradient = with_simd!(s => sources.with_input(|input| {
            WeightGradient { input, window: weight.window(), gradient }.run(s)
        }));
        gradients.weight = Some(weight_gradient.into_tensor(weight.0.layout().shape().clone()));
    }
    if wanted.inputs.contains(&true) {
        gradients.inputs = input_gradients(sources, weight, gradient, wanted.inputs);
    }
    gradients
}

/// The same for a convolution as a product of matrices, which has no skip connection.
fn im2col_backward(
    conv: &Im2colConv<'_>,
    sources: &ConvSources,
    weight: &ConvWeight,
    gradient: Source<'_>,
    wanted: Wanted,
) -> ConvGradients {
    let mut gradients = ConvGradients::default();
    if wanted.weight {
        let weight_gradient = with_simd!(s => conv.weight_gradient(s, gradient));
        gradients.weight = Some(weight_gradient.into_tensor(weight.0.layout().shape().clone()));
    }
    if wanted.inputs[1] {
        let (grid, [_, channels]) = (sources.extent(), sources.channels());
        let n_pixels = grid.n * n_blocks(channels) * grid.plane();
        let mut dx = Activations::stale(sources.precision, n_pixels);
        with_simd!(s => conv.input_gradient(s, gradient, dx.pixels_mut()));
        gradients.inputs[1] = Some(dx.into_tensor(grid.blocked_shape(channels)));
    }
    gradients
}

/// The gradients of skip and x: one convolution with the flipped weight.
fn input_gradients(
    sources: &ConvSources,
    weight: &ConvWeight,
    gradient: Blocks<'_>,
    wanted: [bool; 2],
) -> [Option<FlexTensor>; 2] {
    let (grid, channels) = (gradient.extent, sources.channels());
    let blocks = channels.map(n_blocks);
    // The gradient of an image is given as planes, which are single precision.
    let precision = if sources.is_planar() {
        Precision::F32
    } else {
        sources.precision
    };
    let mut dx = [0, 1].map(|which| {
        let n = if wanted[which] {
            grid.n * blocks[which] * grid.plane()
        } else {
            0
        };
        Activations::stale(precision, n)
    });
    let mut skip_blocks = channel_blocks(&channels);
    let mut x_blocks = skip_blocks.split_off(blocks[0]);
    let mut wanted_blocks = Vec::new();
    let mut outputs = Vec::new();
    let all = dx.iter_mut().zip([&mut skip_blocks, &mut x_blocks]);
    for (which, (dx, input_blocks)) in all.enumerate() {
        if wanted[which] {
            let dx = SharedPixels::new(dx.pixels_mut());
            outputs.extend(Output::all_of(dx, blocks[which]));
            wanted_blocks.append(input_blocks);
        }
    }
    let zeros = vec![[0.0; LANES]; wanted_blocks.len()];
    with_simd!(s => {
        let (window, weights) = (weight.window(), weight.for_inputs(&wanted_blocks));
        let input = Input::Blocks(gradient);
        let conv = SameConv { input, window, grid, weights, bias: &zeros, relu: false };
        conv.run(s, &outputs, false);
    });
    drop(outputs);
    let [skip, mut x] = dx;
    [
        wanted[0].then(|| skip.into_tensor(grid.blocked_shape(channels[0]))),
        wanted[1].then(|| {
            if sources.is_planar() {
                to_planar(x.pixels_mut().shared(), channels[1], grid, None)
                    .into_tensor(grid.planar_shape(channels[1]))
            } else {
                x.into_tensor(grid.blocked_shape(channels[1]))
            }
        }),
    ]
}
