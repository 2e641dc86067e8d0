//! What a convolution reads: blocks of one or two layers, or the planes of an image.

use super::channel_block::{ChannelBlock, channel_blocks};
use crate::layout::Extent;
use crate::precision::Precision;
use crate::simd::Simd;
use crate::source::Source;

/// What a convolution reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Input<'a> {
    /// One tensor or two, as if they were concatenated.
    Blocks(Blocks<'a>),
    /// The image itself.
    Planes(Planes<'a>),
}

/// Up to sixteen channels as planes (NCHW): the image that a net reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes<'a> {
    /// `[n, channels, y, x]`.
    pub(crate) values: &'a [f32],
    pub(crate) channels: usize,
    pub(crate) extent: Extent,
}

/// Blocks (nChw16c) of several sources, side by side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blocks<'a> {
    /// One at least.
    pub(crate) sources: &'a [Source<'a>],
    /// Of the sources' tensors.
    pub(crate) extent: Extent,
}

impl Input<'_> {
    /// The channels of each block as the tiles see it.
    pub(super) fn channel_blocks(&self) -> Vec<ChannelBlock> {
        match self {
            Self::Blocks(blocks) => {
                let channels = blocks.sources.iter().map(|source| source.channels);
                channel_blocks(&channels.collect::<Vec<_>>())
            }
            Self::Planes(planes) => channel_blocks(&[planes.channels]),
        }
    }

    /// Whether what is not computed by Winograd's method is computed in bf16 dot products: where the
    /// layer is stored so and the processor has the instruction (`vdpbf16ps`), which does two
    /// multiply-adds at a time. What is read through a norm is rounded to bf16 after it.
    pub(super) fn takes_bf16_dot<S: Simd>(self, s: S) -> bool {
        match self {
            Self::Blocks(blocks) => s.has_bf16_dot() && blocks.precision() == Precision::Bf16,
            Self::Planes(_) => false,
        }
    }
}

impl<'a> Blocks<'a> {
    /// In which precision the layer is stored.
    pub(super) fn precision(self) -> Precision {
        // All that one operation reads is stored in one precision.
        let [.., last] = self.sources else {
            unreachable!("a convolution reads one source at least");
        };
        last.pixels.precision()
    }

    /// Whether all that is read is what is stored, in bf16.
    pub(super) fn are_stored_bf16(self) -> bool {
        self.sources
            .iter()
            .all(|source| source.channels == 0 || source.is_stored_bf16())
    }

    /// The source of a block and the block's place there.
    pub(super) fn find(&self, mut block: usize) -> (&'a Source<'a>, usize) {
        for source in self.sources {
            if block < source.n_blocks() {
                return (source, block);
            }
            block -= source.n_blocks();
        }
        unreachable!("a block of one of the sources")
    }
}
