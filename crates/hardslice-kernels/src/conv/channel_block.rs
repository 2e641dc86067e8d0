//! Channels in blocks of sixteen, as the nChw16c layout has them.

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

#[cfg(test)]
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
}
