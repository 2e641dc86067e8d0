//! The micro-kernels of a weight's gradient: one or two blocks of output channels times a few
//! input channels and one tap or three, with the
//! accumulators in registers while pixels go by.

#![expect(
    clippy::needless_range_loop,
    reason = "several arrays are walked at once"
)]
#![expect(
    unsafe_code,
    reason = "bounds are checked once for each tile, not for each element"
)]

use super::tile::multiply_add;
use crate::simd::{Kernel, LANES, Pixel, Simd};

/// What a tile computes, with everything but its size.
pub(super) struct WeightTileArgs<'a, const BLOCKS: usize> {
    /// Scratch memory of the input, from what the first tap reads for the first pixel on.
    pub(super) x: &'a [f32],
    /// Elements between rows of positions, between pixels and between channels there.
    pub(super) row_step: usize,
    pub(super) channel_step: usize,
    /// The gradient's rows, one after the other.
    pub(super) gradient: [&'a [Pixel]; BLOCKS],
    pub(super) rows: usize,
    pub(super) width: usize,
    /// `[tap of the tile][channel]`; taps are 16 pixels apart.
    pub(super) sums: [&'a mut [Pixel]; BLOCKS],
}

impl<const BLOCKS: usize> WeightTileArgs<'_, BLOCKS> {
    /// Checks that all that a tile reads is there.
    #[inline(always)]
    fn check(&self, channels: usize, columns: usize, pixel_step: usize) {
        let last = (self.rows - 1) * self.row_step
            + (columns - 1) * pixel_step
            + (channels - 1) * self.channel_step;
        assert!(last < self.x.len(), "the tile lies in the scratch memory");
        for gradient in self.gradient {
            assert!(
                gradient.len() == self.rows * self.width,
                "a gradient for each pixel"
            );
        }
    }

    #[inline(always)]
    fn start<S: Simd, const TAPS: usize, const CHANNELS: usize>(
        &self,
        s: S,
    ) -> [[[S::V; CHANNELS]; TAPS]; BLOCKS] {
        // No closures: what is not inlined is not compiled for the instruction set.
        let mut values = [[[s.zero(); CHANNELS]; TAPS]; BLOCKS];
        for (values, sums) in values.iter_mut().zip(&self.sums) {
            for (tap, values) in values.iter_mut().enumerate() {
                for (channel, value) in values.iter_mut().enumerate() {
                    *value = s.read(&sums[tap * LANES + channel]);
                }
            }
        }
        values
    }

    #[inline(always)]
    fn finish<S: Simd, const TAPS: usize, const CHANNELS: usize>(
        self,
        s: S,
        results: [[[S::V; CHANNELS]; TAPS]; BLOCKS],
    ) {
        for (sums, results) in self.sums.into_iter().zip(results) {
            for (tap, results) in results.into_iter().enumerate() {
                for (channel, result) in results.into_iter().enumerate() {
                    s.write(&mut sums[tap * LANES + channel], result);
                }
            }
        }
    }
}

/// One tap. `STEP`: elements between positions in the scratch memory.
///
/// With `BF16`, each element is a VNNI pair: a pixel and the one after it, the last pixel of
/// a row of the gradient being followed by zero, and the kernel is to be run by
/// [`Simd::run_bf16`].
pub(super) struct TapTile<
    'a,
    const BLOCKS: usize,
    const CHANNELS: usize,
    const STEP: usize,
    const BF16: bool,
>(pub(super) WeightTileArgs<'a, BLOCKS>);

impl<const BLOCKS: usize, const CHANNELS: usize, const STEP: usize, const BF16: bool> Kernel
    for TapTile<'_, BLOCKS, CHANNELS, STEP, BF16>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let tile = self.0;
        tile.check(CHANNELS, tile.width, STEP);
        let mut sums = tile.start::<S, 1, CHANNELS>(s);
        for row in 0..tile.rows {
            // SAFETY: `check`: the last channel of the last pixel of the last row is in `x`.
            let mut x = unsafe { tile.x.as_ptr().add(row * tile.row_step) };
            let at_once = if BF16 { 2 } else { 1 };
            for column in (0..tile.width).step_by(at_once) {
                let mut g = [s.zero(); BLOCKS];
                for (g, gradient) in g.iter_mut().zip(tile.gradient) {
                    // SAFETY: `check`: rows · width pixels.
                    *g = s.read(unsafe { gradient.get_unchecked(row * tile.width + column) });
                }
                for channel in 0..CHANNELS {
                    // SAFETY: as for `x`.
                    let v = s.splat(unsafe { *x.add(channel * tile.channel_step) });
                    for block in 0..BLOCKS {
                        let sum = &mut sums[block][0][channel];
                        // SAFETY: with `BF16`, `run_bf16` runs it.
                        *sum = unsafe { multiply_add::<S, BF16>(s, v, g[block], *sum) };
                    }
                }
                x = x.wrapping_add(at_once * STEP);
            }
        }
        tile.finish(s, sums);
    }
}

