//! 2x2 max pool with stride 2.

use rayon::prelude::*;

use crate::affine::Affine;
use crate::buffers::Buffer;
use crate::layout::Extent;
use crate::simd::{Kernel, LANES, Pixel, Simd};

/// A layer in blocks, with a norm that is still to be applied where there is one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pooled<'a> {
    /// `[n, blocks, y, x]`.
    pub(crate) pixels: &'a [Pixel],
    pub(crate) n_blocks: usize,
    pub(crate) extent: Extent,
    pub(crate) norm: Option<&'a Affine>,
}

/// Rows of a task, at least.
const ROWS: usize = 8;

impl Pooled<'_> {
    fn out_size(&self) -> (usize, usize) {
        (self.extent.height / 2, self.extent.width / 2)
    }

    /// The two rows above a row of the result, and the norm of their block.
    fn rows(&self, out_row: usize) -> (usize, Option<(&Pixel, &Pixel)>) {
        let out_height = self.out_size().0;
        let (plane, row) = (out_row / out_height, out_row % out_height);
        let block = plane % self.n_blocks;
        let first = plane * self.extent.plane() + 2 * row * self.extent.width;
        (
            first,
            self.norm
                .map(|norm| (&norm.scale[block], &norm.shift[block])),
        )
    }

    /// `[n, blocks, floor(y / 2), floor(x / 2), 16]`.
    pub(crate) fn forward<S: Simd>(&self, s: S) -> Buffer {
        let (out_height, out_width) = self.out_size();
        let n_rows = self.extent.n * self.n_blocks * out_height;
        let mut out = Buffer::stale(n_rows * out_width * LANES);
        if n_rows * out_width == 0 {
            return out;
        }
        let rows = out.pixels_mut().par_chunks_exact_mut(out_width).enumerate();
        rows.with_min_len(ROWS).for_each(|(out_row, to)| {
            let (first, norm) = self.rows(out_row);
            let width = self.extent.width;
            let top = &self.pixels[first..first + width];
            let bottom = &self.pixels[first + width..first + 2 * width];
            s.run(PoolRow {
                top,
                bottom,
                norm,
                to,
            });
        });
        out
    }

    /// The gradient of the layer, after its norm; it goes to the first of equal maxima.
    pub(crate) fn backward<S: Simd>(&self, s: S, gradient: &[Pixel]) -> Buffer {
        let (out_height, out_width) = self.out_size();
        let Extent { n, height, width } = self.extent;
        let mut dx = Buffer::stale(n * self.n_blocks * height * width * LANES);
        if n * self.n_blocks * height * width == 0 {
            return dx;
        }
        dx.pixels_mut()
            .par_chunks_exact_mut(height * width)
            .enumerate()
            .for_each(|(plane, dx)| {
                for (row, dx) in dx.chunks_mut(2 * width).enumerate() {
                    if dx.len() < 2 * width || out_width == 0 {
                        dx.fill([0.0; LANES]);
                        continue;
                    }
                    let out_row = plane * out_height + row;
                    let (first, norm) = self.rows(out_row);
                    let top = &self.pixels[first..first + width];
                    let bottom = &self.pixels[first + width..first + 2 * width];
                    let gradient = &gradient[out_row * out_width..][..out_width];
                    let (to_top, to_bottom) = dx.split_at_mut(width);
                    s.run(PoolRowBackward {
                        top,
                        bottom,
                        norm,
                        gradient,
                        to_top,
                        to_bottom,
                    });
                }
            });
        dx
    }
}

/// The four values under a pixel of the result, with their norm and ReLU.
#[inline(always)]
fn four<S: Simd>(s: S, top: &[Pixel], bottom: &[Pixel], norm: Option<(S::V, S::V)>) -> [S::V; 4] {
    let mut values = [
        s.read(&top[0]),
        s.read(&top[1]),
        s.read(&bottom[0]),
        s.read(&bottom[1]),
    ];
    if let Some((scale, shift)) = norm {
        for value in &mut values {
            *value = s.at_least(s.mul_add(*value, scale, shift), s.zero());
        }
    }
    values
}

#[inline(always)]
fn largest<S: Simd>(s: S, [a, b, c, d]: [S::V; 4]) -> S::V {
    s.at_least(s.at_least(a, b), s.at_least(c, d))
}

struct PoolRow<'a> {
    top: &'a [Pixel],
    bottom: &'a [Pixel],
    norm: Option<(&'a Pixel, &'a Pixel)>,
    to: &'a mut [Pixel],
}

impl Kernel for PoolRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let norm = self
            .norm
            .map(|(scale, shift)| (s.read(scale), s.read(shift)));
        let pairs = self.top.chunks_exact(2).zip(self.bottom.chunks_exact(2));
        for ((top, bottom), to) in pairs.zip(self.to) {
            s.write(to, largest(s, four(s, top, bottom, norm)));
        }
    }
}

struct PoolRowBackward<'a> {
    top: &'a [Pixel],
    bottom: &'a [Pixel],
    norm: Option<(&'a Pixel, &'a Pixel)>,
    gradient: &'a [Pixel],
    to_top: &'a mut [Pixel],
    to_bottom: &'a mut [Pixel],
}

impl Kernel for PoolRowBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let norm = self
            .norm
            .map(|(scale, shift)| (s.read(scale), s.read(shift)));
        let pairs = self.top.chunks_exact(2).zip(self.bottom.chunks_exact(2));
        let to_top = self.to_top.chunks_mut(2);
        let to_bottom = self.to_bottom.chunks_mut(2);
        for (((top, bottom), gradient), (to_top, to_bottom)) in
            pairs.zip(self.gradient).zip(to_top.zip(to_bottom))
        {
            let values = four(s, top, bottom, norm);
            let most = largest(s, values);
            let mut rest = s.read(gradient);
            let mut shares = [rest; 4];
            for (share, value) in shares.iter_mut().zip(values) {
                let passed_on = s.where_positive(s.sub(most, value), rest);
                *share = s.sub(rest, passed_on);
                rest = passed_on;
            }
            s.write(&mut to_top[0], shares[0]);
            s.write(&mut to_top[1], shares[1]);
            s.write(&mut to_bottom[0], shares[2]);
            s.write(&mut to_bottom[1], shares[3]);
        }
        if self.top.len() % 2 == 1 {
            for last in [self.to_top.last_mut(), self.to_bottom.last_mut()]
                .into_iter()
                .flatten()
            {
                *last = [0.0; LANES];
            }
        }
    }
}
