//! The kernels of the 1x1 convolution to planes.

use rayon::prelude::*;

use crate::affine::by_block;
use crate::batch_norm::rounded;
use crate::buffers::{Activations, Buffer};
use crate::layout::{Extent, channels_in};
use crate::moments::Wide;
use crate::simd::{Kernel, LANES, Pixel, PixelOf, Simd};
use crate::source::{RowAt, Source};
use crate::stored::{Stored, with_pixels};

/// A 1x1 convolution to planes.
pub(super) struct ToPlanes<'a> {
    pub(super) source: Source<'a>,
    pub(super) extent: Extent,
    /// `[outputs, channels]`.
    pub(super) weight: &'a [f32],
    pub(super) n_outputs: usize,
}

/// What comes back through a [`ToPlanes`].
pub(super) struct ToPlanesGradients {
    /// `[n, blocks, y, x, 16]`, of the layer after its norm.
    pub(super) x: Activations,
    /// `[outputs, channels]`.
    pub(super) weight: Vec<f32>,
    /// `[outputs]`.
    pub(super) bias: Vec<f32>,
}

/// Rows of a task.
const ROWS: usize = 8;

impl ToPlanes<'_> {
    /// By output, then by block.
    fn packed(&self) -> Vec<Vec<Pixel>> {
        let channels = self.source.channels;
        (0..self.n_outputs)
            .map(|output| by_block(&self.weight[output * channels..][..channels]))
            .collect()
    }

    /// All blocks of a row.
    fn read_row<S: Simd>(&self, s: S, image: usize, row: usize, to: &mut [Pixel]) {
        for (block, to) in to.chunks_exact_mut(self.extent.width).enumerate() {
            self.source.read_row(
                s,
                RowAt {
                    image,
                    block,
                    row,
                    column: 0,
                },
                self.extent,
                to,
            );
        }
    }

    /// `[n, outputs, y, x]`.
    pub(super) fn forward<S: Simd>(&self, s: S, bias: &[f32]) -> Buffer {
        let Extent { n, height, width } = self.extent;
        let weights = self.packed();
        let mut out = Buffer::stale(n * self.n_outputs * height * width);
        if out.is_empty() {
            return out;
        }
        // By rows of all outputs: the planes of an image are cut at the same places.
        let mut rows: Vec<Vec<&mut [f32]>> = (0..n * height).map(|_| Vec::new()).collect();
        for (place, row) in out.chunks_exact_mut(width).enumerate() {
            let image = place / (self.n_outputs * height);
            rows[image * height + place % height].push(row);
        }
        rows.into_par_iter()
            .with_min_len(ROWS)
            .enumerate()
            .for_each_init(
                || vec![[0.0; LANES]; self.source.n_blocks() * width],
                |x, (place, outputs)| {
                    self.read_row(s, place / height, place % height, x);
                    for ((to, weights), bias) in outputs.into_iter().zip(&weights).zip(bias) {
                        s.run(OutputRow {
                            x,
                            weights,
                            bias: *bias,
                            to,
                        });
                    }
                },
            );
        out
    }

    /// `gradient`: `[n, outputs, y, x]`.
    pub(super) fn backward<S: Simd>(&self, s: S, gradient: &[f32]) -> ToPlanesGradients {
        let Extent { n, height, width } = self.extent;
        let blocks = self.source.n_blocks();
        let weights = self.packed();
        let n_pixels = n * blocks * height * width;
        let mut dx = Activations::stale(self.source.pixels.precision(), n_pixels);
        let mut sums = vec![[0.0; LANES]; self.n_outputs * blocks];
        let mut bias = vec![0.0; self.n_outputs];
        if n_pixels > 0 {
            with_pixels!(PixelsMut, dx = dx.pixels_mut() => {
                self.x_gradient(s, gradient, &weights, dx);
            });
            let chunks = height.div_ceil(ROWS);
            let parts: Vec<(Vec<Wide>, Vec<f64>)> = (0..n * chunks)
                .into_par_iter()
                .map(|task| self.sums_of_rows(s, gradient, task / chunks, task % chunks * ROWS))
                .collect();
            for (of_weight, of_bias) in parts {
                for (sum, more) in sums.iter_mut().zip(of_weight) {
                    for (sum, more) in sum.iter_mut().zip(more) {
                        *sum += more;
                    }
                }
                for (sum, more) in bias.iter_mut().zip(of_bias) {
                    *sum += more;
                }
            }
        }
        let channels = self.source.channels;
        let weight = sums.chunks(blocks.max(1)).flat_map(|blocks| {
            blocks
                .iter()
                .enumerate()
                .flat_map(move |(block, sums): (usize, &Wide)| {
                    sums.iter()
                        .take(channels_in(channels, block))
                        .map(|sum| rounded(*sum))
                })
        });
        ToPlanesGradients {
            x: dx,
            weight: weight.collect(),
            bias: bias.into_iter().map(rounded).collect(),
        }
    }

    fn x_gradient<S: Simd, E: Stored>(
        &self,
        s: S,
        gradient: &[f32],
        weights: &[Vec<Pixel>],
        dx: &mut [PixelOf<E>],
    ) {
        let (blocks, plane) = (self.source.n_blocks(), self.extent.plane());
        dx.par_chunks_exact_mut(plane)
            .enumerate()
            .for_each(|(place, dx)| {
                let (image, block) = (place / blocks, place % blocks);
                let gradient =
                    &gradient[image * self.n_outputs * plane..][..self.n_outputs * plane];
                let weights: Vec<Pixel> = weights.iter().map(|weights| weights[block]).collect();
                s.run(InputGradient {
                    gradient,
                    weights: &weights,
                    dx,
                });
            });
    }

    /// The sums for the weight and the bias over a few rows.
    fn sums_of_rows<S: Simd>(
        &self,
        s: S,
        gradient: &[f32],
        image: usize,
        first_row: usize,
    ) -> (Vec<Wide>, Vec<f64>) {
        let Extent { height, width, .. } = self.extent;
        let blocks = self.source.n_blocks();
        let mut sums = vec![[0.0; LANES]; self.n_outputs * blocks];
        let mut bias = vec![0.0; self.n_outputs];
        let mut x = vec![[0.0; LANES]; blocks * width];
        for row in first_row..height.min(first_row + ROWS) {
            self.read_row(s, image, row, &mut x);
            for output in 0..self.n_outputs {
                let start = ((image * self.n_outputs + output) * height + row) * width;
                let gradient = &gradient[start..start + width];
                bias[output] += gradient.iter().map(|g| f64::from(*g)).sum::<f64>();
                for (x, sums) in x.chunks_exact(width).zip(&mut sums[output * blocks..]) {
                    let of_row = s.run(WeightGradientRow { x, gradient });
                    for (sum, more) in sums.iter_mut().zip(of_row) {
                        *sum += f64::from(more);
                    }
                }
            }
        }
        (sums, bias)
    }
}

