//! How a kernel reads a tensor: the fused batch norm and ReLU, or their gradients, that each pixel goes
//! through on the way into the scratch memory.
//!
//! A batch norm and its ReLU are never written out: who reads the layer applies them. Backward,
//! the gradient of a convolution's output is computed from the gradient of the layer and the
//! convolution's output wherever it is read.

use crate::affine::Affine;
use crate::layout::{Extent, n_blocks};
use crate::simd::{Kernel, Pixel, PixelOf, Simd};
use crate::stored::{Pixels, Stored, with_pixels};

/// Channels of one tensor, in blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// `[n, blocks, y, x]`.
    pub(crate) pixels: Pixels<'a>,
    /// Channels without those that fill the last block up.
    pub(crate) channels: usize,
    /// What is done to them.
    pub(crate) reading: Reading<'a>,
}

/// What is done to a pixel that is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading<'a> {
    /// Nothing.
    Plain,
    /// `max(0, scale · x + shift)`.
    Normalised(&'a Affine),
    /// The gradient of a ReLU's input, from the gradient of its output and the output itself.
    Relu {
        /// `[n, blocks, y, x]`.
        output: Pixels<'a>,
    },
    /// The gradient of a convolution's output, from the gradient after batch norm and ReLU and
    /// the convolution's output.
    Norm {
        /// The convolution's output, `[n, blocks, y, x]`.
        raw: Pixels<'a>,
        /// Scale and shift of the norm: where the result is positive, the ReLU was open.
        affine: &'a Affine,
        /// `slope · gradient + curve · raw + offset`.
        coefficients: &'a NormGradient,
    },
}

/// The gradient through a batch norm is linear in the gradient and in the convolution's output.
#[derive(Debug, Clone)]
pub(crate) struct NormGradient {
    pub(crate) slope: Vec<Pixel>,
    pub(crate) curve: Vec<Pixel>,
    pub(crate) offset: Vec<Pixel>,
}

impl Source<'_> {
    pub(crate) fn n_blocks(&self) -> usize {
        n_blocks(self.channels)
    }

    /// Whether what is read is what is stored, in bf16.
    pub(crate) fn is_stored_bf16(&self) -> bool {
        matches!(self.reading, Reading::Plain) && matches!(self.pixels, Pixels::Bf16(_))
    }

    /// Copies some pixels of a row of a block, as many as `to` takes, as they are stored, to one place of
    /// each element.
    pub(crate) fn copy_row<E: Stored, const N: usize>(
        &self,
        at: RowAt,
        extent: Extent,
        mut to: Place<'_, E, N>,
    ) {
        let start = self.place(at, extent);
        let from = &E::pixels(self.pixels)[start..start + to.memory.len()];
        if N == 1 {
            to.memory.as_flattened_mut().copy_from_slice(from);
        } else {
            for (from, to) in from.iter().zip(to.pixels()) {
                *to = *from;
            }
        }
    }

    fn place(&self, at: RowAt, extent: Extent) -> usize {
        let plane = at.image * self.n_blocks() + at.block;
        (plane * extent.height + at.row) * extent.width + at.column
    }

    /// Reads some pixels of a row of a block, as many as `to` takes.
    #[inline(always)]
    pub(crate) fn read_row<S: Simd>(&self, s: S, at: RowAt, extent: Extent, to: &mut [Pixel]) {
        let to = Place {
            memory: to.as_chunks_mut::<1>().0,
            place: 0,
        };
        self.read_row_into(s, at, extent, to);
    }

    /// The same to one place of each element, rounded to its precision.
    #[inline(always)]
    pub(crate) fn read_row_into<S: Simd, T: Stored, const N: usize>(
        &self,
        s: S,
        at: RowAt,
        extent: Extent,
        to: Place<'_, T, N>,
    ) {
        with_pixels!(Pixels, pixels = self.pixels => self.read_row_of(s, pixels, at, extent, to));
    }

    #[inline(always)]
    fn read_row_of<S: Simd, E: Stored, T: Stored, const N: usize>(
        &self,
        s: S,
        pixels: &[PixelOf<E>],
        at: RowAt,
        extent: Extent,
        to: Place<'_, T, N>,
    ) {
        let start = self.place(at, extent);
        let range = start..start + to.memory.len();
        let from = &pixels[range.clone()];
        match self.reading {
            Reading::Plain => s.run(Plain { from, to }),
            Reading::Normalised(affine) => {
                let (scale, shift) = (&affine.scale[at.block], &affine.shift[at.block]);
                s.run(Normalise {
                    from,
                    scale,
                    shift,
                    to,
                });
            }
            Reading::Relu { output } => {
                s.run(ReluBackward {
                    from,
                    output: &E::pixels(output)[range],
                    to,
                });
            }
            Reading::Norm {
                raw,
                affine,
                coefficients,
            } => s.run(ThroughNorm {
                gradient: from,
                raw: &E::pixels(raw)[range],
                scale: &affine.scale[at.block],
                shift: &affine.shift[at.block],
                slope: &coefficients.slope[at.block],
                curve: &coefficients.curve[at.block],
                offset: &coefficients.offset[at.block],
                to,
            }),
        }
    }
}

