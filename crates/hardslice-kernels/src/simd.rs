//! Vectors of sixteen numbers, on every instruction set, behind one trait.
//!
//! A kernel is written once, as a [`Kernel`] that is generic over [`Simd`]; [`Simd::run`] compiles
//! it for the instruction set. Which one runs is chosen once at run time ([`with_simd`]).

#![expect(
    unsafe_code,
    reason = "instruction sets that a processor may not have; pointers"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod instruction_set;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use instruction_set::Level;
pub(crate) use instruction_set::has_own_kernels;
pub use instruction_set::{
    ForceInstructionSetError, force_instruction_set, instruction_set, instruction_set_for,
};
pub(crate) use portable::Portable;

use crate::stored::{PixelOf, Stored};

/// Numbers in a vector, and channels in a block of the blocked layout.
pub(crate) const LANES: usize = 16;

/// Sixteen channels of one pixel: the unit of the blocked layout.
pub(crate) type Pixel = [f32; LANES];

/// A vector of [`LANES`] numbers on one instruction set.
///
/// A value of an implementing type is the proof that the processor has the instruction set.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// The vector.
    type V: Copy;

    /// Blocks of output channels that a tile of a convolution computes at once, at most.
    const TILE_BLOCKS: usize;
    /// Pixels in such a tile, at most.
    const TILE_PIXELS: usize;
    /// Input channels in a tile of a weight's gradient.
    const TILE_CHANNELS: usize;
    /// Vectors in a row of a tile of a product of matrices, 1 or 2.
    const PANEL_VECTORS: usize;
    /// Rows of such a tile: 1, 6 or 12.
    const MATMUL_ROWS: usize;

    /// All lanes zero.
    fn zero(self) -> Self::V;
    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::V;
    /// Reads 16 numbers.
    ///
    /// # Safety
    ///
    /// `from` is valid for reads of 16 numbers; it need not be aligned to more than a number.
    unsafe fn load(self, from: *const f32) -> Self::V;
    /// Asks for the memory at a place that will be read soon; any place will do.
    #[inline(always)]
    fn fetch(self, _from: *const f32) {}
    /// Writes 16 numbers.
    ///
    /// # Safety
    ///
    /// `to` is valid for writes of 16 numbers; it need not be aligned to more than a number.
    unsafe fn store(self, to: *mut f32, v: Self::V);
    /// Reads 16 numbers of the 16 bits of a bf16 each.
    ///
    /// # Safety
    ///
    /// `from` is valid for reads of 16 of them.
    unsafe fn load_bf16(self, from: *const u16) -> Self::V;
    /// Rounds 16 numbers to bf16, to the nearest, ties to even, and writes their bits. A `NaN` that
    /// came out of arithmetic stays one.
    ///
    /// # Safety
    ///
    /// `to` is valid for writes of 16 of them.
    unsafe fn store_bf16(self, to: *mut u16, v: Self::V);
    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a − b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`; rounded once where the instruction set has fused multiply-add.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger of both; a `NaN` in `x` stays.
    fn at_least(self, x: Self::V, floor: Self::V) -> Self::V;
    /// `x` where `test > 0`, else 0.
    fn where_positive(self, test: Self::V, x: Self::V) -> Self::V;

    /// Whether nets in bf16 are computed in sums of bf16 products: where the processor has an
    /// instruction for them.
    fn has_dots(self) -> bool;
    /// Two numbers in a lane: `low` and `high`, each rounded to bf16 as by
    /// [`store_bf16`](Self::store_bf16), as the lower and the upper half of its bits.
    fn pairs(self, low: Self::V, high: Self::V) -> Self::V;
    /// Thirty-two numbers in a row, the first sixteen of them in `first`, as sixteen
    /// [pairs](Self::pairs) of neighbours.
    #[inline(always)]
    fn neighbours(self, first: Self::V, second: Self::V) -> Self::V {
        let mut halves = [0_u16; 2 * LANES];
        // SAFETY: two times sixteen halves are the bits of sixteen numbers.
        unsafe {
            self.store_bf16(halves.as_mut_ptr(), first);
            self.store_bf16(halves.as_mut_ptr().add(LANES), second);
            self.load(halves.as_ptr().cast())
        }
    }
    /// Adds to each lane of `c` the products of the two bf16 in that lane of `a` and `b`.
    ///
    /// Instruction sets differ in how often they round on the way, and the instruction takes
    /// numbers below the normal ones for zero.
    ///
    /// # Safety
    ///
    /// [`has_dots`](Self::has_dots), and compiled by [`run_dots`](Self::run_dots).
    unsafe fn dot(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Runs a kernel compiled for this instruction set and its [`dot`](Self::dot).
    ///
    /// # Panics
    ///
    /// Where there is none ([`has_dots`](Self::has_dots)).
    fn run_dots<K: Kernel>(self, kernel: K) -> K::Output;

    /// Rows to columns.
    #[inline(always)]
    fn transpose(self, rows: [Self::V; LANES]) -> [Self::V; LANES] {
        let mut square = [[0.0; LANES]; LANES];
        for (lane, row) in rows.into_iter().enumerate() {
            for (column, x) in square.iter_mut().zip(self.to_array(row)) {
                column[lane] = x;
            }
        }
        let mut columns = rows;
        for (column, lanes) in columns.iter_mut().zip(&square) {
            *column = self.read(lanes);
        }
        columns
    }

    /// Runs a kernel compiled for this instruction set.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;

    /// Reads a pixel.
    #[inline(always)]
    fn read<E: Stored>(self, from: &PixelOf<E>) -> Self::V {
        // SAFETY: a pixel has 16 numbers.
        unsafe { E::load(self, from.as_ptr()) }
    }

    /// Writes a pixel.
    #[inline(always)]
    fn write<E: Stored>(self, to: &mut PixelOf<E>, v: Self::V) {
        // SAFETY: a pixel has 16 numbers.
        unsafe { E::store(self, to.as_mut_ptr(), v) };
    }

    /// The lanes as an array.
    #[inline(always)]
    fn to_array(self, v: Self::V) -> Pixel {
        let mut lanes = [0.0; LANES];
        self.write(&mut lanes, v);
        lanes
    }
}

/// Code that is compiled once for each instruction set.
pub(crate) trait Kernel {
    /// What it gives back.
    type Output;
    /// The code; mark it `#[inline(always)]`, else it is compiled for no instruction set at all.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// Evaluates an expression with `$s` bound to the best instruction set of this processor.
