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
pub use instruction_set::{ForceInstructionSetError, force_instruction_set, instruction_set};
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
