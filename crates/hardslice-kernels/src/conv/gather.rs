//! Weights from where they lie (OIHW or IOHW) to vectors of sixteen outputs.

use super::channel_block::ChannelBlock;
use crate::simd::{Kernel, LANES, Pixel, Simd};

/// A convolution's weights, where they lie.
///
/// The weight of a tap from an input channel to the output in lane `l` of a block stands at
/// `start of the block + l · output_step + input · input_step + tap`.
#[derive(Debug, Clone)]
pub(crate) struct WeightView<'a> {
    pub(crate) elements: &'a [f32],
    pub(crate) inputs: Vec<ChannelBlock>,
    pub(crate) outputs: Vec<Lanes>,
    pub(crate) taps: usize,
    pub(crate) output_step: usize,
    pub(crate) input_step: usize,
    /// Whether the taps are counted from the last one.
    pub(crate) is_flipped: bool,
}

/// The outputs of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lanes {
    /// Where the weights of the first one start.
    pub(crate) start: usize,
    /// How many there are.
    pub(crate) count: usize,
}

impl Lanes {
    /// Of channels that lie `step` elements apart.
    pub(crate) fn of(blocks: &[ChannelBlock], step: usize) -> Vec<Self> {
        let lanes = |block: &ChannelBlock| Self {
            start: block.first * step,
            count: block.count,
        };
        blocks.iter().map(lanes).collect()
    }
}

/// Gathers the weights between two blocks, as vectors of sixteen outputs for each input and tap.
pub(super) struct Gather<'a> {
    pub(super) weights: &'a WeightView<'a>,
    pub(super) output: Lanes,
    pub(super) input: ChannelBlock,
    /// Zero where there is no channel.
    pub(super) to: &'a mut [Pixel],
    /// Pixels between the vectors of an input, and of a tap.
    pub(super) input_step: usize,
    pub(super) tap_step: usize,
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let &WeightView {
            taps, input_step, ..
        } = self.weights;
        let start = self.output.start + self.input.first * input_step;
        for input in self.input.count..LANES {
            for tap in 0..taps {
                self.to[input * self.input_step + tap * self.tap_step] = [0.0; LANES];
            }
        }
        if input_step == taps {
            // All that a lane has lies in a row.
            self.run_of(s, start, 0, self.input.count * taps);
            return;
        }
        for input in 0..self.input.count {
            self.run_of(s, start + input * input_step, input, taps);
        }
    }
}

impl Gather<'_> {
    /// Gathers `len` elements in a row of each lane, the first of which is the first tap of `input`.
    #[inline(always)]
    fn run_of<S: Simd>(&mut self, s: S, start: usize, mut input: usize, len: usize) {
        let WeightView {
            elements,
            taps,
            output_step,
            is_flipped,
            ..
        } = *self.weights;
        let mut tap = 0;
        for first in (0..len).step_by(LANES) {
            let n = LANES.min(len - first);
            let mut rows = [s.zero(); LANES];
            for (lane, row) in rows.iter_mut().enumerate().take(self.output.count) {
                let from = start + lane * output_step + first;
                *row = first_of(s, &elements[from..]);
            }
            for column in s.transpose(rows).into_iter().take(n) {
                let at = if is_flipped { taps - 1 - tap } else { tap };
                s.write(
                    &mut self.to[input * self.input_step + at * self.tap_step],
                    column,
                );
                tap += 1;
                if tap == taps {
                    (tap, input) = (0, input + 1);
                }
            }
        }
    }
}

/// The first sixteen elements, zeros where there are no more.
#[inline(always)]
pub(super) fn first_of<S: Simd>(s: S, elements: &[f32]) -> S::V {
    if let Some(whole) = elements.first_chunk() {
        return s.read::<f32>(whole);
    }
    let mut filled_up = [0.0; LANES];
    filled_up[..elements.len()].copy_from_slice(elements);
    s.read::<f32>(&filled_up)
}