struct OutputRow<'a> {
    /// `[block][column]`.
    x: &'a [Pixel],
    weights: &'a [Pixel],
    bias: f32,
    to: &'a mut [f32],
}

impl Kernel for OutputRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let width = self.to.len();
        let bias = s.splat(self.bias);
        for (strip, to) in self.to.chunks_mut(LANES).enumerate() {
            let mut sums = [s.zero(); LANES];
            for (sum, column) in sums.iter_mut().zip(strip * LANES..width) {
                for (block, weights) in self.weights.iter().enumerate() {
                    let x = s.read(&self.x[block * width + column]);
                    *sum = s.mul_add(x, s.read(weights), *sum);
                }
            }
            let sums = s.add(bias, sum_of(s, s.transpose(sums)));
            match to.first_chunk_mut() {
                Some(to) => s.write::<f32>(to, sums),
                None => to.copy_from_slice(&s.to_array(sums)[..to.len()]),
            }
        }
    }
}

/// The sum of sixteen vectors, as a tree.
#[inline(always)]
fn sum_of<S: Simd>(s: S, mut vectors: [S::V; LANES]) -> S::V {
    for half in [8, 4, 2, 1] {
        for place in 0..half {
            vectors[place] = s.add(vectors[place], vectors[place + half]);
        }
    }
    vectors[0]
}

struct InputGradient<'a, E> {
    /// `[output][pixel]`.
    gradient: &'a [f32],
    /// By output.
    weights: &'a [Pixel],
    dx: &'a mut [PixelOf<E>],
}

impl<E: Stored> Kernel for InputGradient<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let plane = self.dx.len();
        for (pixel, dx) in self.dx.iter_mut().enumerate() {
            let mut sum = s.zero();
            for (output, weights) in self.weights.iter().enumerate() {
                let gradient = s.splat(self.gradient[output * plane + pixel]);
                sum = s.mul_add(gradient, s.read(weights), sum);
            }
            s.write(dx, sum);
        }
    }
}

struct WeightGradientRow<'a> {
    x: &'a [Pixel],
    gradient: &'a [f32],
}

impl Kernel for WeightGradientRow<'_> {
    type Output = Pixel;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Pixel {
        let mut sums = [s.zero(); 4];
        for (x, gradient) in self.x.chunks(4).zip(self.gradient.chunks(4)) {
            for ((x, gradient), sum) in x.iter().zip(gradient).zip(&mut sums) {
                *sum = s.mul_add(s.read(x), s.splat(*gradient), *sum);
            }
        }
        let [a, b, c, d] = sums;
        s.to_array(s.add(s.add(a, b), s.add(c, d)))
    }
}
