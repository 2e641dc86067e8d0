//! Products of matrices, where both are at hand and neither is copied.

#![expect(
    clippy::needless_range_loop,
    reason = "several arrays are walked at once"
)]
#![expect(
    unsafe_code,
    reason = "bounds are checked once for each tile, not for each number"
)]

use std::ops::Range;

use rayon::prelude::*;

use super::scratch::with_scratch;
use crate::simd::{Kernel, LANES, Simd};

/// Columns of a panel: as many vectors as leave registers for the rows of a tile.
pub(super) const fn panel<S: Simd>() -> usize {
    S::PANEL_VECTORS * LANES
}

/// Terms of a sum that are taken at a time: a panel of them stays in the first cache, the rows of
/// a task in the second.
const DEPTH: usize = 256;

/// Rows of a task: a multiple of every tile's.
const TASK_ROWS: usize = 48;

/// A matrix whose number `(row, column)` stands at `row · row_step + column · step`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strided<'a> {
    pub(super) numbers: &'a [f32],
    pub(super) row_step: usize,
    pub(super) step: usize,
}

/// `left · right`, summed in order for any number of threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matmul<'a> {
    /// `[rows, depth]`.
    pub(super) left: Strided<'a>,
    /// `[panel][depth][column]`, the last panel filled up with anything.
    pub(super) right: &'a [f32],
    pub(super) depth: usize,
    pub(super) n_columns: usize,
}

impl Matmul<'_> {
    /// Writes `[rows][n_columns]`, as many rows as there are in `to`.
    pub(super) fn run<S: Simd>(&self, s: S, to: &mut [f32]) {
        let tasks = to.par_chunks_mut((TASK_ROWS * self.n_columns).max(1));
        tasks.enumerate().for_each(|(task, to)| {
            if self.depth == 0 {
                to.fill(0.0);
            }
            with_scratch([TASK_ROWS * DEPTH / LANES, 0], |rows, _| {
                for first in (0..self.depth).step_by(DEPTH) {
                    let depth = first..self.depth.min(first + DEPTH);
                    let rows = rows.as_flattened_mut();
                    match S::MATMUL_ROWS {
                        1 => self.task::<S, 1>(s, task * TASK_ROWS, depth, rows, to),
                        6 => self.task::<S, 6>(s, task * TASK_ROWS, depth, rows, to),
                        12 => self.task::<S, 12>(s, task * TASK_ROWS, depth, rows, to),
                        _ => unreachable!("a size of a tile"),
                    }
                }
            });
        });
    }

    /// Adds some terms to some rows, the first terms in place of what stands there.
    fn task<S: Simd, const ROWS: usize>(
        &self,
        s: S,
        first_row: usize,
        depth: Range<usize>,
        rows: &mut [f32],
        to: &mut [f32],
    ) {
        let n_rows = to.len() / self.n_columns;
        let n_tiles = n_rows.div_ceil(ROWS);
        let per_tile = ROWS * depth.len();
        for (tile, rows) in rows.chunks_exact_mut(per_tile).take(n_tiles).enumerate() {
            let first = tile * ROWS;
            // Rows that there are not are computed like the last one, and not written.
            let places = std::array::from_fn(|row| first_row + (first + row).min(n_rows - 1));
            self.gather::<ROWS>(places, depth.clone(), rows);
        }
        let per_panel = self.depth * panel::<S>();
        for (idx, right) in self.right.chunks_exact(per_panel).enumerate() {
            let first_column = idx * panel::<S>();
            let right = &right[depth.start * panel::<S>()..depth.end * panel::<S>()];
            let tiles = to.chunks_mut(ROWS * self.n_columns);
            for (left, to) in rows.chunks_exact(per_tile).zip(tiles) {
                let tile = Tile::<ROWS> {
                    left,
                    right,
                    depth: depth.len(),
                    is_first: depth.start == 0,
                    row_len: self.n_columns,
                    columns: first_column..self.n_columns.min(first_column + panel::<S>()),
                    to,
                };
                if const { S::PANEL_VECTORS == 2 } {
                    tile.run_with::<S, 2>(s);
                } else {
                    tile.run_with::<S, 1>(s);
                }
            }
        }
    }

    /// Terms of some rows as `[term][row]`.
    fn gather<const ROWS: usize>(&self, rows: [usize; ROWS], depth: Range<usize>, to: &mut [f32]) {
        let Strided {
            numbers,
            row_step,
            step,
        } = self.left;
        let (to, _) = to.as_chunks_mut::<ROWS>();
        if step == 1 {
            let rows = rows.map(|row| &numbers[row * row_step..][depth.clone()]);
            for (term, to) in to.iter_mut().enumerate() {
                for row in 0..ROWS {
                    to[row] = rows[row][term];
                }
            }
            return;
        }
        for (to, term) in to.iter_mut().zip(depth) {
            let numbers = &numbers[term * step..];
            for row in 0..ROWS {
                to[row] = numbers[rows[row] * row_step];
            }
        }
    }
}

