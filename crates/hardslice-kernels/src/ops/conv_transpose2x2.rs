//! 2x2 transposed convolution (deconvolution) with stride 2: four 1x1 convolutions whose outputs interleave.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use crate::Features;
use crate::affine::by_block;
use crate::buffers::Activations;
use crate::channel_sums::{Sums, channel_sums};
use crate::conv::{
    Blocks, DirectConv, Input, Lanes, Output, TileWeights, WeightGradient, WeightView, Window,
    channel_blocks,
};
use crate::features::Blocked;
use crate::layout::n_blocks;
use crate::node::{Tracked, node, register};
use crate::pending_norm::PendingNorm;
use crate::simd::{LANES, with_simd};
use crate::source::{Reading, Source};
use crate::stored::SharedPixels;
use crate::tensor::{bias_gradient, elements, extent, in_order, len_of, pixels};

/// 2x2 transposed convolution with stride 2: each pixel becomes a block of 2x2.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `weight`: `[c, out, 2, 2]`, `bias`: `[out]`; gives `[n, out, 2y, 2x]`.
///
/// # Panics
///
/// When the shapes do not fit each other.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::Features;
/// use hardslice_kernels::ops::conv_transpose2x2::conv_transpose2x2;
///
/// let device = Device::default();
/// let x = Features::from_planar(Tensor::full([1, 1, 1, 1], 2.0, &device));
/// let weight = Tensor::<4>::from_data([[[[1.0, 2.0], [3.0, 4.0]]]], &device);
/// let y = conv_transpose2x2(&x, weight, Tensor::zeros([1], &device)).into_planar();
/// assert_eq!(y.into_data().to_vec::<f32>().unwrap(), [2.0, 4.0, 6.0, 8.0]);
/// ```
pub fn conv_transpose2x2(x: &Features, weight: Tensor<4>, bias: Tensor<1>) -> Features {
    let [n_in, n_out, height, width] = weight.dims();
    assert_eq!(
        [n_in, height, width],
        [x.channels(), 2, 2],
        "weight of a 2x2 transposed conv"
    );
    let Some(Blocked { blocks, pending }) = x.blocks() else {
        return fallback::conv_transpose2x2(x, weight, bias);
    };
    let out = <Dispatch as ConvTranspose>::conv_transpose(
        blocks.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        pending,
    );
    Features::from_blocks(Tensor::from_dispatch(out), n_out, None)
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::Tensor;
    use burn::tensor::module::conv_transpose2d;
    use burn::tensor::ops::ConvTransposeOptions;

    use crate::Features;

    /// See [`conv_transpose2x2`](super::conv_transpose2x2()).
    pub fn conv_transpose2x2(x: &Features, weight: Tensor<4>, bias: Tensor<1>) -> Features {
        let options = ConvTransposeOptions::new([2, 2], [0, 0], [0, 0], [1, 1], 1);
        Features::from_planar(conv_transpose2d(
            x.clone().into_planar(),
            weight,
            Some(bias),
            options,
        ))
    }
}

#[backend_extension(Flex, Autodiff)]
trait ConvTranspose: Backend {
    /// In nChw16c.
    fn conv_transpose(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        pending: PendingNorm,
    ) -> FloatTensor<Self>;
}

impl ConvTranspose for Flex {
    fn conv_transpose(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        pending: PendingNorm,
    ) -> FlexTensor {
        let (x, weight) = (in_order(x), in_order(weight));
        State { x, weight, pending }.forward(&in_order(bias))
    }
}

impl<C: CheckpointStrategy> ConvTranspose for Autodiff<Flex, C> {
    fn conv_transpose(x: Tracked, weight: Tracked, bias: Tracked, pending: PendingNorm) -> Tracked {
        let parents = [&x, &weight, &bias].map(Tracked::node);
        let [x, weight, bias] = [x, weight, bias].map(|tensor| in_order(tensor.into_primitive()));
        let out = Flex::conv_transpose(x.clone(), weight.clone(), bias, pending.clone());
        node::<C, _, 3>(Node, parents, || State { x, weight, pending }, out)
    }
}

#[derive(Debug)]
struct Node;

/// A layer and a weight `[channels, outputs, 2, 2]`.
#[derive(Debug, Clone)]
struct State {
    x: FlexTensor,
    weight: FlexTensor,
    pending: PendingNorm,
}

