//! The operations as nodes of the autodiff graph.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};

use super::flex::{head, pooled, upsample};
use super::{BiasedConv, Kernels, NormedConv};
use crate::batch_norm::Normed;
use crate::layer::{
    ConvGradients, ConvInputs, ConvWeight, Layer, conv_bias_backward, conv_norm_backward, extent,
    in_order, len_of, numbers, pixels, vector,
};
use crate::layout::{n_blocks, to_blocked, to_planar};
use crate::simd::{LANES, with_simd};
use crate::stored::Precision;
use crate::up_conv::UpConv;

type Tracked = FloatTensor<Autodiff<Flex>>;

impl<C: CheckpointStrategy> Kernels for Autodiff<Flex, C> {
    fn blocks_from_planes(x: Tracked, precision: Precision) -> Tracked {
        let (planes, guard) = x.into_parts();
        let channels = len_of(&planes, 1);
        let blocks = Flex::blocks_from_planes(planes, precision);
        node::<C, _, 1>(BlocksFromPlanes, [guard], || channels, blocks)
    }

    fn planes_from_blocks(x: Tracked, layer: Layer) -> Tracked {
        let (blocks, guard) = x.into_parts();
        let precision = Precision::of(blocks.dtype());
        let planes = Flex::planes_from_blocks(blocks, layer);
        node::<C, _, 1>(PlanesFromBlocks, [guard], || precision, planes)
    }

    fn conv_norm(
        skip: Tracked,
        x: Tracked,
        weight: Tracked,
        gamma: Tracked,
        beta: Tracked,
        about: NormedConv,
    ) -> (Tracked, Arc<Normed>) {
        let parents = [
            skip.node(),
            x.node(),
            weight.node(),
            gamma.node(),
            beta.node(),
        ];
        let [skip, x, weight, gamma, beta] =
            [skip, x, weight, gamma, beta].map(|tensor| in_order(tensor.into_primitive()));
        let inputs = ConvInputs::new(
            [skip.clone(), x.clone()],
            about.layers.clone(),
            about.precision,
        );
        let state = (inputs, ConvWeight(weight.clone()), gamma.clone());
        let (raw, norm) = Flex::conv_norm(skip, x, weight, gamma, beta, about);
        let (inputs, weight, gamma) = state;
        let state = || ConvNormState {
            inputs,
            weight,
            gamma,
            raw: raw.clone(),
            norm: norm.clone(),
        };
        (node::<C, _, 5>(ConvNorm, parents, state, raw.clone()), norm)
    }

    fn conv_bias(
        skip: Tracked,
        x: Tracked,
        weight: Tracked,
        bias: Tracked,
        about: BiasedConv,
    ) -> Tracked {
        let parents = [skip.node(), x.node(), weight.node(), bias.node()];
        let [skip, x, weight, bias] =
            [skip, x, weight, bias].map(|tensor| in_order(tensor.into_primitive()));
        let layers = about.layers.clone();
        let inputs = ConvInputs::new([skip.clone(), x.clone()], layers, about.precision);
        let (kept, rectify) = (ConvWeight(weight.clone()), about.rectify);
        let out = Flex::conv_bias(skip, x, weight, bias, about);
        let state = || ConvBiasState {
            inputs,
            weight: kept,
            output: rectify.then(|| out.clone()),
        };
        node::<C, _, 4>(ConvBias, parents, state, out.clone())
    }

    fn max_pool(x: Tracked, layer: Layer) -> Tracked {
        let (x, guard) = x.into_parts();
        let x = in_order(x);
        let out = Flex::max_pool(x.clone(), layer.clone());
        node::<C, _, 1>(MaxPool, [guard], || (x, layer), out)
    }

    fn up_conv(x: Tracked, weight: Tracked, bias: Tracked, layer: Layer) -> Tracked {
        let parents = [x.node(), weight.node(), bias.node()];
        let [x, weight, bias] = [x, weight, bias].map(|tensor| in_order(tensor.into_primitive()));
        let up_conv = UpConv { x, layer, weight };
        let out = up_conv.forward(&bias);
        node::<C, _, 3>(UpConvNode, parents, || up_conv, out)
    }

