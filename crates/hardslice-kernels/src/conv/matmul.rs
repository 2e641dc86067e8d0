//! Products of matrices, for convolutions with more weights than pixels.

mod pack;
mod tile;

use std::ops::Range;

use rayon::prelude::*;

use super::scratch::with_scratch;
use crate::buffers::Buffer;
use crate::simd::{LANES, Simd};
use tile::Tile;

/// Columns of a panel: as many vectors as leave registers for the rows of a tile.
pub(super) const fn panel<S: Simd>() -> usize {
    S::PANEL_VECTORS * LANES
}

/// Numbers of a row that are taken at a time, each a term of a sum or a pair of terms: a panel of them
/// stays in the first cache, the rows of a task in the second.
const DEPTH: usize = 256;

/// The same for pairs: processors that multiply bf16 have a second cache of 1 MiB at least.
const DEPTH_IN_PAIRS: usize = 512;

/// Rows of a task at most, and what they are a multiple of, as every tile's are. The more there are, the
/// less often `right` is read; packed, 192 of them take 192 KiB of the second cache, in pairs 384. No
/// number depends on it, so that it may follow the number of threads.
const TASK_ROWS: usize = 192;
const ROWS_STEP: usize = 12;

/// The left one of two matrices, `[rows, depth]`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Left<'a> {
    /// `[row][term]`.
    ByRows(&'a [f32]),
    /// `[term][row]`.
    ByTerms { numbers: &'a [f32], n_rows: usize },
    /// As [`Matmul::pack_left`] gives it.
    Packed(&'a [f32]),
}

/// The terms of a panel of the right one that are not all zero.
#[derive(Debug, Clone, Copy)]
pub(super) enum Terms<'a> {
    All,
    /// Of every `period` of them those in a range, for each panel.
    Periodic {
        period: usize,
        of_panels: &'a [Range<usize>],
    },
}

impl Terms<'_> {
    /// The pairs in which those of a panel lie, as [`Self::runs`]; `depth` in pairs.
    fn runs_of_pairs(self, panel: usize, depth: Range<usize>) -> Vec<Range<usize>> {
        let mut next = 0;
        let runs = self.runs(panel, 2 * depth.start..2 * depth.end).into_iter();
        let pairs = runs.map(|run| {
            let pairs = next.max(run.start / 2)..run.end.div_ceil(2);
            next = pairs.end;
            pairs
        });
        pairs.filter(|run| !run.is_empty()).collect()
    }

    /// Those of a panel that lie in `depth`, in runs, counted from its start.
    fn runs(self, panel: usize, depth: Range<usize>) -> Vec<Range<usize>> {
        let (period, kept) = match self {
            Self::Periodic { period, of_panels } if of_panels[panel].len() < period => {
                (period, of_panels[panel].clone())
            }
            _ => (depth.end.max(1), 0..depth.end),
        };
        let periods = depth.start / period..depth.end.div_ceil(period);
        let runs = periods.map(|idx| {
            let [start, end] = [kept.start, kept.end]
                .map(|place| (idx * period + place).clamp(depth.start, depth.end));
            start - depth.start..end - depth.start
        });
        runs.filter(|run| !run.is_empty()).collect()
    }
}

/// `left · right`, summed in order for any number of threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matmul<'a> {
    pub(super) left: Left<'a>,
    /// `[panel][depth][column]`, the last panel filled up with anything.
    pub(super) right: &'a [f32],
    pub(super) terms: Terms<'a>,
    /// Terms of a sum.
    pub(super) depth: usize,
    pub(super) n_columns: usize,
    /// Whether the sums are those of bf16 products: each number of `right` is then a pair of terms,
    /// the last of an odd number of them with a zero, and the numbers of `left` are rounded.
    pub(super) in_pairs: bool,
}

