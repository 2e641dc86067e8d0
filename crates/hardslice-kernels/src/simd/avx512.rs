//! AVX-512F: a vector is one register of thirty-two.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _CMP_GT_OQ, _MM_HINT_T0, _mm_prefetch, _mm256_loadu_si256,
    _mm256_storeu_si256, _mm512_add_epi32, _mm512_add_ps, _mm512_and_si512, _mm512_castpd_ps,
    _mm512_castps_pd, _mm512_castps_si512, _mm512_castsi256_si512, _mm512_castsi512_ps,
    _mm512_cmp_ps_mask, _mm512_cvtepi32_epi16, _mm512_cvtepu16_epi32, _mm512_cvtps_epi32,
    _mm512_div_ps, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_inserti64x4, _mm512_loadu_ps,
    _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_or_si512, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_slli_epi32, _mm512_srli_epi32,
    _mm512_storeu_ps, _mm512_sub_ps, _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd,
    _mm512_unpacklo_ps,
};

use super::amx::Amx;
use super::matrix_unit::MatrixUnit;
use super::vector::{Kernel, LANES, Simd};

/// The proof that this processor has AVX-512F.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512 {
    // Invariant: only where the processor has AVX512-BF16.
    bf16_dot: bool,
    amx: Option<Amx>,
}

impl Avx512 {
    /// The proof, where there is one; bf16 dot products are left out.
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self {
            bf16_dot: false,
            amx: None,
        })
    }

    /// The same with bf16 dot products (AVX512-BF16), where there are any.
    pub(crate) fn with_bf16_dot(mut self) -> Option<Self> {
        self.bf16_dot = is_x86_feature_detected!("avx512bf16");
        self.bf16_dot.then_some(self)
    }

    /// The same with AMX and bf16 dot products, where there are both.
    pub(crate) fn with_amx(self) -> Option<Self> {
        let amx = Some(Amx::detect()?);
        self.with_bf16_dot().map(|s| Self { amx, ..s })
    }

    /// The bits of lanes whose upper halves are their bf16: half of what is cut off added, less
    /// one where the last bit that stays is even.
    #[inline(always)]
    #[expect(clippy::unused_self, reason = "the proof that AVX-512F was detected")]
    fn rounded(self, v: __m512) -> __m512i {
        // SAFETY: AVX-512F was detected.
        unsafe {
            let bits = _mm512_castps_si512(v);
            let last = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
            let half = _mm512_add_epi32(last, _mm512_set1_epi32(0x7fff));
            _mm512_add_epi32(bits, half)
        }
    }
}

// In each block below: a value of `Avx512` exists only where `detect` found AVX-512F.
impl Simd for Avx512 {
    type V = __m512;

    const TILE_BLOCKS: usize = 2;
    const TILE_PIXELS: usize = 14;
    const TILE_CHANNELS: usize = 8;
    const PANEL_VECTORS: usize = 2;
    const GEMM_ROWS: usize = 12;

