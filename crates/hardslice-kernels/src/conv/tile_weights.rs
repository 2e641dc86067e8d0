//! Packed (reordered) weights: in the order in which the micro-kernels read them.

use rayon::prelude::*;

use super::channel_block::ChannelBlock;
use super::gather::{Gather, WeightView};
use super::input::Input;
use crate::buffers::Buffer;
use crate::simd::{Kernel, LANES, Pixel, Simd};

/// Weights as `[group of output blocks][input block][tap][16 inputs][blocks of the group][16]`.
///
/// With one block to a group that is `OIhw16i16o`, in VNNI pairs `OIhw8i16o2i`. A group has `group` blocks,
/// the last one what is left. Places that belong to no channel are
/// zero.
pub(crate) struct TileWeights {
    pub(crate) elements: Buffer,
    pub(crate) group: usize,
    pub(crate) inputs: Vec<ChannelBlock>,
    pub(crate) n_outputs: usize,
    pub(crate) taps: usize,
    pub(crate) packing: Packing,
}

/// What an element of packed weights is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// A weight.
    Single,
    /// A VNNI pair of two inputs: only the first eight of the sixteen places of an input block mean
    /// something.
    Vnni,
    /// The same, two input blocks at a time: the second one's pairs are the other eight places of the
    /// first, whose own are left out.
    VnniSideBySide,
}

impl Packing {
    /// Whether an element is a VNNI pair.
    pub(super) fn is_vnni(self) -> bool {
        self != Self::Single
    }

    /// Input blocks that are packed side by side.
    pub(super) fn side(self) -> usize {
        match self {
            Self::Single | Self::Vnni => 1,
            Self::VnniSideBySide => 2,
        }
    }
}

impl TileWeights {
    /// Packs weights for what computes fastest on this input, in as large groups as its tiles take.
    pub(crate) fn for_input<S: Simd>(s: S, input: Input<'_>, weights: &WeightView<'_>) -> Self {
        if !input.takes_bf16_dot(s) {
            return Self::new(s, S::TILE_BLOCKS, weights);
        }
        let mut packed = Self::in_vnni_pairs(s, S::TILE_BLOCKS, weights);
        if s.matrix_unit().is_some() && packed.inputs.len() > 1 {
            packed.put_side_by_side();
        }
        packed
    }

    /// Packs weights.
    fn new<S: Simd>(s: S, group: usize, weights: &WeightView<'_>) -> Self {
        let WeightView {
            inputs,
            outputs,
            taps,
            ..
        } = weights;
        let per_block = inputs.len() * taps * LANES * LANES;
        let mut elements = Buffer::stale(outputs.len() * per_block);
        if per_block > 0 {
            let groups = elements
                .par_chunks_mut(group * per_block)
                .zip(outputs.par_chunks(group));
            groups.for_each(|(elements, outputs)| {
                let per_input = taps * LANES * outputs.len() * LANES;
                for (elements, input) in elements.chunks_exact_mut(per_input).zip(inputs) {
                    let pixels = elements.as_chunks_mut().0;
                    for (block, output) in outputs.iter().enumerate() {
                        s.run(Gather {
                            weights,
                            output: *output,
                            input: *input,
                            to: &mut pixels[block..],
                            input_step: outputs.len(),
                            tap_step: LANES * outputs.len(),
                        });
                    }
                }
            });
        }
        Self {
            elements,
            group,
            inputs: inputs.clone(),
            n_outputs: outputs.len(),
            taps: *taps,
            packing: Packing::Single,
        }
    }

    /// Packs weights for bf16 dot products: two inputs next to each other make a VNNI pair.
    fn in_vnni_pairs<S: Simd>(s: S, group: usize, weights: &WeightView<'_>) -> Self {
        let mut packed = Self::new(s, group, weights);
        let per_block = packed.inputs.len() * packed.per_block_pair();
        if per_block > 0 {
            let groups = packed.elements.par_chunks_mut(group * per_block);
            groups.for_each(|elements| {
                let blocks = elements.len() / per_block;
                let (pixels, _) = elements.as_chunks_mut();
                for rows in pixels.chunks_exact_mut(LANES * blocks) {
                    s.run(PackVnniRows { rows, blocks });
                }
            });
        }
        packed.packing = Packing::Vnni;
        packed
    }

    /// Brings the pairs of every second input block to the free places of the one before; without a second
    /// one there are zeros.
    fn put_side_by_side(&mut self) {
        let per_block = self.inputs.len() * self.per_block_pair();
        if per_block > 0 {
            let groups = self.elements.par_chunks_mut(self.group * per_block);
            groups.for_each(|elements| {
                let blocks = elements.len() / per_block;
                let half = LANES / 2 * blocks * LANES;
                for both in elements.chunks_mut(2 * self.taps * 2 * half) {
                    let (first, second) = both.split_at_mut(self.taps * 2 * half);
                    for (tap, first) in first.chunks_exact_mut(2 * half).enumerate() {
                        match second.get(tap * 2 * half..tap * 2 * half + half) {
                            Some(pairs) => first[half..].copy_from_slice(pairs),
                            None => first[half..].fill(0.0),
                        }
                    }
                }
            });
        }
        self.packing = Packing::VnniSideBySide;
    }

    /// Elements for one input block and one output block.
    pub(crate) fn per_block_pair(&self) -> usize {
        self.taps * LANES * LANES
    }

    /// The weights of a group of output blocks, from an input block on.
    pub(crate) fn of_group(&self, group: usize, first_input: usize) -> &[f32] {
        let blocks = self.blocks_in(group);
        let per_block = self.inputs.len() * self.per_block_pair();
        let start = group * self.group * per_block;
        &self.elements
            [start + first_input * blocks * self.per_block_pair()..start + blocks * per_block]
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

/// Sixteen rows of `blocks` pixels: two neighbours become one of VNNI pairs, in the first half.
struct PackVnniRows<'a> {
    rows: &'a mut [Pixel],
    blocks: usize,
}

impl Kernel for PackVnniRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for pair in 0..LANES / 2 {
            for block in 0..self.blocks {
                let first = 2 * pair * self.blocks + block;
                let low = s.read(&self.rows[first]);
                let high = s.read(&self.rows[first + self.blocks]);
                s.write(
                    &mut self.rows[pair * self.blocks + block],
                    s.vnni_pair(low, high),
                );
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "numbers that are copied, or whole")]
mod tests {
    use super::*;
    use crate::conv::channel_block::channel_blocks;
    use crate::conv::gather::Lanes;
    use crate::simd::with_simd;

    #[test]
    fn a_weight_stands_at_its_group_input_tap_and_lane() {
        let elements: Vec<f32> = (0..40 * 17 * 9)
            .map(|i| (i / 153 * 1000 + i / 9 % 17 * 10 + i % 9) as f32)
            .collect();
        let weights = WeightView {
            elements: &elements,
            inputs: channel_blocks(&[17]),
            outputs: Lanes::of(&channel_blocks(&[40]), 17 * 9),
            taps: 9,
            output_step: 17 * 9,
            input_step: 9,
            is_flipped: false,
        };
        let packed = with_simd!(s => TileWeights::new(s, 2, &weights));
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
