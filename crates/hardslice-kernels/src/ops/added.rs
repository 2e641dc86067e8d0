//! The sum of two tensors.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use crate::features::has_kernels;
use crate::node::{Tracked, node, register};
use crate::tensor::{in_order, update};

/// `a + b`: how FCN joins its scores of two resolutions.
///
/// # Shapes
///
/// All of one shape.
///
/// # Panics
///
/// When the shapes differ.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::added::added;
///
/// let device = Device::default();
/// let [a, b] = [1.0, 2.0].map(|value| Tensor::<4>::full([1, 1, 1, 2], value, &device));
/// assert_eq!(added(a, b).into_data().to_vec::<f32>().unwrap(), [3.0; 2]);
/// ```
pub fn added(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    assert_eq!(a.dims(), b.dims(), "terms of a sum");
    if has_kernels(&a) {
        let (a, b) = (a.into_dispatch(), b.into_dispatch());
        Tensor::from_dispatch(<Dispatch as Added>::added(a, b))
    } else {
        fallback::added(a, b)
    }
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::Tensor;

    /// See [`added`](super::added()).
    pub fn added(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
        a + b
    }
}

#[backend_extension(Flex, Autodiff)]
trait Added: Backend {
    /// Of one shape.
    fn added(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Added for Flex {
    fn added(a: FlexTensor, b: FlexTensor) -> FlexTensor {
        update(a, &in_order(b), |a, b| a + b)
    }
}

impl<C: CheckpointStrategy> Added for Autodiff<Flex, C> {
    fn added(a: Tracked, b: Tracked) -> Tracked {
        let parents = [&a, &b].map(Tracked::node);
        let [a, b] = [a, b].map(Tracked::into_primitive);
        node::<C, _, 2>(Node, parents, || (), Flex::added(a, b))
    }
}

#[derive(Debug)]
struct Node;

impl Backward<Flex, 2> for Node {
    type State = ();

    fn backward(self, ops: Ops<(), 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [a, b] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node);
        register!(gradients, a => Some(gradient.clone()), b => Some(gradient));
    }
}