/// Where pixels go: to one place of each element of a memory that holds `N` blocks side by side.
pub(crate) struct Place<'a, T, const N: usize> {
    pub(crate) memory: &'a mut [[PixelOf<T>; N]],
    /// Below `N`.
    pub(crate) place: usize,
}

impl<T, const N: usize> Place<'_, T, N> {
    #[inline(always)]
    fn pixels(&mut self) -> impl Iterator<Item = &mut PixelOf<T>> {
        let place = self.place;
        assert!(place < N, "a place of an element");
        self.memory
            .iter_mut()
            .map(move |element| &mut element[place])
    }
}

/// Which row of which block, and its first pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowAt {
    pub(crate) image: usize,
    pub(crate) block: usize,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

struct Plain<'a, E, T, const N: usize> {
    from: &'a [PixelOf<E>],
    to: Place<'a, T, N>,
}

impl<E: Stored, T: Stored, const N: usize> Kernel for Plain<'_, E, T, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for (from, to) in self.from.iter().zip(self.to.pixels()) {
            s.write(to, s.read(from));
        }
    }
}

struct Normalise<'a, E, T, const N: usize> {
    from: &'a [PixelOf<E>],
    scale: &'a Pixel,
    shift: &'a Pixel,
    to: Place<'a, T, N>,
}

impl<E: Stored, T: Stored, const N: usize> Kernel for Normalise<'_, E, T, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (scale, shift, zero) = (s.read(self.scale), s.read(self.shift), s.zero());
        for (from, to) in self.from.iter().zip(self.to.pixels()) {
            s.write(to, s.max(s.mul_add(s.read(from), scale, shift), zero));
        }
    }
}

struct ReluBackward<'a, E, T, const N: usize> {
    from: &'a [PixelOf<E>],
    output: &'a [PixelOf<E>],
    to: Place<'a, T, N>,
}

impl<E: Stored, T: Stored, const N: usize> Kernel for ReluBackward<'_, E, T, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for ((from, output), to) in self.from.iter().zip(self.output).zip(self.to.pixels()) {
            s.write(to, s.relu_mask(s.read(output), s.read(from)));
        }
    }
}

struct ThroughNorm<'a, E, T, const N: usize> {
    gradient: &'a [PixelOf<E>],
    raw: &'a [PixelOf<E>],
    scale: &'a Pixel,
    shift: &'a Pixel,
    slope: &'a Pixel,
    curve: &'a Pixel,
    offset: &'a Pixel,
    to: Place<'a, T, N>,
}

impl<E: Stored, T: Stored, const N: usize> Kernel for ThroughNorm<'_, E, T, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (scale, shift) = (s.read(self.scale), s.read(self.shift));
        let (slope, curve, offset) = (s.read(self.slope), s.read(self.curve), s.read(self.offset));
        for ((gradient, raw), to) in self.gradient.iter().zip(self.raw).zip(self.to.pixels()) {
            let raw = s.read(raw);
            let open = s.relu_mask(s.mul_add(raw, scale, shift), s.read(gradient));
            s.write(to, s.mul_add(open, slope, s.mul_add(raw, curve, offset)));
        }
    }
}