/// A few rows of a panel.
struct Tile<'a, const ROWS: usize> {
    /// `[term][row]`.
    left: &'a [f32],
    /// `[term][column]`.
    right: &'a [f32],
    depth: usize,
    /// Whether the sums start from zero, not from what stands there.
    is_first: bool,
    row_len: usize,
    /// Of the panel.
    columns: Range<usize>,
    /// Up to `ROWS` whole rows.
    to: &'a mut [f32],
}

impl<const ROWS: usize> Tile<'_, ROWS> {
    fn run_with<S: Simd, const VECTORS: usize>(self, s: S) {
        s.run(InRegisters::<ROWS, VECTORS>(self));
    }
}

/// The innermost loop: all sums of a tile in registers.
struct InRegisters<'a, const ROWS: usize, const VECTORS: usize>(Tile<'a, ROWS>);

impl<const ROWS: usize, const VECTORS: usize> Kernel for InRegisters<'_, ROWS, VECTORS> {
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
        let mut sums = [[s.zero(); VECTORS]; ROWS];
        if !tile.is_first {
            for row in 0..ROWS {
                if row < n_rows {
                    let from = &tile.to[row * tile.row_len..][tile.columns.clone()];
                    sums[row] = read(s, from);
                }
            }
        }
        let (mut left, mut right) = (tile.left.as_ptr(), tile.right.as_ptr());
        for _ in 0..tile.depth {
            let mut v = [s.zero(); VECTORS];
            for (vector, v) in v.iter_mut().enumerate() {
                // SAFETY: `right` has VECTORS · 16 numbers for each term.
                *v = unsafe { s.load(right.add(vector * LANES)) };
            }
            for row in 0..ROWS {
                // SAFETY: `left` has ROWS numbers for each term.
                let x = s.splat(unsafe { *left.add(row) });
                for vector in 0..VECTORS {
                    sums[row][vector] = s.mul_add(x, v[vector], sums[row][vector]);
                }
            }
            left = left.wrapping_add(ROWS);
            right = right.wrapping_add(VECTORS * LANES);
        }
        for row in 0..ROWS {
            // Not a loop to `n_rows`: places known beforehand keep the sums in registers.
            if row < n_rows {
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
    for (value, numbers) in values.iter_mut().zip(&whole) {
        *value = s.read(numbers);
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

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "whole numbers")]
mod tests {
    use super::*;
    use crate::simd::with_simd;

    fn panel_of<S: Simd>(_: S) -> usize {
        panel::<S>()
    }

    #[test]
    fn whole_numbers_are_multiplied_without_error() {
        // Depths on either side of what is taken at a time, rows and columns on either side of
        // tiles and tasks.
        for (n_rows, depth, n_columns) in [
            (1_usize, 1_usize, 1_usize),
            (13, 257, 33),
            (49, 600, 70),
            (50, 3, 32),
        ] {
            let left = |row: usize, place: usize| ((row * 7 + place * 3) % 11) as f32 - 5.0;
            let right = |place: usize, column: usize| ((place * 5 + column) % 13) as f32 - 6.0;
            let turned: Vec<f32> = (0..depth * n_rows)
                .map(|i| left(i % n_rows, i / n_rows))
                .collect();
            let panel_len = with_simd!(s => panel_of(s));
            let mut panels = vec![f32::NAN; n_columns.div_ceil(panel_len) * depth * panel_len];
            for place in 0..depth {
                for column in 0..n_columns {
                    let (panel, within) = (column / panel_len, column % panel_len);
                    panels[(panel * depth + place) * panel_len + within] = right(place, column);
                }
            }
            let matmul = Matmul {
                left: Strided {
                    numbers: &turned,
                    row_step: 1,
                    step: n_rows,
                },
                right: &panels,
                depth,
                n_columns,
            };
            let mut found = vec![f32::NAN; n_rows * n_columns];
            with_simd!(s => matmul.run(s, &mut found));
            for (place, found) in found.iter().enumerate() {
                let (row, column) = (place / n_columns, place % n_columns);
                let terms = (0..depth).map(|place| left(row, place) * right(place, column));
                assert_eq!(*found, terms.sum::<f32>(), "{n_rows} {depth} {n_columns}");
            }
        }
    }
}
