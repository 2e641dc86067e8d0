//! AVX2 with fused multiply-add: a vector is two registers of sixteen.

use std::arch::x86_64::{
    __m256, __m256i, _CMP_GT_OQ, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_add_epi32,
    _mm256_add_ps, _mm256_and_ps, _mm256_and_si256, _mm256_blend_epi16, _mm256_castps_si256,
    _mm256_castsi256_ps, _mm256_cmp_ps, _mm256_cvtepu16_epi32, _mm256_cvtps_epi32, _mm256_div_ps,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_mul_ps, _mm256_packus_epi32,
    _mm256_permute4x64_epi64, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_slli_epi32, _mm256_srli_epi32, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_ps,
};

use super::vector::{Kernel, Simd};

/// The proof that this processor has AVX2 and FMA.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2 {
    /// Whether bf16 dot products are computed, one product at a time: for tests.
    bf16_dot: bool,
}

impl Avx2 {
    /// The proof, where there is one.
    pub(crate) fn detect() -> Option<Self> {
        let is_there = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        is_there.then_some(Self { bf16_dot: false })
    }

    /// The same, with bf16 dot products computed one product at a time.
    pub(crate) fn with_bf16_dot(mut self) -> Self {
        self.bf16_dot = true;
        self
    }

    /// The bits of lanes whose upper halves are their bf16: half of what is cut off added, less
    /// one where the last bit that stays is even.
    #[inline(always)]
    #[expect(clippy::unused_self, reason = "the proof that AVX2 was detected")]
    fn rounded(self, v: __m256) -> __m256i {
        // SAFETY: AVX2 was detected.
        unsafe {
            let bits = _mm256_castps_si256(v);
            let last = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
            let half = _mm256_add_epi32(last, _mm256_set1_epi32(0x7fff));
            _mm256_add_epi32(bits, half)
        }
    }
}

// In each block below: a value of `Avx2` exists only where `detect` found AVX2 and FMA.
impl Simd for Avx2 {
    type V = (__m256, __m256);

    const TILE_BLOCKS: usize = 1;
    const TILE_PIXELS: usize = 6;
    const TILE_CHANNELS: usize = 4;
    const PANEL_VECTORS: usize = 1;
    const GEMM_ROWS: usize = 6;

    #[inline(always)]
    fn zero(self) -> Self::V {
        // SAFETY: AVX2 was detected.
        unsafe { (_mm256_setzero_ps(), _mm256_setzero_ps()) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        // SAFETY: AVX2 was detected.
        let v = unsafe { _mm256_set1_ps(x) };
        (v, v)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        // SAFETY: AVX2 was detected; the caller promises 16 readable elements.
        unsafe { (_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    fn prefetch(self, from: *const f32) {
        // SAFETY: every x86-64 processor has it, and it never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: Self::V) {
        // SAFETY: AVX2 was detected; the caller promises 16 writable elements.
        unsafe {
            _mm256_storeu_ps(to, v.0);
            _mm256_storeu_ps(to.add(8), v.1);
        }
    }

    #[inline(always)]
    unsafe fn load_bf16(self, from: *const u16) -> Self::V {
        // SAFETY: AVX2 was detected.
        let widened = |bits| unsafe {
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(bits)))
        };
        // SAFETY: the caller promises 16 readable bf16.
        let (low, high) = unsafe {
            (
                _mm_loadu_si128(from.cast()),
                _mm_loadu_si128(from.add(8).cast()),
            )
        };
        (widened(low), widened(high))
    }

    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut u16, v: Self::V) {
        // SAFETY: AVX2 was detected; the caller promises 16 writable bf16.
        unsafe {
            let rounded = |v| _mm256_srli_epi32::<16>(self.rounded(v));
            // The packing takes 4 of one and 4 of the other in turn.
            let packed = _mm256_packus_epi32(rounded(v.0), rounded(v.1));
            let ordered = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
            _mm256_storeu_si256(to.cast(), ordered);
        }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: AVX2 was detected.
        unsafe { (_mm256_add_ps(a.0, b.0), _mm256_add_ps(a.1, b.1)) }
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: AVX2 was detected.
        unsafe { (_mm256_sub_ps(a.0, b.0), _mm256_sub_ps(a.1, b.1)) }
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: AVX2 was detected.
        unsafe { (_mm256_mul_ps(a.0, b.0), _mm256_mul_ps(a.1, b.1)) }
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: AVX2 was detected.
        unsafe { (_mm256_div_ps(a.0, b.0), _mm256_div_ps(a.1, b.1)) }
    }

    #[inline(always)]
    fn power_of_two(self, n: Self::V) -> Self::V {
        // SAFETY: AVX2 was detected.
        let power = |n| unsafe {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
        };
        (power(n.0), power(n.1))
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: AVX2 and FMA were detected.
        unsafe {
            (
                _mm256_fmadd_ps(a.0, b.0, c.0),
                _mm256_fmadd_ps(a.1, b.1, c.1),
            )
        }
    }

    #[inline(always)]
    fn max(self, x: Self::V, floor: Self::V) -> Self::V {
        // SAFETY: AVX2 was detected. The instruction gives its second operand for a NaN.
        unsafe { (_mm256_max_ps(floor.0, x.0), _mm256_max_ps(floor.1, x.1)) }
    }

    #[inline(always)]
    fn relu_mask(self, test: Self::V, x: Self::V) -> Self::V {
        // SAFETY: AVX2 was detected.
        unsafe {
            let zero = _mm256_setzero_ps();
            (
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(test.0, zero), x.0),
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(test.1, zero), x.1),
            )
        }
    }

    #[inline(always)]
    fn has_bf16_dot(self) -> bool {
        self.bf16_dot
    }

    #[inline(always)]
    fn vnni_pair(self, low: Self::V, high: Self::V) -> Self::V {
        // SAFETY: AVX2 was detected.
        let pair = |low, high| unsafe {
            let low = _mm256_srli_epi32::<16>(self.rounded(low));
            _mm256_castsi256_ps(_mm256_blend_epi16::<0b1010_1010>(low, self.rounded(high)))
        };
        (pair(low.0, high.0), pair(low.1, high.1))
    }

    #[inline(always)]
    unsafe fn dot_bf16(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: AVX2 and FMA were detected.
        let dot = |a, b, c| unsafe {
            let low = |v| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_castps_si256(v)));
            let upper = _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_set1_epi32(0xffff)));
            let high = |v| _mm256_and_ps(v, upper);
            _mm256_fmadd_ps(low(a), low(b), _mm256_fmadd_ps(high(a), high(b), c))
        };
        (dot(a.0, b.0, c.0), dot(a.1, b.1, c.1))
    }

    #[inline(always)]
    fn run_bf16<K: Kernel>(self, kernel: K) -> K::Output {
        assert!(self.bf16_dot, "an instruction set with bf16 dot products");
        self.run(kernel)
    }

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        #[inline(never)]
        fn compiled<K: Kernel>(s: Avx2, kernel: K) -> K::Output {
            kernel.run(s)
        }
        // SAFETY: AVX2 and FMA were detected.
        unsafe { compiled(self, kernel) }
    }
}
