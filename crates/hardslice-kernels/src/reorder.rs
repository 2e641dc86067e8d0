//! Planes to blocks and back (NCHW and nChw16c), as operations of the backend and of its autodiff.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};

use crate::layout::{to_blocked, to_planar};
use crate::node::{Tracked, node, register};
use crate::pending_norm::PendingNorm;
use crate::precision::Precision;
use crate::tensor::{elements, extent, in_order, len_of, pixels};

/// Between the layouts.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Reorder: Backend {
    /// `[n, c, y, x]` to `[n, c / 16, y, x, 16]`.
    fn blocks_from_planes(x: FloatTensor<Self>, precision: Precision) -> FloatTensor<Self>;
    /// `[n, c / 16, y, x, 16]` to `[n, c, y, x]`, with the norm that is pending.
    fn planes_from_blocks(x: FloatTensor<Self>, pending: PendingNorm) -> FloatTensor<Self>;
}

impl Reorder for Flex {
    fn blocks_from_planes(x: FlexTensor, precision: Precision) -> FlexTensor {
        let x = in_order(x);
        let (extent, channels) = (extent(&x), len_of(&x, 1));
        to_blocked(elements(&x), channels, extent, precision)
            .into_tensor(extent.blocked_shape(channels))
    }

    fn planes_from_blocks(x: FlexTensor, pending: PendingNorm) -> FlexTensor {
        let x = in_order(x);
        let (extent, channels) = (extent(&x), pending.channels);
        to_planar(pixels(&x), channels, extent, pending.affine())
            .into_tensor(extent.planar_shape(channels))
    }
}

impl<C: CheckpointStrategy> Reorder for Autodiff<Flex, C> {
    fn blocks_from_planes(x: Tracked, precision: Precision) -> Tracked {
        let (planes, guard) = x.into_parts();
        let channels = len_of(&planes, 1);
        let blocks = Flex::blocks_from_planes(planes, precision);
        node::<C, _, 1>(BlocksFromPlanes, [guard], || channels, blocks)
    }

    fn planes_from_blocks(x: Tracked, pending: PendingNorm) -> Tracked {
        let (blocks, guard) = x.into_parts();
        let precision = Precision::of(blocks.dtype());
        let planes = Flex::planes_from_blocks(blocks, pending);
        node::<C, _, 1>(PlanesFromBlocks, [guard], || precision, planes)
    }
}

#[derive(Debug)]
struct BlocksFromPlanes;

impl Backward<Flex, 1> for BlocksFromPlanes {
    /// Channels.
    type State = usize;

    fn backward(self, ops: Ops<usize, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node);
        let planes = Flex::planes_from_blocks(gradient, PendingNorm::none(ops.state));
        register!(gradients, x => Some(planes));
    }
}

#[derive(Debug)]
struct PlanesFromBlocks;

impl Backward<Flex, 1> for PlanesFromBlocks {
    /// Of the blocks.
    type State = Precision;

    fn backward(self, ops: Ops<Precision, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node);
        register!(gradients, x => Some(Flex::blocks_from_planes(gradient, ops.state)));
    }
}
