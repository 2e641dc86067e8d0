//! Reduction of a gradient over all pixels, for each channel, in an order that depends on the shape
//! alone: strips in single precision, everything else in double.

use rayon::prelude::*;

use crate::affine::Affine;
use crate::layout::{Extent, n_blocks};
use crate::moments::{STRIP, Wide};
use crate::simd::{Kernel, LANES, Pixel, PixelOf, Simd};
use crate::stored::{Pixels, Stored, with_pixels};

/// Which pixels' gradients count, and what else is summed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sums<'a> {
    /// All of them.
    All,
    /// Those where a ReLU's output is positive.
    Relu {
        /// `[n, blocks, y, x]`.
        output: Pixels<'a>,
    },
    /// Those where the norm's result is positive; and gradient times the distance of the
    /// convolution's output from its mean.
    Norm {
        /// The convolution's output, `[n, blocks, y, x]`.
        raw: Pixels<'a>,
        affine: &'a Affine,
        mean: &'a [Pixel],
    },
}

/// What is summed of a block's 16 channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChannelSums {
    /// Σ gradient.
    pub(crate) gradient: Wide,
    /// Σ gradient · distance from the mean; 0 where only the gradient was asked for.
    pub(crate) product: Wide,
}

impl ChannelSums {
    const ZERO: Self = Self {
        gradient: [0.0; LANES],
        product: [0.0; LANES],
    };

    fn add(&mut self, more: &Self) {
        for lane in 0..LANES {
            self.gradient[lane] += more.gradient[lane];
            self.product[lane] += more.product[lane];
        }
    }
}

/// The sums over all pixels, for each block of channels.
pub(crate) fn channel_sums<S: Simd>(
    s: S,
    gradient: Pixels<'_>,
    sums: Sums<'_>,
    channels: usize,
    extent: Extent,
) -> Vec<ChannelSums> {
    with_pixels!(Pixels, gradient = gradient => sums_of(s, gradient, sums, channels, extent))
}

fn sums_of<S: Simd, E: Stored>(
    s: S,
    gradient: &[PixelOf<E>],
    sums: Sums<'_>,
    channels: usize,
    extent: Extent,
) -> Vec<ChannelSums> {
    let (blocks, plane) = (n_blocks(channels), extent.plane());
    if plane == 0 {
        return vec![ChannelSums::ZERO; blocks];
    }
    let strips = plane.div_ceil(CHUNK);
    let partial: Vec<ChannelSums> = (0..extent.n * blocks * strips)
        .into_par_iter()
        .map(|task| {
            let (block, strip) = (task / strips, task % strips);
            let start = block * plane + strip * CHUNK;
            let end = (block + 1) * plane;
            of_chunk(
                s,
                gradient,
                sums,
                block % blocks,
                start..end.min(start + CHUNK),
            )
        })
        .collect();
    (0..blocks)
        .map(|block| {
            let mut total = ChannelSums::ZERO;
            for image in 0..extent.n {
                let first = (image * blocks + block) * strips;
                for partial in &partial[first..first + strips] {
                    total.add(partial);
                }
            }
            total
        })
        .collect()
}

/// Pixels of a task.
const CHUNK: usize = 16 * STRIP;

fn of_chunk<S: Simd, E: Stored>(
    s: S,
    gradient: &[PixelOf<E>],
    sums: Sums<'_>,
    block: usize,
    chunk: std::ops::Range<usize>,
) -> ChannelSums {
    let mut total = ChannelSums::ZERO;
    for start in chunk.clone().step_by(STRIP) {
        let range = start..chunk.end.min(start + STRIP);
        let gradient = &gradient[range.clone()];
        let (sum, product) = match sums {
            Sums::All => (s.run(Sum { gradient }), [0.0; LANES]),
            Sums::Relu { output } => (
                s.run(ReluSum {
                    gradient,
                    output: &E::pixels(output)[range],
                }),
                [0.0; LANES],
            ),
            Sums::Norm { raw, affine, mean } => s.run(NormSums {
                gradient,
                raw: &E::pixels(raw)[range],
                scale: &affine.scale[block],
                shift: &affine.shift[block],
                mean: &mean[block],
            }),
        };
        total.add(&ChannelSums {
            gradient: sum.map(f64::from),
            product: product.map(f64::from),
        });
    }
    total
}

struct Sum<'a, E> {
    gradient: &'a [PixelOf<E>],
}

impl<E: Stored> Kernel for Sum<'_, E> {
    type Output = Pixel;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Pixel {
        let mut sum = s.zero();
        for gradient in self.gradient {
            sum = s.add(sum, s.read(gradient));
        }
        s.to_array(sum)
    }
}

struct ReluSum<'a, E> {
    gradient: &'a [PixelOf<E>],
    output: &'a [PixelOf<E>],
}

impl<E: Stored> Kernel for ReluSum<'_, E> {
    type Output = Pixel;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Pixel {
        let mut sum = s.zero();
        for (gradient, output) in self.gradient.iter().zip(self.output) {
            sum = s.add(sum, s.relu_mask(s.read(output), s.read(gradient)));
        }
        s.to_array(sum)
    }
}

struct NormSums<'a, E> {
    gradient: &'a [PixelOf<E>],
    raw: &'a [PixelOf<E>],
    scale: &'a Pixel,
    shift: &'a Pixel,
    mean: &'a Pixel,
}

impl<E: Stored> Kernel for NormSums<'_, E> {
    type Output = (Pixel, Pixel);

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let (scale, shift, mean) = (s.read(self.scale), s.read(self.shift), s.read(self.mean));
        let mut sums = [(s.zero(), s.zero()); 4];
        for (gradient, raw) in self.gradient.chunks(4).zip(self.raw.chunks(4)) {
            for ((gradient, raw), (sum, product)) in gradient.iter().zip(raw).zip(&mut sums) {
                let raw = s.read(raw);
                let open = s.relu_mask(s.mul_add(raw, scale, shift), s.read(gradient));
                *sum = s.add(*sum, open);
                *product = s.mul_add(open, s.sub(raw, mean), *product);
            }
        }
        let [a, b, c, d] = sums;
        (
            s.to_array(s.add(s.add(a.0, b.0), s.add(c.0, d.0))),
            s.to_array(s.add(s.add(a.1, b.1), s.add(c.1, d.1))),
        )
    }
}