impl Backward<Flex, 3> for Node {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x, weight, bias] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let state = ops.state;
        let (n_outputs, doubled) = (state.outputs(), extent(&state.x).times(2));
        let source = Source {
            pixels: pixels(&gradient),
            channels: n_outputs,
            reading: Reading::Plain,
        };
        let input = Input::Blocks(Blocks {
            sources: &[source],
            extent: doubled,
        });
        let sums = with_simd!(s => channel_sums(s, source.pixels, Sums::All, n_outputs, doubled));
        let d_weight = weight.is_some().then(|| state.weight_gradient(input));
        let dx = x.is_some().then(|| state.x_gradient(input));
        register!(
            gradients,
            x => dx,
            weight => d_weight,
            bias => Some(bias_gradient(&sums, n_outputs)),
        );
    }
}

const TAPS: usize = 4;

/// How the gradient reads: the block of 2x2 that a pixel became.
const BLOCK_OF_PIXEL: Window = Window {
    kernel: 2,
    pad: 0,
    step: 2,
};

impl State {
    fn outputs(&self) -> usize {
        len_of(&self.weight, 1)
    }

    /// `[n, outputs / 16, 2y, 2x, 16]`.
    fn forward(&self, bias: &FlexTensor) -> FlexTensor {
        let (grid, doubled) = (extent(&self.x), extent(&self.x).times(2));
        let blocks = n_blocks(self.outputs());
        let bias = by_block(elements(bias)).repeat(TAPS);
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
            let sources = [self.pending.source(&self.x)];
            let input = Input::Blocks(Blocks { sources: &sources, extent: grid });
            let weights = TileWeights::for_input(s, input, &self.taps_as_outputs());
            let window = Window::same(1);
            let conv =
                DirectConv { input, window, grid, weights: &weights, bias: &bias, relu: false };
            conv.run(s, &outputs);
        });
        out.into_tensor(doubled.blocked_shape(self.outputs()))
    }

    /// Four blocks of outputs for each block: one for each tap.
    fn taps_as_outputs(&self) -> WeightView<'_> {
        let lanes = Lanes::of(&channel_blocks(&[self.outputs()]), TAPS);
        let outputs = (0..TAPS).flat_map(|tap| {
            lanes.iter().map(move |lanes| Lanes {
                start: lanes.start + tap,
                ..*lanes
            })
        });
        WeightView {
            elements: elements(&self.weight),
            inputs: channel_blocks(&[self.pending.channels]),
            outputs: outputs.collect(),
            taps: 1,
            output_step: TAPS,
            input_step: self.outputs() * TAPS,
            is_flipped: false,
        }
    }

    /// From the gradient of the output.
    fn weight_gradient(&self, input: Input<'_>) -> FlexTensor {
        let window = BLOCK_OF_PIXEL;
        let sources = [self.pending.source(&self.x)];
        let gradient = Blocks {
            sources: &sources,
            extent: extent(&self.x),
        };
        let gradient = with_simd!(s => WeightGradient { input, window, gradient }.run(s));
        gradient.into_tensor(self.weight.layout().shape().clone())
    }

    /// The same: a 2x2 convolution with stride 2.
    fn x_gradient(&self, input: Input<'_>) -> FlexTensor {
        let grid = extent(&self.x);
        let channels = channel_blocks(&[self.pending.channels]);
        let blocks = channels.len();
        let n_outputs = self.outputs();
        let precision = pixels(&self.x).precision();
        let mut dx = Activations::stale(precision, grid.n * blocks * grid.plane());
        let outputs = Output::all_of(SharedPixels::new(dx.pixels_mut()), blocks);
        let zeros = vec![[0.0; LANES]; blocks];
        with_simd!(s => {
            let weights = WeightView {
                elements: elements(&self.weight),
                inputs: channel_blocks(&[n_outputs]),
                outputs: Lanes::of(&channels, n_outputs * TAPS),
                taps: TAPS,
                output_step: n_outputs * TAPS,
                input_step: TAPS,
                is_flipped: false,
            };
            let weights = TileWeights::for_input(s, input, &weights);
            let window = BLOCK_OF_PIXEL;
            let conv =
                DirectConv { input, window, grid, weights: &weights, bias: &zeros, relu: false };
            conv.run(s, &outputs);
        });
        drop(outputs);
        dx.into_tensor(grid.blocked_shape(self.pending.channels))
    }
}
