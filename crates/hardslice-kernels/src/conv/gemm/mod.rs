//! GEMM: products of matrices, for convolutions with more weights than pixels.
//!
//! Blocked as in `GotoBLAS` and BLIS: rows of the left matrix are packed for the second cache, panels
//! of the right one lie packed, and a micro-kernel keeps a few rows of a panel in registers.
//!
//! # Sources
//!
//! - K. Goto and R. A. van de Geijn (2008), "Anatomy of High-Performance Matrix Multiplication".

mod left;
mod matrix;
mod terms;
mod tile;

pub(super) use left::Left;
pub(super) use terms::Terms;

use std::ops::Range;

use rayon::prelude::*;

use super::scratch::with_scratch;
use crate::buffers::Buffer;
use crate::simd::{LANES, Simd};
use left::Part;
use tile::Tile;

/// Columns of a panel: as many vectors as leave registers for the rows of a tile.
pub(super) const fn panel<S: Simd>() -> usize {
    S::PANEL_VECTORS * LANES
}

/// Elements of a row that are taken at a time, each a term of a sum or a pair of terms: a panel of them
/// stays in the first cache, the rows of a task in the second.
const DEPTH: usize = 256;

/// The same for VNNI pairs: processors that multiply bf16 have a second cache of 1 MiB at least.
const VNNI_DEPTH: usize = 512;

/// Rows of a task at most, and what they are a multiple of, as every tile's are (a matrix unit's of 32). The more there are, the
/// less often `right` is read; packed, 192 of them take 192 KiB of the second cache, in VNNI pairs 384. No
/// number depends on it, so that it may follow the number of threads.
const TASK_ROWS: usize = 192;
const ROWS_STEP: usize = 12;

/// `left · right`, summed in order for any number of threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gemm<'a> {
    pub(super) left: Left<'a>,
    /// `[panel][depth][column]`, the last panel filled up with anything.
    pub(super) right: &'a [f32],
    pub(super) terms: Terms<'a>,
    /// Terms of a sum.
    pub(super) depth: usize,
    pub(super) n_columns: usize,
    /// Whether the sums are bf16 products: each element of `right` is then a VNNI pair of terms,
    /// the last of an odd number of them with a zero, and the elements of `left` are rounded.
    pub(super) is_vnni: bool,
}

impl Gemm<'_> {
    /// Elements of a row, each a term or a pair.
    fn row_len(&self) -> usize {
        if self.is_vnni {
            self.depth.div_ceil(2)
        } else {
            self.depth
        }
    }

    /// Elements of a row that are taken at a time.
    fn at_once(&self) -> usize {
        if self.is_vnni { VNNI_DEPTH } else { DEPTH }
    }

    /// What is taken at a time of a row.
    fn depths(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (n, at_once) = (self.row_len(), self.at_once());
        (0..n)
            .step_by(at_once)
            .map(move |first| first..n.min(first + at_once))
    }

    /// Writes `[rows][n_columns]`, as many rows as there are in `to`.
    pub(super) fn run<S: Simd>(&self, s: S, to: &mut [f32]) {
        if let Some(unit) = self.matrix_unit(s) {
            self.run_on(s, unit, to);
            return;
        }
        let n_rows = to.len() / self.n_columns.max(1);
        let task_rows = task_rows(n_rows, ROWS_STEP);
        let tasks = to.par_chunks_mut((task_rows * self.n_columns).max(1));
        tasks.enumerate().for_each(|(task, to)| {
            if self.depth == 0 {
                to.fill(0.0);
            }
            let at_once = self.at_once();
            with_scratch([task_rows * at_once / LANES], |[rows]| {
                for depth in self.depths() {
                    let rows = rows.as_flattened_mut();
                    match S::GEMM_ROWS {
                        1 => self.task::<S, 1>(s, task * task_rows, depth, rows, to),
                        6 => self.task::<S, 6>(s, task * task_rows, depth, rows, to),
                        12 => self.task::<S, 12>(s, task * task_rows, depth, rows, to),
                        _ => unreachable!("a size of a tile"),
                    }
                }
            });
        });
    }

    /// The `n_rows` rows of `left` in the order in which they are read, for products to come: what is
    /// taken at a time, `[tile][term or pair][row]`, one after the other.
    pub(super) fn pack_left<S: Simd>(&self, s: S, n_rows: usize) -> Buffer {
        if self.matrix_unit(s).is_some() {
            return self.pack_tiles(s, n_rows);
        }
        let n_places = n_rows.next_multiple_of(S::GEMM_ROWS);
        let mut packed = Buffer::stale(n_places * self.row_len());
        let at_once = packed
            .par_chunks_mut((n_places * self.at_once()).max(1))
            .enumerate();
        at_once.for_each(|(idx, to)| {
            let depth = idx * self.at_once()..self.row_len().min((idx + 1) * self.at_once());
            match S::GEMM_ROWS {
                1 => self.left.pack::<S, 1>(s, self.part(0..n_rows, depth), to),
                6 => self.left.pack::<S, 6>(s, self.part(0..n_rows, depth), to),
                12 => self.left.pack::<S, 12>(s, self.part(0..n_rows, depth), to),
                _ => unreachable!("a size of a tile"),
            }
        });
        packed
    }

    fn part(&self, rows: Range<usize>, depth: Range<usize>) -> Part {
        Part {
            n_terms: self.depth,
            rows,
            depth,
            is_vnni: self.is_vnni,
        }
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
        let per_tile = ROWS * depth.len();
        let n_packed = n_rows.div_ceil(ROWS) * per_tile;
        let is_packed = matches!(self.left, Left::Packed(_));
        let lefts = if let Left::Packed(packed) = self.left {
            let n_places = packed.len() / self.row_len();
            &packed[n_places * depth.start + first_row * depth.len()..][..n_packed]
        } else {
            let part = self.part(first_row..first_row + n_rows, depth.clone());
            self.left.pack::<S, ROWS>(s, part, rows);
            &rows[..n_packed]
        };
        let per_panel = self.row_len() * panel::<S>();
        for (idx, right) in self.right.chunks_exact(per_panel).enumerate() {
            let first_column = idx * panel::<S>();
            let right = &right[depth.start * panel::<S>()..depth.end * panel::<S>()];
            let runs = if self.is_vnni {
                self.terms.vnni_runs(idx, depth.clone())
            } else {
                self.terms.runs(idx, depth.clone())
            };
            let tiles = to.chunks_mut(ROWS * self.n_columns);
            for (left, to) in lefts.chunks_exact(per_tile).zip(tiles) {
                let tile = Tile::<ROWS> {
                    left,
                    // The first panel waits for memory; for the others the rows are in the second cache.
                    is_ahead: is_packed && idx == 0,
                    right,
                    runs: &runs,
                    depth: depth.len(),
                    is_first: depth.start == 0,
                    row_len: self.n_columns,
                    columns: first_column..self.n_columns.min(first_column + panel::<S>()),
                    to,
                };
                if const { S::PANEL_VECTORS == 2 } {
                    tile.run_with::<S, 2>(s, self.is_vnni);
                } else {
                    tile.run_with::<S, 1>(s, self.is_vnni);
                }
            }
        }
    }
}

/// Rows of a task, a multiple of `step`: as many tasks for each thread, two at least.
fn task_rows(n_rows: usize, step: usize) -> usize {
    let of_threads = 2 * rayon::current_num_threads();
    let n_tasks = n_rows.div_ceil(TASK_ROWS).next_multiple_of(of_threads);
    n_rows
        .div_ceil(n_tasks.max(1))
        .next_multiple_of(step)
        .max(step)
}

#[cfg(test)]
mod tests;
