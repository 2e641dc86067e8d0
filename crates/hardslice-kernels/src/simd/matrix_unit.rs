//! Products of small matrices in one instruction: the matrix unit (Intel AMX) of processors that have one,
//! and the same product by product for tests elsewhere.

use std::marker::PhantomData;

#[cfg(target_arch = "x86_64")]
use super::amx::Amx;
use super::tile_product::{TILE, TileProduct, TileShape, TileSums};

/// What multiplies tiles of bf16 and adds up in single precision (`tdpbf16ps`).
#[derive(Debug, Clone, Copy)]
pub(crate) enum MatrixUnit {
    #[cfg(target_arch = "x86_64")]
    Amx(Amx),
    /// One product after the other.
    Emulated,
}

/// A thread's matrix unit, set up for tiles of one shape.
#[derive(Debug)]
pub(crate) struct Tiles {
    unit: MatrixUnit,
    shape: TileShape,
    /// It is this thread's.
    _of_thread: PhantomData<*const ()>,
}

impl MatrixUnit {
    /// Lends this thread's matrix unit, set up for tiles of one shape: that takes some two hundred cycles,
    /// as many as a dozen products. What runs meanwhile must not ask for another one.
    ///
    /// # Panics
    ///
    /// When no tile can have this shape.
    pub(crate) fn with_tiles<R>(self, shape: TileShape, task: impl FnOnce(&Tiles) -> R) -> R {
        let is_size = |n: usize| (1..=TILE).contains(&n);
        assert!(
            is_size(shape.rows) && is_size(shape.pairs),
            "a shape that a tile can have"
        );
        let tiles = Tiles {
            unit: self,
            shape,
            _of_thread: PhantomData,
        };
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(amx) => amx.configure(shape),
            Self::Emulated => {}
        }
        task(&tiles)
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        match self.unit {
            #[cfg(target_arch = "x86_64")]
            MatrixUnit::Amx(amx) => amx.release(),
            MatrixUnit::Emulated => {}
        }
    }
}

impl Tiles {
    /// The sums of A times B, for `[A][B]`.
    ///
    /// # Panics
    ///
    /// When there is no term, or a tile does not lie in its memory.
    pub(crate) fn multiply(&self, product: &TileProduct<'_>, sums: &mut [[TileSums; 2]; 2]) {
        product.check(self.shape);
        match self.unit {
            #[cfg(target_arch = "x86_64")]
            MatrixUnit::Amx(amx) => amx.multiply(product, sums),
            MatrixUnit::Emulated => product.multiply(self.shape, sums),
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::float_cmp,
    reason = "whole numbers that a bf16 holds, and their sums"
)]
mod tests {
    use super::*;

    /// A whole number for each place, from −4 to 4.
    fn number(place: usize) -> f32 {
        let number = place.wrapping_mul(2_654_435_761) >> 7;
        f32::from(i8::try_from(number % 9).expect("a digit") - 4)
    }

    /// Elements of two numbers each.
    fn pairs(n: usize, first: usize) -> Vec<f32> {
        let pair = |place: usize| {
            let [low, high] = [number(2 * place), number(2 * place + 1)].map(f32::to_bits);
            f32::from_bits(low >> 16 | high)
        };
        (first..first + n).map(pair).collect()
    }

    fn holds_on(unit: MatrixUnit) {
        let (a, b) = (pairs(2000, 0), pairs(3000, 7000));
        let terms = [[900, 0], [0, 1900], [31, 7]].into_iter().collect();
        for (a_starts, b_starts) in [
            (&[5][..], &[3][..]),
            (&[5], &[3, 40]),
            (&[5, 400], &[3]),
            (&[5, 400], &[3, 40]),
        ] {
            for (rows, pairs) in [(16, 16), (16, 8), (1, 1), (7, 4)] {
                let product = TileProduct {
                    a: &a,
                    a_starts,
                    a_row_step: 17,
                    b: &b,
                    b_starts,
                    b_row_step: 48,
                    terms: &terms,
                };
                let shape = TileShape { rows, pairs };
                let [mut sums, mut expected] = [[[[f32::NAN; TILE * TILE]; 2]; 2]; 2];
                unit.with_tiles(shape, |tiles| {
                    tiles.multiply(&product, &mut expected);
                    tiles.multiply(&product, &mut sums);
                });
                product.multiply(shape, &mut expected);
                for of_a in 0..a_starts.len() {
                    for of_b in 0..b_starts.len() {
                        let n = rows * TILE;
                        assert_eq!(
                            sums[of_a][of_b][..n],
                            expected[of_a][of_b][..n],
                            "{unit:?}: {shape:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn tiles_are_multiplied_and_terms_added_up() {
        let product = TileProduct {
            a: &pairs(2, 10),
            a_starts: &[0],
            a_row_step: 1,
            b: &pairs(2 * TILE, 50),
            b_starts: &[0],
            b_row_step: TILE,
            terms: &[[0, 0], [1, TILE]].into_iter().collect(),
        };
        let mut sums = [[[0.0; TILE * TILE]; 2]; 2];
        let shape = TileShape { rows: 1, pairs: 1 };
        MatrixUnit::Emulated.with_tiles(shape, |tiles| tiles.multiply(&product, &mut sums));
        // Column 3: pairs 10 and 11 of A, 53 and 69 of B.
        let expected = number(20) * number(106)
            + number(21) * number(107)
            + number(22) * number(138)
            + number(23) * number(139);
        assert_eq!(sums[0][0][3], expected);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn amx_multiplies_as_one_product_after_the_other_does() {
        if let Some(amx) = Amx::detect() {
            holds_on(MatrixUnit::Amx(amx));
        }
    }

    #[test]
    #[should_panic(expected = "B lies in its memory")]
    fn what_lies_beyond_its_memory_is_refused() {
        let product = TileProduct {
            a: &[0.0; 16],
            a_starts: &[0],
            a_row_step: 1,
            b: &[0.0; 2 * TILE - 1],
            b_starts: &[0],
            b_row_step: TILE,
            terms: &[[0, 0], [1, TILE]].into_iter().collect(),
        };
        let shape = TileShape { rows: 1, pairs: 1 };
        let mut sums = [[[0.0; TILE * TILE]; 2]; 2];
        MatrixUnit::Emulated.with_tiles(shape, |tiles| tiles.multiply(&product, &mut sums));
    }
}
