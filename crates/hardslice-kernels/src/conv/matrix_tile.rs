//! The micro-kernel of the direct convolution on a matrix unit: up to 32 pixels in a row times one or two
//! blocks of output channels.

use crate::simd::{
    Kernel, LANES, Pixel, PixelOf, Simd, TILE, TileProduct, TileShape, TileSums, Tiles,
};
use crate::stored::Stored;

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

    /// What the matrix unit is set up for: sixteen channels are eight pairs.
    pub(super) fn shape(self) -> TileShape {
        TileShape {
            rows: self.pixels,
            pairs: LANES / 2,
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
    /// Where each tap of each input block reads, from the first one on.
    pub(super) terms: &'a [usize],
    /// `[input block][tap][16 inputs][BLOCKS][16]`; eight pairs are the first eight inputs.
    pub(super) weights: &'a [f32],
    pub(super) pixels: usize,
    /// The pixels to write, `out_step` apart.
    pub(super) out: [&'a mut [PixelOf<E>]; BLOCKS],
    pub(super) out_step: usize,
    /// What is added.
    pub(super) bias: &'a [Pixel],
    /// Results below are set to this.
    pub(super) floor: f32,
}

impl<E: Stored, const BLOCKS: usize> MatrixTile<'_, E, BLOCKS> {
    /// Computes the tile on what was set up for [`Halves::shape`].
    pub(super) fn run<S: Simd>(self, s: S, tiles: &Tiles) {
        let n_halves = if self.pixels > self.halves.pixels {
            2
        } else {
            1
        };
        let product = TileProduct {
            a: self.x,
            a_starts: &[0, self.halves.pixels * self.pixel_step][..n_halves],
            a_row_step: self.pixel_step,
            a_terms: self.terms,
            b: self.weights,
            b_starts: &[0, LANES][..BLOCKS],
            b_row_step: BLOCKS * LANES,
            b_term_step: LANES * BLOCKS * LANES,
        };
        let mut sums = [[[0.0; TILE * LANES]; 2]; 2];
        tiles.multiply(&product, &mut sums);
        s.run(Finish {
            tile: self,
            sums: &sums,
        });
    }
}

/// Adds the bias and writes.
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
        for (block, out) in tile.out.into_iter().enumerate() {
            let bias = s.read(&tile.bias[block]);
            for (sums, first) in self.sums.iter().zip([0, half]) {
                let (sums, _) = sums[block].as_chunks::<LANES>();
                for (pixel, sum) in (first..tile.pixels.min(first + half)).zip(sums) {
                    let sum = s.add(bias, s.read(sum));
                    s.write(&mut out[pixel * tile.out_step], s.max(sum, floor));
                }
            }
        }
    }
}
