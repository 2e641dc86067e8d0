//! GEMM on a matrix unit: two tiles of rows times two of a panel's columns, summed over all terms that are
//! taken at a time.

use std::ops::Range;

use rayon::prelude::*;

use super::left::{Left, Part, pairs_of_row};
use super::{Gemm, VNNI_DEPTH, panel, task_rows};
use crate::buffers::Buffer;
use crate::conv::gather::first_of;
use crate::conv::scratch::with_scratch;
use crate::simd::{
    Kernel, LANES, MatrixUnit, Simd, TILE, Terms, TileProduct, TileShape, TileSums, Tiles,
};

/// Elements of a packed tile: sixteen rows of sixteen VNNI pairs.
const PER_TILE: usize = TILE * LANES;

/// Some pairs of the rows of a task, packed.
struct Lefts<'a> {
    /// `[tile][chunk of pairs][row][pair]`.
    tiles: &'a [f32],
    depth: Range<usize>,
}

impl Lefts<'_> {
    /// Elements of sixteen rows.
    fn per_row_tile(&self) -> usize {
        self.depth.len().div_ceil(TILE) * PER_TILE
    }
}

impl Gemm<'_> {
    /// What computes the products, where it is a matrix unit.
    pub(super) fn matrix_unit<S: Simd>(&self, s: S) -> Option<MatrixUnit> {
        s.matrix_unit().filter(|_| self.is_vnni)
    }

    /// As [`Self::run`].
    pub(super) fn run_on<S: Simd>(&self, s: S, unit: MatrixUnit, to: &mut [f32]) {
        let n_rows = to.len() / self.n_columns.max(1);
        let task_rows = task_rows(n_rows, 2 * TILE);
        let tasks = to.par_chunks_mut((task_rows * self.n_columns).max(1));
        tasks.enumerate().for_each(|(task, to)| {
            to.fill(0.0);
            with_scratch([task_rows * VNNI_DEPTH / LANES], |[rows]| {
                for depth in self.depths() {
                    let n_rows = to.len() / self.n_columns;
                    let task_rows = task * task_rows..task * task_rows + n_rows;
                    let lefts = self.lefts(s, task_rows, depth, rows.as_flattened_mut());
                    self.add(s, unit, &lefts, to);
                }
            });
        });
    }

    /// As [`Self::pack_left`], `[tile][chunk of pairs][row][pair]`.
    pub(super) fn pack_tiles<S: Simd>(&self, s: S, n_rows: usize) -> Buffer {
        let n_tiles = n_rows.div_ceil(TILE);
        let mut packed = Buffer::stale(n_tiles * self.row_len().div_ceil(TILE) * PER_TILE);
        let at_once = packed.par_chunks_mut((n_tiles * VNNI_DEPTH * TILE).max(1));
        let depths: Vec<_> = self.depths().collect();
        at_once.zip(depths).for_each(|(to, depth)| {
            let (left, part) = (self.left, self.part(0..n_rows, depth));
            s.run(PackTiles { left, part, to });
        });
        packed
    }

    /// Some pairs of some rows, from a whole tile on. `memory`: where they may be packed.
    fn lefts<'m, S: Simd>(
        &'m self,
        s: S,
        rows: Range<usize>,
        depth: Range<usize>,
        memory: &'m mut [f32],
    ) -> Lefts<'m> {
        let mut lefts = Lefts { tiles: &[], depth };
        let n = rows.len().div_ceil(TILE) * lefts.per_row_tile();
        if let Left::Packed(packed) = self.left {
            let n_tiles = packed.len() / (self.row_len().div_ceil(TILE) * PER_TILE);
            let start =
                n_tiles * lefts.depth.start * TILE + rows.start / TILE * lefts.per_row_tile();
            lefts.tiles = &packed[start..start + n];
            return lefts;
        }
        let to = &mut memory[..n];
        let (left, part) = (self.left, self.part(rows, lefts.depth.clone()));
        s.run(PackTiles { left, part, to });
        lefts.tiles = &memory[..n];
        lefts
    }

    /// Adds some pairs to all rows of a task: whole chunks of sixteen, then what is left.
    fn add<S: Simd>(&self, s: S, unit: MatrixUnit, lefts: &Lefts<'_>, to: &mut [f32]) {
        let depth = &lefts.depth;
        let (n_whole, n_left) = (depth.len() / TILE, depth.len() % TILE);
        for (chunks, pairs) in [(0..n_whole, TILE), (n_whole..n_whole + 1, n_left)] {
            if !chunks.is_empty() && pairs > 0 {
                let shape = TileShape { rows: TILE, pairs };
                unit.with_tiles(shape, |tiles| {
                    self.add_chunks(s, tiles, lefts, &chunks, to);
                });
            }
        }
    }

    fn add_chunks<S: Simd>(
        &self,
        s: S,
        tiles: &Tiles,
        lefts: &Lefts<'_>,
        chunks: &Range<usize>,
        to: &mut [f32],
    ) {
        let (depth, per_row_tile) = (&lefts.depth, lefts.per_row_tile());
        let per_panel = self.row_len() * panel::<S>();
        let mut sums = [[[0.0; TILE * LANES]; 2]; 2];
        for (idx, right) in self.right.chunks_exact(per_panel).enumerate() {
            let runs = self.terms.vnni_runs(idx, depth.clone());
            // A chunk is taken whole: those of its terms that are left out are zero.
            let counts = |chunk: &usize| {
                let pairs = chunk * TILE..(chunk + 1) * TILE;
                runs.iter()
                    .any(|run| run.start < pairs.end && pairs.start < run.end)
            };
            let places = chunks.clone().filter(counts).map(|chunk| {
                let pair = depth.start + chunk * TILE;
                [chunk * PER_TILE, pair * panel::<S>()]
            });
            let terms: Terms = places.collect();
            if terms.is_empty() {
                continue;
            }
            let first_column = idx * panel::<S>();
            let columns = first_column..self.n_columns.min(first_column + panel::<S>());
            let n_right = columns.len().div_ceil(LANES);
            let row_tiles = to.chunks_mut(2 * TILE * self.n_columns);
            for (left, to) in lefts.tiles.chunks(2 * per_row_tile).zip(row_tiles) {
                let product = TileProduct {
                    a: left,
                    a_starts: &[0, per_row_tile][..left.len() / per_row_tile],
                    a_row_step: LANES,
                    b: right,
                    b_starts: &[0, LANES][..n_right],
                    b_row_step: panel::<S>(),
                    terms: &terms,
                };
                tiles.multiply(&product, &mut sums);
                s.run(AddSums {
                    sums: &sums,
                    to,
                    row_len: self.n_columns,
                    columns: columns.clone(),
                });
            }
        }
    }
}

