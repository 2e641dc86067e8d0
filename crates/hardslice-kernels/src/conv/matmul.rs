//! Products of matrices, where both are at hand and neither is copied.

#![expect(
    clippy::needless_range_loop,
    reason = "several arrays are walked at once"
)]
#![expect(
    unsafe_code,
    reason = "bounds are checked once for each tile, not for each number"
)]

use rayon::prelude::*;

use crate::simd::{Kernel, LANES, Simd};

/// Columns of a panel: two vectors.
pub(super) const PANEL: usize = 2 * LANES;

/// Terms of a sum that are taken at a time: a panel of them stays in the first cache, all panels
/// in the second.
const DEPTH: usize = 256;

/// Rows of a task.
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
    /// `[panel][depth][PANEL]`, the last panel filled up with anything.
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
            for first in (0..self.depth).step_by(DEPTH) {
                let depth = first..self.depth.min(first + DEPTH);
                if const { S::TILE_PIXELS <= 2 } {
                    self.rows::<S, 1>(s, task * TASK_ROWS, depth, to);
                } else if const { S::TILE_PIXELS <= 6 } {
                    self.rows::<S, 3>(s, task * TASK_ROWS, depth, to);
                } else {
                    self.rows::<S, 12>(s, task * TASK_ROWS, depth, to);
                }
            }
        });
    }

    /// Adds some terms to some rows, the first terms in place of what stands there.
    fn rows<S: Simd, const ROWS: usize>(
        &self,
        s: S,
        first_row: usize,
        depth: std::ops::Range<usize>,
        to: &mut [f32],
    ) {
        let n_panels = self.n_columns.div_ceil(PANEL);
        for (tile, to) in to.chunks_mut(ROWS * self.n_columns).enumerate() {
            for panel in 0..n_panels {
                let first_column = panel * PANEL;
                s.run(Tile::<ROWS> {
                    matmul: self,
                    first_row: first_row + tile * ROWS,
                    depth: depth.clone(),
                    panel,
                    n_columns: PANEL.min(self.n_columns - first_column),
                    to: &mut *to,
                });
            }
        }
    }
}

/// A few rows of a panel, in registers.
struct Tile<'a, const ROWS: usize> {
    matmul: &'a Matmul<'a>,
    first_row: usize,
    depth: std::ops::Range<usize>,
    panel: usize,
    /// Of the panel.
    n_columns: usize,
    /// Up to `ROWS` whole rows.
    to: &'a mut [f32],
}

impl<const ROWS: usize> Kernel for Tile<'_, ROWS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Matmul { left, right, .. } = *self.matmul;
        let row_len = self.matmul.n_columns;
        let n_rows = self.to.len() / row_len;
        let first_column = self.panel * PANEL;
        let right = &right[(self.panel * self.matmul.depth + self.depth.start) * PANEL..]
            [..self.depth.len() * PANEL];
        // Rows that there are not are computed like the last one, and not written.
        let rows: [usize; ROWS] =
            std::array::from_fn(|row| (self.first_row + row.min(n_rows - 1)) * left.row_step);
        let last = rows[ROWS - 1] + (self.depth.end - 1) * left.step;
        assert!(last < left.numbers.len(), "all rows to their ends");

        let columns = first_column..first_column + self.n_columns;
        let mut sums = [[s.zero(); 2]; ROWS];
        if self.depth.start > 0 {
            for row in 0..ROWS {
                if row < n_rows {
                    sums[row] = read(s, &self.to[row * row_len..][columns.clone()]);
                }
            }
        }
        let mut from = right.as_ptr();
        for place in self.depth {
            // SAFETY: `right` holds a panel's row for each place.
            let v = unsafe { [s.load(from), s.load(from.add(LANES))] };
            for row in 0..ROWS {
                // SAFETY: `last` is the largest of these places, rows being in ascending order.
                let x =
                    s.splat(unsafe { *left.numbers.get_unchecked(rows[row] + place * left.step) });
                for half in 0..2 {
                    sums[row][half] = s.mul_add(x, v[half], sums[row][half]);
                }
            }
            from = from.wrapping_add(PANEL);
        }
        for row in 0..ROWS {
            // Not a loop to `n_rows`: places known beforehand keep the sums in registers.
            if row < n_rows {
                write(s, sums[row], &mut self.to[row * row_len..][columns.clone()]);
            }
        }
    }
}

/// A row of a panel, or of what there is of it.
#[inline(always)]
fn read<S: Simd>(s: S, from: &[f32]) -> [S::V; 2] {
    let mut whole = [[0.0; LANES]; 2];
    whole.as_flattened_mut()[..from.len()].copy_from_slice(from);
    [s.read(&whole[0]), s.read(&whole[1])]
}

#[inline(always)]
fn write<S: Simd>(s: S, sums: [S::V; 2], to: &mut [f32]) {
    if let ([first, second], []) = to.as_chunks_mut::<LANES>() {
        s.write(first, sums[0]);
        s.write(second, sums[1]);
        return;
    }
    let mut whole = [[0.0; LANES]; 2];
    s.write(&mut whole[0], sums[0]);
    s.write(&mut whole[1], sums[1]);
    to.copy_from_slice(&whole.as_flattened()[..to.len()]);
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "whole numbers")]
mod tests {
    use super::*;
    use crate::simd::with_simd;

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
            let mut panels = vec![f32::NAN; n_columns.div_ceil(PANEL) * depth * PANEL];
            for place in 0..depth {
                for column in 0..n_columns {
                    let (panel, within) = (column / PANEL, column % PANEL);
                    panels[(panel * depth + place) * PANEL + within] = right(place, column);
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
