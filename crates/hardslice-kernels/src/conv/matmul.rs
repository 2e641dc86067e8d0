//! Products of matrices, for convolutions with more weights than pixels.

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
use super::tile::multiply_add;
use crate::buffers::Buffer;
use crate::simd::{Kernel, LANES, Simd};

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

    /// Terms or pairs of some rows as `[tile][term or pair][row]`, the last tile filled up with
    /// anything.
    fn pack<S: Simd, const ROWS: usize>(
        &self,
        s: S,
        rows: Range<usize>,
        depth: Range<usize>,
        to: &mut [f32],
    ) {
        let n_packed = rows.len().div_ceil(ROWS) * ROWS * depth.len();
        let to = &mut to[..n_packed];
        if self.in_pairs {
            let (left, n_terms) = (self.left, self.depth);
            s.run(PackPairs::<ROWS> {
                left,
                n_terms,
                rows,
                depth,
                to,
            });
            return;
        }
        let per_tile = ROWS * depth.len();
        let tiles = rows.clone().step_by(ROWS);
        match self.left {
            Left::Packed(_) => unreachable!("packed once"),
            Left::ByRows(numbers) => {
                for (first, to) in tiles.zip(to.chunks_exact_mut(per_tile)) {
                    let rows: [_; ROWS] = std::array::from_fn(|row| {
                        let row = (first + row).min(rows.end - 1);
                        &numbers[row * self.depth..][depth.clone()]
                    });
                    for (term, to) in to.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
                        for row in 0..ROWS {
                            to[row] = rows[row][term];
                        }
                    }
                }
            }
            Left::ByTerms { numbers, n_rows } => {
                // Term by term: what lies side by side is read at once.
                for (place, term) in depth.enumerate() {
                    let numbers = &numbers[term * n_rows..][..rows.end];
                    for (first, to) in tiles.clone().zip(to.chunks_exact_mut(per_tile)) {
                        let to = &mut to[place * ROWS..][..ROWS];
                        if let Some(numbers) = numbers[first..].first_chunk::<ROWS>() {
                            to.copy_from_slice(numbers);
                            continue;
                        }
                        for (row, to) in to.iter_mut().enumerate() {
                            *to = numbers[(first + row).min(rows.end - 1)];
                        }
                    }
                }
            }
        }
    }
}

/// Pairs of terms of some rows as `[tile][pair][row]`; places beyond the last row are filled with
/// anything.
struct PackPairs<'a, const ROWS: usize> {
    left: Left<'a>,
    n_terms: usize,
    rows: Range<usize>,
    /// Pairs.
    depth: Range<usize>,
    to: &'a mut [f32],
}

impl<const ROWS: usize> Kernel for PackPairs<'_, ROWS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let per_tile = ROWS * self.depth.len();
        let tiles = self.rows.clone().step_by(ROWS);
        match self.left {
            Left::Packed(_) => unreachable!("packed once"),
            Left::ByRows(numbers) => {
                for (first, to) in tiles.zip(self.to.chunks_exact_mut(per_tile)) {
                    for pair in self.depth.clone().step_by(LANES) {
                        let mut pairs = [s.zero(); LANES];
                        let rows = (first..self.rows.end).take(ROWS);
                        for (pairs, row) in pairs.iter_mut().zip(rows) {
                            let terms = &numbers[row * self.n_terms..][..self.n_terms];
                            let (low, high) = (2 * pair, (2 * pair + LANES).min(self.n_terms));
                            *pairs = s.neighbours(
                                first_of(s, &terms[low..]),
                                first_of(s, &terms[high..]),
                            );
                        }
                        let columns = s.transpose(pairs);
                        let to = &mut to[(pair - self.depth.start) * ROWS..];
                        write_rows::<S, ROWS>(s, &columns, to);
                    }
                }
            }
            Left::ByTerms { numbers, n_rows } => {
                // Term by term: what lies side by side is read at once.
                for (place, pair) in self.depth.enumerate() {
                    let row_of = |term: usize| &numbers[term * n_rows..][..self.rows.end];
                    let low = row_of(2 * pair);
                    let high = (2 * pair + 1 < self.n_terms).then(|| row_of(2 * pair + 1));
                    for (first, to) in tiles.clone().zip(self.to.chunks_exact_mut(per_tile)) {
                        let low = first_of(s, &low[first..]);
                        let high = match high {
                            Some(high) => first_of(s, &high[first..]),
                            None => s.zero(),
                        };
                        write_rows::<S, ROWS>(s, &[s.pairs(low, high)], &mut to[place * ROWS..]);
                    }
                }
            }
        }
    }
}

