//! The direct convolution on a matrix unit: what is a tile here are two tiles of the unit's, up to 32 pixels
//! in a row, times one or two blocks of output channels.

#![expect(
    unsafe_code,
    reason = "tasks write to rows of one tensor that are not next to each other"
)]

use std::marker::PhantomData;

use super::{DirectConv, Part, Task};
use crate::conv::output::Output;
use crate::conv::tile_walk::TileWalk;
use crate::layout::Extent;
use crate::simd::{
    Kernel, LANES, MatrixUnit, Pixel, Products, Simd, TILE, TermStarts, TileProduct, TileShape,
    Tiles,
};
use crate::stored::Stored;

const _: () = assert!(
    TILE == LANES,
    "a tile has a column for each channel of a block"
);

impl DirectConv<'_> {
    /// One group of output blocks from all input blocks, on a matrix unit.
    pub(super) fn matrix_group<S: Simd, E: Stored, const BLOCKS: usize>(
        &self,
        s: S,
        unit: MatrixUnit,
        task: &Task<'_>,
        part: &Part<'_>,
        group: usize,
    ) {
        assert!(part.is_first && part.is_last, "all input blocks at once");
        let rows = task.rows;
        let walk = TileWalk::over(self.input, rows, self.window, self.weights.packing);
        let per_tap = LANES * BLOCKS * LANES;
        let terms = walk.terms(part.counts.len(), self.weights.packing.side(), per_tap);
        let first_block = group * self.weights.group;
        let outputs: [Output<'_>; BLOCKS] =
            std::array::from_fn(|block| task.outputs[first_block + block]);
        let halves = Halves::of(self.grid.width);
        let mut products = Products::default();
        unit.with_tiles(halves.shape(self.weights.packing.side()), |tiles| {
            for row in 0..rows.n_rows {
                for (column, pixels) in halves.tiles() {
                    let at = [rows.image, rows.first_row + row, column];
                    let tile = MatrixTile::<E, BLOCKS> {
                        halves,
                        x: &part.scratch[walk.start(row, column)..],
                        pixel_step: walk.position_step(),
                        terms: &terms,
                        weights: self.weights.of_group(group, 0),
                        pixels,
                        outputs: &outputs,
                        precision: PhantomData,
                        grid: self.grid,
                        at,
                        bias: &self.bias[first_block..first_block + BLOCKS],
                        floor: if self.relu { 0.0 } else { f32::NEG_INFINITY },
                    };
                    // SAFETY: tasks have images and rows, or output blocks, of their own.
                    unsafe { tile.run(s, tiles, &mut products) };
                }
            }
        });
    }
}

/// How a row is cut into tiles of two halves each: all halves have the same number of pixels, of which
/// the last one's may lie beyond the row.
#[derive(Debug, Clone, Copy)]
struct Halves {
    width: usize,
    n: usize,
    pixels: usize,
}

impl Halves {
    fn of(width: usize) -> Self {
        let n = width.div_ceil(TILE);
        let pixels = width.div_ceil(n);
        Self { width, n, pixels }
    }

    /// What the matrix unit is set up for: sixteen channels are eight pairs. `side`: input blocks side by
    /// side.
    fn shape(self, side: usize) -> TileShape {
        TileShape {
            rows: self.pixels,
            pairs: side * LANES / 2,
        }
    }

    /// The tiles of a row, as (first column, width).
    fn tiles(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.n).step_by(2).map(move |half| {
            let first = half * self.pixels;
            (first, (2 * self.pixels).min(self.width - first))
        })
    }
}

/// Positions of the window that a tile may read beyond a row, at most.
pub(super) const BEYOND: usize = TILE;

/// A tile; an element of the scratch memory and of the weights is a VNNI pair of two channels.
struct MatrixTile<'a, E, const BLOCKS: usize> {
    halves: Halves,
    /// Scratch memory, from the first tap of the first pixel on.
    x: &'a [f32],
    /// Elements between pixels there.
    pixel_step: usize,
    /// Where each tap of each input block, or of two side by side, reads, and where its weights begin.
    terms: &'a TermStarts,
    /// `[input block][tap][16 places][BLOCKS][16]`; the places are pairs of inputs, as many as the matrix
    /// unit is set up for.
    weights: &'a [f32],
    pixels: usize,
    outputs: &'a [Output<'a>; BLOCKS],
    /// Of the outputs.
    precision: PhantomData<E>,
    grid: Extent,
    /// Image, row and column of the first pixel.
    at: [usize; 3],
    /// What is added.
    bias: &'a [Pixel],
    /// Results below are set to this.
    floor: f32,
}

impl<E: Stored, const BLOCKS: usize> MatrixTile<'_, E, BLOCKS> {
    /// Computes the tile on what was set up for [`Halves::shape`]. `products`: memory for them.
    ///
    /// # Safety
    ///
    /// Nothing else uses the pixels that it writes.
    unsafe fn run<S: Simd>(self, s: S, tiles: &Tiles, products: &mut Products) {
        let n_halves = if self.pixels > self.halves.pixels {
            2
        } else {
            1
        };
        let product = TileProduct {
            a: self.x,
            a_starts: &[0, self.halves.pixels * self.pixel_step][..n_halves],
            a_row_step: self.pixel_step,
            terms: self.terms,
            b: self.weights,
            b_starts: &[0, LANES][..BLOCKS],
            b_row_step: BLOCKS * LANES,
        };
        tiles.multiply(&product, products);
        s.run(Finish {
            tile: self,
            products,
        });
    }
}

/// Adds the bias and writes, where nothing else does.
struct Finish<'a, E, const BLOCKS: usize> {
    tile: MatrixTile<'a, E, BLOCKS>,
    products: &'a Products,
}

impl<E: Stored, const BLOCKS: usize> Kernel for Finish<'_, E, BLOCKS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let tile = self.tile;
        let floor = s.splat(tile.floor);
        let half = tile.halves.pixels;
        for (block, output) in tile.outputs.iter().enumerate() {
            // SAFETY: the promise of whoever ran the tile.
            let mut out =
                unsafe { output.pixels(E::shared(output.tensor), tile.grid, tile.at, tile.pixels) };
            let bias = s.read(&tile.bias[block]);
            for (products, first) in self.products.0.iter().zip([0, half]) {
                let pixels = first..tile.pixels.min(first + half);
                for (pixel, sum) in pixels.zip(&products[block]) {
                    let sum = s.add(bias, s.read(sum));
                    s.write(out.get_mut(pixel), s.max(sum, floor));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_cover_a_row_and_reach_less_than_a_tile_beyond_it() {
        for width in 1..=2000 {
            let halves = Halves::of(width);
            assert!((1..=TILE).contains(&halves.pixels), "{width}");
            let mut next = 0;
            for (first, pixels) in halves.tiles() {
                assert_eq!(first, next, "{width}");
                assert!((1..=2 * halves.pixels).contains(&pixels), "{width}");
                next += pixels;
                // What is read, not all of it written.
                let n_halves = pixels.div_ceil(halves.pixels);
                assert!(first + n_halves * halves.pixels < width + BEYOND, "{width}");
            }
            assert_eq!(next, width);
        }
    }
}
