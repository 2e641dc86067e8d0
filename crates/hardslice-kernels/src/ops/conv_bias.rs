//! Square convolutions with a bias and, where asked for, ReLU.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use crate::channel_sums::{Sums, channel_sums};
use crate::conv_layer::{
    ConvArgs, ConvSources, ConvWeight, Wanted, check_conv3x3, conv_backward, conv_with_bias,
};
use crate::node::{Tracked, node, register};
use crate::pending_norm::PendingNorm;
use crate::precision::Precision;
use crate::simd::with_simd;
use crate::source::{Reading, Source};
use crate::tensor::{bias_gradient, in_order, pixels};
use crate::{Features, PackedWeight};

/// 3x3 convolution, bias and, where `relu` is set, ReLU.
///
/// For nets without a norm, and for prediction with the norm folded into `weight` and `bias`
/// ([`fold_norm`](super::fold_norm)). Same padding, stride 1; where `skip` is given, the convolution reads both as
/// if they were concatenated along the channels, `skip` first.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `skip`: `[n, s, y, x]`, `weight`: `[out, s + c, 3, 3]`, `bias`: `[out]`;
/// gives `[n, out, y, x]`.
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
/// use hardslice_kernels::ops::conv_bias::conv3x3_bias;
///
/// let device = Device::default();
/// let x = Features::from_planar(Tensor::ones([1, 1, 3, 3], &device));
/// let weight = Tensor::<4>::ones([1, 1, 3, 3], &device);
/// let y = conv3x3_bias(&x, None, weight, Tensor::full([1], -5.0, &device), true).into_planar();
/// // Nine ones under the kernel in the middle, six at an edge, four in a corner.
/// let y = y.into_data().to_vec::<f32>().unwrap();
/// assert_eq!(y, [0.0, 1.0, 0.0, 1.0, 4.0, 1.0, 0.0, 1.0, 0.0]);
/// ```
pub fn conv3x3_bias(
    x: &Features,
    skip: Option<&Features>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    relu: bool,
) -> Features {
    check_conv3x3(x, skip, &weight);
    match ConvArgs::new(x, skip) {
        Some(args) => with_kernels(args, weight, bias, relu, None),
        None => fallback::conv3x3_bias(x, skip, weight, bias, relu),
    }
}

/// Convolution with an odd kernel of any size, bias and, where `relu` is set, ReLU.
///
/// Same padding, stride 1. FCN's fc6 (7x7) and fc7 (1x1). A net that only predicts gives a place to
/// keep the weight as the kernel reads it.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `weight`: `[out, c, k, k]` with an odd `k`, `bias`: `[out]`; gives
/// `[n, out, y, x]`.
///
/// # Panics
///
/// When the shapes do not fit each other.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::conv_bias::conv_bias;
/// use hardslice_kernels::{Features, PackedWeight};
///
/// let device = Device::default();
/// let x = Features::from_planar(Tensor::ones([1, 3, 4, 4], &device));
/// let weight = Tensor::<4>::ones([2, 3, 7, 7], &device);
/// let bias = Tensor::<1>::zeros([2], &device);
/// let packed = PackedWeight::default();
/// let y = conv_bias(&x, weight, bias, true, Some(&packed));
/// assert_eq!(y.shape(), [1, 2, 4, 4]);
/// ```
pub fn conv_bias(
    x: &Features,
    weight: Tensor<4>,
    bias: Tensor<1>,
    relu: bool,
    packed: Option<&PackedWeight>,
) -> Features {
    let [_, n_in, height, width] = weight.dims();
    assert_eq!(
        [n_in, height],
        [x.channels(), width],
        "weight of a square conv"
    );
    assert_eq!(height % 2, 1, "same padding wants an odd kernel");
    match ConvArgs::new(x, None) {
        Some(args) => with_kernels(args, weight, bias, relu, packed),
        None => fallback::conv_bias(x, weight, bias, relu),
    }
}

