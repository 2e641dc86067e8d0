//! A unit of the weights' gradients, strip by strip through the tiles.

use std::ops::Range;

use crate::conv::channel_block::ChannelBlock;
use crate::conv::scratch::Slab;
use crate::conv::weight_tile::{WeightTileArgs, run_row_taps, run_tap, run_tap_bf16};
use crate::conv::window::Window;
use crate::simd::{LANES, Pixel, Simd};

/// Pixels that a tile goes over at a time: they stay in the first cache for all taps.
const STRIP_PIXELS: usize = 256;

/// Some rows of an image, in the scratch memory.
#[derive(Clone, Copy)]
pub(super) struct Unit<'a> {
    pub(super) window: Window,
    /// Whether `x` is planes of an image, not blocks.
    pub(super) is_planar: bool,
    /// Whether each element is a VNNI pair: that of a pixel and of the one after it.
    pub(super) is_vnni: bool,
    pub(super) x: &'a [f32],
    /// `[output block][row][column]`.
    pub(super) gradient: &'a [Pixel],
    pub(super) n_outputs: usize,
    pub(super) rows: Slab,
    /// Sums of an output block of the tile.
    pub(super) per_output: usize,
}

impl<'a> Unit<'a> {
    fn gradient(&self, strip: &Strip, output: usize) -> &'a [Pixel] {
        let first = (output * self.rows.n_rows + strip.rows.start) * self.rows.width;
        &self.gradient[first..first + strip.rows.len() * self.rows.width]
    }

    /// Adds the unit to a tile's sums.
    pub(super) fn add_to<S: Simd>(&self, s: S, inputs: &[ChannelBlock], sums: &mut [Pixel]) {
        let strip = (STRIP_PIXELS / self.rows.width).max(1);
        let by_rows = const { S::TILE_BLOCKS == 2 } && self.window.kernel == 3 && !self.is_vnni;
        for first_row in (0..self.rows.n_rows).step_by(strip) {
            let rows = first_row..self.rows.n_rows.min(first_row + strip);
            for (input, block) in inputs.iter().enumerate() {
                let strip = Strip {
                    rows: rows.clone(),
                    input,
                    channels: block.count,
                };
                if const { S::TILE_BLOCKS == 2 } && !by_rows && self.n_outputs == 2 {
                    self.strip::<S, 2>(s, &strip, 0, sums);
                    continue;
                }
                for output in 0..self.n_outputs {
                    if const { S::TILE_BLOCKS == 2 } && by_rows {
                        self.strip_by_rows(s, &strip, output, sums);
                    } else {
                        self.strip::<S, 1>(s, &strip, output, sums);
                    }
                }
            }
        }
    }

    /// Adds some rows to the sums of one input block and some output blocks.
    fn strip<S: Simd, const BLOCKS: usize>(
        &self,
        s: S,
        strip: &Strip,
        output: usize,
        sums: &mut [Pixel],
    ) {
        let at_once = if BLOCKS == 2 { 8 } else { S::TILE_CHANNELS };
        let channels = self.channels_at_once(strip, at_once);
        let steps = self.steps();
        for tap in 0..self.window.taps() {
            for channel in (0..strip.channels).step_by(channels) {
                let first_sum = (strip.input * self.window.taps() + tap) * LANES + channel;
                let mut blocks = sums.chunks_exact_mut(self.per_output).skip(output);
                let args = WeightTileArgs::<BLOCKS> {
                    x: &self.x[self.start(strip, tap, channel)..],
                    row_step: steps.row,
                    channel_step: steps.channel,
                    gradient: std::array::from_fn(|block| self.gradient(strip, output + block)),
                    rows: strip.rows.len(),
                    width: self.rows.width,
                    sums: std::array::from_fn(|_| {
                        let sums = blocks.next().expect("a tile has sums of all its blocks");
                        &mut sums[first_sum..]
                    }),
                };
                if self.is_vnni {
                    run_tap_bf16(s, args, channels);
                } else {
                    run_tap(s, args, channels, steps.pixel);
                }
            }
        }
    }

    /// The same for a 3x3 kernel, three taps at a time.
    fn strip_by_rows<S: Simd>(&self, s: S, strip: &Strip, output: usize, sums: &mut [Pixel]) {
        let channels = self.channels_at_once(strip, 8);
        let steps = self.steps();
        for tap in (0..self.window.taps()).step_by(3) {
            for channel in (0..strip.channels).step_by(channels) {
                let first_sum = (strip.input * self.window.taps() + tap) * LANES + channel;
                let args = WeightTileArgs {
                    x: &self.x[self.start(strip, tap + 1, channel)..],
                    row_step: steps.row,
                    channel_step: steps.channel,
                    gradient: [self.gradient(strip, output)],
                    rows: strip.rows.len(),
                    width: self.rows.width,
                    sums: [&mut sums[output * self.per_output..][first_sum..self.per_output]],
                };
                run_row_taps(s, args, channels, steps.pixel);
            }
        }
    }

    /// Channels that a tile takes at a time: in a block those that fill it up are zeros, but an
    /// image has only its own planes.
    fn channels_at_once(&self, strip: &Strip, at_most: usize) -> usize {
        if self.is_planar && !strip.channels.is_multiple_of(at_most) {
            1
        } else {
            at_most
        }
    }

    fn steps(&self) -> Steps {
        let stride = self.rows.stride(self.window) * self.window.step;
        if self.is_planar {
            Steps {
                row: stride,
                pixel: self.window.step,
                channel: self.rows.plane(self.window),
            }
        } else {
            Steps {
                row: stride * LANES,
                pixel: self.window.step * LANES,
                channel: 1,
            }
        }
    }

    /// Where a strip's first pixel reads in the scratch memory.
    fn start(&self, strip: &Strip, tap: usize, channel: usize) -> usize {
        let (ky, kx) = (tap / self.window.kernel, tap % self.window.kernel);
        let row = strip.rows.start * self.window.step + ky;
        let pixel = row * self.rows.stride(self.window) + kx;
        let plane = self.rows.plane(self.window);
        if self.is_planar {
            channel * plane + pixel
        } else {
            (strip.input * plane + pixel) * LANES + channel
        }
    }
}

/// A few rows of a unit and one of its input blocks.
struct Strip {
    rows: Range<usize>,
    input: usize,
    channels: usize,
}

/// Elements between neighbours in the scratch memory.
struct Steps {
    row: usize,
    pixel: usize,
    channel: usize,
}
