//! Layers as tensors of the CPU backend, and convolutions of them, forward and backward.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn_std::bf16;

use crate::KeptWeight;
use crate::affine::by_block;
use crate::batch_norm::{Normed, rounded};
use crate::buffers::{Activations, Buffer};
use crate::channel_sums::{Sums, channel_sums};
use crate::conv::{
    Blocks, ChannelBlock, Input, Lanes, Output, Planes, SameConv, UnfoldedConv, WeightGradient,
    WeightsOf, Window, channel_blocks,
};
use crate::layout::{Extent, n_blocks, to_planar};
use crate::moments::{Moments, Wide};
use crate::simd::{LANES, with_simd};
use crate::source::{Reading, Source};
use crate::stored::{Pixels, Precision, SharedPixels};

/// What a tensor's own shape does not say about a layer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer {
    pub(crate) channels: usize,
    /// A batch norm and ReLU that who reads the layer applies.
    pub(crate) norm: Option<Arc<Normed>>,
}

/// Makes sure that a tensor's numbers lie in order.
pub(crate) fn in_order(x: FlexTensor) -> FlexTensor {
    if x.as_slice::<f32>().is_some() || x.as_slice::<bf16>().is_some() {
        x
    } else {
        x.to_contiguous()
    }
}

/// The numbers of a tensor whose numbers lie in order.
pub(crate) fn numbers(x: &FlexTensor) -> &[f32] {
    x.as_slice()
        .unwrap_or_else(|| unreachable!("single precision, brought in order before"))
}

/// The pixels of a blocked tensor.
pub(crate) fn pixels(x: &FlexTensor) -> Pixels<'_> {
    match x.as_slice::<bf16>() {
        Some(halves) => Pixels::Bf16(halves.as_chunks().0),
        None => Pixels::F32(numbers(x).as_chunks().0),
    }
}

/// A tensor's length along an axis.
pub(crate) fn len_of(x: &FlexTensor, axis: usize) -> usize {
    x.layout().shape()[axis]
}

/// Images, rows and columns of `[n, …, y, x]` or `[n, …, y, x, 16]`.
pub(crate) fn extent(x: &FlexTensor) -> Extent {
    Extent {
        n: len_of(x, 0),
        height: len_of(x, 2),
        width: len_of(x, 3),
    }
}

/// Whether a layer is planes `[n, c, y, x]`, not blocks `[n, c / 16, y, x, 16]`.
fn is_planar(x: &FlexTensor) -> bool {
    x.layout().num_dims() == 4
}

impl Layer {
    /// How others read the layer.
    pub(crate) fn source<'a>(&'a self, x: &'a FlexTensor) -> Source<'a> {
        let reading = match &self.norm {
            Some(norm) => Reading::Normalised(&norm.affine),
            None => Reading::Plain,
        };
        Source {
            pixels: pixels(x),
            channels: self.channels,
            reading,
        }
    }
}

/// The layers that a convolution reads: a skip connection (without channels where there is none)
/// and the layer below.
#[derive(Debug, Clone)]
pub(crate) struct ConvInputs {
    /// Skip, x.
    pub(crate) tensors: [FlexTensor; 2],
    pub(crate) layers: [Layer; 2],
    /// Of what the convolution gives.
    pub(crate) precision: Precision,
}

impl ConvInputs {
    pub(crate) fn new(tensors: [FlexTensor; 2], layers: [Layer; 2], precision: Precision) -> Self {
        Self {
            tensors: tensors.map(in_order),
            layers,
            precision,
        }
    }

    fn extent(&self) -> Extent {
        extent(&self.tensors[1])
    }

    /// The convolution without a skip connection as a product of matrices, where that pays.
    fn unfolded<'a>(&'a self, weight: &'a ConvWeight) -> Option<UnfoldedConv<'a>> {
        let [_, x] = &self.tensors;
        if is_planar(x) || self.layers[0].channels > 0 {
            return None;
        }
        let (source, weights) = (self.layers[1].source(x), numbers(&weight.0));
        UnfoldedConv::where_it_pays(source, weight.window(), self.extent(), weights)
    }

