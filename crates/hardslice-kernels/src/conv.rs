//! Convolutions on the blocked layout.
//!
//! One driver ([`forward`]) computes all of them: 3x3, 1x1 and 7x7 convolutions, their gradients
//! with respect to the input (a convolution with turned-around weights), the 2x2 transposed
//! convolution (four 1x1 convolutions with interleaved outputs) and its gradient (a 2x2
//! convolution with step 2). The other ([`weight_gradient`]) computes the weights' gradients. Where
//! it pays, 3x3 convolutions and their gradients go by [`winograd`] instead of the direct method, and
//! those with more weights than pixels by [`unfolded`].

mod forward;
mod gather;
mod matmul;
mod scratch;
mod tile;
mod unfolded;
mod weight_gradient;
mod weight_tile;
mod weights;
mod winograd;

pub(crate) use forward::{Conv, Output};
pub(crate) use gather::{Lanes, WeightsOf};
pub(crate) use scratch::{Blocks, Input, Planes};
pub(crate) use unfolded::UnfoldedConv;
pub(crate) use weight_gradient::WeightGradient;
pub(crate) use weights::{ChannelBlock, Packed, channel_blocks};

use crate::layout::Extent;
use crate::moments::Moments;
use crate::simd::{Pixel, Simd};
use crate::stored::Precision;
use winograd::WinogradConv;

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

/// Whether what is not computed by Winograd's method is computed in sums of bf16 products: where the
/// layer is stored so and the processor has an instruction for them, which does two multiply-adds at
/// a time. What is read through a norm is rounded to bf16 after it.
fn by_dots<S: Simd>(s: S, input: Input<'_>) -> bool {
    match input {
        Input::Blocks(blocks) => s.has_dots() && blocks.precision() == Precision::Bf16,
        Input::Planes(_) => false,
    }
}

/// A convolution with same padding and step 1, in the way that takes the fewest operations.
pub(crate) struct SameConv<'a> {
    pub(crate) input: Input<'a>,
    pub(crate) window: Window,
    pub(crate) grid: Extent,
    pub(crate) weights: WeightsOf<'a>,
    /// For each output block.
    pub(crate) bias: &'a [Pixel],
    /// Whether negative results become 0.
    pub(crate) rectify: bool,
}

impl SameConv<'_> {
    /// Computes all outputs; gives the moments of each output block where they are asked for.
    pub(crate) fn run<S: Simd>(
        &self,
        s: S,
        outputs: &[Output<'_>],
        with_moments: bool,
    ) -> Vec<Moments> {
        let Self {
            input,
            window,
            grid,
            ref weights,
            bias,
            rectify,
        } = *self;
        let in_dots = by_dots(s, input);
        // With one block of outputs the taps of a row share what is read, which makes sums of bf16
        // products faster than Winograd's method; not taken where they would round what is not
        // stored so.
        let is_narrow = in_dots && outputs.len() == 1;
        let winograd = winograd::pays(input, window, grid, in_dots)
            .filter(|blocks| !(is_narrow && blocks.are_stored_bf16()));
        if let Some(input) = winograd {
            return WinogradConv {
                input,
                grid,
                weights,
                bias,
                rectify,
            }
            .run(s, outputs, with_moments);
        }
        let weights = Packed::for_input(s, input, weights);
        let conv = Conv {
            input,
            window,
            grid,
            weights: &weights,
            bias,
            rectify,
        };
        if with_moments {
            conv.run_with_moments(s, outputs)
        } else {
            conv.run(s, outputs);
            Vec::new()
        }
    }
}
