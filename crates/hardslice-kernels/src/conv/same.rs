//! Which method computes a convolution with same padding: Winograd's, or the direct one.

use super::direct::DirectConv;
use super::gather::WeightView;
use super::input::Input;
use super::output::Output;
use super::tile_weights::TileWeights;
use super::window::Window;
use super::winograd::{self, WinogradConv};
use crate::layout::Extent;
use crate::moments::Moments;
use crate::simd::{Pixel, Simd};

/// A convolution with same padding and step 1, in the way that takes the fewest operations.
pub(crate) struct SameConv<'a> {
    pub(crate) input: Input<'a>,
    pub(crate) window: Window,
    pub(crate) grid: Extent,
    pub(crate) weights: WeightView<'a>,
    /// For each output block.
    pub(crate) bias: &'a [Pixel],
    /// Whether negative results become 0.
    pub(crate) relu: bool,
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
            relu,
        } = *self;
        let is_bf16 = input.takes_bf16_dot(s);
        // With one block of outputs the taps of a row share what is read, which makes bf16 dot
        // products faster than Winograd's method; not taken where they would round what is not
        // stored so. A matrix unit is faster than either.
        let is_narrow = is_bf16 && outputs.len() == 1;
        let has_matrix_unit = is_bf16 && s.matrix_unit().is_some();
        let winograd = winograd::pays(input, window, grid, is_bf16)
            .filter(|blocks| !(has_matrix_unit || is_narrow && blocks.are_stored_bf16()));
        if let Some(input) = winograd {
            return WinogradConv {
                input,
                grid,
                weights,
                bias,
                relu,
            }
            .run(s, outputs, with_moments);
        }
        let weights = TileWeights::for_input(s, input, weights);
        let conv = DirectConv {
            input,
            window,
            grid,
            weights: &weights,
            bias,
            relu,
        };
        if with_moments {
            conv.run_with_moments(s, outputs)
        } else {
            conv.run(s, outputs);
            Vec::new()
        }
    }
}
