//! A tensor times constant factors.

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

/// Multiplies each element of `x` by the factor at its place: a mask of dropout, or the scale of
/// each output of a weight.
///
/// Differentiable in `x` alone: on the CPU no gradient flows to the factors.
///
/// # Shapes
///
/// `factors` have `x`'s shape, or that of its first axes: one factor then serves all that lies
/// behind.
///
/// # Panics
///
/// When the factors have another shape.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::scaled::scaled;
///
/// let device = Device::default();
/// let x = Tensor::<2>::from_data([[1.0, 2.0], [3.0, 4.0]], &device);
/// let factors = Tensor::<1>::from_data([2.0, 10.0], &device);
/// let y = scaled(x, factors);
/// assert_eq!(y.into_data().to_vec::<f32>().unwrap(), [2.0, 4.0, 30.0, 40.0]);
/// ```
pub fn scaled<const D: usize, const E: usize>(x: Tensor<D>, factors: Tensor<E>) -> Tensor<D> {
    let shape = x.dims();
    assert!(
        E <= D && shape[..E] == factors.dims()[..],
        "factors {:?} for {shape:?}",
        factors.dims()
    );
    if has_kernels(&x) {
        let (x, factors) = (x.into_dispatch(), factors.into_dispatch());
        Tensor::from_dispatch(<Dispatch as Scaled>::scaled(x, factors))
    } else {
        fallback::scaled(x, factors)
    }
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::Tensor;

    /// See [`scaled`](super::scaled()).
    pub fn scaled<const D: usize, const E: usize>(x: Tensor<D>, factors: Tensor<E>) -> Tensor<D> {
        let mut shape = [1; D];
        shape[..E].copy_from_slice(&factors.dims());
        x * factors.reshape(shape)
    }
}

#[backend_extension(Flex, Autodiff)]
trait Scaled: Backend {
    /// Factors of `x`'s first axes.
    fn scaled(x: FloatTensor<Self>, factors: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Scaled for Flex {
    fn scaled(x: FlexTensor, factors: FlexTensor) -> FlexTensor {
        update(x, &in_order(factors), |x, factor| x * factor)
    }
}

impl<C: CheckpointStrategy> Scaled for Autodiff<Flex, C> {
    fn scaled(x: Tracked, factors: Tracked) -> Tracked {
        let (x, guard) = x.into_parts();
        let factors = in_order(factors.into_primitive());
        let out = Flex::scaled(x, factors.clone());
        node::<C, _, 1>(Node, [guard], || factors, out)
    }
}

#[derive(Debug)]
struct Node;

impl Backward<Flex, 1> for Node {
    /// The factors.
    type State = FlexTensor;

    fn backward(self, ops: Ops<FlexTensor, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node);
        register!(gradients, x => Some(Flex::scaled(gradient, ops.state)));
    }
}
