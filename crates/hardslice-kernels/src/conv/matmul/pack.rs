//! Rows of the left matrix in the order in which the tiles read them.

use std::ops::Range;

use super::{Left, Matmul};
use crate::conv::gather::first_of;
use crate::simd::{Kernel, LANES, Simd};

impl Matmul<'_> {
    /// Terms or pairs of some rows as `[tile][term or pair][row]`, the last tile filled up with
    /// anything.
    pub(super) fn pack<S: Simd, const ROWS: usize>(
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
