//! Where the outputs of a convolution go.

#![expect(
    unsafe_code,
    reason = "tasks write to rows of one tensor that are not next to each other"
)]

use crate::layout::Extent;
use crate::shared::{Shared, Strided};
use crate::simd::PixelOf;
use crate::stored::{SharedPixels, Stored};

/// Where an output block goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output<'a> {
    /// `[n, blocks, y, x]`.
    pub(crate) tensor: SharedPixels<'a>,
    /// Blocks of that tensor.
    pub(crate) n_blocks: usize,
    /// The block there.
    pub(crate) block: usize,
    /// The output of a position of the window stands at `step` times the position…
    pub(crate) step: usize,
    /// …plus this, `[y, x]`.
    pub(crate) offset: [usize; 2],
}

impl<'a> Output<'a> {
    /// All blocks of one new tensor, of which an output stands at its position of the window.
    pub(crate) fn all_of(tensor: SharedPixels<'a>, n_blocks: usize) -> Vec<Self> {
        (0..n_blocks)
            .map(|block| Self {
                tensor,
                n_blocks,
                block,
                step: 1,
                offset: [0, 0],
            })
            .collect()
    }

    /// The pixels of some positions of the window in a row, in the tensor itself. `at`: image, row and
    /// column of the first position.
    ///
    /// # Safety
    ///
    /// As [`Shared::strided`].
    pub(super) unsafe fn pixels<E: Stored>(
        &self,
        tensor: Shared<'a, PixelOf<E>>,
        grid: Extent,
        at: [usize; 3],
        n: usize,
    ) -> Strided<'a, PixelOf<E>> {
        let [image, row, column] = at;
        let (height, width) = (grid.height * self.step, grid.width * self.step);
        let plane = image * self.n_blocks + self.block;
        let first = (plane * height + row * self.step + self.offset[0]) * width
            + column * self.step
            + self.offset[1];
        // SAFETY: the caller's promise.
        unsafe { tensor.strided(first, n, self.step) }
    }
}
