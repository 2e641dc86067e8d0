//! How the micro-kernels walk the scratch memory, and which of them computes a tile.

use super::input::Input;
use super::scratch::Slab;
use super::tile::{RowTile, Tile, TileArgs, run_kernel};
use super::tile_weights::Packing;
use super::window::Window;
use crate::simd::{LANES, Simd, TermStarts};

/// Elements of a pixel in the scratch memory where each is a VNNI pair of channels.
const VNNI_STEP: usize = LANES / 2;

/// Pixels of a [`RowTile`], at most.
const ROW_TILE_PIXELS: usize = 24;

/// Where the rows of a task lie in the scratch memory, and where a window reads there. All steps are
/// in elements.
pub(super) struct TileWalk {
    /// Between pixels.
    pixel_step: usize,
    /// Between the channels of a pixel.
    pub(super) channel_step: usize,
    /// Between input blocks.
    pub(super) plane: usize,
    /// Between rows.
    row_step: usize,
    /// Of each tap, from the first one on; in ascending order.
    pub(super) taps: Vec<usize>,
    window: Window,
    is_vnni: bool,
}

impl TileWalk {
    /// Over the rows of a task; VNNI pairs only for blocks.
    pub(super) fn over(input: Input<'_>, rows: Slab, window: Window, packing: Packing) -> Self {
        let plane = rows.plane(window);
        let (pixel_step, channel_step, plane) = match input {
            Input::Blocks(_) if packing.is_vnni() => {
                let step = packing.side() * VNNI_STEP;
                (step, 1, plane * step)
            }
            Input::Blocks(_) => (LANES, 1, plane * LANES),
            Input::Planes(_) => (1, plane, 0),
        };
        let row_step = rows.stride(window) * pixel_step;
        let tap = |tap: usize| tap / window.kernel * row_step + tap % window.kernel * pixel_step;
        Self {
            pixel_step,
            channel_step,
            plane,
            row_step,
            taps: (0..window.taps()).map(tap).collect(),
            window,
            is_vnni: packing.is_vnni(),
        }
    }

    /// Where the first tap of an output reads.
    pub(super) fn start(&self, row: usize, column: usize) -> usize {
        (row * self.row_step + column * self.pixel_step) * self.window.step
    }

    /// Pixels of a tile, at most.
    pub(super) fn most_pixels<S: Simd, const BLOCKS: usize>(&self) -> usize {
        if self.is_by_rows::<S, BLOCKS>() {
            ROW_TILE_PIXELS
        } else {
            S::TILE_PIXELS
        }
    }

    /// Whether a tile takes the three taps of a kernel's row at a time: where one block of outputs
    /// leaves registers for their weights.
    fn is_by_rows<S: Simd, const BLOCKS: usize>(&self) -> bool {
        self.window.kernel == 3 && const { BLOCKS == 1 && S::TILE_BLOCKS == 2 }
    }

    /// Where each tap of each of some input blocks reads, from the first one on, and where its packed weights
    /// begin: those of `per_tap` elements for each block. `side` blocks are one.
    pub(super) fn terms(&self, blocks: usize, side: usize, per_tap: usize) -> TermStarts {
        let n_taps = self.taps.len();
        (0..blocks.div_ceil(side))
            .flat_map(|block| {
                let taps = self.taps.iter().enumerate();
                taps.map(move |(tap, place)| {
                    let weights = (block * side * n_taps + tap) * per_tap;
                    [block * self.plane + place, weights]
                })
            })
            .collect()
    }

    /// Between the positions of the window.
    pub(super) fn position_step(&self) -> usize {
        self.pixel_step * self.window.step
    }

    /// Runs the micro-kernel that fits.
    pub(super) fn run<S: Simd, const BLOCKS: usize>(
        &self,
        s: S,
        tile: TileArgs<'_, BLOCKS>,
        pixels: usize,
    ) {
        // What no instruction set runs is not compiled: the conditions are constants.
        if const { BLOCKS == 1 && S::TILE_BLOCKS == 2 } && self.is_by_rows::<S, BLOCKS>() {
            match self.pixel_step {
                1 => run_row_tile::<S, BLOCKS, 1, false>(s, tile, pixels),
                VNNI_STEP => run_row_tile::<S, BLOCKS, VNNI_STEP, true>(s, tile, pixels),
                _ => run_row_tile::<S, BLOCKS, LANES, false>(s, tile, pixels),
            }
            return;
        }
        match (self.pixel_step, self.window.step, self.is_vnni) {
            (1, 1, _) => run_tile::<S, BLOCKS, 1, false>(s, tile, pixels),
            (_, 1, false) => run_tile::<S, BLOCKS, LANES, false>(s, tile, pixels),
            (_, _, false) => run_tile::<S, BLOCKS, { 2 * LANES }, false>(s, tile, pixels),
            (_, 1, true) => run_tile::<S, BLOCKS, VNNI_STEP, true>(s, tile, pixels),
            (_, _, true) => run_tile::<S, BLOCKS, { 2 * VNNI_STEP }, true>(s, tile, pixels),
        }
    }
}

/// Cuts a row into tiles of nearly equal width, as (first column, width).
pub(super) fn tiles_of_row(width: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let n = width.div_ceil(most);
    (0..n).map(move |tile| {
        let (first, end) = (tile * width / n, (tile + 1) * width / n);
        (first, end - first)
    })
}

/// Runs a [`Tile`] of `pixels` pixels; with `BF16` in bf16 dot products.
pub(super) fn run_tile<S: Simd, const BLOCKS: usize, const STEP: usize, const BF16: bool>(
    s: S,
    args: TileArgs<'_, BLOCKS>,
    pixels: usize,
) {
    macro_rules! by_width {
        ($($n:literal)*) => {
            match pixels {
                $($n => run_kernel::<S, _, BF16>(s, Tile::<BLOCKS, $n, STEP, BF16>(args)),)*
                _ => unreachable!("a width of a tile"),
            }
        };
    }
    if const { S::TILE_PIXELS <= 2 } {
        by_width!(1 2);
    } else if const { S::TILE_PIXELS <= 6 } {
        by_width!(1 2 3 4 5 6);
    } else {
        by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }
}

/// The same with a [`RowTile`].
fn run_row_tile<S: Simd, const BLOCKS: usize, const STEP: usize, const BF16: bool>(
    s: S,
    args: TileArgs<'_, BLOCKS>,
    pixels: usize,
) {
    macro_rules! by_width {
        ($($n:literal)*) => {
            match pixels {
                $($n => run_kernel::<S, _, BF16>(s, RowTile::<BLOCKS, $n, STEP, BF16>(args)),)*
                _ => unreachable!("a width of a tile"),
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24);
}
