//! im2col: convolutions with many more weights than pixels, as a product of matrices (GEMM).
//!
//! On a grid of a few hundred pixels the weights of a wide 7x7 convolution are most of the memory
//! that is read. So it is not the weights that are brought in another order but the pixels: what
//! each position of the window reads becomes a column (`torch.nn.Unfold`), and the
//! weights are read once, where they lie. The gradient of the input is unfolded the same way and
//! folded back (col2im).

mod columns;

use std::ops::Range;

use rayon::prelude::*;

use super::gemm::{Gemm, Left, Terms, panel};
use super::input::{Blocks, Input};
use super::window::Window;
use crate::buffers::Buffer;
use crate::layout::{Extent, n_blocks};
use crate::simd::{LANES, Pixel, PixelOf, Simd};
use crate::source::Source;
use crate::stored::{PixelsMut, Stored, with_pixels};
use columns::Padded;

/// Pixels at most, and weights for each of them at least.
const MOST_PIXELS: usize = 1024;
const WEIGHTS_PER_PIXEL: usize = 512;

/// A square convolution of one tensor with same padding and step 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Im2colConv<'a> {
    input: Source<'a>,
    window: Window,
    grid: Extent,
    /// `[outputs, inputs, k, k]`.
    weight: &'a [f32],
}

impl<'a> Im2colConv<'a> {
    /// The convolution, where it is cheaper this way.
    ///
    /// A 3x3 convolution never is: there, Winograd's method saves more.
    pub(crate) fn where_it_pays(
        input: Source<'a>,
        window: Window,
        grid: Extent,
        weight: &'a [f32],
    ) -> Option<Self> {
        let n_pixels = grid.n * grid.plane();
        let pays = window.kernel != 3
            && input.channels >= LANES
            && (1..=MOST_PIXELS).contains(&n_pixels)
            && weight.len() >= WEIGHTS_PER_PIXEL * n_pixels;
        pays.then_some(Self {
            input,
            window,
            grid,
            weight,
        })
    }

    /// Weights of an output.
    fn per_output(&self) -> usize {
        self.input.channels * self.window.taps()
    }

    fn n_outputs(&self) -> usize {
        self.weight.len() / self.per_output()
    }

    fn n_pixels(&self) -> usize {
        self.grid.n * self.grid.plane()
    }

    /// Whether the sums are bf16 dot products.
    fn is_vnni<S: Simd>(&self, s: S) -> bool {
        let sources = [self.input];
        let blocks = Blocks {
            sources: &sources,
            extent: self.grid,
        };
        Input::Blocks(blocks).takes_bf16_dot(s)
    }

    /// The weight in the order in which [`Self::forward`] reads it.
    pub(crate) fn pack_weight<S: Simd>(&self, s: S) -> Buffer {
        self.product(s, Left::ByRows(self.weight), &[], Terms::All)
            .pack_left(s, self.n_outputs())
    }

