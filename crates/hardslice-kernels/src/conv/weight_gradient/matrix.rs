//! A unit of the weights' gradients on a matrix unit: the transposed gradient times the input, summed over
//! the pixels of a whole plane at once.
//!
//! Both are taken in the order of the input's padded rows, where a tap is one distance for all pixels. The
//! gradient has zeros beside its rows there, so that what a tap reads beyond them counts for nothing while
//! all numbers are finite.

use std::ops::Range;

use crate::conv::scratch::Slab;
use crate::conv::window::Window;
use crate::simd::{
    Kernel, LANES, MatrixUnit, Pixel, Products, Simd, TILE, TermStarts, TileProduct, TileShape,
    TileSums,
};

/// Pixels of a term: sixteen pairs.
const TERM_PIXELS: usize = 2 * TILE;

/// Some rows of an image, in the scratch memory.
pub(super) struct MatrixTask<'a> {
    pub(super) unit: MatrixUnit,
    pub(super) window: Window,
    pub(super) rows: Slab,
    /// `[input block][row][column]` as VNNI pairs of a pixel and the one after it, and [`beyond`]
    /// pixels more.
    pub(super) x: &'a [Pixel],
    /// `[output block][row][column]`.
    pub(super) gradient: &'a [Pixel],
    pub(super) n_inputs: usize,
    pub(super) n_outputs: usize,
    /// Whether nothing has been added to the sums.
    pub(super) is_first: bool,
    /// Sums of an output block.
    pub(super) per_output: usize,
}

/// Pixels that the last term may read beyond the last plane.
pub(super) fn beyond(window: Window) -> usize {
    TERM_PIXELS + window.kernel
}

/// Terms that the padded rows of a task make.
fn n_terms(rows: Slab, window: Window) -> usize {
    (rows.n_rows * rows.stride(window)).div_ceil(TERM_PIXELS)
}

/// Pixels of the transposed gradient of an output block.
pub(super) fn transposed_len(rows: Slab, window: Window) -> usize {
    n_terms(rows, window) * TILE
}

impl MatrixTask<'_> {
    /// Adds the unit to a tile's sums, the first one in place of what stands there. `transposed`: as long as
    /// [`transposed_len`] says for all output blocks.
    pub(super) fn add_to<S: Simd>(&self, s: S, transposed: &mut [Pixel], sums: &mut [Pixel]) {
        let len = transposed_len(self.rows, self.window);
        let of_output = self.rows.n_rows * self.rows.width;
        let gradients = self.gradient.chunks_exact(of_output);
        for (gradient, to) in gradients.zip(transposed.chunks_exact_mut(len)) {
            s.run(Transpose {
                gradient,
                width: self.rows.width,
                stride: self.rows.stride(self.window),
                to,
            });
        }
        let terms: TermStarts = (0..n_terms(self.rows, self.window))
            .map(|term| [term * TILE * LANES, term * TERM_PIXELS * LANES])
            .collect();
        let transposed = transposed[..self.n_outputs * len].as_flattened();
        let shape = TileShape {
            rows: TILE,
            pairs: TILE,
        };
        let mut products = Products::default();
        self.unit.with_tiles(shape, |tiles| {
            for input in 0..self.n_inputs {
                for [outputs, taps] in self.pairs() {
                    let product = TileProduct {
                        a: transposed,
                        a_starts: &[0, 1].map(|i| (outputs.start + i) * len * LANES)
                            [..outputs.len()],
                        a_row_step: LANES,
                        terms: &terms,
                        b: self.x[input * self.rows.plane(self.window)..].as_flattened(),
                        b_starts: &[0, 1].map(|i| self.distance(taps.start + i))[..taps.len()],
                        b_row_step: 2 * LANES,
                    };
                    tiles.multiply(&product, &mut products);
                    for (output, products) in outputs.zip(&products.0) {
                        for (tap, products) in taps.clone().zip(products) {
                            let tap = input * self.window.taps() + tap;
                            let first = output * self.per_output + tap * LANES;
                            s.run(AddTransposed {
                                products,
                                sums: &mut sums[first..first + LANES],
                                is_first: self.is_first,
                            });
                        }
                    }
                }
            }
        });
    }

    /// One or two output blocks with one or two taps.
    fn pairs(&self) -> impl Iterator<Item = [Range<usize>; 2]> {
        let (n_outputs, n_taps) = (self.n_outputs, self.window.taps());
        (0..n_outputs).step_by(2).flat_map(move |output| {
            (0..n_taps)
                .step_by(2)
                .map(move |tap| [output..n_outputs.min(output + 2), tap..n_taps.min(tap + 2)])
        })
    }

    /// Elements from the first tap to another one.
    fn distance(&self, tap: usize) -> usize {
        let Window { kernel, .. } = self.window;
        (tap / kernel * self.rows.stride(self.window) + tap % kernel) * LANES
    }
}

/// The gradient of an output block with zeros beside its rows: of each term `[channel][pair of pixels]`.
struct Transpose<'a> {
    gradient: &'a [Pixel],
    width: usize,
    /// Pixels of a row with the zeros.
    stride: usize,
    to: &'a mut [Pixel],
}

impl Kernel for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut rows = self.gradient.chunks_exact(self.width);
        let mut row = rows.next().unwrap_or_default();
        let mut column = 0;
        for to in self.to.as_chunks_mut::<TILE>().0 {
            let mut pairs = [s.zero(); TILE];
            for pair in &mut pairs {
                let mut both = [s.zero(); 2];
                for pixel in &mut both {
                    if let Some(gradient) = row.get(column) {
                        *pixel = s.read(gradient);
                    }
                    column += 1;
                    if column == self.stride {
                        column = 0;
                        row = rows.next().unwrap_or_default();
                    }
                }
                *pair = s.vnni_pair(both[0], both[1]);
            }
            for (to, channel) in to.iter_mut().zip(s.transpose(pairs)) {
                s.write(to, channel);
            }
        }
    }
}

/// Adds `[output][channel]` to `[channel][output]`.
struct AddTransposed<'a> {
    products: &'a TileSums,
    sums: &'a mut [Pixel],
    /// Whether they take the place of what stands there.
    is_first: bool,
}

impl Kernel for AddTransposed<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut rows = [s.zero(); LANES];
        for (row, products) in rows.iter_mut().zip(self.products) {
            *row = s.read(products);
        }
        for (sum, products) in self.sums.iter_mut().zip(s.transpose(rows)) {
            let before = if self.is_first { s.zero() } else { s.read(sum) };
            s.write(sum, s.add(before, products));
        }
    }
}
