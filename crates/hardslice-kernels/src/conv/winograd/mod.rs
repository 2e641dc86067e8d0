//! 3x3 convolutions with a fourth of the multiplications: Winograd's F(4x4, 3x3).
//!
//! A tile of 4x4 outputs is the product of two polynomials. It is evaluated at six points along
//! each axis: the 6x6 inputs under the tile are transformed, multiplied point by point with the
//! transformed weights, summed over the input channels, and transformed back. The products at one
//! of the 36 points, over all tiles and channels, are a matrix product (GEMM), for which the
//! micro-kernels of the direct method serve as they are. The weight's gradient is the same in another order: inputs and
//! gradients are transformed and multiplied, the sums over all tiles transformed to 3x3.
//!
//! The points are 0, ±3/4, ±3/2 and infinity: exact in binary, as cheap as the usual ±1 and ±2, and
//! with half of their rounding error (about 7e-7 of the result's own spread at 64 channels).
//!
//! # Sources
//!
//! - A. Lavin and S. Gray (2016), "Fast Algorithms for Convolutional Neural Networks".
//! - B. Barabasz, A. Anderson, K. M. Soodhalter and D. Gregg (2020), "Error Analysis and Improving
//!   the Accuracy of Winograd Convolution for Deep Neural Networks": other points than ±1, ±2.

mod forward;
mod points;
mod tiles;
mod transform;
mod weight_gradient;
mod weights;

pub(super) use forward::WinogradConv;
pub(super) use weight_gradient::WinogradGradient;

use super::input::{Blocks, Input};
use super::window::Window;
use crate::layout::Extent;
use crate::simd::LANES;
use points::N_POINTS;
use tiles::TileGrid;

/// Tiles below which the weights' transform is not worth it.
const TILES_AT_LEAST: usize = 16;

/// Channels from which on the method pays: fewer cost as much to transform as they save.
const CHANNELS_AT_LEAST: usize = LANES;

/// The same where the direct method takes bf16 dot products, two multiply-adds at a time: this one
/// sums in single precision, a fourth as many.
const CHANNELS_AT_LEAST_BESIDE_BF16: usize = 2 * LANES;

/// What a convolution reads, where it takes less time this way, transforms included.
///
/// Not so for few channels; nor for few tiles, which do not pay for the transform of the weights;
/// nor where tiles reach far beyond a small grid.
pub(super) fn pays(
    input: Input<'_>,
    window: Window,
    grid: Extent,
    beside_bf16: bool,
) -> Option<Blocks<'_>> {
    let Input::Blocks(blocks) = input else {
        return None;
    };
    let direct = grid.n * grid.plane() * window.taps();
    let n_tiles = TileGrid::over(grid).n_tiles();
    let channels: usize = blocks.sources.iter().map(|source| source.channels).sum();
    let enough_channels = if beside_bf16 {
        CHANNELS_AT_LEAST_BESIDE_BF16
    } else {
        CHANNELS_AT_LEAST
    };
    let pays = window == Window::same(3)
        && n_tiles >= TILES_AT_LEAST
        && 3 * n_tiles * N_POINTS < 2 * direct
        && channels >= enough_channels;
    pays.then_some(blocks)
}
