//! The 1x1 (pointwise) convolution at the end of a net: from blocks to a few planes.

mod kernel;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use crate::Features;
use crate::features::Blocked;
use crate::node::{Tracked, node, register};
use crate::pending_norm::PendingNorm;
use crate::simd::with_simd;
use crate::tensor::{elements, extent, in_order, len_of, vector};
use kernel::ToPlanes;

/// 1x1 convolution and bias, given as planes: the logits of a net.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `weight`: `[out, c, 1, 1]`, `bias`: `[out]`; gives `[n, out, y, x]`.
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
/// use hardslice_kernels::ops::conv1x1::conv1x1;
///
/// let device = Device::default();
/// let x = Tensor::<4>::from_data([[[[1.0, 2.0]], [[10.0, 20.0]]]], &device);
/// let weight = Tensor::<4>::from_data([[[[2.0]], [[3.0]]]], &device);
/// let logits = conv1x1(&Features::from_planar(x), weight, Tensor::ones([1], &device));
/// assert_eq!(logits.into_data().to_vec::<f32>().unwrap(), [33.0, 65.0]);
/// ```
pub fn conv1x1(x: &Features, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    let [_, n_in, height, width] = weight.dims();
    assert_eq!(
        [n_in, height, width],
        [x.channels(), 1, 1],
        "weight of a 1x1 conv"
    );
    let Some(Blocked { blocks, pending }) = x.blocks() else {
        return fallback::conv1x1(x, weight, bias);
    };
    Tensor::from_dispatch(<Dispatch as Conv1x1>::conv1x1(
        blocks.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        pending,
    ))
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::Tensor;

    use crate::Features;
    use crate::conv_layer::conv2d_same;

    /// See [`conv1x1`](super::conv1x1()).
    pub fn conv1x1(x: &Features, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
        conv2d_same(x, None, weight, Some(bias))
    }
}

#[backend_extension(Flex, Autodiff)]
trait Conv1x1: Backend {
    /// From nChw16c to planes.
    fn conv1x1(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        pending: PendingNorm,
    ) -> FloatTensor<Self>;
}

impl Conv1x1 for Flex {
    fn conv1x1(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        pending: PendingNorm,
    ) -> FlexTensor {
        let (x, weight, bias) = (in_order(x), in_order(weight), in_order(bias));
        let state = State { x, weight, pending };
        let conv = state.conv();
        let shape = conv.extent.planar_shape(conv.n_outputs);
        with_simd!(s => conv.forward(s, elements(&bias))).into_tensor(shape)
    }
}

impl<C: CheckpointStrategy> Conv1x1 for Autodiff<Flex, C> {
    fn conv1x1(x: Tracked, weight: Tracked, bias: Tracked, pending: PendingNorm) -> Tracked {
        let parents = [&x, &weight, &bias].map(Tracked::node);
        let [x, weight, bias] = [x, weight, bias].map(|tensor| in_order(tensor.into_primitive()));
        let out = Flex::conv1x1(x.clone(), weight.clone(), bias, pending.clone());
        node::<C, _, 3>(Node, parents, || State { x, weight, pending }, out)
    }
}

#[derive(Debug)]
struct Node;

#[derive(Debug, Clone)]
struct State {
    x: FlexTensor,
    weight: FlexTensor,
    pending: PendingNorm,
}

impl State {
    fn conv(&self) -> ToPlanes<'_> {
        ToPlanes {
            source: self.pending.source(&self.x),
            extent: extent(&self.x),
            weight: elements(&self.weight),
            n_outputs: len_of(&self.weight, 0),
        }
    }
}

impl Backward<Flex, 3> for Node {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x, weight, bias] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let state = ops.state;
        let conv = state.conv();
        let back = with_simd!(s => conv.backward(s, elements(&gradient)));
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