    fn head(x: Tracked, weight: Tracked, bias: Tracked, layer: Layer) -> Tracked {
        let parents = [x.node(), weight.node(), bias.node()];
        let [x, weight, bias] = [x, weight, bias].map(|tensor| in_order(tensor.into_primitive()));
        let out = Flex::head(x.clone(), weight.clone(), bias, layer.clone());
        node::<C, _, 3>(HeadNode, parents, || HeadState { x, weight, layer }, out)
    }

    fn upsample(x: Tracked, weight: Tracked, stride: usize) -> Tracked {
        let parents = [x.node(), weight.node()];
        let [x, weight] = [x, weight].map(|tensor| in_order(tensor.into_primitive()));
        let out = Flex::upsample(x.clone(), weight.clone(), stride);
        node::<C, _, 2>(
            UpsampleNode,
            parents,
            || UpsampleState { x, weight, stride },
            out,
        )
    }

    fn plane_sums(x: Tracked) -> Tracked {
        let (x, guard) = x.into_parts();
        let shape = [0, 1, 2, 3].map(|axis| len_of(&x, axis));
        node::<C, _, 1>(PlaneSums, [guard], || shape, Flex::plane_sums(x))
    }
}

/// Registers a node.
fn node<C, O, const N: usize>(
    operation: O,
    parents: [NodeGuard; N],
    state: impl FnOnce() -> O::State,
    output: FlexTensor,
) -> Tracked
where
    C: CheckpointStrategy,
    O: Backward<Flex, N>,
{
    match operation.prepare::<C>(parents).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(state(), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    }
}

/// Hands a convolution's gradients to the nodes that asked for them.
macro_rules! register {
    ($gradients:ident, $($node:expr => $value:expr),* $(,)?) => {
        $(if let (Some(node), Some(value)) = ($node, $value) {
            $gradients.register::<Flex>(node.id, value);
        })*
    };
}

#[derive(Debug)]
struct BlocksFromPlanes;

impl Backward<Flex, 1> for BlocksFromPlanes {
    type State = usize;

    fn backward(self, ops: Ops<usize, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let (extent, channels) = (extent(&gradient), ops.state);
        let planes = to_planar(pixels(&gradient), channels, extent, None);
        let shape = [extent.n, channels, extent.height, extent.width];
        register!(gradients, x => Some(planes.into_tensor(shape)));
    }
}

#[derive(Debug)]
struct PlanesFromBlocks;

impl Backward<Flex, 1> for PlanesFromBlocks {
    type State = Precision;

    fn backward(self, ops: Ops<Precision, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let (extent, channels) = (extent(&gradient), len_of(&gradient, 1));
        let blocks = to_blocked(numbers(&gradient), channels, extent, ops.state);
        let shape = [
            extent.n,
            n_blocks(channels),
            extent.height,
            extent.width,
            LANES,
        ];
        register!(gradients, x => Some(blocks.into_tensor(shape)));
    }
}

#[derive(Debug)]
struct ConvNorm;

#[derive(Debug, Clone)]
struct ConvNormState {
    inputs: ConvInputs,
    weight: ConvWeight,
    gamma: FlexTensor,
    /// The convolution's output.
    raw: FlexTensor,
    norm: Arc<Normed>,
}

impl Backward<Flex, 5> for ConvNorm {
    type State = ConvNormState;

    fn backward(self, ops: Ops<ConvNormState, 5>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [skip, x, weight, gamma, beta] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let wanted = [skip.is_some(), x.is_some(), weight.is_some()];
        let state = ops.state;
        let norm = (&state.raw, state.norm.as_ref(), &state.gamma);
        let (conv, [d_gamma, d_beta]) =
            conv_norm_backward(&state.inputs, &state.weight, norm, &gradient, wanted);
        let ConvGradients {
            inputs: [d_skip, dx],
            weight: d_weight,
        } = conv;
        register!(
            gradients,
            skip => d_skip,
            x => dx,
            weight => d_weight,
            gamma => Some(d_gamma),
            beta => Some(d_beta),
        );
    }
}

#[derive(Debug)]
struct ConvBias;