impl Matmul<'_> {
    /// Numbers of a row, each a term or a pair.
    fn row_len(&self) -> usize {
        if self.in_pairs {
            self.depth.div_ceil(2)
        } else {
            self.depth
        }
    }

    /// Numbers of a row that are taken at a time.
    fn at_once(&self) -> usize {
        if self.in_pairs { DEPTH_IN_PAIRS } else { DEPTH }
    }

    /// Writes `[rows][n_columns]`, as many rows as there are in `to`.
    pub(super) fn run<S: Simd>(&self, s: S, to: &mut [f32]) {
        let n_rows = to.len() / self.n_columns.max(1);
        // As many tasks for each thread, two at least.
        let of_threads = 2 * rayon::current_num_threads();
        let n_tasks = n_rows.div_ceil(TASK_ROWS).next_multiple_of(of_threads);
        let task_rows = n_rows
            .div_ceil(n_tasks.max(1))
            .next_multiple_of(ROWS_STEP)
            .max(ROWS_STEP);
        let tasks = to.par_chunks_mut((task_rows * self.n_columns).max(1));
        tasks.enumerate().for_each(|(task, to)| {
            if self.depth == 0 {
                to.fill(0.0);
            }
            let at_once = self.at_once();
            with_scratch([task_rows * at_once / LANES, 0], |rows, _| {
                for first in (0..self.row_len()).step_by(at_once) {
                    let depth = first..self.row_len().min(first + at_once);
                    let rows = rows.as_flattened_mut();
                    match S::MATMUL_ROWS {
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
        let n_places = n_rows.next_multiple_of(S::MATMUL_ROWS);
        let mut packed = Buffer::stale(n_places * self.row_len());
        let at_once = packed
            .par_chunks_mut((n_places * self.at_once()).max(1))
            .enumerate();
        at_once.for_each(|(idx, to)| {
            let depth = idx * self.at_once()..self.row_len().min((idx + 1) * self.at_once());
            match S::MATMUL_ROWS {
                1 => self.pack::<S, 1>(s, 0..n_rows, depth, to),
                6 => self.pack::<S, 6>(s, 0..n_rows, depth, to),
                12 => self.pack::<S, 12>(s, 0..n_rows, depth, to),
                _ => unreachable!("a size of a tile"),
            }
        });
        packed
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
            self.pack::<S, ROWS>(s, first_row..first_row + n_rows, depth.clone(), rows);
            &rows[..n_packed]
        };
        let per_panel = self.row_len() * panel::<S>();
        for (idx, right) in self.right.chunks_exact(per_panel).enumerate() {
            let first_column = idx * panel::<S>();
            let right = &right[depth.start * panel::<S>()..depth.end * panel::<S>()];
            let runs = if self.in_pairs {
                self.terms.runs_of_pairs(idx, depth.clone())
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
                    tile.run_with::<S, 2>(s, self.in_pairs);
                } else {
                    tile.run_with::<S, 1>(s, self.in_pairs);
                }
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "whole numbers")]
mod tests {
    use super::*;
    #[cfg(target_arch = "x86_64")]
    use crate::simd::{Avx2, Avx512};
    use crate::simd::{Portable, with_simd};

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
            let numbers = 0..depth * n_rows;
            let by_rows = numbers.clone().map(|i| left(i / depth, i % depth));
            let by_terms = numbers.map(|i| left(i % n_rows, i / n_rows));
            let [by_rows, by_terms]: [Vec<f32>; 2] = [by_rows.collect(), by_terms.collect()];
            let panel_len = with_simd!(s => panel_of(s));
            let mut panels = vec![f32::NAN; n_columns.div_ceil(panel_len) * depth * panel_len];
            for place in 0..depth {
                for column in 0..n_columns {
                    let (panel, within) = (column / panel_len, column % panel_len);
                    panels[(panel * depth + place) * panel_len + within] = right(place, column);
                }
            }
            let numbers = &by_terms;
            let mut matmul = Matmul {
                left: Left::ByRows(&by_rows),
                right: &panels,
                terms: Terms::All,
                depth,
                n_columns,
                in_pairs: false,
            };
            let packed = with_simd!(s => matmul.pack_left(s, n_rows));
            for left_of in [
                matmul.left,
                Left::ByTerms { numbers, n_rows },
                Left::Packed(&packed),
            ] {
                matmul.left = left_of;
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

    /// The same in pairs: whole numbers this small are exact in bf16.
    fn pairs_are_multiplied_without_error<S: Simd>(s: S) {
        // Odd depths, runs that end within a pair, and depths on either side of what is taken at a
        // time.
        for (n_rows, depth, n_columns, kept) in [
            (1_usize, 1_usize, 1_usize, 0..1),
            (13, 1100, 33, 2..5),
            (49, 525, 70, 3..6),
            (50, 6, 32, 0..7),
        ] {
            let period = 7;
            let left = |row: usize, term: usize| ((row * 7 + term * 3) % 11) as f32 - 5.0;
            let right = |term: usize, column: usize| {
                let is_kept = kept.contains(&(term % period)) && term < depth;
                let value = ((term * 5 + column) % 13) as f32 - 6.0;
                if is_kept { value } else { 0.0 }
            };
            let numbers = 0..depth * n_rows;
            let by_rows: Vec<f32> = numbers
                .clone()
                .map(|i| left(i / depth, i % depth))
                .collect();
            let by_terms: Vec<f32> = numbers.map(|i| left(i % n_rows, i / n_rows)).collect();
            let (panel_len, n_pairs) = (panel::<S>(), depth.div_ceil(2));
            let n_panels = n_columns.div_ceil(panel_len);
            let pairs = (0..n_panels * n_pairs * panel_len).map(|place| {
                let (row, column) = (place / panel_len, place % panel_len);
                let (panel, pair) = (row / n_pairs, row % n_pairs);
                let value = |term| right(term, panel * panel_len + column).to_bits();
                f32::from_bits(value(2 * pair) >> 16 | value(2 * pair + 1))
            });
            let panels: Vec<f32> = pairs.collect();
            let of_panels = vec![kept.clone(); n_panels];
            let of_panels = &of_panels;
            let mut matmul = Matmul {
                left: Left::ByRows(&by_rows),
                right: &panels,
                terms: Terms::Periodic { period, of_panels },
                depth,
                n_columns,
                in_pairs: true,
            };
            let packed = matmul.pack_left(s, n_rows);
            let numbers = &by_terms;
            for left_of in [
                matmul.left,
                Left::ByTerms { numbers, n_rows },
                Left::Packed(&packed),
            ] {
                matmul.left = left_of;
                let mut found = vec![f32::NAN; n_rows * n_columns];
                matmul.run(s, &mut found);
                for (place, found) in found.iter().enumerate() {
                    let (row, column) = (place / n_columns, place % n_columns);
                    let terms = (0..depth).map(|term| left(row, term) * right(term, column));
                    assert_eq!(*found, terms.sum::<f32>(), "{n_rows} {depth} {n_columns}");
                }
            }
        }
    }

    #[test]
    fn pairs_are_multiplied_without_error_on_every_level_that_has_their_sums() {
        pairs_are_multiplied_without_error(Portable { dots: true });
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(s) = Avx2::detect() {
                pairs_are_multiplied_without_error(s.with_dots());
            }
            if let Some(s) = Avx512::detect().and_then(Avx512::with_dots) {
                pairs_are_multiplied_without_error(s);
            }
        }
    }

    #[test]
    fn terms_outside_their_period_s_range_are_left_out() {
        let (n_rows, depth, n_columns) = (14_usize, 300_usize, 40_usize);
        let panel_len = with_simd!(s => panel_of(s));
        let n_panels = n_columns.div_ceil(panel_len);
        // Whole periods, none of one, and runs across what is taken at a time.
        let of_panels: Vec<Range<usize>> = [2..7, 0..7, 3..3]
            .into_iter()
            .cycle()
            .take(n_panels)
            .collect();
        let ones = vec![1.0; n_rows * depth];
        let term_of = |place: usize| (place / panel_len % depth) as f32;
        let panels: Vec<f32> = (0..n_panels * depth * panel_len).map(term_of).collect();
        let matmul = Matmul {
            left: Left::ByRows(&ones),
            right: &panels,
            terms: Terms::Periodic {
                period: 7,
                of_panels: &of_panels,
            },
            depth,
            n_columns,
            in_pairs: false,
        };
        let mut found = vec![f32::NAN; n_rows * n_columns];
        with_simd!(s => matmul.run(s, &mut found));
        for (place, found) in found.iter().enumerate() {
            let kept = &of_panels[place % n_columns / panel_len];
            let terms = (0..depth).filter(|term| kept.contains(&(term % 7)));
            assert_eq!(
                *found,
                terms.map(|term| term as f32).sum::<f32>(),
                "{place}"
            );
        }
    }
}
