//! Planes cut off or filled up with zeros below and to the right.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::buffers::Buffer;
use crate::features::has_kernels;
use crate::layout::Extent;
use crate::node::{Tracked, node, register};
use crate::tensor::{elements, extent, in_order, len_of};

/// Brings planes to a height and a width: what lies beyond is cut off, what is missing is zero.
/// The first row and the first column stay where they are.
///
/// Planes of the right size come back as they are.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`; gives `[n, c, height, width]`.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::canvas::canvas;
///
/// let x = Tensor::<4>::from_data([[[[1.0, 2.0], [3.0, 4.0]]]], &Device::default());
/// let y = canvas(x, 1, 3);
/// assert_eq!(y.into_data().to_vec::<f32>().unwrap(), [1.0, 2.0, 0.0]);
/// ```
pub fn canvas(x: Tensor<4>, height: usize, width: usize) -> Tensor<4> {
    let [_, _, found_height, found_width] = x.dims();
    if [found_height, found_width] == [height, width] {
        x
    } else if has_kernels(&x) {
        let size = Size { height, width };
        Tensor::from_dispatch(<Dispatch as Canvas>::canvas(x.into_dispatch(), size))
    } else {
        fallback::canvas(x, height, width)
    }
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::Tensor;

    /// See [`canvas`](super::canvas()).
    pub fn canvas(x: Tensor<4>, height: usize, width: usize) -> Tensor<4> {
        let [n, channels, found_height, found_width] = x.dims();
        let [kept_height, kept_width] = [found_height.min(height), found_width.min(width)];
        let kept = [0..n, 0..channels, 0..kept_height, 0..kept_width];
        let planes = Tensor::zeros([n, channels, height, width], &x.device());
        planes.slice_assign(kept.clone(), x.slice(kept))
    }
}

/// Rows and columns.
#[derive(Debug, Clone, Copy)]
struct Size {
    height: usize,
    width: usize,
}

#[backend_extension(Flex, Autodiff)]
trait Canvas: Backend {
    /// `[n, c, y, x]` to `[n, c, height, width]`.
    fn canvas(x: FloatTensor<Self>, size: Size) -> FloatTensor<Self>;
}

impl Canvas for Flex {
    fn canvas(x: FlexTensor, size: Size) -> FlexTensor {
        let x = in_order(x);
        let (from, channels) = (extent(&x), len_of(&x, 1));
        let Size { height, width } = size;
        let to = Extent {
            n: from.n,
            height,
            width,
        };
        resized(elements(&x), channels, from, to).into_tensor(to.planar_shape(channels))
    }
}

impl<C: CheckpointStrategy> Canvas for Autodiff<Flex, C> {
    fn canvas(x: Tracked, size: Size) -> Tracked {
        let (x, guard) = x.into_parts();
        let Extent { height, width, .. } = extent(&x);
        let out = Flex::canvas(x, size);
        node::<C, _, 1>(Node, [guard], || Size { height, width }, out)
    }
}

#[derive(Debug)]
struct Node;

impl Backward<Flex, 1> for Node {
    /// Of what came in.
    type State = Size;

    fn backward(self, ops: Ops<Size, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node);
        register!(gradients, x => Some(Flex::canvas(gradient, ops.state)));
    }
}

fn resized(x: &[f32], channels: usize, from: Extent, to: Extent) -> Buffer {
    let mut planes = Buffer::zeroed(from.n * channels * to.plane());
    if planes.is_empty() || from.plane() == 0 {
        return planes;
    }
    let kept = from.width.min(to.width);
    let pairs = planes
        .par_chunks_exact_mut(to.plane())
        .zip(x.par_chunks_exact(from.plane()));
    pairs.for_each(|(to_plane, plane)| {
        let rows = to_plane.chunks_exact_mut(to.width);
        for (to_row, row) in rows.zip(plane.chunks_exact(from.width)) {
            to_row[..kept].copy_from_slice(&row[..kept]);
        }
    });
    planes
}
