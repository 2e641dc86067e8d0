//! The vector of sixteen `f32` lanes, the elements it is read from, and the code that is generic
//! over it.

use burn_std::bf16;

use super::matrix_unit::MatrixUnit;

/// Elements in a vector, and channels in a block of the blocked layout.
pub(crate) const LANES: usize = 16;

/// Sixteen channels of one pixel: the unit of the blocked layout.
pub(crate) type Pixel = PixelOf<f32>;

/// Sixteen channels of one pixel, as they are stored.
pub(crate) type PixelOf<E> = [E; LANES];

/// A vector of [`LANES`] elements on one instruction set.
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
    /// Vectors in a row of the micro-kernel of a GEMM, 1 or 2.
    const PANEL_VECTORS: usize;
    /// Rows of that micro-kernel: 1, 6 or 12.
    const GEMM_ROWS: usize;

    /// All lanes zero.
    fn zero(self) -> Self::V;
    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::V;
    /// Reads 16 elements.
    ///
    /// # Safety
    ///
    /// `from` is valid for reads of 16 elements; it need not be aligned to more than an element.
    unsafe fn load(self, from: *const f32) -> Self::V;
    /// Asks for the memory at a place that will be read soon; any place will do.
    #[inline(always)]
    fn prefetch(self, _from: *const f32) {}
    /// Writes 16 elements.
    ///
    /// # Safety
    ///
    /// `to` is valid for writes of 16 elements; it need not be aligned to more than an element.
    unsafe fn store(self, to: *mut f32, v: Self::V);
    /// Reads 16 bf16, given as their bits.
    ///
    /// # Safety
    ///
    /// `from` is valid for reads of 16 of them.
    unsafe fn load_bf16(self, from: *const u16) -> Self::V;
    /// Rounds 16 lanes to bf16, to the nearest, ties to even, and writes their bits. A `NaN` that
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
    /// `a · b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `2^n` for whole lanes `n` from −126 to 127; of any other lane some number.
    fn power_of_two(self, n: Self::V) -> Self::V;
    /// `a · b + c`; rounded once where the instruction set has fused multiply-add.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger of both; a `NaN` in `x` stays.
    fn max(self, x: Self::V, floor: Self::V) -> Self::V;
    /// `x` where `test > 0`, else 0: the gradient through a ReLU whose result is `test`.
    fn relu_mask(self, test: Self::V, x: Self::V) -> Self::V;

    /// Whether nets in bf16 are computed in bf16 dot products: where the processor has an instruction
    /// for them.
    fn has_bf16_dot(self) -> bool;
    /// What multiplies tiles of bf16, where nets in bf16 are computed by it and not in
    /// [dot products](Self::dot_bf16); then there are dot products, too.
    #[inline(always)]
    fn matrix_unit(self) -> Option<MatrixUnit> {
        None
    }
    /// A VNNI pair in each lane: `low` and `high`, each rounded to bf16 as by
    /// [`store_bf16`](Self::store_bf16), as the lower and the upper half of its bits.
    fn vnni_pair(self, low: Self::V, high: Self::V) -> Self::V;
    /// Thirty-two elements in a row, the first sixteen of them in `first`, as thirty-two bf16 in a
    /// row (`vcvtne2ps2bf16`): sixteen [VNNI pairs](Self::vnni_pair) of neighbours.
    #[inline(always)]
    fn pack_bf16(self, first: Self::V, second: Self::V) -> Self::V {
        let mut packed = [0_u16; 2 * LANES];
        // SAFETY: thirty-two bf16 are the bits of sixteen `f32`.
        unsafe {
            self.store_bf16(packed.as_mut_ptr(), first);
            self.store_bf16(packed.as_mut_ptr().add(LANES), second);
            self.load(packed.as_ptr().cast())
        }
    }
    /// The bf16 dot product (`vdpbf16ps`): adds to each lane of `c` the products of the two bf16 in
    /// that lane of `a` and `b`.
    ///
    /// Instruction sets differ in how often they round on the way, and the instruction takes
    /// subnormal numbers for zero.
    ///
    /// # Safety
    ///
    /// [`has_bf16_dot`](Self::has_bf16_dot), and compiled by [`run_bf16`](Self::run_bf16).
    unsafe fn dot_bf16(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Runs a kernel compiled for this instruction set and its [`dot_bf16`](Self::dot_bf16).
    ///
    /// # Panics
    ///
    /// Where there is none ([`has_bf16_dot`](Self::has_bf16_dot)).
    fn run_bf16<K: Kernel>(self, kernel: K) -> K::Output;

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
    fn read<E: Element>(self, from: &PixelOf<E>) -> Self::V {
        // SAFETY: a pixel has 16 elements.
        unsafe { E::load(self, from.as_ptr()) }
    }

    /// Writes a pixel.
    #[inline(always)]
    fn write<E: Element>(self, to: &mut PixelOf<E>, v: Self::V) {
        // SAFETY: a pixel has 16 elements.
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

/// An element in memory that a vector is read from and written to.
pub(crate) trait Element: Copy + Default + Send + Sync + 'static {
    /// Reads sixteen elements.
    ///
    /// # Safety
    ///
    /// `from` is valid for reads of 16 of them.
    unsafe fn load<S: Simd>(s: S, from: *const Self) -> S::V;
    /// Rounds and writes sixteen elements.
    ///
    /// # Safety
    ///
    /// `to` is valid for writes of 16 of them.
    unsafe fn store<S: Simd>(s: S, to: *mut Self, v: S::V);
}

impl Element for f32 {
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, from: *const Self) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { s.load(from) }
    }

    #[inline(always)]
    unsafe fn store<S: Simd>(s: S, to: *mut Self, v: S::V) {
        // SAFETY: the caller's promise.
        unsafe { s.store(to, v) }
    }
}

impl Element for bf16 {
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, from: *const Self) -> S::V {
        // SAFETY: the caller's promise; a bf16 is its bits.
        unsafe { s.load_bf16(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store<S: Simd>(s: S, to: *mut Self, v: S::V) {
        // SAFETY: the caller's promise; a bf16 is its bits.
        unsafe { s.store_bf16(to.cast(), v) }
    }
}
