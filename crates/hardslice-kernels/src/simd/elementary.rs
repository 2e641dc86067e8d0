//! Exponential, logarithm and sigmoid of a vector.
//!
//! Within 4e-7 of the exact value, as a share of it, on every instruction set (the tests say so
//! against double precision); a `NaN` stays one.
//!
//! # Sources
//!
//! - S. L. Moshier, Cephes Mathematical Library, `expf`: the range reduction and the polynomial of
//!   [`exp`].

use super::vector::Simd;

/// Beyond these `e^x` is no normal number.
const SMALLEST: f32 = -87.0;
const LARGEST: f32 = 88.0;

/// Added and taken away again, it leaves the nearest whole number: `1.5 · 2^23`.
const ROUNDING: f32 = 12_582_912.0;

/// `ln 2` in two parts, the first of which times a whole number below 2^9 is exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// `e^x = 1 + x + x² · (…)` for `|x| ≤ ln 2 / 2`, the highest power first.
const EXP: [f32; 6] = [
    1.987_569_1e-4,
    1.398_199_9e-3,
    8.333_452e-3,
    4.166_579_6e-2,
    1.666_666_5e-1,
    0.5,
];

/// `artanh s = s + s³ · (1/3 + s²/5 + …)`, the highest power first.
const ARTANH: [f32; 6] = [
    1.0 / 13.0,
    1.0 / 11.0,
    1.0 / 9.0,
    1.0 / 7.0,
    1.0 / 5.0,
    1.0 / 3.0,
];

/// `e^x`; what lies below −87 counts as −87 (1.6e-38), what lies above 88 as 88 (1.7e38).
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    let x = s.max(x, s.splat(SMALLEST));
    let minus_x = s.max(s.sub(s.zero(), x), s.splat(-LARGEST));
    let x = s.sub(s.zero(), minus_x);
    let rounding = s.splat(ROUNDING);
    let powers = s.mul_add(x, s.splat(std::f32::consts::LOG2_E), rounding);
    let powers = s.sub(powers, rounding);
    let rest = s.mul_add(powers, s.splat(-LN_2[0]), x);
    let rest = s.mul_add(powers, s.splat(-LN_2[1]), rest);
    let curve = polynomial(s, rest, EXP);
    let e = s.mul_add(s.mul(rest, rest), curve, s.add(rest, s.splat(1.0)));
    s.mul(e, s.power_of_two(powers))
}

/// `e^−|x|`, in (0, 1].
#[inline(always)]
pub(crate) fn exp_minus_abs<S: Simd>(s: S, x: S::V) -> S::V {
    let minus_x = s.sub(s.zero(), x);
    exp(s, s.sub(s.zero(), s.max(x, minus_x)))
}

/// `ln(1 + x)` for `x` in [0, 1].
#[inline(always)]
pub(crate) fn ln_1p_unit<S: Simd>(s: S, x: S::V) -> S::V {
    // ln(1 + x) = 2 · artanh(x / (2 + x)), whose argument is a third at most.
    let ratio = s.div(x, s.add(x, s.splat(2.0)));
    let square = s.mul(ratio, ratio);
    let curve = polynomial(s, square, ARTANH);
    let doubled = s.add(ratio, ratio);
    s.mul_add(s.mul(doubled, square), curve, doubled)
}

/// `1 / (1 + e^−x)`, from `x` and [`exp_minus_abs`] of it.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(s: S, x: S::V, exp_minus_abs: S::V) -> S::V {
    let one = s.splat(1.0);
    let over = s.div(one, s.add(one, exp_minus_abs));
    // e / (1 + e) below zero, and above it (1 − e) / (1 + e) more.
    let below = s.mul(exp_minus_abs, over);
    let more = s.mul(s.sub(one, exp_minus_abs), over);
    s.add(below, s.relu_mask(x, more))
}

/// The highest power first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(s: S, x: S::V, coefficients: [f32; N]) -> S::V {
    let mut sum = s.splat(coefficients[0]);
    for coefficient in &coefficients[1..] {
        sum = s.mul_add(sum, x, s.splat(*coefficient));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "x86_64")]
    use crate::simd::{Avx2, Avx512};
    use crate::simd::{Kernel, LANES, Pixel, Portable};

    /// `e^x`, `e^−|x|`, sigmoid, and `ln(1 + e^−|x|)`.
    struct All(Pixel);

    impl Kernel for All {
        type Output = [Pixel; 4];

        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> [Pixel; 4] {
            let x = s.read(&self.0);
            let e = exp_minus_abs(s, x);
            [exp(s, x), e, sigmoid(s, x, e), ln_1p_unit(s, e)].map(|v| s.to_array(v))
        }
    }

    fn is_exact_enough<S: Simd>(s: S) {
        let steps = 1 << 20;
        for first in (0..=steps).step_by(LANES) {
            let x: Pixel = std::array::from_fn(|lane| {
                -86.9 + 173.8 * ((first + lane) as f32 / steps as f32).min(1.0)
            });
            let [exp, small, sigmoid, ln] = s.run(All(x));
            for lane in 0..LANES {
                let x = f64::from(x[lane]);
                let small_exact = (-x.abs()).exp();
                for (name, found, exact) in [
                    ("exp", exp[lane], x.exp()),
                    ("exp(-|x|)", small[lane], small_exact),
                    ("sigmoid", sigmoid[lane], 1.0 / (1.0 + (-x).exp())),
                    ("ln(1 + exp(-|x|))", ln[lane], small_exact.ln_1p()),
                ] {
                    let off = (f64::from(found) - exact).abs() / exact;
                    assert!(off <= 4e-7, "{name} of {x}: {found}, not {exact}");
                }
            }
        }
        let x: Pixel = std::array::from_fn(|lane| match lane {
            0 => f32::NAN,
            1 => f32::INFINITY,
            2 => f32::NEG_INFINITY,
            3 => 0.0,
            4 => -0.0,
            _ => 1e30,
        });
        let [exp, _, sigmoid, ln] = s.run(All(x));
        assert!(
            exp[0].is_nan() && sigmoid[0].is_nan() && ln[0].is_nan(),
            "{exp:?} {sigmoid:?} {ln:?}"
        );
        assert_eq!(sigmoid[1..6], [1.0, sigmoid[2], 0.5, 0.5, 1.0]);
        assert!(sigmoid[2] < 2e-38 && exp[1] > 1e38, "{sigmoid:?} {exp:?}");
    }

    #[test]
    fn functions_are_exact_to_a_few_last_places_on_every_instruction_set() {
        is_exact_enough(Portable::default());
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(s) = Avx2::detect() {
                is_exact_enough(s);
            }
            if let Some(s) = Avx512::detect() {
                is_exact_enough(s);
            }
        }
    }
}
