//! An operation as a node of the autodiff graph.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::ops::{Backward, NodeGuard, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};

/// A tensor that autodiff tracks.
pub(crate) type Tracked = FloatTensor<Autodiff<Flex>>;

/// Registers a node. Its state is made only where some parent asks for a gradient.
pub(crate) fn node<C, O, const N: usize>(
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

/// Hands gradients to the parents that asked for them: `parent => gradient`, both options.
macro_rules! register {
    ($gradients:ident, $($node:expr => $value:expr),* $(,)?) => {
        $(if let (Some(node), Some(value)) = ($node, $value) {
            $gradients.register::<burn::backend::Flex>(node.id, value);
        })*
    };
}
pub(crate) use register;
