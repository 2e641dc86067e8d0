//! Products of small matrices in one instruction: the matrix unit (Intel AMX) of processors that have one,
//! and the same product by product for tests elsewhere.

use std::cell::Cell;
use std::marker::PhantomData;

#[cfg(target_arch = "x86_64")]
use super::amx::Amx;
use super::tile_product::{Products, TILE, TileProduct, TileShape};

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

thread_local! {
    /// Whether this thread's matrix unit is lent.
    static IS_LENT: Cell<bool> = const { Cell::new(false) };
}

impl MatrixUnit {
    /// Lends this thread's matrix unit, set up for tiles of one shape: that takes some two hundred cycles,
    /// as many as a dozen products.
    ///
    /// # Panics
    ///
    /// When no tile can have this shape, or what runs asks for it again.
    pub(crate) fn with_tiles<R>(self, shape: TileShape, task: impl FnOnce(&Tiles) -> R) -> R {
        let is_size = |n: usize| (1..=TILE).contains(&n);
        assert!(
            is_size(shape.rows) && is_size(shape.pairs),
            "a shape that a tile can have"
        );
        assert!(
            !IS_LENT.replace(true),
            "a thread has one matrix unit, and it is lent already"
        );
        let tiles = Tiles {
            unit: self,
            shape,
            _of_thread: PhantomData,
        };
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: it is not lent to anything else on this thread; the shape was checked.
            Self::Amx(amx) => unsafe { amx.configure(shape) },
            Self::Emulated => {}
        }
        task(&tiles)
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        match self.unit {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: it was lent to these tiles.
            MatrixUnit::Amx(amx) => unsafe { amx.release() },
            MatrixUnit::Emulated => {}
        }
        IS_LENT.set(false);
    }
}

impl Tiles {
    /// Writes the sums of A times B.
    ///
    /// # Panics
    ///
    /// When there is no term, or a tile does not lie in its memory.
    pub(crate) fn multiply(&self, product: &TileProduct<'_>, products: &mut Products) {
        product.check(self.shape);
        match self.unit {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this thread's unit is set up for the shape that the product was checked with.
            MatrixUnit::Amx(amx) => unsafe { amx.multiply(product, products) },
            MatrixUnit::Emulated => product.multiply(self.shape, products),
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
    use crate::simd::vnni_pair;

    /// A whole number for each place, from −4 to 4.
    fn number(place: usize) -> f32 {
        let number = place.wrapping_mul(2_654_435_761) >> 7;
        f32::from(i8::try_from(number % 9).expect("a digit") - 4)
    }

    /// Elements of two numbers each.
    fn pairs(n: usize, first: usize) -> Vec<f32> {
        let pair = |place: usize| vnni_pair(number(2 * place), number(2 * place + 1));
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
                let stale = || Products([[[[f32::NAN; TILE]; TILE]; 2]; 2]);
                let [mut first, mut second, mut expected] = [stale(), stale(), stale()];
                unit.with_tiles(shape, |tiles| {
                    tiles.multiply(&product, &mut first);
                    tiles.multiply(&product, &mut second);
                });
                product.multiply(shape, &mut expected);
                for of_a in 0..a_starts.len() {
                    for of_b in 0..b_starts.len() {
                        for found in [&first, &second] {
                            assert_eq!(
                                found.0[of_a][of_b][..rows],
                                expected.0[of_a][of_b][..rows],
                                "{unit:?}: {shape:?}"
                            );
                        }
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
        let mut products = Products::default();
        let shape = TileShape { rows: 1, pairs: 1 };
        MatrixUnit::Emulated.with_tiles(shape, |tiles| tiles.multiply(&product, &mut products));
        // Column 3: pairs 10 and 11 of A, 53 and 69 of B.
        let expected = number(20) * number(106)
            + number(21) * number(107)
            + number(22) * number(138)
            + number(23) * number(139);
        assert_eq!(products.0[0][0][0][3], expected);
    }

    #[cfg(target_arch = "x86_64")]
    #[expect(clippy::print_stderr, reason = "a test that could not be made says so")]
    #[test]
    fn amx_multiplies_as_one_product_after_the_other_does() {
        if let Some(amx) = Amx::detect() {
            holds_on(MatrixUnit::Amx(amx));
        } else {
            eprintln!("skipped: this processor has no AMX");
        }
    }

    /// Two terms of two rows of a pair each: A is to have 4 elements, B 32.
    fn product_of(n_a: usize, n_b: usize) {
        let product = TileProduct {
            a: &vec![0.0; n_a],
            a_starts: &[0],
            a_row_step: 2,
            b: &vec![0.0; n_b],
            b_starts: &[0],
            b_row_step: TILE,
            terms: &[[0, 0], [1, TILE]].into_iter().collect(),
        };
        let shape = TileShape { rows: 2, pairs: 1 };
        let mut products = Products::default();
        MatrixUnit::Emulated.with_tiles(shape, |tiles| tiles.multiply(&product, &mut products));
    }

    #[test]
    #[should_panic(expected = "A lies in its memory")]
    fn an_a_beyond_its_memory_is_refused() {
        product_of(3, 2 * TILE);
    }

    #[test]
    #[should_panic(expected = "B lies in its memory")]
    fn a_b_beyond_its_memory_is_refused() {
        product_of(4, 2 * TILE - 1);
    }

    #[test]
    fn memories_of_just_these_lengths_do() {
        product_of(4, 2 * TILE);
    }

    #[test]
    fn a_thread_lends_its_unit_once_at_a_time() {
        let shape = TileShape { rows: 1, pairs: 1 };
        let unit = MatrixUnit::Emulated;
        let nested = || unit.with_tiles(shape, |_| unit.with_tiles(shape, |_| ()));
        assert!(std::panic::catch_unwind(nested).is_err(), "lent already");
        // The panic gave it back.
        unit.with_tiles(shape, |_| ());
    }
}