    /// All outputs, from the weight and the columns that the window reads.
    fn product<'m, S: Simd>(
        &self,
        s: S,
        left: Left<'m>,
        right: &'m [f32],
        terms: Terms<'m>,
    ) -> Gemm<'m> {
        Gemm {
            left,
            right,
            terms,
            depth: self.per_output(),
            n_columns: self.n_pixels(),
            is_vnni: self.is_vnni(s),
        }
    }

    /// Writes all outputs, with their bias and, where `relu` is set, ReLU. `packed`: the weight as
    /// [`Self::pack_weight`] gives it, where it was kept.
    pub(crate) fn forward<S: Simd>(
        &self,
        s: S,
        bias: &[Pixel],
        relu: bool,
        packed: Option<&Buffer>,
        to: PixelsMut<'_>,
    ) {
        let Extent { n, width, .. } = self.grid;
        let n_pixels = self.n_pixels();
        let mut sums = Buffer::stale(self.n_outputs() * n_pixels);
        let left = packed.map_or(Left::ByRows(self.weight), |packed| Left::Packed(packed));
        let columns = Padded::new(s, self.input, self.window, self.grid, self.is_vnni(s))
            .by_rows(self.grid)
            .columns(s, self.is_vnni(s));
        let terms = Terms::Periodic {
            period: self.window.taps(),
            of_panels: &self.taps_of_panels(panel::<S>()),
        };
        self.product(s, left, &columns, terms).run(s, &mut sums);
        let (sums, blocks) = (&sums, bias.len());
        let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
        with_pixels!(PixelsMut, to = to => {
            to.par_chunks_mut(self.grid.plane()).enumerate().for_each(|(chunk, to)| {
                let (image, block) = (chunk / blocks, chunk % blocks);
                let of_block = &sums[block * LANES * n_pixels..];
                for (y, to) in to.chunks_exact_mut(width).enumerate() {
                    let channels = of_block.chunks_exact(n_pixels).take(LANES);
                    let rows = channels.map(|row| &row[(y * n + image) * width..][..width]);
                    let rows: Vec<&[f32]> = rows.collect();
                    gather(&rows, &bias[block], floor, to);
                }
            });
        });
    }

    /// The taps at which some position of a panel of them, in the order of [`Padded::by_rows`],
    /// reads a row of the input and not the zeros around it.
    fn taps_of_panels(&self, panel: usize) -> Vec<Range<usize>> {
        let Window { kernel, pad, .. } = self.window;
        let Extent {
            n, height, width, ..
        } = self.grid;
        let taps = |first: usize| {
            let last = self.n_pixels().min(first + panel) - 1;
            let [first, last] = [first, last].map(|pixel| pixel / (n * width));
            // The position in row y reads row y + ky - pad.
            pad.saturating_sub(last) * kernel..kernel.min(height + pad - first) * kernel
        };
        (0..self.n_pixels()).step_by(panel).map(taps).collect()
    }

    /// The gradient of the weight, from that of the output: `[outputs, inputs, k, k]`.
    pub(crate) fn weight_gradient<S: Simd>(&self, s: S, gradient: Source<'_>) -> Buffer {
        let gradients = Padded::new(s, gradient, Window::same(1), self.grid, false).planes();
        let is_vnni = self.is_vnni(s);
        let mut of_weight = Buffer::stale(self.weight.len());
        Gemm {
            left: Left::ByRows(&gradients),
            right: &Padded::new(s, self.input, self.window, self.grid, is_vnni).rows(s, is_vnni),
            terms: Terms::All,
            depth: self.n_pixels(),
            n_columns: self.per_output(),
            is_vnni,
        }
        .run(s, &mut of_weight);
        of_weight
    }

    /// Writes the gradient of the input, from that of the output.
    pub(crate) fn input_gradient<S: Simd>(&self, s: S, gradient: Source<'_>, to: PixelsMut<'_>) {
        let (taps, plane) = (self.window.taps(), self.grid.plane());
        let n_pixels = self.n_pixels();
        let is_vnni = self.is_vnni(s);
        let mut unfolded = Buffer::stale(self.per_output() * n_pixels);
        Gemm {
            left: Left::ByTerms {
                elements: self.weight,
                n_rows: self.per_output(),
            },
            right: &Padded::new(s, gradient, Window::same(1), self.grid, is_vnni)
                .columns(s, is_vnni),
            terms: Terms::All,
            depth: self.n_outputs(),
            n_columns: n_pixels,
            is_vnni,
        }
        .run(s, &mut unfolded);
        let (unfolded, channels) = (&unfolded, self.input.channels);
        let blocks = n_blocks(channels);
        with_pixels!(PixelsMut, to = to => {
            to.par_chunks_mut(plane).enumerate().for_each(|(chunk, to)| {
                let (image, block) = (chunk / blocks, chunk % blocks);
                let channels = channels - block * LANES;
                let folded = (0..channels.min(LANES)).map(|lane| {
                    let first = (block * LANES + lane) * taps;
                    let rows = unfolded[first * n_pixels..].chunks_exact(n_pixels).take(taps);
                    self.folded(rows.map(|row| &row[image * plane..][..plane]))
                });
                let folded: Vec<Vec<f32>> = folded.collect();
                let rows: Vec<&[f32]> = folded.iter().map(Vec::as_slice).collect();
                gather(&rows, &[0.0; LANES], f32::NEG_INFINITY, to);
            });
        });
    }

    /// A channel of an image: the sum, over the taps, of what each position of the window gives
    /// back to the pixel that it read there.
    fn folded<'r>(&self, of_taps: impl Iterator<Item = &'r [f32]>) -> Vec<f32> {
        let Extent { height, width, .. } = self.grid;
        let Window { kernel, pad, .. } = self.window;
        let mut sums = vec![0.0; height * width];
        for (tap, values) in of_taps.enumerate() {
            let (ky, kx) = (tap / kernel, tap % kernel);
            // The position at (y, x) read the pixel at (y + ky - pad, x + kx - pad).
            for y in pad.saturating_sub(ky)..height.min((height + pad).saturating_sub(ky)) {
                let columns = pad.saturating_sub(kx)..width.min((width + pad).saturating_sub(kx));
                if columns.is_empty() {
                    continue;
                }
                let to = (y + ky - pad) * width + columns.start + kx - pad;
                let values = &values[y * width..][columns];
                for (sum, value) in sums[to..].iter_mut().zip(values) {
                    *sum += value;
                }
            }
        }
        sums
    }
}

/// Channels side by side to pixels.
fn gather<E: Stored>(channels: &[&[f32]], bias: &Pixel, floor: f32, to: &mut [PixelOf<E>]) {
    for (place, pixel) in to.iter_mut().enumerate() {
        let mut values = [0.0; LANES];
        for ((value, channel), bias) in values.iter_mut().zip(channels).zip(bias) {
            let sum = channel[place] + bias;
            // Not `max`, which would take the floor in place of a NaN.
            *value = if sum < floor { floor } else { sum };
        }
        *pixel = values.map(E::rounded);
    }
}
