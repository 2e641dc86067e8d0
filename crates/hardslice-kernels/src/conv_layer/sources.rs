//! A convolution's tensors on the CPU, as the kernels read them.

use burn::backend::flex::FlexTensor;

use crate::conv::{
    Blocks, ChannelBlock, Im2colConv, Input, Lanes, Planes, WeightView, Window, channel_blocks,
};
use crate::layout::Extent;
use crate::pending_norm::PendingNorm;
use crate::precision::Precision;
use crate::tensor::{elements, extent, in_order, is_planar, len_of};

/// What a convolution reads: a skip connection (without channels where there is none) and the layer
/// below.
#[derive(Debug, Clone)]
pub(crate) struct ConvSources {
    /// Skip, x.
    pub(super) tensors: [FlexTensor; 2],
    pub(super) pending: [PendingNorm; 2],
    /// Of what the convolution gives.
    pub(super) precision: Precision,
}

impl ConvSources {
    pub(crate) fn new(
        tensors: [FlexTensor; 2],
        pending: [PendingNorm; 2],
        precision: Precision,
    ) -> Self {
        Self {
            tensors: tensors.map(in_order),
            pending,
            precision,
        }
    }

    pub(crate) fn extent(&self) -> Extent {
        extent(&self.tensors[1])
    }

    pub(super) fn channels(&self) -> [usize; 2] {
        [self.pending[0].channels, self.pending[1].channels]
    }

    /// Whether `x` is the image itself.
    pub(super) fn is_planar(&self) -> bool {
        is_planar(&self.tensors[1])
    }

    /// The convolution without a skip connection as a product of matrices, where that pays.
    pub(super) fn im2col<'a>(&'a self, weight: &'a ConvWeight) -> Option<Im2colConv<'a>> {
        let [_, x] = &self.tensors;
        if self.is_planar() || self.pending[0].channels > 0 {
            return None;
        }
        let (source, weights) = (self.pending[1].source(x), elements(&weight.0));
        Im2colConv::where_it_pays(source, weight.window(), self.extent(), weights)
    }

    pub(super) fn with_input<R>(&self, run: impl FnOnce(Input<'_>) -> R) -> R {
        let [skip, x] = &self.tensors;
        let extent = self.extent();
        if self.is_planar() {
            return run(Input::Planes(Planes {
                values: elements(x),
                channels: self.pending[1].channels,
                extent,
            }));
        }
        let sources = [self.pending[0].source(skip), self.pending[1].source(x)];
        run(Input::Blocks(Blocks {
            sources: &sources,
            extent,
        }))
    }
}

/// A square convolution's weight `[outputs, inputs, k, k]`.
#[derive(Debug, Clone)]
pub(crate) struct ConvWeight(pub(super) FlexTensor);

impl ConvWeight {
    pub(crate) fn new(weight: FlexTensor) -> Self {
        Self(in_order(weight))
    }

    pub(crate) fn outputs(&self) -> usize {
        len_of(&self.0, 0)
    }

    pub(super) fn window(&self) -> Window {
        Window::same(len_of(&self.0, 2))
    }

    pub(super) fn for_outputs(&self, inputs: [usize; 2]) -> WeightView<'_> {
        let taps = self.window().taps();
        let per_output = len_of(&self.0, 1) * taps;
        WeightView {
            elements: elements(&self.0),
            inputs: channel_blocks(&inputs),
            outputs: Lanes::of(&channel_blocks(&[self.outputs()]), per_output),
            taps,
            output_step: per_output,
            input_step: taps,
            is_flipped: false,
        }
    }

    /// For the gradient of some inputs: flipped, inputs and outputs swapped.
    pub(super) fn for_inputs(&self, inputs: &[ChannelBlock]) -> WeightView<'_> {
        let taps = self.window().taps();
        WeightView {
            elements: elements(&self.0),
            inputs: channel_blocks(&[self.outputs()]),
            outputs: Lanes::of(inputs, taps),
            taps,
            output_step: taps,
            input_step: len_of(&self.0, 1) * taps,
            is_flipped: true,
        }
    }
}
