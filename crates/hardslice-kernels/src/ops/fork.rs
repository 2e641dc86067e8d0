//! A tensor for two readers, whose gradients are added up.

use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Tensor};
use burn_std::bf16;
use rayon::prelude::*;

use crate::Features;
use crate::features::{Blocked, Form, has_kernels};
use crate::node::{Tracked, node, register};
use crate::simd::{Kernel, LANES, PixelOf, Simd, with_simd};
use crate::stored::Stored;
use crate::tensor::in_order;

/// The same tensor for two readers. What both pass back is added up where one of them left it.
///
/// Autodiff adds up the gradients of any two readers of a tensor by itself, with the backend's own
/// addition; this is for tensors so large that it should be done by a kernel. A reader that takes no
/// part in what is differentiated adds nothing.
///
/// # Shapes
///
/// Both of `x`'s.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::fork::fork;
///
/// let x = Tensor::<1>::from_data([2.0, 3.0], &Device::default().autodiff()).require_grad();
/// let [first, second] = fork(x.clone());
/// let gradients = (first * second).sum().backward();
/// let gradient = x.grad(&gradients).unwrap();
/// assert_eq!(gradient.into_data().to_vec::<f32>().unwrap(), [4.0, 6.0]);
/// ```
pub fn fork<const D: usize>(x: Tensor<D>) -> [Tensor<D>; 2] {
    if !has_kernels(&x) {
        return fallback::fork(x);
    }
    forked(x)
}

/// [`fork`] for the activations of a layer: a layer that is read by the one above it and by a skip
/// connection.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::Features;
/// use hardslice_kernels::ops::fork::fork_features;
///
/// let x = Tensor::<4>::ones([1, 20, 2, 2], &Device::default());
/// let [deeper, skip] = fork_features(Features::from_planar(x));
/// assert_eq!(deeper.shape(), skip.shape());
/// ```
pub fn fork_features(x: Features) -> [Features; 2] {
    let precision = x.precision();
    match x.form {
        Form::Planar(planes) => {
            fork(planes).map(|planes| Features::from_planar_in(planes, precision))
        }
        Form::Blocked(Blocked { blocks, pending }) => forked(blocks)
            .map(|blocks| Features::from_blocks(blocks, pending.channels, pending.norm.clone())),
    }
}

fn forked<const D: usize>(x: Tensor<D>) -> [Tensor<D>; 2] {
    let (first, second) = <Dispatch as Fork>::fork(x.into_dispatch());
    [first, second].map(Tensor::from_dispatch)
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::Tensor;

    /// See [`fork`](super::fork()).
    pub fn fork<const D: usize>(x: Tensor<D>) -> [Tensor<D>; 2] {
        [x.clone(), x]
    }
}

#[backend_extension(Flex, Autodiff)]
trait Fork: Backend {
    /// The same tensor twice.
    fn fork(x: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl Fork for Flex {
    fn fork(x: FlexTensor) -> (FlexTensor, FlexTensor) {
        (x.clone(), x)
    }
}

impl<C: CheckpointStrategy> Fork for Autodiff<Flex, C> {
    fn fork(x: Tracked) -> (Tracked, Tracked) {
        let (x, guard) = x.into_parts();
        let sum = Sum::default();
        let trunk = node::<C, _, 1>(Trunk, [guard], || sum.clone(), x);
        let branch = || {
            let (x, guard) = trunk.clone().into_parts();
            node::<C, _, 1>(Branch, [guard], || sum.clone(), x)
        };
        (branch(), branch())
    }
}

/// What the branches have passed back so far.
#[derive(Debug, Clone, Default)]
struct Sum(Arc<Mutex<Option<FlexTensor>>>);

impl Sum {
    fn add(&self, gradient: FlexTensor) {
        let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *sum = Some(match sum.take() {
            Some(sum) => added_up(in_order(sum), &in_order(gradient)),
            None => gradient,
        });
    }

    fn take(&self) -> Option<FlexTensor> {
        let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sum.take()
    }
}

/// One reader's tensor. It leaves its gradient in the sum, not with autodiff.
#[derive(Debug)]
struct Branch;

impl Backward<Flex, 1> for Branch {
    type State = Sum;

    fn backward(self, ops: Ops<Sum, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        ops.state.add(gradients.consume::<Flex>(&ops.node));
    }
}

/// What is forked. Autodiff comes here after all branches that take part.
#[derive(Debug)]
struct Trunk;

impl Backward<Flex, 1> for Trunk {
    type State = Sum;

    fn backward(self, ops: Ops<Sum, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x] = ops.parents;
        register!(gradients, x => ops.state.take());
    }
}

/// Elements of a task.
const CHUNK: usize = LANES << 10;

/// `sum + more`, in place where nobody else holds the sum.
fn added_up(mut sum: FlexTensor, more: &FlexTensor) -> FlexTensor {
    if sum.dtype() == DType::BF16 {
        add_onto::<bf16>(sum.storage_mut(), more.storage());
    } else {
        add_onto::<f32>(sum.storage_mut(), more.storage());
    }
    sum
}

fn add_onto<E: Stored>(sum: &mut [E], more: &[E]) {
    assert_eq!(sum.len(), more.len(), "gradients of one tensor");
    let chunks = sum.par_chunks_mut(CHUNK).zip(more.par_chunks(CHUNK));
    with_simd!(s => chunks.for_each(|(sum, more)| {
        let (sum, last) = sum.as_chunks_mut();
        let (more, last_more) = more.as_chunks();
        s.run(Add { sum, more });
        for (sum, more) in last.iter_mut().zip(last_more) {
            *sum = E::rounded(sum.widened() + more.widened());
        }
    }));
}

struct Add<'a, E> {
    sum: &'a mut [PixelOf<E>],
    more: &'a [PixelOf<E>],
}

impl<E: Stored> Kernel for Add<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (sum, more) in self.sum.iter_mut().zip(self.more) {
            let added = s.add(s.read(sum), s.read(more));
            s.write(sum, added);
        }
    }
}
