//! The micro-kernels of the direct convolution: a few pixels in a row times one or two blocks of output
//! channels, with the accumulators in registers.

#![expect(
    clippy::needless_range_loop,
    reason = "several arrays are walked at once"
)]
#![expect(
    unsafe_code,
    reason = "bounds are checked once for each tile, not for each element"
)]

use crate::shared::Strided;
use crate::simd::{Kernel, LANES, Pixel, Simd};

/// What a tile computes, with everything but its size.
pub(super) struct TileArgs<'a, const BLOCKS: usize> {
    /// Scratch memory, from the first tap of the first pixel on.
    pub(super) x: &'a [f32],
    /// Elements between the input blocks in the scratch memory.
    pub(super) plane: usize,
    /// Elements between the channels of a pixel in the scratch memory.
    pub(super) channel_step: usize,
    /// Channels of each input block.
    pub(super) counts: &'a [usize],
    /// Where each tap reads, from the first one on; in ascending order.
    pub(super) taps: &'a [usize],
    /// `[input block][tap][16 inputs][BLOCKS][16]`.
    pub(super) weights: &'a [f32],
    /// The pixels to write.
    pub(super) out: [Strided<'a, Pixel>; BLOCKS],
    /// What the sums start from; `None`: from what stands in `out`.
    pub(super) bias: Option<&'a [Pixel]>,
    /// Results below are set to this.
    pub(super) floor: f32,
}

impl<const BLOCKS: usize> TileArgs<'_, BLOCKS> {
    #[inline(always)]
    fn start<S: Simd, const PIXELS: usize>(&self, s: S) -> [[S::V; PIXELS]; BLOCKS] {
        let mut sums = [[s.zero(); PIXELS]; BLOCKS];
        for (block, sums) in sums.iter_mut().enumerate() {
            for (pixel, sum) in sums.iter_mut().enumerate() {
                *sum = match self.bias {
                    Some(bias) => s.read(&bias[block]),
                    None => s.read(self.out[block].get(pixel)),
                };
            }
        }
        sums
    }

    #[inline(always)]
    fn finish<S: Simd, const PIXELS: usize>(self, s: S, sums: [[S::V; PIXELS]; BLOCKS]) {
        let floor = s.splat(self.floor);
        for (mut out, sums) in self.out.into_iter().zip(sums) {
            for (pixel, sum) in sums.into_iter().enumerate() {
                s.write(out.get_mut(pixel), s.max(sum, floor));
            }
        }
    }

    /// Checks that all that a tile of `pixels` reads is there.
    #[inline(always)]
    fn check(&self, pixels: usize, pixel_step: usize) {
        let (Some(last_tap), Some(most)) = (self.taps.last(), self.counts.iter().max()) else {
            return;
        };
        let last = (self.counts.len() - 1) * self.plane
            + last_tap
            + (pixels - 1) * pixel_step
            + (most - 1) * self.channel_step;
        assert!(last < self.x.len(), "the tile lies in the scratch memory");
        let n_weights = self.counts.len() * self.taps.len() * LANES * BLOCKS * LANES;
        assert!(
            n_weights <= self.weights.len(),
            "weights for all blocks and taps"
        );
        assert!(*most <= LANES, "at most sixteen channels in a block");
    }
}

/// A tile that takes one tap at a time. `STEP`: elements between pixels in the scratch memory.
///
/// With `BF16`, an element of the scratch memory and of the weights is a VNNI pair of two channels, and
/// the kernel is to be run by [`Simd::run_bf16`].
pub(super) struct Tile<
    'a,
    const BLOCKS: usize,
    const PIXELS: usize,
    const STEP: usize,
    const BF16: bool,
>(pub(super) TileArgs<'a, BLOCKS>);

impl<const BLOCKS: usize, const PIXELS: usize, const STEP: usize, const BF16: bool> Kernel
    for Tile<'_, BLOCKS, PIXELS, STEP, BF16>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let tile = self.0;
        tile.check(PIXELS, STEP);
        let mut sums = tile.start::<S, PIXELS>(s);
        let mut of_tap = tile.weights.as_ptr();
        for (block, &count) in tile.counts.iter().enumerate() {
            for &tap in tile.taps {
                // SAFETY: `check`: the largest offset, with `count` channels after it, is in `x`.
                let mut x = unsafe { tile.x.as_ptr().add(block * tile.plane + tap) };
                let mut weights = of_tap;
                let count = if BF16 { count.div_ceil(2) } else { count };
                for _ in 0..count {
                    let mut w = [s.zero(); BLOCKS];
                    for (block, w) in w.iter_mut().enumerate() {
                        // SAFETY: `check`: 16 · BLOCKS · 16 elements for each block and tap, and
                        // at most 16 channels.
                        *w = unsafe { s.load(weights.add(block * LANES)) };
                    }
                    for pixel in 0..PIXELS {
                        // SAFETY: `check`: the last pixel of the last channel is in `x`.
                        let v = s.splat(unsafe { *x.add(pixel * STEP) });
                        for block in 0..BLOCKS {
                            let sum = &mut sums[block][pixel];
                            // SAFETY: with `BF16`, `run_bf16` runs it.
                            *sum = unsafe { multiply_add::<S, BF16>(s, v, w[block], *sum) };
                        }
                    }
                    x = x.wrapping_add(tile.channel_step);
                    weights = weights.wrapping_add(BLOCKS * LANES);
                }
                of_tap = of_tap.wrapping_add(LANES * BLOCKS * LANES);
            }
        }
        tile.finish(s, sums);
    }
}

