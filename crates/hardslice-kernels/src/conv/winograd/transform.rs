//! The transforms of whole tiles of sixteen channels, along both axes.

#![expect(
    unsafe_code,
    reason = "bounds are checked once for each run of tiles, not for each pixel"
)]

use std::mem::MaybeUninit;

use super::points::{N_POINTS, TILE, of_gradient, of_input, of_weight, to_output, to_weight};
use crate::simd::{Kernel, LANES, Pixel, PixelOf, Simd};
use crate::stored::Stored;

/// Applies a transform along both axes of a square: each value is read once, column by column, and
/// each row of the result is handed over once.
macro_rules! both_axes {
    (
        $s:ident, $transform:ident: $from:literal => $to:literal,
        |$row:ident, $column:ident| $read:expr,
        |$to_row:ident, $line:ident| $write:expr
    ) => {{
        // Zeros that are overwritten would be a good part of the work.
        let mut half = [[MaybeUninit::uninit(); $from]; $to];
        for $column in 0..$from {
            let mut line = [$s.zero(); $from];
            for $row in 0..$from {
                line[$row] = $read;
            }
            let line = $transform($s, line);
            for row in 0..$to {
                half[row][$column] = MaybeUninit::new(line[row]);
            }
        }
        for $to_row in 0..$to {
            let mut line = [$s.zero(); $from];
            for column in 0..$from {
                // SAFETY: the loop above has written every row of every column.
                line[column] = unsafe { half[$to_row][column].assume_init() };
            }
            let $line = $transform($s, line);
            $write
        }
    }};
}

/// A run of tiles, next to each other in a row of tiles, with one block of channels.
pub(super) struct Points<P> {
    /// From the first tile's first point on.
    pub(super) pixels: P,
    /// Pixels between points; tiles lie next to each other.
    pub(super) step: usize,
}

impl<P: std::ops::Deref<Target = [Pixel]>> Points<P> {
    #[inline(always)]
    fn check(&self, n_tiles: usize) {
        let last = (N_POINTS - 1) * self.step + n_tiles - 1;
        assert!(
            last < self.pixels.len(),
            "a place for each point of each tile"
        );
    }
}

impl Points<&mut [Pixel]> {
    /// Writes a row of a tile's points.
    ///
    /// # Safety
    ///
    /// [`Self::check`] has passed for more tiles than `tile`, and `row` is below six.
    #[inline(always)]
    unsafe fn write_row<S: Simd>(&mut self, s: S, tile: usize, row: usize, points: [S::V; 6]) {
        for (column, point) in points.into_iter().enumerate() {
            let place = (row * 6 + column) * self.step + tile;
            // SAFETY: at most the last tile's last point.
            s.write(unsafe { self.pixels.get_unchecked_mut(place) }, point);
        }
    }
}

impl Points<&[Pixel]> {
    /// Reads one of a tile's points.
    ///
    /// # Safety
    ///
    /// [`Self::check`] has passed for more tiles than `tile`; `row` and `column` are below six.
    #[inline(always)]
    unsafe fn read<S: Simd>(&self, s: S, tile: usize, row: usize, column: usize) -> S::V {
        let place = (row * 6 + column) * self.step + tile;
        // SAFETY: at most the last tile's last point.
        s.read(unsafe { self.pixels.get_unchecked(place) })
    }
}

/// Rows of pixels.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) pixels: &'a [Pixel],
    /// Pixels between rows.
    pub(super) stride: usize,
}

impl Rows<'_> {
    #[inline(always)]
    fn check(&self, n_tiles: usize, size: usize) {
        let last = (size - 1) * self.stride + (n_tiles - 1) * TILE + size - 1;
        assert!(last < self.pixels.len(), "all rows of all tiles");
    }

    /// Reads a value of a tile's square.
    ///
    /// # Safety
    ///
    /// [`Self::check`] has passed for more tiles than `tile` and a size above `row` and `column`.
    #[inline(always)]
    unsafe fn read<S: Simd>(&self, s: S, tile: usize, row: usize, column: usize) -> S::V {
        let place = row * self.stride + tile * TILE + column;
        // SAFETY: at most the last tile's last pixel.
        s.read(unsafe { self.pixels.get_unchecked(place) })
    }
}