    #[inline(always)]
    fn zero(self) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        // SAFETY: AVX-512F was detected; the caller promises 16 readable elements.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    fn prefetch(self, from: *const f32) {
        // SAFETY: every x86-64 processor has it, and it never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: Self::V) {
        // SAFETY: AVX-512F was detected; the caller promises 16 writable elements.
        unsafe { _mm512_storeu_ps(to, v) }
    }

    #[inline(always)]
    unsafe fn load_bf16(self, from: *const u16) -> Self::V {
        // SAFETY: AVX-512F was detected; the caller promises 16 readable bf16.
        unsafe {
            let bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(bits))
        }
    }

    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut u16, v: Self::V) {
        // SAFETY: AVX-512F was detected; the caller promises 16 writable bf16.
        unsafe {
            let rounded = _mm512_srli_epi32::<16>(self.rounded(v));
            _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(rounded));
        }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn power_of_two(self, n: Self::V) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe {
            let exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent))
        }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, x: Self::V, floor: Self::V) -> Self::V {
        // SAFETY: AVX-512F was detected. The instruction gives its second operand for a NaN.
        unsafe { _mm512_max_ps(floor, x) }
    }

    #[inline(always)]
    fn relu_mask(self, test: Self::V, x: Self::V) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe {
            let positive = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(test, _mm512_setzero_ps());
            _mm512_maskz_mov_ps(positive, x)
        }
    }

    #[inline(always)]
    fn transpose(self, mut rows: [Self::V; LANES]) -> [Self::V; LANES] {
        // SAFETY: AVX-512F was detected.
        unsafe {
            // In each quarter of a vector: squares of two, then of four.
            for pair in rows.as_chunks_mut::<2>().0 {
                let [a, b] = *pair;
                *pair = [_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)];
            }
            for four in rows.as_chunks_mut::<4>().0 {
                let [a, b, c, d] = *four;
                let [a, b] = [_mm512_castps_pd(a), _mm512_castps_pd(b)];
                let [c, d] = [_mm512_castps_pd(c), _mm512_castps_pd(d)];
                *four = [
                    _mm512_castpd_ps(_mm512_unpacklo_pd(a, c)),
                    _mm512_castpd_ps(_mm512_unpackhi_pd(a, c)),
                    _mm512_castpd_ps(_mm512_unpacklo_pd(b, d)),
                    _mm512_castpd_ps(_mm512_unpackhi_pd(b, d)),
                ];
            }
            // Quarters change places.
            let mut columns = rows;
            for column in 0..4 {
                let [a, b] = [rows[column], rows[4 + column]];
                let [c, d] = [rows[8 + column], rows[12 + column]];
                let even = [
                    _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b),
                    _mm512_shuffle_f32x4::<0b10_00_10_00>(c, d),
                ];
                let odd = [
                    _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b),
                    _mm512_shuffle_f32x4::<0b11_01_11_01>(c, d),
                ];
                columns[column] = _mm512_shuffle_f32x4::<0b10_00_10_00>(even[0], even[1]);
                columns[4 + column] = _mm512_shuffle_f32x4::<0b10_00_10_00>(odd[0], odd[1]);
                columns[8 + column] = _mm512_shuffle_f32x4::<0b11_01_11_01>(even[0], even[1]);
                columns[12 + column] = _mm512_shuffle_f32x4::<0b11_01_11_01>(odd[0], odd[1]);
            }
            columns
        }
    }

    #[inline(always)]
    fn has_bf16_dot(self) -> bool {
        self.bf16_dot
    }

    #[inline(always)]
    fn matrix_unit(self) -> Option<MatrixUnit> {
        self.amx.map(MatrixUnit::Amx)
    }

    #[inline(always)]
    fn vnni_pair(self, low: Self::V, high: Self::V) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe {
            let low = _mm512_srli_epi32::<16>(self.rounded(low));
            let upper = _mm512_slli_epi32::<16>(_mm512_set1_epi32(0xffff));
            let high = _mm512_and_si512(self.rounded(high), upper);
            _mm512_castsi512_ps(_mm512_or_si512(low, high))
        }
    }

    #[inline(always)]
    fn pack_bf16(self, first: Self::V, second: Self::V) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe {
            let first = _mm512_srli_epi32::<16>(self.rounded(first));
            let second = _mm512_srli_epi32::<16>(self.rounded(second));
            let first = _mm512_castsi256_si512(_mm512_cvtepi32_epi16(first));
            let both = _mm512_inserti64x4::<1>(first, _mm512_cvtepi32_epi16(second));
            _mm512_castsi512_ps(both)
        }
    }

    #[inline(always)]
    unsafe fn dot_bf16(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: the caller's promise: `bf16_dot` is set only where AVX512-BF16 was detected. The
        // vectors are the same 512 bits. No closure: it would be compiled for no instruction set.
        unsafe {
            let a = std::mem::transmute::<__m512, __m512bh>(a);
            let b = std::mem::transmute::<__m512, __m512bh>(b);
            _mm512_dpbf16_ps(c, a, b)
        }
    }

    #[inline(always)]
    fn run_bf16<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512bf16")]
        #[inline(never)]
        fn compiled<K: Kernel>(s: Avx512, kernel: K) -> K::Output {
            kernel.run(s)
        }
        assert!(self.bf16_dot, "an instruction set with bf16 dot products");
        // SAFETY: AVX-512F was detected, and AVX512-BF16 where `bf16_dot` is set.
        unsafe { compiled(self, kernel) }
    }

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f")]
        #[inline(never)]
        fn compiled<K: Kernel>(s: Avx512, kernel: K) -> K::Output {
            kernel.run(s)
        }
        // SAFETY: AVX-512F was detected.
        unsafe { compiled(self, kernel) }
    }
}
