//! Products of small matrices of bf16: what a [matrix unit](super::MatrixUnit) multiplies, and the same
//! product by product.

use super::vnni::vnni_halves;

/// Rows of a tile at most, and columns of a result.
pub(crate) const TILE: usize = 16;

/// A result: sixteen rows of sixteen columns, of which the first rows mean something.
pub(crate) type TileSums = [[f32; TILE]; TILE];

/// The results of each A with each B, `[A][B]`. A row is a cache line.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Products(pub(crate) [[TileSums; 2]; 2]);

impl Default for Products {
    fn default() -> Self {
        Self([[[[0.0; TILE]; TILE]; 2]; 2])
    }
}

/// The shape of tiles: of A `[rows, 2 * pairs]`, of B `[2 * pairs, 16]`, each 1 to 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TileShape {
    pub(crate) rows: usize,
    pub(crate) pairs: usize,
}

/// Where the terms of a sum begin, of A and of B.
#[derive(Debug)]
pub(crate) struct TermStarts {
    pub(super) starts: Vec<[usize; 2]>,
    last: [usize; 2],
}

impl TermStarts {
    pub(crate) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }
}

impl FromIterator<[usize; 2]> for TermStarts {
    fn from_iter<T: IntoIterator<Item = [usize; 2]>>(starts: T) -> Self {
        let starts: Vec<[usize; 2]> = starts.into_iter().collect();
        let last = [0, 1].map(|of| starts.iter().map(|both| both[of]).max().unwrap_or_default());
        Self { starts, last }
    }
}

/// One or two matrices A times one or two matrices B, summed over terms. Each element of both memories is
/// two bf16: of A two columns next to each other, of B a VNNI pair, one column of two rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileProduct<'a> {
    pub(crate) a: &'a [f32],
    /// Where each A begins: one place or two.
    pub(crate) a_starts: &'a [usize],
    /// Elements between rows of A.
    pub(crate) a_row_step: usize,
    pub(crate) b: &'a [f32],
    /// Where each B begins: one place or two.
    pub(crate) b_starts: &'a [usize],
    /// Elements between pairs of rows of B.
    pub(crate) b_row_step: usize,
    /// Where terms begin, from those places on.
    pub(crate) terms: &'a TermStarts,
}

impl TileProduct<'_> {
    pub(super) fn check(&self, TileShape { rows, pairs }: TileShape) {
        let is_few = |n: usize| (1..=2).contains(&n);
        assert!(
            is_few(self.a_starts.len()) && is_few(self.b_starts.len()),
            "one tile or two"
        );
        let [a_last, b_last] = self.terms.last;
        assert!(!self.terms.is_empty(), "a term at least");
        for start in self.a_starts {
            let end = start + a_last + (rows - 1) * self.a_row_step + pairs;
            assert!(end <= self.a.len(), "A lies in its memory");
        }
        for start in self.b_starts {
            let end = start + b_last + (pairs - 1) * self.b_row_step + TILE;
            assert!(end <= self.b.len(), "B lies in its memory");
        }
    }

    /// One product after the other. As the instruction does it, but that the instruction takes subnormal
    /// numbers for zero and adds up even and odd halves apart. Rows beyond the shape, in which the
    /// instruction leaves what was there, become `NaN`.
    pub(super) fn multiply(&self, shape: TileShape, Products(products): &mut Products) {
        for (a_start, products) in self.a_starts.iter().zip(products) {
            for (b_start, sums) in self.b_starts.iter().zip(products) {
                let (sums, beyond) = sums.split_at_mut(shape.rows);
                beyond.fill([f32::NAN; TILE]);
                sums.fill([0.0; TILE]);
                for [a_term, b_term] in &self.terms.starts {
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let a = &self.a[a_start + a_term + row * self.a_row_step..][..shape.pairs];
                        for (pair, a) in a.iter().enumerate() {
                            let [a_low, a_high] = vnni_halves(*a);
                            let b = b_start + b_term + pair * self.b_row_step;
                            for (sum, b) in sums.iter_mut().zip(&self.b[b..b + TILE]) {
                                let [b_low, b_high] = vnni_halves(*b);
                                *sum += a_low * b_low + a_high * b_high;
                            }
                        }
                    }
                }
            }
        }
    }
}
