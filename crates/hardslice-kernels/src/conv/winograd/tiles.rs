//! A layer cut into tiles of 4x4, and their transforms.

use std::ops::Range;

use super::points::{N_POINTS, TILE};
use super::transform::{Gradients, Inputs, Points, Rows};
use crate::conv::input::Blocks;
use crate::layout::Extent;
use crate::simd::{LANES, Pixel, Simd};
use crate::source::RowAt;

/// All tiles of all images, in reading order.
#[derive(Debug, Clone, Copy)]
pub(super) struct TileGrid {
    extent: Extent,
    rows: usize,
    columns: usize,
}

/// Tiles next to each other in a row of tiles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Place of the first one among the tiles that were asked for.
    pub(super) start: usize,
    pub(super) image: usize,
    /// First row and column of pixels.
    pub(super) y: usize,
    pub(super) x: usize,
    pub(super) n_tiles: usize,
}

/// Tiles of a run, at most: the rows under them stay in the first cache.
const RUN: usize = 16;

/// Pixels that the rows under a run take at most.
pub(super) const RUN_PIXELS: usize = 6 * (RUN * TILE + 2);

impl TileGrid {
    pub(super) fn over(extent: Extent) -> Self {
        Self {
            extent,
            rows: extent.height.div_ceil(TILE),
            columns: extent.width.div_ceil(TILE),
        }
    }

    pub(super) fn n_tiles(self) -> usize {
        self.extent.n * self.rows * self.columns
    }

    /// Cuts a range of tiles into runs.
    pub(super) fn runs(self, tiles: Range<usize>) -> impl Iterator<Item = Run> {
        let mut next = tiles.start;
        std::iter::from_fn(move || {
            let (row, column) = (next / self.columns, next % self.columns);
            let n_tiles = RUN.min(self.columns - column).min(tiles.end - next);
            let run = Run {
                start: next - tiles.start,
                image: row / self.rows,
                y: row % self.rows * TILE,
                x: column * TILE,
                n_tiles,
            };
            next += n_tiles;
            (n_tiles > 0).then_some(run)
        })
    }
}

/// How a tile reads a layer: a square of `size`, `pad` rows and columns before its own first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Square {
    /// The inputs of a tile.
    Input,
    /// The gradients of a tile's outputs.
    Gradient,
}

impl Square {
    fn size_and_pad(self) -> (usize, usize) {
        match self {
            Self::Input => (TILE + 2, 1),
            Self::Gradient => (TILE, 0),
        }
    }
}

/// Pixels between the points of `n_tiles` tiles of `n_blocks` blocks: odd, so that the points of a
/// tile do not all fall on one line of the cache.
pub(super) fn point_step(n_blocks: usize, n_tiles: usize) -> usize {
    (n_blocks * n_tiles) | 1
}

/// Transforms some tiles of some blocks to `[point][block][tile]`, points [`point_step`] apart.
#[inline(always)]
pub(super) fn to_points<S: Simd>(
    s: S,
    layer: Blocks<'_>,
    blocks: Range<usize>,
    tiles: Range<usize>,
    square: Square,
    [to, strip]: [&mut [Pixel]; 2],
) {
    let step = point_step(blocks.len(), tiles.len());
    let grid = TileGrid::over(layer.extent);
    for (place, block) in blocks.enumerate() {
        for run in grid.runs(tiles.clone()) {
            let from = read(s, layer, block, run, square, strip);
            let first = place * tiles.len() + run.start;
            let to = Points {
                pixels: &mut to[first..first + (N_POINTS - 1) * step + run.n_tiles],
                step,
            };
            let n_tiles = run.n_tiles;
            match square {
                Square::Input => s.run(Inputs { from, n_tiles, to }),
                Square::Gradient => s.run(Gradients { from, n_tiles, to }),
            }
        }
    }
}

/// Reads the rows under a run, with zeros outside the layer.
#[inline(always)]
fn read<'a, S: Simd>(
    s: S,
    layer: Blocks<'_>,
    block: usize,
    run: Run,
    square: Square,
    strip: &'a mut [Pixel],
) -> Rows<'a> {
    let (size, pad) = square.size_and_pad();
    let stride = (run.n_tiles - 1) * TILE + size;
    let Extent { height, width, .. } = layer.extent;
    let (source, block) = layer.find(block);
    // The first pixel of a row that lies in the layer, and the column that it has there.
    let before = pad.saturating_sub(run.x);
    let column = (run.x + before) - pad;
    let inside = before..stride.min(before + width - column);
    for (row, to) in strip.chunks_exact_mut(stride).take(size).enumerate() {
        let row = (run.y + row).wrapping_sub(pad);
        if row >= height {
            to.fill([0.0; LANES]);
            continue;
        }
        to[..inside.start].fill([0.0; LANES]);
        to[inside.end..].fill([0.0; LANES]);
        let at = RowAt {
            image: run.image,
            block,
            row,
            column,
        };
        source.read_row(s, at, layer.extent, &mut to[inside.clone()]);
    }
    Rows {
        pixels: &strip[..size * stride],
        stride,
    }
}
