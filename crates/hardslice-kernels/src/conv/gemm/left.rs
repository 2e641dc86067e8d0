//! The left matrix of a GEMM, and its rows packed in the order in which the micro-kernel reads them.

use std::ops::Range;

use crate::conv::gather::first_of;
use crate::simd::{Kernel, LANES, Simd};

/// The left one of two matrices, `[rows, depth]`.
#[derive(Debug, Clone, Copy)]
pub(in crate::conv) enum Left<'a> {
    /// `[row][term]`.
    ByRows(&'a [f32]),
    /// `[term][row]`.
    ByTerms { elements: &'a [f32], n_rows: usize },
    /// As [`Gemm::pack_left`](super::Gemm::pack_left) gives it.
    Packed(&'a [f32]),
}

/// Which part of the left matrix is packed.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Terms of a whole row.
    pub(super) n_terms: usize,
    pub(super) rows: Range<usize>,
    /// Terms or, with `is_vnni`, VNNI pairs of them.
    pub(super) depth: Range<usize>,
    pub(super) is_vnni: bool,
}

impl Left<'_> {
    /// Terms or VNNI pairs of some rows as `[tile][term or pair][row]`, the last tile filled up with
    /// anything.
    pub(super) fn pack<S: Simd, const ROWS: usize>(self, s: S, part: Part, to: &mut [f32]) {
        let n_packed = part.rows.len().div_ceil(ROWS) * ROWS * part.depth.len();
        let to = &mut to[..n_packed];
        if part.is_vnni {
            let left = self;
            s.run(PackVnni::<ROWS> { left, part, to });
            return;
        }
        let Part {
            n_terms,
            rows,
            depth,
            ..
        } = part;
        let per_tile = ROWS * depth.len();
        let tiles = rows.clone().step_by(ROWS);
        match self {
            Self::Packed(_) => unreachable!("packed once"),
            Self::ByRows(elements) => {
                for (first, to) in tiles.zip(to.chunks_exact_mut(per_tile)) {
                    let rows: [_; ROWS] = std::array::from_fn(|row| {
                        let row = (first + row).min(rows.end - 1);
                        &elements[row * n_terms..][depth.clone()]
                    });
                    for (term, to) in to.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
                        for row in 0..ROWS {
                            to[row] = rows[row][term];
                        }
                    }
                }
            }
            Self::ByTerms { elements, n_rows } => {
                // Term by term: what lies side by side is read at once.
                for (place, term) in depth.enumerate() {
                    let elements = &elements[term * n_rows..][..rows.end];
                    for (first, to) in tiles.clone().zip(to.chunks_exact_mut(per_tile)) {
                        let to = &mut to[place * ROWS..][..ROWS];
                        if let Some(elements) = elements[first..].first_chunk::<ROWS>() {
                            to.copy_from_slice(elements);
                            continue;
                        }
                        for (row, to) in to.iter_mut().enumerate() {
                            *to = elements[(first + row).min(rows.end - 1)];
                        }
                    }
                }
            }
        }
    }
}

/// VNNI pairs of terms of some rows as `[tile][pair][row]`; places beyond the last row are filled with
/// anything.
struct PackVnni<'a, const ROWS: usize> {
    left: Left<'a>,
    part: Part,
    to: &'a mut [f32],
}

impl<const ROWS: usize> Kernel for PackVnni<'_, ROWS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Part {
            n_terms,
            rows,
            depth,
            ..
        } = self.part;
        let per_tile = ROWS * depth.len();
        let tiles = rows.clone().step_by(ROWS);
        match self.left {
            Left::Packed(_) => unreachable!("packed once"),
            Left::ByRows(elements) => {
                for (first, to) in tiles.zip(self.to.chunks_exact_mut(per_tile)) {
                    for pair in depth.clone().step_by(LANES) {
                        let mut pairs = [s.zero(); LANES];
                        let rows = (first..rows.end).take(ROWS);
                        for (pairs, row) in pairs.iter_mut().zip(rows) {
                            *pairs = pairs_of_row(s, &elements[row * n_terms..][..n_terms], pair);
                        }
                        let columns = s.transpose(pairs);
                        let to = &mut to[(pair - depth.start) * ROWS..];
                        write_rows::<S, ROWS>(s, &columns, to);
                    }
                }
            }
            Left::ByTerms { elements, n_rows } => {
                // Term by term: what lies side by side is read at once.
                for (place, pair) in depth.enumerate() {
                    let row_of = |term: usize| &elements[term * n_rows..][..rows.end];
                    let low = row_of(2 * pair);
                    let high = (2 * pair + 1 < n_terms).then(|| row_of(2 * pair + 1));
                    for (first, to) in tiles.clone().zip(self.to.chunks_exact_mut(per_tile)) {
                        let low = first_of(s, &low[first..]);
                        let high = match high {
                            Some(high) => first_of(s, &high[first..]),
                            None => s.zero(),
                        };
                        write_rows::<S, ROWS>(
                            s,
                            &[s.vnni_pair(low, high)],
                            &mut to[place * ROWS..],
                        );
                    }
                }
            }
        }
    }
}

/// Sixteen VNNI pairs of a row's terms from a pair on, zeros where there are no more.
#[inline(always)]
pub(super) fn pairs_of_row<S: Simd>(s: S, terms: &[f32], pair: usize) -> S::V {
    let (low, high) = (2 * pair, (2 * pair + LANES).min(terms.len()));
    s.pack_bf16(first_of(s, &terms[low..]), first_of(s, &terms[high..]))
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
