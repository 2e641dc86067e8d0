//! The nChw16c layout (blocked) `[n, ceil(c / 16), y, x, 16]`: sixteen channels of a pixel lie
//! together.
//!
//! Channels that fill the last block up are zero.

use rayon::prelude::*;

use crate::affine::Affine;
use crate::buffers::{Activations, Buffer};
use crate::precision::Precision;
use crate::simd::{LANES, PixelOf};
use crate::stored::{Pixels, Stored, with_pixels};

/// Images, rows and columns of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) n: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Extent {
    /// Pixels in a plane.
    pub(crate) fn plane(self) -> usize {
        self.height * self.width
    }

    /// The shape of a layer in nChw16c.
    pub(crate) fn blocked_shape(self, channels: usize) -> [usize; 5] {
        [self.n, n_blocks(channels), self.height, self.width, LANES]
    }

    /// The shape of a layer in planes, NCHW.
    pub(crate) fn planar_shape(self, channels: usize) -> [usize; 4] {
        [self.n, channels, self.height, self.width]
    }

    /// After a 2x2 pool with stride 2.
    pub(crate) fn halved(self) -> Self {
        self.resized(|side| side / 2)
    }

    /// After an upsampling by a factor.
    pub(crate) fn times(self, factor: usize) -> Self {
        self.resized(|side| side * factor)
    }

    fn resized(self, of_side: impl Fn(usize) -> usize) -> Self {
        Self {
            n: self.n,
            height: of_side(self.height),
            width: of_side(self.width),
        }
    }
}

/// Blocks that hold `channels`.
pub(crate) fn n_blocks(channels: usize) -> usize {
    channels.div_ceil(LANES)
}

/// Channels of block `block` among `channels`.
pub(crate) fn channels_in(channels: usize, block: usize) -> usize {
    LANES.min(channels - block * LANES)
}

/// Columns that are turned around at a time: what is read and written stays in the first cache.
const STRIP: usize = 64;

/// Planes to blocks.
pub(crate) fn to_blocked(
    planar: &[f32],
    channels: usize,
    extent: Extent,
    precision: Precision,
) -> Activations {
    let n_pixels = extent.n * n_blocks(channels) * extent.plane();
    let mut blocked = Activations::stale(precision, n_pixels);
    if n_pixels > 0 {
        with_pixels!(PixelsMut, to = blocked.pixels_mut() => fill(planar, channels, extent, to));
    }
    blocked
}

fn fill<E: Stored>(planar: &[f32], channels: usize, extent: Extent, to: &mut [PixelOf<E>]) {
    let (blocks, plane) = (n_blocks(channels), extent.plane());
    to.par_chunks_mut(plane)
        .enumerate()
        .for_each(|(task, pixels)| {
            let (image, block) = (task / blocks, task % blocks);
            let count = channels_in(channels, block);
            let first = (image * channels + block * LANES) * plane;
            let planes = &planar[first..first + count * plane];
            for (strip, pixels) in pixels.chunks_mut(STRIP).enumerate() {
                if count < LANES {
                    pixels.fill([E::default(); LANES]);
                }
                for (lane, of_channel) in planes.chunks_exact(plane).enumerate() {
                    let values = &of_channel[strip * STRIP..][..pixels.len()];
                    for (pixel, value) in pixels.iter_mut().zip(values) {
                        pixel[lane] = E::rounded(*value);
                    }
                }
            }
        });
}

/// Blocks to planes; a norm and its ReLU are applied on the way where there is one.
pub(crate) fn to_planar(
    blocked: Pixels<'_>,
    channels: usize,
    extent: Extent,
    norm: Option<&Affine>,
) -> Buffer {
    let plane = extent.plane();
    let mut planar = Buffer::stale(extent.n * channels * plane);
    if plane > 0 && channels > 0 {
        with_pixels!(Pixels, pixels = blocked => {
            spread(pixels, channels, extent, norm, &mut planar);
        });
    }
    planar
}

fn spread<E: Stored>(
    blocked: &[PixelOf<E>],
    channels: usize,
    extent: Extent,
    norm: Option<&Affine>,
    planar: &mut [f32],
) {
    let (blocks, plane) = (n_blocks(channels), extent.plane());
    planar
        .par_chunks_mut(channels * plane)
        .enumerate()
        .for_each(|(image, planes)| {
            for (block, planes) in planes.chunks_mut(LANES * plane).enumerate() {
                let pixels = &blocked[(image * blocks + block) * plane..][..plane];
                for (strip, pixels) in pixels.chunks(STRIP).enumerate() {
                    let mut ready = [[0.0; LANES]; STRIP];
                    for (ready, pixel) in ready.iter_mut().zip(pixels) {
                        let pixel = pixel.map(E::widened);
                        *ready = norm.map_or(pixel, |norm| norm.norm_relu(block, &pixel));
                    }
                    for (lane, of_channel) in planes.chunks_exact_mut(plane).enumerate() {
                        let values = &mut of_channel[strip * STRIP..][..pixels.len()];
                        for (value, pixel) in values.iter_mut().zip(&ready) {
                            *value = pixel[lane];
                        }
                    }
                }
            }
        });
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "numbers that are copied, or whole")]
mod tests {
    use super::*;
    use crate::stored::PixelsMut;

    #[test]
    fn planes_come_back_from_blocks_and_the_last_block_is_filled_with_zeros() {
        let extent = Extent {
            n: 2,
            height: 9,
            width: 11,
        };
        let planar: Vec<f32> = (1..=2 * 19 * 99).map(|i| i as f32).collect();
        let mut blocked = to_blocked(&planar, 19, extent, Precision::F32);
        let PixelsMut::F32(pixels) = blocked.pixels_mut() else {
            unreachable!("asked for")
        };
        // Channel 17 of image 1 at pixel 40 is lane 1 of its second block.
        assert_eq!(pixels[3 * 99 + 40][1], planar[(19 + 17) * 99 + 40]);
        assert_eq!(pixels[3 * 99 + 40][3..], [0.0; 13]);
        assert_eq!(to_planar(Pixels::F32(pixels), 19, extent, None)[..], planar);
    }
}