/// Runs a kernel; with `BF16` one in bf16 dot products.
pub(super) fn run_kernel<S: Simd, K: Kernel, const BF16: bool>(s: S, kernel: K) -> K::Output {
    if const { BF16 } {
        s.run_bf16(kernel)
    } else {
        s.run(kernel)
    }
}

/// `x · w + sum`, with `BF16` for the two bf16 in each lane.
///
/// # Safety
///
/// With `BF16` as [`Simd::dot_bf16`].
#[inline(always)]
pub(super) unsafe fn multiply_add<S: Simd, const BF16: bool>(
    s: S,
    x: S::V,
    w: S::V,
    sum: S::V,
) -> S::V {
    if BF16 {
        // SAFETY: the caller's promise.
        unsafe { s.dot_bf16(x, w, sum) }
    } else {
        s.mul_add(x, w, sum)
    }
}

/// A tile that takes the three taps of a kernel's row at a time: a third of the reads, three times
/// the registers for weights. Pixels and taps are `STEP` elements apart; `BF16` as in [`Tile`].
pub(super) struct RowTile<
    'a,
    const BLOCKS: usize,
    const PIXELS: usize,
    const STEP: usize,
    const BF16: bool,
>(pub(super) TileArgs<'a, BLOCKS>);

impl<const BLOCKS: usize, const PIXELS: usize, const STEP: usize, const BF16: bool> Kernel
    for RowTile<'_, BLOCKS, PIXELS, STEP, BF16>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        const TAPS: usize = 3;
        let tile = self.0;
        tile.check(PIXELS, STEP);
        assert!(
            tile.taps
                .chunks(TAPS)
                .all(|row| *row == [row[0], row[0] + STEP, row[0] + 2 * STEP]),
            "three taps next to each other"
        );
        let per_tap = LANES * BLOCKS * LANES;
        let mut sums = tile.start::<S, PIXELS>(s);
        let mut of_row = tile.weights.as_ptr();
        for (block, &count) in tile.counts.iter().enumerate() {
            for row in tile.taps.chunks(TAPS) {
                // SAFETY: `check`, as in `Tile`.
                let mut x = unsafe { tile.x.as_ptr().add(block * tile.plane + row[0]) };
                let mut weights = of_row;
                let count = if BF16 { count.div_ceil(2) } else { count };
                for _ in 0..count {
                    let mut w = [[s.zero(); BLOCKS]; TAPS];
                    for (tap, w) in w.iter_mut().enumerate() {
                        for (block, w) in w.iter_mut().enumerate() {
                            // SAFETY: `check`, as in `Tile`; three taps to a row.
                            *w = unsafe { s.load(weights.add(tap * per_tap + block * LANES)) };
                        }
                    }
                    // SAFETY: `check`: three taps are in `x` for each pixel.
                    let (mut left, mut middle) = unsafe { (s.splat(*x), s.splat(*x.add(STEP))) };
                    for pixel in 0..PIXELS {
                        // SAFETY: as above.
                        let right = s.splat(unsafe { *x.add((pixel + 2) * STEP) });
                        for block in 0..BLOCKS {
                            let mut sum = sums[block][pixel];
                            for (x, w) in [left, middle, right].into_iter().zip(w) {
                                // SAFETY: with `BF16`, `run_bf16` runs it.
                                sum = unsafe { multiply_add::<S, BF16>(s, x, w[block], sum) };
                            }
                            sums[block][pixel] = sum;
                        }
                        (left, middle) = (middle, right);
                    }
                    x = x.wrapping_add(tile.channel_step);
                    weights = weights.wrapping_add(BLOCKS * LANES);
                }
                of_row = of_row.wrapping_add(TAPS * per_tap);
            }
        }
        tile.finish(s, sums);
    }
}