/// Inputs to points; a tile shares two of its six columns with the next one.
pub(super) struct Inputs<'a> {
    pub(super) from: Rows<'a>,
    pub(super) n_tiles: usize,
    pub(super) to: Points<&'a mut [Pixel]>,
}

impl Kernel for Inputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        self.from.check(self.n_tiles, 6);
        self.to.check(self.n_tiles);
        for tile in 0..self.n_tiles {
            both_axes!(
                s, of_input: 6 => 6,
                // SAFETY: checked above.
                |row, column| unsafe { self.from.read(s, tile, row, column) },
                // SAFETY: checked above.
                |row, points| unsafe { self.to.write_row(s, tile, row, points) }
            );
        }
    }
}

/// Gradients to points.
pub(super) struct Gradients<'a> {
    pub(super) from: Rows<'a>,
    pub(super) n_tiles: usize,
    pub(super) to: Points<&'a mut [Pixel]>,
}

impl Kernel for Gradients<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        self.from.check(self.n_tiles, TILE);
        self.to.check(self.n_tiles);
        for tile in 0..self.n_tiles {
            both_axes!(
                s, of_gradient: 4 => 6,
                // SAFETY: checked above.
                |row, column| unsafe { self.from.read(s, tile, row, column) },
                // SAFETY: checked above.
                |row, points| unsafe { self.to.write_row(s, tile, row, points) }
            );
        }
    }
}

/// Products at the points to outputs.
pub(super) struct Outputs<'a, E> {
    pub(super) from: Points<&'a [Pixel]>,
    pub(super) n_tiles: usize,
    pub(super) bias: &'a Pixel,
    /// Results below are set to this.
    pub(super) floor: f32,
    /// Rows of the result; where they end, the tiles are cut off.
    pub(super) to: [&'a mut [PixelOf<E>]; TILE],
}

impl<E: Stored> Kernel for Outputs<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        self.from.check(self.n_tiles);
        let (bias, floor) = (s.read(self.bias), s.splat(self.floor));
        for tile in 0..self.n_tiles {
            both_axes!(
                s, to_output: 6 => 4,
                // SAFETY: checked above.
                |row, column| unsafe { self.from.read(s, tile, row, column) },
                |row, results| {
                    let to = self.to[row].iter_mut().skip(tile * TILE);
                    for (to, result) in to.zip(results) {
                        s.write(to, s.max(s.add(result, bias), floor));
                    }
                }
            );
        }
    }
}

/// A block of weights to points.
pub(super) struct Weights<'a> {
    /// `[tap][input]` of sixteen outputs.
    pub(super) taps: &'a [[Pixel; LANES]; 9],
    /// `[point][input]`; points are `point_step` pixels apart, inputs `input_step`.
    pub(super) to: &'a mut [Pixel],
    pub(super) point_step: usize,
    pub(super) input_step: usize,
}

impl Kernel for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for input in 0..LANES {
            both_axes!(
                s, of_weight: 3 => 6,
                |row, column| s.read(&self.taps[row * 3 + column][input]),
                |row, points| for (column, point) in points.into_iter().enumerate() {
                    let place = (row * 6 + column) * self.point_step + input * self.input_step;
                    s.write(&mut self.to[place], point);
                }
            );
        }
    }
}

/// Sums at the points to the gradients of a block of weights.
pub(super) struct WeightGradients<'a> {
    /// `[point][input]` of sixteen outputs; points are `point_step` pixels apart.
    pub(super) from: &'a [Pixel],
    pub(super) point_step: usize,
    /// `[tap][input]`.
    pub(super) to: &'a mut [Pixel],
}

impl Kernel for WeightGradients<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for input in 0..LANES {
            both_axes!(
                s, to_weight: 6 => 3,
                |row, column| s.read(&self.from[(row * 6 + column) * self.point_step + input]),
                |row, weights| for (column, weight) in weights.into_iter().enumerate() {
                    s.write(&mut self.to[(row * 3 + column) * LANES + input], weight);
                }
            );
        }
    }
}
