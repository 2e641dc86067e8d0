//! Weights in the order in which the tiles read them.

use rayon::prelude::*;

use crate::buffers::Buffer;
use crate::layout::{channels_in, n_blocks};
use crate::simd::LANES;

/// Up to sixteen channels in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChannelBlock {
    /// The first one's place in the weight.
    pub(crate) first: usize,
    /// How many there are.
    pub(crate) count: usize,
}

/// The blocks of tensors that stand for one concatenated tensor; each starts a block of its own.
pub(crate) fn channel_blocks(channels: &[usize]) -> Vec<ChannelBlock> {
    let mut start = 0;
    let mut blocks = Vec::new();
    for &channels in channels {
        blocks.extend((0..n_blocks(channels)).map(|block| ChannelBlock {
            first: start + block * LANES,
            count: channels_in(channels, block),
        }));
        start += channels;
    }
    blocks
}

/// Where the weights come from: `read` gives all taps, in the order of the window, of the weight
/// from an input channel to an output channel.
pub(crate) struct WeightsOf<R> {
    pub(crate) inputs: Vec<ChannelBlock>,
    pub(crate) outputs: Vec<ChannelBlock>,
    /// `read(output, input, tap)`.
    pub(crate) read: R,
}

/// Weights as `[group of output blocks][input block][tap][16 inputs][blocks of the group][16]`.
///
/// A group has `group` blocks, the last one what is left. Places that belong to no channel are
/// zero.
pub(crate) struct Packed {
    pub(crate) numbers: Buffer,
    pub(crate) group: usize,
    pub(crate) inputs: Vec<ChannelBlock>,
    pub(crate) n_outputs: usize,
    pub(crate) taps: usize,
}

impl Packed {
    /// Packs the weights of a kernel of `taps` taps.
    pub(crate) fn new(
        group: usize,
        weights: &WeightsOf<impl Fn(usize, usize, usize) -> f32 + Sync>,
        taps: usize,
    ) -> Self {
        let WeightsOf {
            inputs,
            outputs,
            read,
        } = weights;
        let per_block = inputs.len() * taps * LANES * LANES;
        let mut numbers = Buffer::stale(outputs.len() * per_block);
        if per_block > 0 {
            let groups = numbers
                .par_chunks_mut(group * per_block)
                .zip(outputs.par_chunks(group));
            groups.for_each(|(numbers, outputs)| {
                let per_input = taps * LANES * outputs.len() * LANES;
                for (numbers, input) in numbers.chunks_exact_mut(per_input).zip(inputs) {
                    pack_block(numbers, *input, outputs, taps, read);
                }
            });
        }
        Self {
            numbers,
            group,
            inputs: inputs.clone(),
            n_outputs: outputs.len(),
            taps,
        }
    }

    /// Numbers for one input block and one output block.
    pub(crate) fn per_pair(&self) -> usize {
        self.taps * LANES * LANES
    }

    /// The weights of a group of output blocks, from an input block on.
    pub(crate) fn of_group(&self, group: usize, first_input: usize) -> &[f32] {
        let blocks = self.blocks_in(group);
        let per_block = self.inputs.len() * self.per_pair();
        let start = group * self.group * per_block;
        &self.numbers[start + first_input * blocks * self.per_pair()..start + blocks * per_block]
    }

    /// Groups of output blocks.
    pub(crate) fn n_groups(&self) -> usize {
        self.n_outputs.div_ceil(self.group)
    }

    /// Output blocks in a group.
    pub(crate) fn blocks_in(&self, group: usize) -> usize {
        self.group.min(self.n_outputs - group * self.group)
    }
}

fn pack_block(
    numbers: &mut [f32],
    input: ChannelBlock,
    outputs: &[ChannelBlock],
    taps: usize,
    read: &impl Fn(usize, usize, usize) -> f32,
) {
    numbers.fill(0.0);
    for (block, output) in outputs.iter().enumerate() {
        for lane in 0..output.count {
            for channel in 0..input.count {
                for tap in 0..taps {
                    let place = ((tap * LANES + channel) * outputs.len() + block) * LANES + lane;
                    numbers[place] = read(output.first + lane, input.first + channel, tap);
                }
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "numbers that are copied, or whole")]
mod tests {
    use super::*;

    #[test]
    fn two_tensors_start_a_block_each() {
        let blocks = channel_blocks(&[17, 3]);
        let expected = [(0, 16), (16, 1), (17, 3)];
        assert_eq!(
            blocks,
            expected.map(|(first, count)| ChannelBlock { first, count })
        );
    }

    #[test]
    fn a_weight_stands_at_its_group_input_tap_and_lane() {
        let weights = WeightsOf {
            inputs: channel_blocks(&[17]),
            outputs: channel_blocks(&[40]),
            read: |output, input, tap| (output * 1000 + input * 10 + tap) as f32,
        };
        let packed = Packed::new(2, &weights, 9);
        // Output 33 is lane 1 of the second group, which has one block; input 16 is block 1.
        let group = packed.of_group(1, 1);
        assert_eq!(group[(4 * LANES) * LANES + 1], 33_164.0);
        assert_eq!(
            packed.of_group(0, 0)[((2 * LANES + 5) * 2 + 1) * LANES + 3],
            19_052.0
        );
        assert_eq!(group[(4 * LANES + 1) * LANES + 1], 0.0);
    }
}
