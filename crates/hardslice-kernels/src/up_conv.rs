//! 2x2 transposed convolution with stride 2: four 1x1 convolutions whose outputs interleave.

use burn::backend::flex::FlexTensor;

use crate::affine::by_block;
use crate::buffers::Activations;
use crate::channel_sums::{Sums, channel_sums};
use crate::conv::{
    Blocks, Conv, Input, Lanes, Output, Packed, WeightGradient, WeightsOf, Window, channel_blocks,
};
use crate::layer::{Layer, bias_gradient, extent, len_of, numbers, pixels};
use crate::layout::{Extent, n_blocks};
use crate::simd::{LANES, Simd, with_simd};
use crate::source::{Reading, Source};
use crate::stored::SharedPixels;

const TAPS: usize = 4;

/// How the gradient reads: the block of 2x2 that a pixel became.
const BLOCK_OF_PIXEL: Window = Window {
    kernel: 2,
    pad: 0,
    step: 2,
};

/// A layer and a weight `[channels, outputs, 2, 2]`.
#[derive(Debug, Clone)]
pub(crate) struct UpConv {
    pub(crate) x: FlexTensor,
    pub(crate) layer: Layer,
    pub(crate) weight: FlexTensor,
}

/// What comes back through an [`UpConv`]: x, weight (where asked for), bias.
pub(crate) struct UpConvGradients {
    pub(crate) x: Option<FlexTensor>,
    pub(crate) weight: Option<FlexTensor>,
    pub(crate) bias: FlexTensor,
}

impl UpConv {
    fn outputs(&self) -> usize {
        len_of(&self.weight, 1)
    }

    fn doubled(&self) -> Extent {
        let Extent { n, height, width } = extent(&self.x);
        Extent {
            n,
            height: 2 * height,
            width: 2 * width,
        }
    }

    /// `[n, outputs / 16, 2y, 2x, 16]`.
    pub(crate) fn forward(&self, bias: &FlexTensor) -> FlexTensor {
        let (grid, doubled) = (extent(&self.x), self.doubled());
        let blocks = n_blocks(self.outputs());
        let bias = by_block(numbers(bias)).repeat(TAPS);
        let precision = pixels(&self.x).precision();
        let mut out = Activations::stale(precision, grid.n * blocks * doubled.plane());
        let tensor = SharedPixels::new(out.pixels_mut());
        let outputs: Vec<Output<'_>> = (0..TAPS * blocks)
            .map(|place| {
                let (tap, block) = (place / blocks, place % blocks);
                Output {
                    tensor,
                    n_blocks: blocks,
                    block,
                    step: 2,
                    offset: [tap / 2, tap % 2],
                }
            })
            .collect();
        with_simd!(s => {
            let sources = [self.layer.source(&self.x)];
            let input = Input::Blocks(Blocks { sources: &sources, extent: grid });
            let weights = self.pack(s, input);
            let window = Window::same(1);
            let conv =
                Conv { input, window, grid, weights: &weights, bias: &bias, rectify: false };
            conv.run(s, &outputs);
        });
        out.into_tensor([grid.n, blocks, doubled.height, doubled.width, LANES])
    }

    /// Four blocks of outputs for each block: one for each tap.
    fn pack<S: Simd>(&self, s: S, input: Input<'_>) -> Packed {
        let of_tap = Lanes::of(&channel_blocks(&[self.outputs()]), TAPS);
        let outputs = (0..TAPS).flat_map(|tap| {
            of_tap.iter().map(move |lanes| Lanes {
                start: lanes.start + tap,
                ..*lanes
            })
        });
        let weights = WeightsOf {
            numbers: numbers(&self.weight),
            inputs: channel_blocks(&[self.layer.channels]),
            outputs: outputs.collect(),
            taps: 1,
            output_step: TAPS,
            input_step: self.outputs() * TAPS,
            is_turned: false,
        };
        Packed::for_input(s, input, &weights)
    }

    /// From the gradient of the output; `wanted`: of x, of the weight.
    pub(crate) fn backward(&self, gradient: &FlexTensor, wanted: [bool; 2]) -> UpConvGradients {
        let n_outputs = self.outputs();
        let (grid, doubled) = (extent(&self.x), self.doubled());
        let gradient = Source {
            pixels: pixels(gradient),
            channels: n_outputs,
            reading: Reading::Plain,
        };
        let input = Input::Blocks(Blocks {
            sources: &[gradient],
            extent: doubled,
        });
        let window = BLOCK_OF_PIXEL;
        let sums = with_simd!(
            s => channel_sums(s, gradient.pixels, Sums::All, n_outputs, doubled)
        );
        let weight = wanted[1].then(|| {
            let sources = [self.layer.source(&self.x)];
            let layer = Blocks {
                sources: &sources,
                extent: grid,
            };
            let gradient =
                with_simd!(s => WeightGradient { input, window, gradient: layer }.run(s));
            gradient.into_tensor(self.weight.layout().shape().clone())
        });
        let x = wanted[0].then(|| self.x_gradient(input, grid));
        UpConvGradients {
            x,
            weight,
            bias: bias_gradient(&sums, n_outputs),
        }
    }

    fn x_gradient(&self, input: Input<'_>, grid: Extent) -> FlexTensor {
        let channels = channel_blocks(&[self.layer.channels]);
        let blocks = channels.len();
        let n_outputs = self.outputs();
        let precision = pixels(&self.x).precision();
        let mut dx = Activations::stale(precision, grid.n * blocks * grid.plane());
        let tensor = SharedPixels::new(dx.pixels_mut());
        let outputs: Vec<Output<'_>> = (0..blocks)
            .map(|block| Output {
                tensor,
                n_blocks: blocks,
                block,
                step: 1,
                offset: [0, 0],
            })
            .collect();
        let zeros = vec![[0.0; LANES]; blocks];
        with_simd!(s => {
            let weights = WeightsOf {
                numbers: numbers(&self.weight),
                inputs: channel_blocks(&[n_outputs]),
                outputs: Lanes::of(&channels, n_outputs * TAPS),
                taps: TAPS,
                output_step: n_outputs * TAPS,
                input_step: TAPS,
                is_turned: false,
            };
            let weights = Packed::for_input(s, input, &weights);
            let window = BLOCK_OF_PIXEL;
            let conv =
                Conv { input, window, grid, weights: &weights, bias: &zeros, rectify: false };
            conv.run(s, &outputs);
        });
        dx.into_tensor([grid.n, blocks, grid.height, grid.width, LANES])
    }
}
