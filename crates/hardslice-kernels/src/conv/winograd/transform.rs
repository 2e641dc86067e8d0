//! The transforms, along one axis and for whole tiles of sixteen channels.

#![expect(
    unsafe_code,
    reason = "bounds are checked once for each run of tiles, not for each pixel"
)]

use std::mem::MaybeUninit;

use super::{N_POINTS, TILE};
use crate::simd::{Kernel, LANES, Pixel, Simd};
use crate::stored::{PixelOf, Stored};

/// The finite points other than 0 are ±A and ±B.
const A: f32 = 0.75;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;

/// What makes the Lagrange polynomial of each point 1 there: for 0, ±A and ±B.
const SCALE_0: f32 = 1.0 / (A2 * B2);
const SCALE_A: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
const SCALE_B: f32 = 1.0 / (2.0 * B2 * (B2 - A2));

/// `x · by_x + y · by_y + sum`.
#[inline(always)]
fn weighed<S: Simd>(s: S, [x, y]: [S::V; 2], [by_x, by_y]: [f32; 2], sum: S::V) -> S::V {
    s.mul_add(x, s.splat(by_x), s.mul_add(y, s.splat(by_y), sum))
}

/// The values at 0, ±A, ±B and infinity, from those at the ends and what is even and odd in the
/// point.
#[inline(always)]
fn at_points<S: Simd>(s: S, ends: [S::V; 2], of_a: [S::V; 2], of_b: [S::V; 2]) -> [S::V; 6] {
    [
        ends[0],
        s.mul_add(of_a[1], s.splat(A), of_a[0]),
        s.mul_add(of_a[1], s.splat(-A), of_a[0]),
        s.mul_add(of_b[1], s.splat(B), of_b[0]),
        s.mul_add(of_b[1], s.splat(-B), of_b[0]),
        ends[1],
    ]
}

/// Six inputs along an axis, at the six points.
#[inline(always)]
fn of_input<S: Simd>(s: S, d: [S::V; 6]) -> [S::V; 6] {
    let by_ends = [-(A2 + B2), A2 * B2];
    let first = weighed(s, [d[2], d[0]], by_ends, d[4]);
    let last = weighed(s, [d[3], d[1]], by_ends, d[5]);
    let (by_b, by_a) = (s.splat(-B2), s.splat(-A2));
    let of_a = [s.mul_add(d[2], by_b, d[4]), s.mul_add(d[1], by_b, d[3])];
    let of_b = [s.mul_add(d[2], by_a, d[4]), s.mul_add(d[1], by_a, d[3])];
    at_points(s, [first, last], of_a, of_b)
}

/// Four gradients along an axis, at the six points: the transpose of [`to_output`].
#[inline(always)]
fn of_gradient<S: Simd>(s: S, g: [S::V; 4]) -> [S::V; 6] {
    let (by_a, by_b) = (s.splat(A2), s.splat(B2));
    let of_a = [s.mul_add(g[2], by_a, g[0]), s.mul_add(g[3], by_a, g[1])];
    let of_b = [s.mul_add(g[2], by_b, g[0]), s.mul_add(g[3], by_b, g[1])];
    at_points(s, [g[0], g[3]], of_a, of_b)
}

/// Three weights along an axis, at the six points.
#[inline(always)]
fn of_weight<S: Simd>(s: S, w: [S::V; 3]) -> [S::V; 6] {
    let first = s.mul_add(w[0], s.splat(SCALE_0), s.zero());
    let even_a = weighed(s, [w[0], w[2]], [SCALE_A, SCALE_A * A2], s.zero());
    let odd_a = s.mul_add(w[1], s.splat(SCALE_A), s.zero());
    let even_b = weighed(s, [w[0], w[2]], [SCALE_B, SCALE_B * B2], s.zero());
    let odd_b = s.mul_add(w[1], s.splat(SCALE_B), s.zero());
    at_points(s, [first, w[2]], [even_a, odd_a], [even_b, odd_b])
}

/// What is even and odd in A and in B.
#[inline(always)]
fn parts<S: Simd>(s: S, m: [S::V; 6]) -> ([S::V; 2], [S::V; 2]) {
    (
        [s.add(m[1], m[2]), s.add(m[3], m[4])],
        [s.sub(m[1], m[2]), s.sub(m[3], m[4])],
    )
}

/// Four outputs along an axis, from the products at the six points.
#[inline(always)]
fn to_output<S: Simd>(s: S, m: [S::V; 6]) -> [S::V; 4] {
    let (even, odd) = parts(s, m);
    [
        s.add(s.add(m[0], even[0]), even[1]),
        weighed(s, odd, [A, B], s.zero()),
        weighed(s, even, [A2, B2], s.zero()),
        weighed(s, odd, [A * A2, B * B2], m[5]),
    ]
}

/// Three weights' gradients along an axis, from the sums at the six points: the transpose of
/// [`of_weight`].
#[inline(always)]
fn to_weight<S: Simd>(s: S, u: [S::V; 6]) -> [S::V; 3] {
    let (even, odd) = parts(s, u);
    let first = s.mul_add(u[0], s.splat(SCALE_0), s.zero());
    [
        weighed(s, even, [SCALE_A, SCALE_B], first),
        weighed(s, odd, [SCALE_A * A, SCALE_B * B], s.zero()),
        weighed(s, even, [SCALE_A * A2, SCALE_B * B2], u[5]),
    ]
}

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
                        s.write(to, s.at_least(s.add(result, bias), floor));
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
