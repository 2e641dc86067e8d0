//! Plain arrays, which the compiler vectorises for the instruction set that it builds for.

use super::matrix_unit::MatrixUnit;
use super::vector::{Kernel, LANES, Simd};
use super::vnni::vnni_halves;

/// Every processor has this one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Portable {
    /// Whether bf16 dot products are computed, one product at a time: for tests.
    bf16_dot: bool,
    /// Whether tiles are multiplied so, too.
    tiles: bool,
}

impl Portable {
    /// The same with bf16 dot products.
    pub(crate) fn with_bf16_dot(self) -> Self {
        Self {
            bf16_dot: true,
            ..self
        }
    }

    /// The same with products of tiles and bf16 dot products.
    pub(crate) fn with_tiles(self) -> Self {
        Self {
            tiles: true,
            ..self.with_bf16_dot()
        }
    }
}

impl Simd for Portable {
    type V = [f32; LANES];

    const TILE_BLOCKS: usize = 1;
    const TILE_PIXELS: usize = 2;
    const TILE_CHANNELS: usize = 2;
    const PANEL_VECTORS: usize = 2;
    const GEMM_ROWS: usize = 1;

    #[inline(always)]
    fn zero(self) -> Self::V {
        [0.0; LANES]
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; LANES]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        // SAFETY: the caller's promise; an array of elements is aligned like an element.
        unsafe { *from.cast() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: Self::V) {
        // SAFETY: the caller's promise; an array of elements is aligned like an element.
        unsafe { *to.cast() = v }
    }

    #[inline(always)]
    unsafe fn load_bf16(self, from: *const u16) -> Self::V {
        // SAFETY: the caller's promise; an array of elements is aligned like an element.
        let bits: [u16; LANES] = unsafe { *from.cast() };
        bits.map(|bits| f32::from_bits(u32::from(bits) << 16))
    }

    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut u16, v: Self::V) {
        let bits = v.map(|x| (rounded(x) >> 16) as u16);
        // SAFETY: the caller's promise; an array of elements is aligned like an element.
        unsafe { *to.cast() = bits }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| a[i] - b[i])
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        lanes(|i| a[i] / b[i])
    }

    #[inline(always)]
    fn power_of_two(self, n: Self::V) -> Self::V {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an exponent of eight bits"
        )]
        lanes(|i| f32::from_bits(((n[i] as i32).wrapping_add(127) as u32) << 23))
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Not `f32::mul_add`: without the instruction that is a call into the maths library.
        lanes(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn max(self, x: Self::V, floor: Self::V) -> Self::V {
        lanes(|i| if floor[i] > x[i] { floor[i] } else { x[i] })
    }

    #[inline(always)]
    fn relu_mask(self, test: Self::V, x: Self::V) -> Self::V {
        lanes(|i| if test[i] > 0.0 { x[i] } else { 0.0 })
    }

    #[inline(always)]
    fn has_bf16_dot(self) -> bool {
        self.bf16_dot
    }

    #[inline(always)]
    fn matrix_unit(self) -> Option<MatrixUnit> {
        self.tiles.then_some(MatrixUnit::Emulated)
    }

    #[inline(always)]
    fn vnni_pair(self, low: Self::V, high: Self::V) -> Self::V {
        lanes(|i| f32::from_bits(rounded(low[i]) >> 16 | rounded(high[i]) & 0xffff_0000))
    }

    #[inline(always)]
    unsafe fn dot_bf16(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        lanes(|i| {
            let [[a_low, a_high], [b_low, b_high]] = [a[i], b[i]].map(vnni_halves);
            a_low * b_low + (a_high * b_high + c[i])
        })
    }

    #[inline(always)]
    fn run_bf16<K: Kernel>(self, kernel: K) -> K::Output {
        assert!(self.bf16_dot, "an instruction set with bf16 dot products");
        self.run(kernel)
    }

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[inline(never)]
        fn compiled<K: Kernel>(s: Portable, kernel: K) -> K::Output {
            kernel.run(s)
        }
        compiled(self, kernel)
    }
}

/// The bits of a value whose upper half is its bf16: half of what is cut off added, less one where
/// the last bit that stays is even.
#[inline(always)]
fn rounded(x: f32) -> u32 {
    let bits = x.to_bits();
    bits.wrapping_add(0x7fff + ((bits >> 16) & 1))
}

/// A vector lane by lane. Not `std::array::from_fn`: the compiler leaves a call for each lane there.
#[inline(always)]
fn lanes(lane: impl Fn(usize) -> f32) -> [f32; LANES] {
    let mut v = [0.0; LANES];
    for (i, to) in v.iter_mut().enumerate() {
        *to = lane(i);
    }
    v
}
