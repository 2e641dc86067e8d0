//! Transformed weights, in the order in which the tiles read them.

use std::ops::Range;

use rayon::prelude::*;

use super::points::N_POINTS;
use super::transform::Weights;
use crate::buffers::Buffer;
use crate::conv::gather::{Gather, WeightView};
use crate::simd::{LANES, Simd};

/// Weights of some groups of output blocks as `[group][point][input][16][blocks of the group][16]`.
pub(super) struct Transformed {
    elements: Buffer,
    n_inputs: usize,
    group: usize,
    n_outputs: usize,
}

impl Transformed {
    /// Transforms the weights of the output blocks in a range; `group` of them make a group.
    pub(super) fn new<S: Simd>(
        s: S,
        weights: &WeightView<'_>,
        outputs: Range<usize>,
        group: usize,
    ) -> Self {
        let outputs = &weights.outputs[outputs];
        let n_inputs = weights.inputs.len();
        let per_group = N_POINTS * point_step(n_inputs, group);
        let n_groups = outputs.len().div_ceil(group);
        let mut elements = Buffer::stale(n_groups * per_group * LANES);
        elements
            .pixels_mut()
            .par_chunks_mut(per_group)
            .zip(outputs.par_chunks(group))
            .for_each(|(to, outputs)| {
                let mut taps = [[[0.0; LANES]; LANES]; 9];
                for (block, output) in outputs.iter().enumerate() {
                    for (place, input) in weights.inputs.iter().enumerate() {
                        s.run(Gather {
                            weights,
                            output: *output,
                            input: *input,
                            to: taps.as_flattened_mut(),
                            input_step: 1,
                            tap_step: LANES,
                        });
                        s.run(Weights {
                            taps: &taps,
                            to: &mut to[place * LANES * outputs.len() + block..],
                            point_step: point_step(n_inputs, group),
                            input_step: outputs.len(),
                        });
                    }
                }
            });
        Self {
            elements,
            n_inputs,
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
        let start = (group * N_POINTS + point) * point_step(self.n_inputs, self.group);
        let n = self.n_inputs * LANES * self.blocks_in(group);
        self.elements.pixels()[start..start + n].as_flattened()
    }
}

/// Pixels between the points of a group: odd, so that they fall on different lines of the cache.
fn point_step(n_inputs: usize, group: usize) -> usize {
    (n_inputs * LANES * group) | 1
}
