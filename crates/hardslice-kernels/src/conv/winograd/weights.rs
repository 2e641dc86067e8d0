//! Transformed weights, in the order in which the tiles read them.

use std::ops::Range;

use rayon::prelude::*;

use super::N_POINTS;
use super::transform::Weights;
use crate::buffers::Buffer;
use crate::conv::{ChannelBlock, WeightsOf};
use crate::simd::{LANES, Pixel, Simd};

/// Weights of some groups of output blocks as `[group][point][input][16][blocks of the group][16]`.
pub(super) struct Transformed {
    numbers: Buffer,
    per_block: usize,
    group: usize,
    n_outputs: usize,
}

impl Transformed {
    /// Transforms the weights of the output blocks in a range; `group` of them make a group.
    pub(super) fn new<S: Simd, R>(
        s: S,
        weights: &WeightsOf<R>,
        outputs: Range<usize>,
        group: usize,
    ) -> Self
    where
        R: Fn(usize, usize, usize) -> f32 + Sync,
    {
        let outputs = &weights.outputs[outputs];
        let n_inputs = weights.inputs.len();
        let per_block = N_POINTS * n_inputs * LANES;
        let mut numbers = Buffer::stale(outputs.len() * per_block * LANES);
        let groups = numbers.pixels_mut().par_chunks_mut(group * per_block);
        groups
            .zip(outputs.par_chunks(group))
            .for_each(|(to, outputs)| {
                for (block, output) in outputs.iter().enumerate() {
                    for (place, input) in weights.inputs.iter().enumerate() {
                        let taps = weights.taps(*output, *input);
                        s.run(Weights {
                            taps: &taps,
                            to: &mut to[place * LANES * outputs.len() + block..],
                            point_step: n_inputs * LANES * outputs.len(),
                            input_step: outputs.len(),
                        });
                    }
                }
            });
        Self {
            numbers,
            per_block,
            group,
            n_outputs: outputs.len(),
        }
    }

    /// Output blocks in a group.
    pub(super) fn blocks_in(&self, group: usize) -> usize {
        self.group.min(self.n_outputs - group * self.group)
    }

    /// The weights of a group at a point.
    pub(super) fn at(&self, group: usize, point: usize) -> &[f32] {
        let n = self.blocks_in(group) * self.per_block / N_POINTS;
        let start = group * self.group * self.per_block + point * n;
        self.numbers.pixels()[start..start + n].as_flattened()
    }
}

impl<R: Fn(usize, usize, usize) -> f32> WeightsOf<R> {
    /// A block of weights as `[tap][input][output]`, zero where there is no channel.
    fn taps(&self, output: ChannelBlock, input: ChannelBlock) -> [[Pixel; LANES]; 9] {
        let mut taps = [[[0.0; LANES]; LANES]; 9];
        for lane in 0..output.count {
            for channel in 0..input.count {
                for (tap, of_tap) in taps.iter_mut().enumerate() {
                    of_tap[channel][lane] =
                        (self.read)(output.first + lane, input.first + channel, tap);
                }
            }
        }
        taps
    }
}
