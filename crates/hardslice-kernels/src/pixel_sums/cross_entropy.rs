//! The terms of cross-entropy and focal loss.

use super::Terms;
use crate::simd::{Simd, exp, exp_minus_abs, ln_1p_unit, sigmoid};

/// `−ln p_t`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CrossEntropy;

/// `α_t · (1 − p_t)^γ · −ln p_t`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Focal {
    pub(crate) gamma: f32,
    pub(crate) alpha: f32,
}

/// What both losses of a pixel are made of, with `t` the logit of its true class.
struct TrueClass<V> {
    /// 1 where the target is 1, −1 where it is 0: `t` is the logit times that.
    sign: V,
    t: V,
    /// `e^−|t|`.
    e: V,
    /// `ln(1 + e^−|t|)`.
    ln: V,
}

impl<V: Copy> TrueClass<V> {
    #[inline(always)]
    fn of<S: Simd<V = V>>(s: S, logit: V, target: V) -> Self {
        let sign = s.mul_add(target, s.splat(2.0), s.splat(-1.0));
        let t = s.mul(logit, sign);
        let e = exp_minus_abs(s, t);
        let ln = ln_1p_unit(s, e);
        Self { sign, t, e, ln }
    }

    /// `−ln p_t = max(−t, 0) + ln(1 + e^−|t|)`, never overflowing.
    #[inline(always)]
    fn cross_entropy<S: Simd<V = V>>(&self, s: S) -> V {
        s.add(s.max(s.sub(s.zero(), self.t), s.zero()), self.ln)
    }

    /// `1 − p_t`, which loses no digits where `p_t` is near 1.
    #[inline(always)]
    fn missed<S: Simd<V = V>>(&self, s: S) -> V {
        sigmoid(s, s.sub(s.zero(), self.t), self.e)
    }

    /// `(1 − p_t)^γ`, from its logarithm.
    #[inline(always)]
    fn focus<S: Simd<V = V>>(&self, s: S, gamma: f32) -> V {
        let ln_missed = s.add(s.max(self.t, s.zero()), self.ln);
        exp(s, s.mul(s.splat(-gamma), ln_missed))
    }
}

impl Terms<1> for CrossEntropy {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, logit: S::V, target: S::V) -> [S::V; 1] {
        [TrueClass::of(s, logit, target).cross_entropy(s)]
    }

    #[inline(always)]
    fn slope<S: Simd>(self, s: S, logit: S::V, target: S::V, pulls: [S::V; 1]) -> S::V {
        let of = TrueClass::of(s, logit, target);
        let against = s.mul(of.missed(s), of.sign);
        s.sub(s.zero(), s.mul(against, pulls[0]))
    }
}

impl Focal {
    /// `α_t`.
    #[inline(always)]
    fn alpha<S: Simd>(self, s: S, target: S::V) -> S::V {
        let off = s.splat(1.0 - self.alpha);
        s.mul_add(target, s.splat(2.0 * self.alpha - 1.0), off)
    }
}

impl Terms<1> for Focal {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, logit: S::V, target: S::V) -> [S::V; 1] {
        let of = TrueClass::of(s, logit, target);
        let weighed = s.mul(self.alpha(s, target), of.focus(s, self.gamma));
        [s.mul(weighed, of.cross_entropy(s))]
    }

    #[inline(always)]
    fn slope<S: Simd>(self, s: S, logit: S::V, target: S::V, pulls: [S::V; 1]) -> S::V {
        // By t: −α_t · (1 − p_t)^γ · (γ · p_t · CE + 1 − p_t).
        let of = TrueClass::of(s, logit, target);
        let hit = sigmoid(s, of.t, of.e);
        let focused = s.mul(s.mul(s.splat(self.gamma), hit), of.cross_entropy(s));
        let steep = s.add(focused, of.missed(s));
        let weighed = s.mul(self.alpha(s, target), of.focus(s, self.gamma));
        let against = s.mul(s.mul(weighed, steep), of.sign);
        s.sub(s.zero(), s.mul(against, pulls[0]))
    }
}