/// The first sixteen numbers, zeros where there are no more.
#[inline(always)]
fn first_of<S: Simd>(s: S, numbers: &[f32]) -> S::V {
    if let Some(whole) = numbers.first_chunk() {
        return s.read::<f32>(whole);
    }
    let mut filled_up = [0.0; LANES];
    filled_up[..numbers.len()].copy_from_slice(numbers);
    s.read::<f32>(&filled_up)
}

/// Writes the first `ROWS` lanes of each vector, one after the other, as far as there is room.
#[inline(always)]
fn write_rows<S: Simd, const ROWS: usize>(s: S, vectors: &[S::V], to: &mut [f32]) {
    for (place, vector) in vectors.iter().enumerate() {
        let Some(to) = to.get_mut(place * ROWS..) else {
            return;
        };
        // The lanes beyond are overwritten by the next vector, or are beyond the last one's.
        if let Some(to) = to.first_chunk_mut() {
            s.write::<f32>(to, *vector);
        } else {
            let n = to.len().min(ROWS);
            to[..n].copy_from_slice(&s.to_array(*vector)[..n]);
        }
    }
}

/// A few rows of a panel.
struct Tile<'a, const ROWS: usize> {
    /// `[term][row]`.
    left: &'a [f32],
    /// `[term][column]`.
    right: &'a [f32],
    /// The terms that count, in order.
    runs: &'a [Range<usize>],
    depth: usize,
    /// Whether to fetch the next tile's `left`, which lies behind this one's, on the way.
    is_ahead: bool,
    /// Whether the sums start from zero, not from what stands there.
    is_first: bool,
    row_len: usize,
    /// Of the panel.
    columns: Range<usize>,
    /// Up to `ROWS` whole rows.
    to: &'a mut [f32],
}

impl<const ROWS: usize> Tile<'_, ROWS> {
    fn run_with<S: Simd, const VECTORS: usize>(self, s: S, in_pairs: bool) {
        let is_whole =
            self.to.len() == ROWS * self.row_len && self.columns.len() == VECTORS * LANES;
        match (in_pairs, is_whole) {
            (false, false) => s.run(InRegisters::<ROWS, VECTORS, false, false>(self)),
            (false, true) => s.run(InRegisters::<ROWS, VECTORS, false, true>(self)),
            (true, false) => s.run_dots(InRegisters::<ROWS, VECTORS, true, false>(self)),
            (true, true) => s.run_dots(InRegisters::<ROWS, VECTORS, true, true>(self)),
        }
    }
}

/// The innermost loop: all sums of a tile in registers. With `DOTS` each number is a pair of bf16, and
/// the kernel is to be run by [`Simd::run_dots`]; with `WHOLE` there are all rows and columns.
struct InRegisters<'a, const ROWS: usize, const VECTORS: usize, const DOTS: bool, const WHOLE: bool>(
    Tile<'a, ROWS>,
);

impl<const ROWS: usize, const VECTORS: usize, const DOTS: bool, const WHOLE: bool> Kernel
    for InRegisters<'_, ROWS, VECTORS, DOTS, WHOLE>
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
                    // SAFETY: `right` has VECTORS · 16 numbers for each of `depth` terms, and the
                    // run ends there.
                    *v = unsafe { s.load(right.add(vector * LANES)) };
                }
                for row in 0..ROWS {
                    // SAFETY: `left` has ROWS numbers for each term.
                    let x = s.splat(unsafe { *left.add(row) });
                    for vector in 0..VECTORS {
                        let sum = &mut sums[row][vector];
                        // SAFETY: with `DOTS`, `run_dots` runs it.
                        *sum = unsafe { multiply_add::<S, DOTS>(s, x, v[vector], *sum) };
                    }
                }
                s.fetch(left.wrapping_add(ahead));
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
