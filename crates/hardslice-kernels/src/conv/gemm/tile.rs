//! The micro-kernel of a GEMM: a few rows times a panel, with the accumulators in registers.

#![expect(
    clippy::needless_range_loop,
    reason = "several arrays are walked at once"
)]
#![expect(
    unsafe_code,
    reason = "bounds are checked once for each tile, not for each element"
)]

use std::ops::Range;

use crate::conv::tile::{multiply_add, run_kernel};
use crate::simd::{Kernel, LANES, Simd};

/// A few rows of a panel.
pub(super) struct Tile<'a, const ROWS: usize> {
    /// `[term][row]`.
    pub(super) left: &'a [f32],
    /// `[term][column]`.
    pub(super) right: &'a [f32],
    /// The terms that count, in order.
    pub(super) runs: &'a [Range<usize>],
    pub(super) depth: usize,
    /// Whether to prefetch the next tile's `left`, which lies behind this one's, on the way.
    pub(super) is_ahead: bool,
    /// Whether the sums start from zero, not from what stands there.
    pub(super) is_first: bool,
    pub(super) row_len: usize,
    /// Of the panel.
    pub(super) columns: Range<usize>,
    /// Up to `ROWS` whole rows.
    pub(super) to: &'a mut [f32],
}

impl<const ROWS: usize> Tile<'_, ROWS> {
    pub(super) fn run_with<S: Simd, const VECTORS: usize>(self, s: S, is_vnni: bool) {
        let is_whole =
            self.to.len() == ROWS * self.row_len && self.columns.len() == VECTORS * LANES;
        match (is_vnni, is_whole) {
            (false, false) => self.run::<S, VECTORS, false, false>(s),
            (false, true) => self.run::<S, VECTORS, false, true>(s),
            (true, false) => self.run::<S, VECTORS, true, false>(s),
            (true, true) => self.run::<S, VECTORS, true, true>(s),
        }
    }

    fn run<S: Simd, const VECTORS: usize, const BF16: bool, const WHOLE: bool>(self, s: S) {
        run_kernel::<S, _, BF16>(s, InRegisters::<ROWS, VECTORS, BF16, WHOLE>(self));
    }
}

/// The innermost loop: all accumulators of a tile in registers. With `BF16` each element is a VNNI pair,
/// and the kernel is to be run by [`Simd::run_bf16`]; with `WHOLE` there are all rows and columns.
struct InRegisters<'a, const ROWS: usize, const VECTORS: usize, const BF16: bool, const WHOLE: bool>(
    Tile<'a, ROWS>,
);

impl<const ROWS: usize, const VECTORS: usize, const BF16: bool, const WHOLE: bool> Kernel
    for InRegisters<'_, ROWS, VECTORS, BF16, WHOLE>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let tile = self.0;
        let n_rows = tile.to.len() / tile.row_len;
        assert!(
            tile.left.len() == tile.depth * ROWS
                && tile.right.len() == tile.depth * VECTORS * LANES,
            "all terms of both"
        );
        if WHOLE {
            let last = (ROWS - 1) * tile.row_len + tile.columns.start + VECTORS * LANES;
            assert!(last <= tile.to.len(), "all rows and columns");
        }
        let first = tile.to.as_mut_ptr().wrapping_add(tile.columns.start);
        let mut sums = [[s.zero(); VECTORS]; ROWS];
        if !tile.is_first {
            for row in 0..ROWS {
                if WHOLE {
                    for vector in 0..VECTORS {
                        let place = row * tile.row_len + vector * LANES;
                        // SAFETY: checked above: the last vector of the last row ends in `to`.
                        sums[row][vector] = unsafe { s.load(first.add(place)) };
                    }
                } else if row < n_rows {
                    let from = &tile.to[row * tile.row_len..][tile.columns.clone()];
                    sums[row] = read(s, from);
                }
            }
        }
        let ahead = if tile.is_ahead { tile.left.len() } else { 0 };
        for run in tile.runs {
            assert!(run.end <= tile.depth, "terms that there are");
            let mut left = tile.left.as_ptr().wrapping_add(run.start * ROWS);
            let mut right = tile
                .right
                .as_ptr()
                .wrapping_add(run.start * VECTORS * LANES);
            for _ in run.clone() {
                let mut v = [s.zero(); VECTORS];
                for (vector, v) in v.iter_mut().enumerate() {
                    // SAFETY: `right` has VECTORS · 16 elements for each of `depth` terms, and the
                    // run ends there.
                    *v = unsafe { s.load(right.add(vector * LANES)) };
                }
                for row in 0..ROWS {
                    // SAFETY: `left` has ROWS elements for each term.
                    let x = s.splat(unsafe { *left.add(row) });
                    for vector in 0..VECTORS {
                        let sum = &mut sums[row][vector];
                        // SAFETY: with `BF16`, `run_bf16` runs it.
                        *sum = unsafe { multiply_add::<S, BF16>(s, x, v[vector], *sum) };
                    }
                }
                s.prefetch(left.wrapping_add(ahead));
                left = left.wrapping_add(ROWS);
                right = right.wrapping_add(VECTORS * LANES);
            }
        }
        for row in 0..ROWS {
            // Not a loop to `n_rows`: places known beforehand keep the sums in registers.
            if WHOLE {
                for vector in 0..VECTORS {
                    let place = row * tile.row_len + vector * LANES;
                    // SAFETY: checked above: the last vector of the last row ends in `to`.
                    unsafe { s.store(first.add(place), sums[row][vector]) };
                }
            } else if row < n_rows {
                let to = &mut tile.to[row * tile.row_len..][tile.columns.clone()];
                write(s, sums[row], to);
            }
        }
    }
}

/// A row of a panel, or of what there is of it.
#[inline(always)]
fn read<S: Simd, const VECTORS: usize>(s: S, from: &[f32]) -> [S::V; VECTORS] {
    let mut whole = [[0.0; LANES]; VECTORS];
    whole.as_flattened_mut()[..from.len()].copy_from_slice(from);
    let mut values = [s.zero(); VECTORS];
    for (value, elements) in values.iter_mut().zip(&whole) {
        *value = s.read(elements);
    }
    values
}

#[inline(always)]
fn write<S: Simd, const VECTORS: usize>(s: S, values: [S::V; VECTORS], to: &mut [f32]) {
    if to.len() == VECTORS * LANES {
        let (whole, _) = to.as_chunks_mut::<LANES>();
        for (to, value) in whole.iter_mut().zip(values) {
            s.write(to, value);
        }
        return;
    }
    let mut whole = [[0.0; LANES]; VECTORS];
    for (to, value) in whole.iter_mut().zip(values) {
        s.write(to, value);
    }
    to.copy_from_slice(&whole.as_flattened()[..to.len()]);
}