macro_rules! with_simd {
    ($s:ident => $body:expr) => {
        match $crate::simd::Level::current() {
            #[cfg(target_arch = "x86_64")]
            $crate::simd::Level::Avx512($s) => $body,
            #[cfg(target_arch = "x86_64")]
            $crate::simd::Level::Avx2($s) => $body,
            $crate::simd::Level::Portable($s) => $body,
        }
    };
}
pub(crate) use with_simd;

#[cfg(test)]
mod tests {
    use burn_std::bf16;

    use super::*;

    /// Two numbers a lane and what a sum of their products starts from.
    struct Dots([Pixel; 5]);

    impl Kernel for Dots {
        /// The pairs' bits, and the sums.
        type Output = ([u32; LANES], Pixel);

        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Self::Output {
            let [a_low, a_high, b_low, b_high, c] = &self.0;
            let a = s.pairs(s.read(a_low), s.read(a_high));
            let b = s.pairs(s.read(b_low), s.read(b_high));
            // SAFETY: `run_dots` runs it.
            let sums = unsafe { s.dot(a, b, s.read(c)) };
            (s.to_array(a).map(f32::to_bits), s.to_array(sums))
        }
    }

    /// Numbers that a bf16 cuts off, ties to either side among them.
    fn lanes(first: u32) -> Pixel {
        let mut lanes = [0.0; LANES];
        for (lane, number) in (0_u32..).zip(&mut lanes) {
            let tie = match lane % 4 {
                0 => 0x8000,
                1 => 0x1_8000,
                2 => 0x7fff,
                _ => 0x8001,
            };
            let sign = if lane % 3 == 0 { 1 << 31 } else { 0 };
            *number = f32::from_bits(sign | (0x3f80_0000 + ((first + 5 * lane) << 17)) | tie);
        }
        lanes
    }

    fn holds_on<S: Simd>(s: S) {
        let of = [lanes(1), lanes(9), lanes(4), lanes(20), lanes(2)];
        let (pairs, sums) = s.run_dots(Dots(of));
        let [a_low, a_high, b_low, b_high, c] = of;
        for lane in 0..LANES {
            let [a_low, a_high, b_low, b_high] =
                [a_low, a_high, b_low, b_high].map(|v| bf16::from_f32(v[lane]));
            let bits = u32::from(a_low.to_bits()) | u32::from(a_high.to_bits()) << 16;
            assert_eq!(
                pairs[lane], bits,
                "lane {lane}: to the nearest, ties to even"
            );
            let product = |a: bf16, b: bf16| f64::from(a.to_f32()) * f64::from(b.to_f32());
            let exact = product(a_low, b_low) + product(a_high, b_high) + f64::from(c[lane]);
            let apart = (f64::from(sums[lane]) - exact).abs();
            assert!(
                apart <= 1e-6 * exact.abs().max(1.0),
                "lane {lane}: {}",
                sums[lane]
            );
        }
    }

    #[test]
    fn pairs_are_rounded_and_their_products_summed_on_every_level_that_has_them() {
        holds_on(Portable { dots: true });
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(s) = Avx2::detect() {
                holds_on(s.with_dots());
            }
            if let Some(s) = Avx512::detect().and_then(Avx512::with_dots) {
                holds_on(s);
            }
        }
    }
}
