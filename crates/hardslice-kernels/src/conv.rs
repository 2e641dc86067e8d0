//! Convolutions on the blocked layout, by the direct method.
//!
//! One driver ([`forward`]) computes all of them: 3x3, 1x1 and 7x7 convolutions, their gradients
//! with respect to the input (a convolution with turned-around weights), the 2x2 transposed
//! convolution (four 1x1 convolutions with interleaved outputs) and its gradient (a 2x2
//! convolution with step 2). The other ([`weight_gradient`]) computes the weights' gradients.

mod forward;
mod scratch;
mod tile;
mod weight_gradient;
mod weight_tile;
mod weights;

pub(crate) use forward::{Conv, Output};
pub(crate) use scratch::{Blocks, Input, Planes};
pub(crate) use weight_gradient::WeightGradient;
pub(crate) use weights::{ChannelBlock, Packed, channel_blocks};

/// Where a convolution reads for the output at `(y, x)`: rows `y · step − pad + ky` for `ky` in
/// `0..kernel`, columns likewise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kernel: usize,
    pub(crate) pad: usize,
    pub(crate) step: usize,
}

impl Window {
    /// Same padding, step 1.
    pub(crate) fn same(kernel: usize) -> Self {
        Self {
            kernel,
            pad: kernel / 2,
            step: 1,
        }
    }

    /// Rows (or columns) that `n` outputs in a row read, padding included.
    pub(crate) fn reach(self, n: usize) -> usize {
        (n - 1) * self.step + self.kernel
    }

    /// Taps of the kernel.
    pub(crate) fn taps(self) -> usize {
        self.kernel * self.kernel
    }
}
