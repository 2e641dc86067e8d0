//! The micro-kernel of the direct convolution on a matrix unit: up to 32 pixels in a row times one or two
//! blocks of output channels.

#![expect(
    unsafe_code,
    reason = "tasks write to rows of one tensor that are not next to each other"
)]

use std::marker::PhantomData;

use super::output::Output;
use crate::layout::Extent;
use crate::simd::{
    Kernel, LANES, Pixel, Simd, TILE, Terms, TileProduct, TileShape, TileSums, Tiles,
};
use crate::stored::Stored;

const _: () = assert!(
    TILE == LANES,
    "a tile has a column for each channel of a block"
);

/// How a row is cut into tiles of two halves each: all halves have the same number of pixels, of which
/// the last one's may lie beyond the row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Halves {
    width: usize,
    n: usize,
    pixels: usize,
}

impl Halves {
    pub(super) fn of(width: usize) -> Self {
        let n = width.div_ceil(TILE);
        let pixels = width.div_ceil(n);
        Self { width, n, pixels }
    }

    /// What the matrix unit is set up for: sixteen channels are eight pairs. `side`: input blocks side by
    /// side.
    pub(super) fn shape(self, side: usize) -> TileShape {
        TileShape {
            rows: self.pixels,
            pairs: side * LANES / 2,
        }
    }

    /// The tiles of a row, as (first column, width).
    pub(super) fn tiles(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.n).step_by(2).map(move |half| {
            let first = half * self.pixels;
            (first, (2 * self.pixels).min(self.width - first))
        })
    }
}

/// Positions of the window that a tile may read beyond a row, at most.
pub(super) const BEYOND: usize = TILE;

/// A tile; an element of the scratch memory and of the weights is a VNNI pair of two channels.
pub(super) struct MatrixTile<'a, E, const BLOCKS: usize> {
    pub(super) halves: Halves,
    /// Scratch memory, from the first tap of the first pixel on.
    pub(super) x: &'a [f32],
    /// Elements between pixels there.
    pub(super) pixel_step: usize,
    /// Where each tap of each input block, or of two side by side, reads, and where its weights begin.
    pub(super) terms: &'a Terms,
    /// `[input block][tap][16 places][BLOCKS][16]`; the places are pairs of inputs, as many as the matrix
    /// unit is set up for.
    pub(super) weights: &'a [f32],
    pub(super) pixels: usize,
    pub(super) outputs: &'a [Output<'a>; BLOCKS],
    /// Of the outputs.
    pub(super) precision: PhantomData<E>,
    pub(super) grid: Extent,
    /// Image, row and column of the first pixel.
    pub(super) at: [usize; 3],
    /// What is added.
    pub(super) bias: &'a [Pixel],
    /// Results below are set to this.
    pub(super) floor: f32,
}

impl<E: Stored, const BLOCKS: usize> MatrixTile<'_, E, BLOCKS> {
    /// Computes the tile on what was set up for [`Halves::shape`]. `sums`: memory for them.
    ///
    /// # Safety
    ///
    /// Nothing else uses the pixels that it writes.
    pub(super) unsafe fn run<S: Simd>(self, s: S, tiles: &Tiles, sums: &mut [[TileSums; 2]; 2]) {
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
        tiles.multiply(&product, sums);
        s.run(Finish { tile: self, sums });
    }
}

/// Adds the bias and writes, where nothing else does.
struct Finish<'a, E, const BLOCKS: usize> {
    tile: MatrixTile<'a, E, BLOCKS>,
    sums: &'a [[TileSums; 2]; 2],
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
            let out =
                unsafe { output.pixels(E::shared(output.tensor), tile.grid, tile.at, tile.pixels) };
            let bias = s.read(&tile.bias[block]);
            for (sums, first) in self.sums.iter().zip([0, half]) {
                let (sums, _) = sums[block].as_chunks::<LANES>();
                for (pixel, sum) in (first..tile.pixels.min(first + half)).zip(sums) {
                    let sum = s.add(bias, s.read(sum));
                    s.write(&mut out[pixel * output.step], s.max(sum, floor));
                }
            }
        }
    }
}
