//! How a kernel reads a tensor: the fused batch norm and ReLU, or their gradients, that each pixel goes
//! through on the way into the scratch memory.
//!
//! A batch norm and its ReLU are never written out: who reads the layer applies them. Backward,
//! the gradient of a convolution's output is computed from the gradient of the layer and the
//! convolution's output wherever it is read.

use crate::affine::Affine;
use crate::layout::{Extent, n_blocks};
use crate::simd::{Kernel, Pixel, PixelOf, Simd};
use crate::stored::{Pixels, Stored, convert, with_pixels};

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

    /// Copies some pixels of a row of a block, as many as `to` takes, as they are stored.
    pub(crate) fn copy_row<E: Stored>(&self, at: RowAt, extent: Extent, to: &mut [PixelOf<E>]) {
        let start = self.place(at, extent);
        to.copy_from_slice(&E::pixels(self.pixels)[start..start + to.len()]);
    }

    fn place(&self, at: RowAt, extent: Extent) -> usize {
        let plane = at.image * self.n_blocks() + at.block;
        (plane * extent.height + at.row) * extent.width + at.column
    }

    /// Reads some pixels of a row of a block, as many as `to` takes, and rounds them to its precision.
    #[inline(always)]
    pub(crate) fn read_row<S: Simd, T: Stored>(
        &self,
        s: S,
        at: RowAt,
        extent: Extent,
        to: &mut [PixelOf<T>],
    ) {
        with_pixels!(Pixels, pixels = self.pixels => self.read_row_of(s, pixels, at, extent, to));
    }

    #[inline(always)]
    fn read_row_of<S: Simd, E: Stored, T: Stored>(
        &self,
        s: S,
        pixels: &[PixelOf<E>],
        at: RowAt,
        extent: Extent,
        to: &mut [PixelOf<T>],
    ) {
        let start = self.place(at, extent);
        let range = start..start + to.len();
        let from = &pixels[range.clone()];
        match self.reading {
            Reading::Plain => convert(s, from, to),
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

/// Which row of which block, and its first pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowAt {
    pub(crate) image: usize,
    pub(crate) block: usize,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

struct Normalise<'a, E, T> {
    from: &'a [PixelOf<E>],
    scale: &'a Pixel,
    shift: &'a Pixel,
    to: &'a mut [PixelOf<T>],
}

impl<E: Stored, T: Stored> Kernel for Normalise<'_, E, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (scale, shift, zero) = (s.read(self.scale), s.read(self.shift), s.zero());
        for (from, to) in self.from.iter().zip(self.to) {
            s.write(to, s.max(s.mul_add(s.read(from), scale, shift), zero));
        }
    }
}

struct ReluBackward<'a, E, T> {
    from: &'a [PixelOf<E>],
    output: &'a [PixelOf<E>],
    to: &'a mut [PixelOf<T>],
}

impl<E: Stored, T: Stored> Kernel for ReluBackward<'_, E, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for ((from, output), to) in self.from.iter().zip(self.output).zip(self.to) {
            s.write(to, s.relu_mask(s.read(output), s.read(from)));
        }
    }
}

struct ThroughNorm<'a, E, T> {
    gradient: &'a [PixelOf<E>],
    raw: &'a [PixelOf<E>],
    scale: &'a Pixel,
    shift: &'a Pixel,
    slope: &'a Pixel,
    curve: &'a Pixel,
    offset: &'a Pixel,
    to: &'a mut [PixelOf<T>],
}

impl<E: Stored, T: Stored> Kernel for ThroughNorm<'_, E, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (scale, shift) = (s.read(self.scale), s.read(self.shift));
        let (slope, curve, offset) = (s.read(self.slope), s.read(self.curve), s.read(self.offset));
        for ((gradient, raw), to) in self.gradient.iter().zip(self.raw).zip(self.to) {
            let raw = s.read(raw);
            let open = s.relu_mask(s.mul_add(raw, scale, shift), s.read(gradient));
            s.write(to, s.mul_add(open, slope, s.mul_add(raw, curve, offset)));
        }
    }
}
