//! 3x3 convolution, batch norm and ReLU.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use crate::batch_norm::Normed;
use crate::channel_sums::{Sums, channel_sums};
use crate::conv_layer::{
    ConvArgs, ConvGradients, ConvSources, ConvWeight, Wanted, check_conv3x3, conv_backward,
    conv_with_moments,
};
use crate::node::{Tracked, node, register};
use crate::pending_norm::PendingNorm;
use crate::precision::Precision;
use crate::simd::with_simd;
use crate::source::{Reading, Source};
use crate::tensor::{elements, in_order, pixels, vector};
use crate::{BatchStatistics, Features, Norm};

/// 3x3 convolution, batch norm with the batch's own statistics, and ReLU, as one operation.
///
/// Same padding, stride 1, no bias (the norm would take it out again). Where `skip` is given, the
/// convolution reads both as if they were concatenated along the channels, `skip` first:
/// PyTorch's `conv(torch.cat([skip, x], 1))`, without the copy.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `skip`: `[n, s, y, x]`, `weight`: `[out, s + c, 3, 3]`; gives
/// `[n, out, y, x]` and statistics of `[out]`.
///
/// # Panics
///
/// When the shapes do not fit each other.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::conv_norm_relu::conv3x3_norm_relu;
/// use hardslice_kernels::{Features, Norm};
///
/// let device = Device::default();
/// let [x, skip] = [3, 2].map(|channels| {
///     Features::from_planar(Tensor::ones([1, channels, 8, 8], &device))
/// });
/// let weight = Tensor::<4>::ones([4, 2 + 3, 3, 3], &device);
/// let norm = Norm {
///     gamma: Tensor::ones([4], &device),
///     beta: Tensor::zeros([4], &device),
///     eps: 1e-5,
/// };
/// let (y, statistics) = conv3x3_norm_relu(&x, Some(&skip), weight, &norm);
/// assert_eq!(y.shape(), [1, 4, 8, 8]);
/// assert_eq!(statistics.n, 64);
/// ```
///
/// # Sources
///
/// - S. Ioffe and C. Szegedy (2015), "Batch Normalization".
pub fn conv3x3_norm_relu(
    x: &Features,
    skip: Option<&Features>,
    weight: Tensor<4>,
    norm: &Norm,
) -> (Features, BatchStatistics) {
    check_conv3x3(x, skip, &weight);
    let n_out = weight.dims()[0];
    let Some(args) = ConvArgs::new(x, skip) else {
        return fallback::conv3x3_norm_relu(x, skip, weight, norm);
    };
    let device = weight.device();
    let [n, _, height, width] = x.shape();
    let (blocks, normed) = <Dispatch as ConvNorm>::conv_norm(
        args.skip,
        args.x,
        weight.into_dispatch(),
        norm.gamma.clone().into_dispatch(),
        norm.beta.clone().into_dispatch(),
        About {
            pending: args.pending,
            eps: norm.eps,
            precision: args.precision,
        },
    );
    let constant = |values: &[f32]| Tensor::from_floats(values, &device);
    let statistics = BatchStatistics {
        mean: constant(&normed.means),
        var_biased: constant(&normed.vars),
        n: n * height * width,
    };
    (
        Features::from_blocks(Tensor::from_dispatch(blocks), n_out, Some(normed)),
        statistics,
    )
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::Tensor;
    use burn::tensor::activation::relu;

    use crate::conv_layer::conv2d_same;
    use crate::{BatchStatistics, Features, Norm};

    /// See [`conv3x3_norm_relu`](super::conv3x3_norm_relu).
    pub fn conv3x3_norm_relu(
        x: &Features,
        skip: Option<&Features>,
        weight: Tensor<4>,
        norm: &Norm,
    ) -> (Features, BatchStatistics) {
        let conv = conv2d_same(x, skip, weight, None);
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
        (Features::from_planar(relu(out)), statistics)
    }

    /// `[n, c, y, x]` to `[c]`.
    fn channel_means(x: Tensor<4>) -> Tensor<1> {
        let [n, c, height, width] = x.dims();
        x.swap_dims(0, 1)
            .reshape([c, n * height * width])
            .mean_dim(1)
            .reshape([c])
    }
}

