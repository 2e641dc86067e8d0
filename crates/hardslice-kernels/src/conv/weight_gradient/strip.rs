//! A unit of the weights' gradients, strip by strip through the tiles.

use std::ops::Range;

use super::WeightGradient;
use crate::conv::scratch::{Input, Slab};
use crate::conv::weight_tile::{WeightTileArgs, run_dots, run_row_taps, run_tap};
use crate::conv::weights::ChannelBlock;
use crate::simd::{LANES, Pixel, Simd};

/// Pixels that a tile goes over at a time: they stay in the first cache for all taps.
const STRIP_PIXELS: usize = 256;

/// Some rows of an image, in the scratch memory.
#[derive(Clone, Copy)]
pub(super) struct Unit<'a> {
    /// Whether each number holds that of a pixel and of the one after it, for sums of bf16 products.
    pub(super) in_pairs: bool,
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
}

/// A few rows of a unit and one of its input blocks.
struct Strip {
    rows: Range<usize>,
    input: usize,
    channels: usize,
}

/// Numbers between neighbours in the scratch memory.
struct Steps {
    row: usize,
    pixel: usize,
    channel: usize,
}

impl WeightGradient<'_> {
    /// Adds one unit to a tile's sums.
    pub(super) fn add_unit<S: Simd>(
        &self,
        s: S,
        unit: &Unit<'_>,
        inputs: &[ChannelBlock],
        sums: &mut [Pixel],
    ) {
        let strip = (STRIP_PIXELS / unit.rows.width).max(1);
        let by_rows = const { S::TILE_BLOCKS == 2 } && self.window.kernel == 3 && !unit.in_pairs;
        for first_row in (0..unit.rows.n_rows).step_by(strip) {
            let rows = first_row..unit.rows.n_rows.min(first_row + strip);
            for (input, block) in inputs.iter().enumerate() {
                let strip = Strip {
                    rows: rows.clone(),
                    input,
                    channels: block.count,
                };
                if const { S::TILE_BLOCKS == 2 } && !by_rows && unit.n_outputs == 2 {
                    self.strip::<S, 2>(s, unit, &strip, 0, sums);
                    continue;
                }
                for output in 0..unit.n_outputs {
                    if const { S::TILE_BLOCKS == 2 } && by_rows {
                        self.strip_by_rows(s, unit, &strip, output, sums);
                    } else {
                        self.strip::<S, 1>(s, unit, &strip, output, sums);
                    }
                }
            }
        }
    }

    /// Adds some rows to the sums of one input block and some output blocks.
    fn strip<S: Simd, const BLOCKS: usize>(
        &self,
        s: S,
        unit: &Unit<'_>,
        strip: &Strip,
        output: usize,
        sums: &mut [Pixel],
    ) {
        let at_once = if BLOCKS == 2 { 8 } else { S::TILE_CHANNELS };
        let channels = self.channels_at_once(strip, at_once);
        let steps = self.steps(unit);
        for tap in 0..self.window.taps() {
            for channel in (0..strip.channels).step_by(channels) {
                let first_sum = (strip.input * self.window.taps() + tap) * LANES + channel;
                let mut blocks = sums.chunks_exact_mut(unit.per_output).skip(output);
                let args = WeightTileArgs::<BLOCKS> {
                    x: &unit.x[self.start(unit, strip, tap, channel)..],
                    row_step: steps.row,
                    channel_step: steps.channel,
                    gradient: std::array::from_fn(|block| unit.gradient(strip, output + block)),
                    rows: strip.rows.len(),
                    width: unit.rows.width,
                    sums: std::array::from_fn(|_| {
                        &mut blocks.next().unwrap_or_default()[first_sum..]
                    }),
                };
                if unit.in_pairs {
                    run_dots(s, args, channels);
                } else {
                    run_tap(s, args, channels, steps.pixel);
                }
            }
        }
    }

    /// The same for a 3x3 kernel, three taps at a time.
    fn strip_by_rows<S: Simd>(
        &self,
        s: S,
        unit: &Unit<'_>,
        strip: &Strip,
        output: usize,
        sums: &mut [Pixel],
    ) {
        let channels = self.channels_at_once(strip, 8);
        let steps = self.steps(unit);
        for tap in (0..self.window.taps()).step_by(3) {
            for channel in (0..strip.channels).step_by(channels) {
                let first_sum = (strip.input * self.window.taps() + tap) * LANES + channel;
                let args = WeightTileArgs {
                    x: &unit.x[self.start(unit, strip, tap + 1, channel)..],
                    row_step: steps.row,
                    channel_step: steps.channel,
                    gradient: [unit.gradient(strip, output)],
                    rows: strip.rows.len(),
                    width: unit.rows.width,
                    sums: [&mut sums[output * unit.per_output..][first_sum..unit.per_output]],
                };
                run_row_taps(s, args, channels, steps.pixel);
            }
        }
    }

    /// Channels that a tile takes at a time: in a block those that fill it up are zeros, but an
    /// image has only its own planes.
    fn channels_at_once(&self, strip: &Strip, at_most: usize) -> usize {
        match self.input {
            Input::Planes(_) if !strip.channels.is_multiple_of(at_most) => 1,
            _ => at_most,
        }
    }

    fn steps(&self, unit: &Unit<'_>) -> Steps {
        let stride = unit.rows.stride(self.window) * self.window.step;
        match self.input {
            Input::Blocks(_) => Steps {
                row: stride * LANES,
                pixel: self.window.step * LANES,
                channel: 1,
            },
            Input::Planes(_) => Steps {
                row: stride,
                pixel: self.window.step,
                channel: unit.rows.plane(self.window),
            },
        }
    }

    /// Where a strip's first pixel reads in the scratch memory.
    fn start(&self, unit: &Unit<'_>, strip: &Strip, tap: usize, channel: usize) -> usize {
        let (ky, kx) = (tap / self.window.kernel, tap % self.window.kernel);
        let row = strip.rows.start * self.window.step + ky;
        let pixel = row * unit.rows.stride(self.window) + kx;
        let plane = unit.rows.plane(self.window);
        match self.input {
            Input::Blocks(_) => (strip.input * plane + pixel) * LANES + channel,
            Input::Planes(_) => channel * plane + pixel,
        }
    }
}