    fn channels(&self) -> [usize; 2] {
        [self.layers[0].channels, self.layers[1].channels]
    }

    fn with_input<R>(&self, run: impl FnOnce(Input<'_>) -> R) -> R {
        let [skip, x] = &self.tensors;
        let extent = self.extent();
        if is_planar(x) {
            let channels = self.layers[1].channels;
            return run(Input::Planes(Planes {
                values: numbers(x),
                channels,
                extent,
            }));
        }
        let sources = [self.layers[0].source(skip), self.layers[1].source(x)];
        run(Input::Blocks(Blocks {
            sources: &sources,
            extent,
        }))
    }
}

/// A square convolution's weight `[outputs, inputs, k, k]`.
#[derive(Debug, Clone)]
pub(crate) struct ConvWeight(pub(crate) FlexTensor);

impl ConvWeight {
    fn outputs(&self) -> usize {
        len_of(&self.0, 0)
    }

    fn window(&self) -> Window {
        Window::same(len_of(&self.0, 2))
    }

    fn for_outputs(&self, inputs: [usize; 2]) -> WeightsOf<'_> {
        let taps = self.window().taps();
        let per_output = len_of(&self.0, 1) * taps;
        WeightsOf {
            numbers: numbers(&self.0),
            inputs: channel_blocks(&inputs),
            outputs: Lanes::of(&channel_blocks(&[self.outputs()]), per_output),
            taps,
            output_step: per_output,
            input_step: taps,
            is_turned: false,
        }
    }

    /// For the gradient of some inputs: turned around, inputs and outputs swapped.
    fn for_inputs(&self, inputs: &[ChannelBlock]) -> WeightsOf<'_> {
        let taps = self.window().taps();
        WeightsOf {
            numbers: numbers(&self.0),
            inputs: channel_blocks(&[self.outputs()]),
            outputs: Lanes::of(inputs, taps),
            taps,
            output_step: taps,
            input_step: len_of(&self.0, 1) * taps,
            is_turned: true,
        }
    }
}