/// VNNI pairs of terms of some rows as `[tile][chunk of pairs][row][pair]`; places beyond the last row or
/// term are zero.
struct PackTiles<'a> {
    left: Left<'a>,
    part: Part,
    to: &'a mut [f32],
}

impl Kernel for PackTiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Part {
            n_terms,
            rows,
            depth,
            ..
        } = self.part;
        let (tiles, _) = self.to.as_chunks_mut::<PER_TILE>();
        let row_tiles = tiles.chunks_exact_mut(depth.len().div_ceil(TILE));
        for (first, tiles) in rows.clone().step_by(TILE).zip(row_tiles) {
            for (pair, tile) in depth.clone().step_by(TILE).zip(tiles) {
                let mut vectors = [s.zero(); TILE];
                match self.left {
                    Left::Packed(_) => unreachable!("packed once"),
                    Left::ByRows(elements) => {
                        for (vector, row) in vectors.iter_mut().zip(first..rows.end) {
                            *vector = pairs_of_row(s, &elements[row * n_terms..][..n_terms], pair);
                        }
                    }
                    Left::ByTerms { elements, n_rows } => {
                        for (vector, pair) in vectors.iter_mut().zip(pair..depth.end) {
                            let mut both = [s.zero(); 2];
                            for (half, term) in both.iter_mut().zip(2 * pair..n_terms) {
                                let elements = &elements[term * n_rows..][..rows.end];
                                *half = first_of(s, &elements[first..]);
                            }
                            *vector = s.vnni_pair(both[0], both[1]);
                        }
                        vectors = s.transpose(vectors);
                    }
                }
                for (to, vector) in tile.as_chunks_mut::<LANES>().0.iter_mut().zip(vectors) {
                    s.write(to, vector);
                }
            }
        }
    }
}

/// Adds tiles to the columns of some rows.
struct AddSums<'a> {
    /// `[tile of rows][tile of columns]`.
    sums: &'a [[TileSums; 2]; 2],
    to: &'a mut [f32],
    row_len: usize,
    columns: Range<usize>,
}

impl Kernel for AddSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.to.chunks_exact_mut(self.row_len);
        for (row, to) in rows.enumerate() {
            let of_row = &self.sums[row / TILE];
            let to = &mut to[self.columns.clone()];
            for (to, sums) in to.chunks_mut(LANES).zip(of_row) {
                let sums = &sums[row % TILE * LANES..][..LANES];
                if let Ok(to) = <&mut [f32; LANES]>::try_from(&mut *to) {
                    let sum = s.add(s.read::<f32>(to), first_of(s, sums));
                    s.write(to, sum);
                } else {
                    for (to, sum) in to.iter_mut().zip(sums) {
                        *to += sum;
                    }
                }
            }
        }
    }
}
