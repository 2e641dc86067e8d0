//! Sums over the pixels of planes, as an operation of the backend and of its autodiff.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use super::{CrossEntropy, Focal, LabelledPlanes, Overlap};
use crate::buffers::Buffer;
use crate::node::{Tracked, node, register};
use crate::simd::with_simd;
use crate::tensor::{elements, extent, in_order, len_of};

/// What is summed of each plane.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PlaneTerms {
    /// Three sums.
    Overlap(Overlap),
    /// One.
    CrossEntropy(CrossEntropy),
    /// One.
    Focal(Focal),
}

impl PlaneTerms {
    fn count(self) -> usize {
        match self {
            Self::Overlap(_) => 3,
            Self::CrossEntropy(_) | Self::Focal(_) => 1,
        }
    }

    fn sums(self, planes: &LabelledPlanes<'_>, n_planes: usize) -> Buffer {
        with_simd!(s => match self {
            Self::Overlap(terms) => planes.sums(s, terms, n_planes),
            Self::CrossEntropy(terms) => planes.sums(s, terms, n_planes),
            Self::Focal(terms) => planes.sums(s, terms, n_planes),
        })
    }

    fn gradient(self, planes: &LabelledPlanes<'_>, of_sums: &[f32]) -> Buffer {
        with_simd!(s => match self {
            Self::Overlap(terms) => planes.gradient(s, terms, of_sums),
            Self::CrossEntropy(terms) => planes.gradient(s, terms, of_sums),
            Self::Focal(terms) => planes.gradient(s, terms, of_sums),
        })
    }
}

/// Checks the shapes of what is summed.
///
/// # Panics
///
/// Where they do not fit each other.
pub(crate) fn check_planes(logits: &Tensor<4>, targets: &Tensor<4>, weights: Option<&Tensor<4>>) {
    assert_eq!(logits.dims(), targets.dims(), "a target for each logit");
    if let Some(weights) = weights {
        let [n, channels, height, width] = logits.dims();
        let found = weights.dims();
        assert!(
            found == [n, 1, height, width] || found == [n, channels, height, width],
            "a weight for each pixel: {found:?} for {:?}",
            logits.dims()
        );
    }
}

/// `[terms, n, c]`; the gradient goes to the logits.
pub(crate) fn pixel_sums(
    logits: Tensor<4>,
    targets: Tensor<4>,
    weights: Option<Tensor<4>>,
    terms: PlaneTerms,
) -> Tensor<3> {
    let weights = weights.unwrap_or_else(|| {
        let [n, _, height, width] = logits.dims();
        Tensor::zeros([n, 0, height, width], &logits.device())
    });
    Tensor::from_dispatch(<Dispatch as PixelSums>::pixel_sums(
        logits.into_dispatch(),
        targets.into_dispatch(),
        weights.into_dispatch(),
        terms,
    ))
}

#[backend_extension(Flex, Autodiff)]
trait PixelSums: Backend {
    /// Of `[n, c, y, x]`; weights without channels where each pixel weighs 1.
    fn pixel_sums(
        logits: FloatTensor<Self>,
        targets: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        terms: PlaneTerms,
    ) -> FloatTensor<Self>;
}

impl PixelSums for Flex {
    fn pixel_sums(
        logits: FlexTensor,
        targets: FlexTensor,
        weights: FlexTensor,
        terms: PlaneTerms,
    ) -> FlexTensor {
        State::new(logits, targets, weights, terms).sums()
    }
}

impl<C: CheckpointStrategy> PixelSums for Autodiff<Flex, C> {
    fn pixel_sums(
        logits: Tracked,
        targets: Tracked,
        weights: Tracked,
        terms: PlaneTerms,
    ) -> Tracked {
        let (logits, guard) = logits.into_parts();
        let [targets, weights] = [targets, weights].map(Tracked::into_primitive);
        let state = State::new(logits, targets, weights, terms);
        let sums = state.sums();
        node::<C, _, 1>(Node, [guard], || state, sums)
    }
}

#[derive(Debug)]
struct Node;

#[derive(Debug, Clone)]
struct State {
    logits: FlexTensor,
    targets: FlexTensor,
    weights: FlexTensor,
    terms: PlaneTerms,
}

impl State {
    fn new(
        logits: FlexTensor,
        targets: FlexTensor,
        weights: FlexTensor,
        terms: PlaneTerms,
    ) -> Self {
        let [logits, targets, weights] = [logits, targets, weights].map(in_order);
        Self {
            logits,
            targets,
            weights,
            terms,
        }
    }

    fn planes(&self) -> LabelledPlanes<'_> {
        LabelledPlanes {
            logits: elements(&self.logits),
            targets: elements(&self.targets),
            weights: elements(&self.weights),
            channels: len_of(&self.logits, 1),
            weight_channels: len_of(&self.weights, 1),
            plane: extent(&self.logits).plane(),
        }
    }

    /// `[terms, n, c]`.
    fn sums(&self) -> FlexTensor {
        let [n, channels] = [0, 1].map(|axis| len_of(&self.logits, axis));
        let sums = self.terms.sums(&self.planes(), n * channels);
        sums.into_tensor([self.terms.count(), n, channels])
    }
}

impl Backward<Flex, 1> for Node {
    type State = State;

    fn backward(self, ops: Ops<State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [logits] = ops.parents;
        let of_sums = in_order(gradients.consume::<Flex>(&ops.node));
        let state = ops.state;
        let gradient = state.terms.gradient(&state.planes(), elements(&of_sums));
        let shape = state.logits.layout().shape().clone();
        register!(gradients, logits => Some(gradient.into_tensor(shape)));
    }
}
