//! The parts of the weights' gradients, added up in order.

use crate::simd::{Kernel, LANES, Pixel, Simd};

/// Adds up `[tap][channel][output]` from the parts, in order, as `[output][channel][tap]`.
pub(super) struct AddUp<'a> {
    pub(super) parts: &'a [Pixel],
    pub(super) tile_len: usize,
    /// Where the sums start in each part.
    pub(super) start: usize,
    pub(super) channels: usize,
    pub(super) taps: usize,
    /// From the first output's first number on; where it ends there are fewer outputs.
    pub(super) to: &'a mut [f32],
    /// Elements between outputs.
    pub(super) per_output: usize,
}

impl Kernel for AddUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let n = self.channels * self.taps;
        for first in (0..n).step_by(LANES) {
            let len = LANES.min(n - first);
            let mut sums = [s.zero(); LANES];
            for (sum, place) in sums.iter_mut().zip(first..first + len) {
                let in_part = self.start + place % self.taps * LANES + place / self.taps;
                for part in self.parts.chunks_exact(self.tile_len) {
                    *sum = s.add(*sum, s.read(&part[in_part]));
                }
            }
            let rows = self.to.chunks_mut(self.per_output);
            for (to, row) in rows.zip(s.transpose(sums)) {
                to[first..first + len].copy_from_slice(&s.to_array(row)[..len]);
            }
        }
    }
}