#[derive(Debug, Clone)]
struct ConvBiasState {
    inputs: ConvInputs,
    weight: ConvWeight,
    /// Where there is a ReLU.
    output: Option<FlexTensor>,
}

impl Backward<Flex, 4> for ConvBias {
    type State = ConvBiasState;

    fn backward(self, ops: Ops<ConvBiasState, 4>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [skip, x, weight, bias] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let wanted = [skip.is_some(), x.is_some(), weight.is_some()];
        let ConvBiasState {
            inputs,
            weight: kept,
            output,
        } = ops.state;
        let (conv, d_bias) = conv_bias_backward(&inputs, &kept, output.as_ref(), &gradient, wanted);
        let ConvGradients {
            inputs: [d_skip, dx],
            weight: d_weight,
        } = conv;
        register!(
            gradients,
            skip => d_skip,
            x => dx,
            weight => d_weight,
            bias => Some(d_bias),
        );
    }
}

#[derive(Debug)]
struct MaxPool;

impl Backward<Flex, 1> for MaxPool {
    type State = (FlexTensor, Layer);

    fn backward(
        self,
        ops: Ops<(FlexTensor, Layer), 1>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let [node] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let (x, layer) = ops.state;
        let pooled = pooled(&x, &layer);
        let dx = with_simd!(s => pooled.backward(s, pixels(&gradient)));
        let dx = dx.into_tensor(x.layout().shape().clone());
        register!(gradients, node => Some(dx));
    }
}

#[derive(Debug)]
struct UpConvNode;

impl Backward<Flex, 3> for UpConvNode {
    type State = UpConv;

    fn backward(self, ops: Ops<UpConv, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x, weight, bias] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let back = ops
            .state
            .backward(&gradient, [x.is_some(), weight.is_some()]);
        register!(
            gradients,
            x => back.x,
            weight => back.weight,
            bias => Some(back.bias),
        );
    }
}

#[derive(Debug)]
struct HeadNode;

#[derive(Debug, Clone)]
struct HeadState {
    x: FlexTensor,
    weight: FlexTensor,
    layer: Layer,
}

impl Backward<Flex, 3> for HeadNode {
    type State = HeadState;

    fn backward(self, ops: Ops<HeadState, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x, weight, bias] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let state = ops.state;
        let head = head(&state.x, &state.weight, &state.layer);
        let back = with_simd!(s => head.backward(s, numbers(&gradient)));
        let shape_of = |tensor: &FlexTensor| tensor.layout().shape().clone();
        let d_weight = vector(&back.weight).reshape(shape_of(&state.weight));
        register!(
            gradients,
            x => Some(back.x.into_tensor(shape_of(&state.x))),
            weight => Some(d_weight),
            bias => Some(vector(&back.bias)),
        );
    }
}

#[derive(Debug)]
struct UpsampleNode;

#[derive(Debug, Clone)]
struct UpsampleState {
    x: FlexTensor,
    weight: FlexTensor,
    stride: usize,
}

impl Backward<Flex, 2> for UpsampleNode {
    type State = UpsampleState;

    fn backward(self, ops: Ops<UpsampleState, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x_node, weight_node] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let UpsampleState { x, weight, stride } = ops.state;
        let sizes = upsample(&x, &weight, stride);
        let dx = x_node.is_some().then(|| {
            let dx = sizes.x_gradient(numbers(&gradient), numbers(&weight));
            dx.into_tensor(x.layout().shape().clone())
        });
        let d_weight = weight_node.is_some().then(|| {
            let d_weight = sizes.weight_gradient(numbers(&x), numbers(&gradient));
            d_weight.into_tensor(weight.layout().shape().clone())
        });
        register!(gradients, x_node => dx, weight_node => d_weight);
    }
}

#[derive(Debug)]
struct PlaneSums;

impl Backward<Flex, 1> for PlaneSums {
    type State = [usize; 4];

    fn backward(self, ops: Ops<[usize; 4], 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let [_, _, height, width] = ops.state;
        let spread = crate::plane_sums::spread(numbers(&gradient), height * width);
        register!(gradients, x => Some(spread.into_tensor(ops.state)));
    }
}
