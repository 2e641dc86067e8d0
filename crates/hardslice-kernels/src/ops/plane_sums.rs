//! Sums over planes, in a fixed order.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::batch_norm::rounded;
use crate::buffers::Buffer;
use crate::features::has_kernels;
use crate::node::{Tracked, node, register};
use crate::tensor::{elements, extent, in_order, len_of};

/// Sums each plane: `[n, c, y, x]` to `[n, c]`.
///
/// Differentiable. An empty plane sums to 0. On the CPU the sums are taken in double precision
/// and in an order that depends on the shape alone.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::plane_sums::plane_sums;
///
/// let x = Tensor::<4>::from_data([[[[1.0, 2.0], [3.0, 4.0]]]], &Device::default());
/// assert_eq!(plane_sums(x).into_data().to_vec::<f32>().unwrap(), [10.0]);
/// ```
pub fn plane_sums(x: Tensor<4>) -> Tensor<2> {
    if has_kernels(&x) {
        Tensor::from_dispatch(<Dispatch as PlaneSums>::plane_sums(x.into_dispatch()))
    } else {
        fallback::plane_sums(x)
    }
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::Tensor;

    /// See [`plane_sums`](super::plane_sums()).
    pub fn plane_sums(x: Tensor<4>) -> Tensor<2> {
        let [n, c, height, width] = x.dims();
        x.reshape([n, c, height * width]).sum_dim(2).reshape([n, c])
    }
}

#[backend_extension(Flex, Autodiff)]
trait PlaneSums: Backend {
    /// `[n, c, y, x]` to `[n, c]`.
    fn plane_sums(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl PlaneSums for Flex {
    fn plane_sums(x: FlexTensor) -> FlexTensor {
        let x = in_order(x);
        let shape = [len_of(&x, 0), len_of(&x, 1)];
        sums_of_planes(elements(&x), extent(&x).plane(), shape[0] * shape[1]).into_tensor(shape)
    }
}

impl<C: CheckpointStrategy> PlaneSums for Autodiff<Flex, C> {
    fn plane_sums(x: Tracked) -> Tracked {
        let (x, guard) = x.into_parts();
        let shape = [0, 1, 2, 3].map(|axis| len_of(&x, axis));
        node::<C, _, 1>(Node, [guard], || shape, Flex::plane_sums(x))
    }
}

#[derive(Debug)]
struct Node;

impl Backward<Flex, 1> for Node {
    /// Shape of the planes.
    type State = [usize; 4];

    fn backward(self, ops: Ops<[usize; 4], 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let [_, _, height, width] = ops.state;
        let planes = spread(elements(&gradient), height * width);
        register!(gradients, x => Some(planes.into_tensor(ops.state)));
    }
}

/// Elements that eight running sums take in at a time.
const RUNNING: usize = 8;

/// The sum of each plane.
fn sums_of_planes(x: &[f32], plane: usize, n_planes: usize) -> Buffer {
    let mut sums = Buffer::zeroed(n_planes);
    if plane > 0 {
        let planes = x.par_chunks_exact(plane);
        sums.par_iter_mut()
            .zip(planes)
            .for_each(|(sum, plane)| *sum = rounded(sum_of_plane(plane)));
    }
    sums
}

/// A plane of each element.
fn spread(x: &[f32], plane: usize) -> Buffer {
    let mut planes = Buffer::stale(x.len() * plane);
    if plane > 0 {
        planes
            .par_chunks_exact_mut(plane)
            .zip(x)
            .for_each(|(plane, x)| plane.fill(*x));
    }
    planes
}

fn sum_of_plane(plane: &[f32]) -> f64 {
    let mut running = [0.0_f64; RUNNING];
    for values in plane.chunks(RUNNING) {
        for (sum, value) in running.iter_mut().zip(values) {
            *sum += f64::from(*value);
        }
    }
    running.iter().sum()
}