fn with_kernels(
    args: ConvArgs,
    weight: Tensor<4>,
    bias: Tensor<1>,
    relu: bool,
    packed: Option<&PackedWeight>,
) -> Features {
    let n_out = weight.dims()[0];
    let out = <Dispatch as ConvBias>::conv_bias(
        args.skip,
        args.x,
        weight.into_dispatch(),
        bias.into_dispatch(),
        About {
            pending: args.pending,
            relu,
            packed: packed.cloned(),
            precision: args.precision,
        },
    );
    Features::from_blocks(Tensor::from_dispatch(out), n_out, None)
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::{Tensor, activation};

    use crate::Features;
    use crate::conv_layer::conv2d_same;

    /// See [`conv3x3_bias`](super::conv3x3_bias).
    pub fn conv3x3_bias(
        x: &Features,
        skip: Option<&Features>,
        weight: Tensor<4>,
        bias: Tensor<1>,
        relu: bool,
    ) -> Features {
        let out = conv2d_same(x, skip, weight, Some(bias));
        Features::from_planar(if relu { activation::relu(out) } else { out })
    }

    /// See [`conv_bias`](super::conv_bias).
    pub fn conv_bias(x: &Features, weight: Tensor<4>, bias: Tensor<1>, relu: bool) -> Features {
        conv3x3_bias(x, None, weight, bias, relu)
    }
}

/// What the operation knows besides its tensors.
#[derive(Debug, Clone)]
struct About {
    /// Of `skip` and `x`.
    pending: [PendingNorm; 2],
    /// Whether a ReLU follows.
    relu: bool,
    /// Where the weight may be kept as the kernel reads it.
    packed: Option<PackedWeight>,
    /// Of what the convolution gives.
    precision: Precision,
}

#[backend_extension(Flex, Autodiff)]
trait ConvBias: Backend {
    /// A square convolution of `skip` (without channels where there is none) and `x`, in nChw16c, with
    /// bias and, where asked for, ReLU.
    fn conv_bias(
        skip: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        about: About,
    ) -> FloatTensor<Self>;
}

impl ConvBias for Flex {
    fn conv_bias(
        skip: FlexTensor,
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        about: About,
    ) -> FlexTensor {
        let sources = ConvSources::new([skip, x], about.pending, about.precision);
        let (weight, bias) = (ConvWeight::new(weight), in_order(bias));
        conv_with_bias(&sources, &weight, &bias, about.relu, about.packed.as_ref())
    }
}

impl<C: CheckpointStrategy> ConvBias for Autodiff<Flex, C> {
    fn conv_bias(
        skip: Tracked,
        x: Tracked,
        weight: Tracked,
        bias: Tracked,
        about: About,
    ) -> Tracked {
        let parents = [&skip, &x, &weight, &bias].map(Tracked::node);
        let [skip, x, weight, bias] =
            [skip, x, weight, bias].map(|tensor| in_order(tensor.into_primitive()));
        let pending = about.pending.clone();
        let sources = ConvSources::new([skip.clone(), x.clone()], pending, about.precision);
        let (saved_weight, relu) = (ConvWeight::new(weight.clone()), about.relu);
        let out = Flex::conv_bias(skip, x, weight, bias, about);
        let state = || State {
            sources,
            weight: saved_weight,
            output: relu.then(|| out.clone()),
        };
        node::<C, _, 4>(Node, parents, state, out.clone())
    }
}

#[derive(Debug)]
struct Node;

#[derive(Debug, Clone)]
struct State {
    sources: ConvSources,
    weight: ConvWeight,
    /// Where there is a ReLU.
    output: Option<FlexTensor>,
}

impl Backward<Flex, 4> for Node {
    type State = State;

    fn backward(self, ops: Ops<State, 4>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [skip, x, weight, bias] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let gradient = pixels(&gradient);
        let state = ops.state;
        let (channels, extent) = (state.weight.outputs(), state.sources.extent());
        let (sums, reading) = match state.output.as_ref().map(pixels) {
            Some(output) => (Sums::Relu { output }, Reading::Relu { output }),
            None => (Sums::All, Reading::Plain),
        };
        let sums = with_simd!(s => channel_sums(s, gradient, sums, channels, extent));
        let source = Source {
            pixels: gradient,
            channels,
            reading,
        };
        let wanted = Wanted {
            inputs: [skip.is_some(), x.is_some()],
            weight: weight.is_some(),
        };
        let back = conv_backward(&state.sources, &state.weight, source, wanted);
        let [d_skip, dx] = back.inputs;
        register!(
            gradients,
            skip => d_skip,
            x => dx,
            weight => back.weight,
            bias => Some(bias_gradient(&sums, channels)),
        );
    }
}
