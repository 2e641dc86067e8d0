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
    Kernel, LANES, MatrixUnit, Products, Simd, TILE, TermStarts, TileProduct, TileShape, Tiles,
};

/// Elements of a packed tile: sixteen rows of sixteen VNNI pairs.
const PER_TILE: usize = TILE * LANES;

/// Some pairs of the rows of a task, packed.
struct Lefts<'a> {
    /// `[tile][chunk of pairs][row][pair]`.
    tiles: &'a [f32],
    depth: Range<usize>,
}

/// Whole chunks of sixteen pairs, or the one that is left.
struct Chunks {
    chunks: Range<usize>,
    /// Whether they are the first to be added up.
    is_first: bool,
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
            if self.depth == 0 {
                to.fill(0.0);
            }
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

    /// Adds some pairs to all rows of a task, the first ones in place of what stands there: whole chunks of
    /// sixteen, then what is left.
    fn add<S: Simd>(&self, s: S, unit: MatrixUnit, lefts: &Lefts<'_>, to: &mut [f32]) {
        let depth = &lefts.depth;
        let (n_whole, n_left) = (depth.len() / TILE, depth.len() % TILE);
        let mut is_first = depth.start == 0;
        for (chunks, pairs) in [(0..n_whole, TILE), (n_whole..n_whole + 1, n_left)] {
            if !chunks.is_empty() && pairs > 0 {
                let shape = TileShape { rows: TILE, pairs };
                let chunks = Chunks { chunks, is_first };
                unit.with_tiles(shape, |tiles| {
                    self.add_chunks(s, tiles, lefts, &chunks, to);
                });
                is_first = false;
            }
        }
    }

    fn add_chunks<S: Simd>(
        &self,
        s: S,
        tiles: &Tiles,
        lefts: &Lefts<'_>,
        Chunks { chunks, is_first }: &Chunks,
        to: &mut [f32],
    ) {
        let per_row_tile = lefts.per_row_tile();
        let per_panel = self.row_len() * panel::<S>();
        let mut products = Products::default();
        for (idx, right) in self.right.chunks_exact(per_panel).enumerate() {
            let terms = self.tile_terms::<S>(idx, chunks.clone(), &lefts.depth);
            let first_column = idx * panel::<S>();
            let columns = first_column..self.n_columns.min(first_column + panel::<S>());
            if terms.is_empty() {
                if *is_first {
                    for row in to.chunks_exact_mut(self.n_columns) {
                        row[columns.clone()].fill(0.0);
                    }
                }
                continue;
            }
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
                tiles.multiply(&product, &mut products);
                s.run(AddProducts {
                    products: &products,
                    to,
                    row_len: self.n_columns,
                    columns: columns.clone(),
                    is_first: *is_first,
                });
            }
        }
    }

    /// Where those of some chunks begin that count for a panel, in packed rows and in the panel. A chunk is
    /// taken whole: those of its terms that are left out are zero.
    fn tile_terms<S: Simd>(
        &self,
        panel_idx: usize,
        chunks: Range<usize>,
        depth: &Range<usize>,
    ) -> TermStarts {
        let runs = self.terms.vnni_runs(panel_idx, depth.clone());
        let counts = |chunk: &usize| {
            let pairs = chunk * TILE..(chunk + 1) * TILE;
            runs.iter()
                .any(|run| run.start < pairs.end && pairs.start < run.end)
        };
        let places = chunks.filter(counts).map(|chunk| {
            let pair = depth.start + chunk * TILE;
            [chunk * PER_TILE, pair * panel::<S>()]
        });
        places.collect()
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
        let n_chunks = depth.len().div_ceil(TILE);
        // Chunk by chunk: of rows by terms, what lies side by side is read one after the other.
        for (chunk, pair) in depth.clone().step_by(TILE).enumerate() {
            for (row_tile, first) in rows.clone().step_by(TILE).enumerate() {
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
                let tile = &mut tiles[row_tile * n_chunks + chunk];
                for (to, vector) in tile.as_chunks_mut::<LANES>().0.iter_mut().zip(vectors) {
                    s.write(to, vector);
                }
            }
        }
    }
}

/// Adds products to the columns of some rows.
struct AddProducts<'a> {
    /// `[tile of rows][tile of columns]`.
    products: &'a Products,
    to: &'a mut [f32],
    row_len: usize,
    columns: Range<usize>,
    /// Whether they take the place of what stands there.
    is_first: bool,
}

impl Kernel for AddProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for row in 0..self.to.len() / self.row_len {
            let of_row = &self.products.0[row / TILE];
            let to = &mut self.to[row * self.row_len..][self.columns.clone()];
            let (whole, rest) = to.as_chunks_mut::<LANES>();
            for idx in 0..whole.len() {
                let mut sum = s.read(&of_row[idx][row % TILE]);
                if !self.is_first {
                    sum = s.add(s.read::<f32>(&whole[idx]), sum);
                }
                s.write(&mut whole[idx], sum);
            }
            for column in 0..rest.len() {
                let mut sum = of_row[whole.len()][row % TILE][column];
                if !self.is_first {
                    sum += rest[column];
                }
                rest[column] = sum;
            }
        }
    }
}
