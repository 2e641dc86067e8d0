//! SIMD: vectors of sixteen `f32` lanes on every instruction set (AVX-512, AVX2, plain arrays),
//! behind one trait.
//!
//! A kernel is written once, as a [`Kernel`] that is generic over [`Simd`]; [`Simd::run`] compiles
//! it for the instruction set. Which one runs is chosen once at run time ([`with_simd`]).

#![expect(
    unsafe_code,
    reason = "instruction sets that a processor may not have; pointers"
)]

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod elementary;
mod instruction_set;
mod matrix_unit;
mod portable;
mod tile_product;
mod vector;
mod vnni;

#[cfg(all(test, target_arch = "x86_64"))]
pub(crate) use avx2::Avx2;
#[cfg(all(test, target_arch = "x86_64"))]
pub(crate) use avx512::Avx512;
pub(crate) use elementary::{exp, exp_minus_abs, ln_1p_unit, sigmoid};
pub use instruction_set::{
    ForceInstructionSetError, force_instruction_set, instruction_set, instruction_set_for,
};
pub(crate) use instruction_set::{Level, has_own_kernels};
pub(crate) use matrix_unit::{MatrixUnit, Tiles};
#[cfg(test)]
pub(crate) use portable::Portable;
pub(crate) use tile_product::{Products, TILE, TermStarts, TileProduct, TileShape, TileSums};
pub(crate) use vector::{Element, Kernel, LANES, Pixel, PixelOf, Simd};
pub(crate) use vnni::vnni_pair;

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

    /// Two values a lane and what a sum of their products starts from.
    struct Bf16Dot([Pixel; 5]);

    impl Kernel for Bf16Dot {
        /// The pairs' bits, and the sums.
        type Output = ([u32; LANES], Pixel);

        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Self::Output {
            let [a_low, a_high, b_low, b_high, c] = &self.0;
            let a = s.vnni_pair(s.read(a_low), s.read(a_high));
            let b = s.vnni_pair(s.read(b_low), s.read(b_high));
            // SAFETY: `run_bf16` runs it.
            let sums = unsafe { s.dot_bf16(a, b, s.read(c)) };
            (s.to_array(a).map(f32::to_bits), s.to_array(sums))
        }
    }

    /// Values that a bf16 cuts off, ties to either side among them.
    fn lanes(first: u32) -> Pixel {
        let mut lanes = [0.0; LANES];
        for (lane, value) in (0_u32..).zip(&mut lanes) {
            let tie = match lane % 4 {
                0 => 0x8000,
                1 => 0x1_8000,
                2 => 0x7fff,
                _ => 0x8001,
            };
            let sign = if lane % 3 == 0 { 1 << 31 } else { 0 };
            *value = f32::from_bits(sign | (0x3f80_0000 + ((first + 5 * lane) << 17)) | tie);
        }
        lanes
    }

    fn holds_on<S: Simd>(s: S) {
        let of = [lanes(1), lanes(9), lanes(4), lanes(20), lanes(2)];
        let (pairs, sums) = s.run_bf16(Bf16Dot(of));
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
        holds_on(Portable::default().with_bf16_dot());
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(s) = Avx2::detect() {
                holds_on(s.with_bf16_dot());
            }
            if let Some(s) = Avx512::detect().and_then(Avx512::with_bf16_dot) {
                holds_on(s);
            }
        }
    }
}
