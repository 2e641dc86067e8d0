//! A batch norm that is still to be applied to a tensor.

use std::sync::Arc;

use burn::backend::flex::FlexTensor;

use crate::affine::Affine;
use crate::batch_norm::Normed;
use crate::source::{Reading, Source};
use crate::tensor::pixels;

/// What a tensor's own shape does not say about it: how many channels count, and which batch norm and
/// ReLU whoever reads it applies.
#[derive(Debug, Clone, Default)]
pub(crate) struct PendingNorm {
    /// Without those that fill the last block up.
    pub(crate) channels: usize,
    pub(crate) norm: Option<Arc<Normed>>,
}

impl PendingNorm {
    /// Nothing to be applied.
    pub(crate) fn none(channels: usize) -> Self {
        Self {
            channels,
            norm: None,
        }
    }

    /// Scale and shift, where there is a norm.
    pub(crate) fn affine(&self) -> Option<&Affine> {
        self.norm.as_ref().map(|norm| &norm.affine)
    }

    /// How kernels read the tensor.
    pub(crate) fn source<'a>(&'a self, x: &'a FlexTensor) -> Source<'a> {
        Source {
            pixels: pixels(x),
            channels: self.channels,
            reading: self.affine().map_or(Reading::Plain, Reading::Normalised),
        }
    }
}