/// What the operation knows besides its tensors.
#[derive(Debug, Clone)]
struct About {
    /// Of `skip` and `x`.
    pending: [PendingNorm; 2],
    /// Added to the variance.
    eps: f64,
    /// Of what the convolution gives.
    precision: Precision,
}

#[backend_extension(Flex, Autodiff)]
trait ConvNorm: Backend {
    /// A 3x3 convolution of `skip` (without channels where there is none) and `x`, in nChw16c, and the
    /// norm that belongs to it.
    fn conv_norm(
        skip: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        about: About,
    ) -> (FloatTensor<Self>, Arc<Normed>);
}

impl ConvNorm for Flex {
    fn conv_norm(
        skip: FlexTensor,
        x: FlexTensor,
        weight: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        about: About,
    ) -> (FlexTensor, Arc<Normed>) {
        let sources = ConvSources::new([skip, x], about.pending, about.precision);
        let (raw, moments) = conv_with_moments(&sources, &ConvWeight::new(weight));
        let (gamma, beta) = (in_order(gamma), in_order(beta));
        let norm = Normed::new(&moments, elements(&gamma), elements(&beta), about.eps);
        (raw, Arc::new(norm))
    }
}

impl<C: CheckpointStrategy> ConvNorm for Autodiff<Flex, C> {
    fn conv_norm(
        skip: Tracked,
        x: Tracked,
        weight: Tracked,
        gamma: Tracked,
        beta: Tracked,
        about: About,
    ) -> (Tracked, Arc<Normed>) {
        let parents = [&skip, &x, &weight, &gamma, &beta].map(Tracked::node);
        let [skip, x, weight, gamma, beta] =
            [skip, x, weight, gamma, beta].map(|tensor| in_order(tensor.into_primitive()));
        let sources = ConvSources::new(
            [skip.clone(), x.clone()],
            about.pending.clone(),
            about.precision,
        );
        let (saved_weight, saved_gamma) = (ConvWeight::new(weight.clone()), gamma.clone());
        let (raw, norm) = Flex::conv_norm(skip, x, weight, gamma, beta, about);
        let state = || State {
            sources,
            weight: saved_weight,
            gamma: saved_gamma,
            raw: raw.clone(),
            norm: norm.clone(),
        };
        (node::<C, _, 5>(Node, parents, state, raw.clone()), norm)
    }
}

#[derive(Debug)]
struct Node;

#[derive(Debug, Clone)]
struct State {
    sources: ConvSources,
    weight: ConvWeight,
    gamma: FlexTensor,
    /// The convolution's output.
    raw: FlexTensor,
    norm: Arc<Normed>,
}

impl Backward<Flex, 5> for Node {
    type State = State;

    fn backward(self, ops: Ops<State, 5>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [skip, x, weight, gamma, beta] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let wanted = Wanted {
            inputs: [skip.is_some(), x.is_some()],
            weight: weight.is_some(),
        };
        let back = ops.state.backward(&gradient, wanted);
        let [d_skip, dx] = back.conv.inputs;
        register!(
            gradients,
            skip => d_skip,
            x => dx,
            weight => back.conv.weight,
            gamma => Some(back.gamma),
            beta => Some(back.beta),
        );
    }
}

/// What comes back through the operation.
struct Back {
    conv: ConvGradients,
    gamma: FlexTensor,
    beta: FlexTensor,
}

impl State {
    /// From the gradient after batch norm and ReLU.
    fn backward(&self, gradient: &FlexTensor, wanted: Wanted) -> Back {
        let channels = self.weight.outputs();
        let (raw, gradient, norm) = (pixels(&self.raw), pixels(gradient), &*self.norm);
        let sums = Sums::Norm {
            raw,
            affine: &norm.affine,
            mean: &norm.mean,
        };
        let extent = self.sources.extent();
        let sums = with_simd!(s => channel_sums(s, gradient, sums, channels, extent));
        let (d_gamma, d_beta, coefficients) = norm.backward(elements(&self.gamma), &sums);
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
        Back {
            conv: conv_backward(&self.sources, &self.weight, source, wanted),
            gamma: vector(&d_gamma),
            beta: vector(&d_beta),
        }
    }
}