/// The three taps of a kernel's row; `x` starts at the middle one, whose pixels are the positions
/// themselves. Each element of the input meets three gradients, which move on by one register.
pub(super) struct RowTapsTile<'a, const CHANNELS: usize, const STEP: usize>(
    pub(super) WeightTileArgs<'a, 1>,
);

impl<const CHANNELS: usize, const STEP: usize> Kernel for RowTapsTile<'_, CHANNELS, STEP> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let tile = self.0;
        tile.check(CHANNELS, tile.width, STEP);
        let [[mut left, mut middle, mut right]] = tile.start::<S, 3, CHANNELS>(s);
        for row in 0..tile.rows {
            // SAFETY: `check`: the last channel of the last pixel of the last row is in `x`.
            let mut x = unsafe { tile.x.as_ptr().add(row * tile.row_step) };
            let gradient = &tile.gradient[0][row * tile.width..(row + 1) * tile.width];
            let Some((first, others)) = gradient.split_first() else {
                continue;
            };
            let mut previous = s.zero();
            let mut this = s.read(first);
            let mut step = |next: S::V| {
                for channel in 0..CHANNELS {
                    // SAFETY: as for `x`, which is one pixel for each of the gradients.
                    let v = s.splat(unsafe { *x.add(channel * tile.channel_step) });
                    left[channel] = s.mul_add(v, next, left[channel]);
                    middle[channel] = s.mul_add(v, this, middle[channel]);
                    right[channel] = s.mul_add(v, previous, right[channel]);
                }
                (previous, this) = (this, next);
                x = x.wrapping_add(STEP);
            };
            for next in others {
                step(s.read(next));
            }
            step(s.zero());
        }
        tile.finish(s, [[left, middle, right]]);
    }
}

/// Runs the tile that takes so many channels, `step` elements apart from pixel to pixel.
pub(super) fn run_tap<S: Simd, const BLOCKS: usize>(
    s: S,
    args: WeightTileArgs<'_, BLOCKS>,
    channels: usize,
    step: usize,
) {
    const DOUBLE: usize = 2 * LANES;
    match (channels, step) {
        (1, 1) => s.run(TapTile::<BLOCKS, 1, 1, false>(args)),
        (2, 1) => s.run(TapTile::<BLOCKS, 2, 1, false>(args)),
        (4, 1) => s.run(TapTile::<BLOCKS, 4, 1, false>(args)),
        (8, 1) => s.run(TapTile::<BLOCKS, 8, 1, false>(args)),
        (2, LANES) => s.run(TapTile::<BLOCKS, 2, LANES, false>(args)),
        (4, LANES) => s.run(TapTile::<BLOCKS, 4, LANES, false>(args)),
        (8, LANES) => s.run(TapTile::<BLOCKS, 8, LANES, false>(args)),
        (2, DOUBLE) => s.run(TapTile::<BLOCKS, 2, DOUBLE, false>(args)),
        (4, DOUBLE) => s.run(TapTile::<BLOCKS, 4, DOUBLE, false>(args)),
        (8, DOUBLE) => s.run(TapTile::<BLOCKS, 8, DOUBLE, false>(args)),
        _ => unreachable!("a size of a tile"),
    }
}

/// The same in bf16 dot products.
pub(super) fn run_tap_bf16<S: Simd, const BLOCKS: usize>(
    s: S,
    args: WeightTileArgs<'_, BLOCKS>,
    channels: usize,
) {
    match channels {
        2 => s.run_bf16(TapTile::<BLOCKS, 2, LANES, true>(args)),
        4 => s.run_bf16(TapTile::<BLOCKS, 4, LANES, true>(args)),
        8 => s.run_bf16(TapTile::<BLOCKS, 8, LANES, true>(args)),
        _ => unreachable!("a size of a tile"),
    }
}

/// The same for three taps of a row at a time.
pub(super) fn run_row_taps<S: Simd>(
    s: S,
    args: WeightTileArgs<'_, 1>,
    channels: usize,
    step: usize,
) {
    match (channels, step) {
        (1, 1) => s.run(RowTapsTile::<1, 1>(args)),
        (8, 1) => s.run(RowTapsTile::<8, 1>(args)),
        (8, LANES) => s.run(RowTapsTile::<8, LANES>(args)),
        _ => unreachable!("a size of a tile"),
    }
}