/// All blocks of one new tensor.
fn all_blocks(tensor: SharedPixels<'_>, n_blocks: usize) -> Vec<Output<'_>> {
    (0..n_blocks)
        .map(|block| Output {
            tensor,
            n_blocks,
            block,
            step: 1,
            offset: [0, 0],
        })
        .collect()
}

/// Convolves and takes the moments of the result, by block.
pub(crate) fn conv_with_moments(
    inputs: &ConvInputs,
    weight: &ConvWeight,
) -> (FlexTensor, Vec<Moments>) {
    let (grid, blocks) = (inputs.extent(), n_blocks(weight.outputs()));
    let zeros = vec![[0.0; LANES]; blocks];
    let mut out = Activations::stale(inputs.precision, grid.n * blocks * grid.plane());
    let moments = with_simd!(s => inputs.with_input(|input| {
        let (window, weights) = (weight.window(), weight.for_outputs(inputs.channels()));
        let conv = SameConv { input, window, grid, weights, bias: &zeros, rectify: false };
        conv.run(s, &all_blocks(SharedPixels::new(out.pixels_mut()), blocks), true)
    }));
    (
        out.into_tensor([grid.n, blocks, grid.height, grid.width, LANES]),
        moments,
    )
}

/// Convolves, adds the bias and, where `rectify` is set, applies ReLU. `kept`: where the weight may be
/// kept.
pub(crate) fn conv_with_bias(
    inputs: &ConvInputs,
    weight: &ConvWeight,
    bias: &FlexTensor,
    rectify: bool,
    kept: Option<&KeptWeight>,
) -> FlexTensor {
    let (grid, blocks) = (inputs.extent(), n_blocks(weight.outputs()));
    let bias = by_block(numbers(bias));
    let mut out = Activations::stale(inputs.precision, grid.n * blocks * grid.plane());
    if let Some(conv) = inputs.unfolded(weight) {
        with_simd!(s => {
            let kept = kept.map(|kept| {
                kept.or_make(&weight.0, inputs.precision, || conv.pack_weight(s))
            });
            conv.forward(s, &bias, rectify, kept.as_deref(), out.pixels_mut());
        });
    } else {
        with_simd!(s => inputs.with_input(|input| {
            let (window, weights) = (weight.window(), weight.for_outputs(inputs.channels()));
            let conv = SameConv { input, window, grid, weights, bias: &bias, rectify };
            conv.run(s, &all_blocks(SharedPixels::new(out.pixels_mut()), blocks), false);
        }));
    }
    out.into_tensor([grid.n, blocks, grid.height, grid.width, LANES])
}

/// The gradients of a convolution's inputs and weight.
#[derive(Default)]
pub(crate) struct ConvGradients {
    /// Skip, x; `None` where it was not asked for.
    pub(crate) inputs: [Option<FlexTensor>; 2],
    pub(crate) weight: Option<FlexTensor>,
}

/// The gradients that are asked for: skip, x, weight.
pub(crate) fn conv_backward(
    inputs: &ConvInputs,
    weight: &ConvWeight,
    gradient: Source<'_>,
    wanted: [bool; 3],
) -> ConvGradients {
    let mut gradients = ConvGradients::default();
    let grid = inputs.extent();
    if let Some(conv) = inputs.unfolded(weight) {
        if wanted[2] {
            let of_weight = with_simd!(s => conv.weight_gradient(s, gradient));
            gradients.weight = Some(of_weight.into_tensor(weight.0.layout().shape().clone()));
        }
        if wanted[1] {
            let blocks = n_blocks(inputs.layers[1].channels);
            let n_pixels = grid.n * blocks * grid.plane();
            let mut of_x = Activations::stale(inputs.precision, n_pixels);
            with_simd!(s => conv.input_gradient(s, gradient, of_x.pixels_mut()));
            let shape = [grid.n, blocks, grid.height, grid.width, LANES];
            gradients.inputs[1] = Some(of_x.into_tensor(shape));
        }
        return gradients;
    }
    let gradient = Blocks {
        sources: &[gradient],
        extent: grid,
    };
    if wanted[2] {
        let of_weight = with_simd!(s => inputs.with_input(|input| {
            WeightGradient { input, window: weight.window(), gradient }.run(s)
        }));
        gradients.weight = Some(of_weight.into_tensor(weight.0.layout().shape().clone()));
    }
    if wanted[0] || wanted[1] {
        gradients.inputs = inputs_gradient(inputs, weight, gradient, [wanted[0], wanted[1]]);
    }
    gradients
}

fn inputs_gradient(
    inputs: &ConvInputs,
    weight: &ConvWeight,
    gradient: Blocks<'_>,
    wanted: [bool; 2],
) -> [Option<FlexTensor>; 2] {
    let (grid, channels) = (gradient.extent, inputs.channels());
    let blocks = channels.map(n_blocks);
    // The gradient of an image is given as planes, which are single precision.
    let precision = if is_planar(&inputs.tensors[1]) {
        Precision::F32
    } else {
        inputs.precision
    };
    let mut dx = [0, 1].map(|which| {
        let n = if wanted[which] {
            grid.n * blocks[which] * grid.plane()
        } else {
            0
        };
        Activations::stale(precision, n)
    });
    let mut all = channel_blocks(&channels);
    let mut of_x = all.split_off(blocks[0]);
    let mut kept = Vec::new();
    let mut outputs = Vec::new();
    for (which, (dx, of_input)) in dx.iter_mut().zip([&mut all, &mut of_x]).enumerate() {
        if wanted[which] {
            let dx = SharedPixels::new(dx.pixels_mut());
            outputs.extend(all_blocks(dx, blocks[which]));
            kept.append(of_input);
        }
    }
    let zeros = vec![[0.0; LANES]; kept.len()];
    with_simd!(s => {
        let (window, weights) = (weight.window(), weight.for_inputs(&kept));
        let input = Input::Blocks(gradient);
        let conv = SameConv { input, window, grid, weights, bias: &zeros, rectify: false };
        conv.run(s, &outputs, false);
    });
    drop(outputs);
    let [skip, mut x] = dx;
    let shape = |which: usize| [grid.n, blocks[which], grid.height, grid.width, LANES];
    let x_shape = [grid.n, channels[1], grid.height, grid.width];
    [
        wanted[0].then(|| skip.into_tensor(shape(0))),
        wanted[1].then(|| {
            if is_planar(&inputs.tensors[1]) {
                to_planar(x.pixels_mut().shared(), channels[1], grid, None).into_tensor(x_shape)
            } else {
                x.into_tensor(shape(1))
            }
        }),
    ]
}

/// The gradients of gamma, beta and of a convolution's inputs and weight, from the gradient of
/// its layer after batch norm and ReLU.
pub(crate) fn conv_norm_backward(
    inputs: &ConvInputs,
    weight: &ConvWeight,
    (raw, norm, gamma): (&FlexTensor, &Normed, &FlexTensor),
    gradient: &FlexTensor,
    wanted: [bool; 3],
) -> (ConvGradients, [FlexTensor; 2]) {
    let channels = weight.outputs();
    let (raw, gradient) = (pixels(raw), pixels(gradient));
    let sums = Sums::Norm {
        raw,
        affine: &norm.affine,
        mean: &norm.mean,
    };
    let sums = with_simd!(s => channel_sums(s, gradient, sums, channels, inputs.extent()));
    let (d_gamma, d_beta, coefficients) = norm.backward(numbers(gamma), &sums);
    let reading = Reading::Norm {
        raw,
        affine: &norm.affine,
        coefficients: &coefficients,
    };
    let source = Source {
        pixels: gradient,
        channels,
        reading,
    };
    let gradients = conv_backward(inputs, weight, source, wanted);
    (gradients, [d_gamma, d_beta].map(|values| vector(&values)))
}

/// The gradients of the bias and of a convolution's inputs and weight, from the gradient of its
/// output, after ReLU where there is one.
pub(crate) fn conv_bias_backward(
    inputs: &ConvInputs,
    weight: &ConvWeight,
    output: Option<&FlexTensor>,
    gradient: &FlexTensor,
    wanted: [bool; 3],
) -> (ConvGradients, FlexTensor) {
    let channels = weight.outputs();
    let gradient = pixels(gradient);
    let (sums, reading) = match output.map(pixels) {
        Some(output) => (Sums::Rectified { output }, Reading::Rectified { output }),
        None => (Sums::All, Reading::Plain),
    };
    let sums = with_simd!(s => channel_sums(s, gradient, sums, channels, inputs.extent()));
    let source = Source {
        pixels: gradient,
        channels,
        reading,
    };
    (
        conv_backward(inputs, weight, source, wanted),
        bias_gradient(&sums, channels),
    )
}

/// `[channels]`, from sums by block.
pub(crate) fn bias_gradient(sums: &[(Wide, Wide)], channels: usize) -> FlexTensor {
    let sums = sums.iter().flat_map(|(sum, _)| sum).take(channels);
    vector(&sums.map(|sum| rounded(*sum)).collect::<Vec<_>>())
}

/// A tensor with one axis.
pub(crate) fn vector(values: &[f32]) -> FlexTensor {
    let mut buffer = Buffer::stale(values.len());
    buffer.copy_from_slice(values);
    buffer.into_tensor([values.len()])
}
