//! The terms of overlap losses.

use super::Terms;
use crate::simd::{Simd, exp_minus_abs, sigmoid};

/// `p · g`, `p`, `g`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Overlap;

impl Terms<3> for Overlap {
    #[inline(always)]
    fn of<S: Simd>(self, s: S, logit: S::V, target: S::V) -> [S::V; 3] {
        let p = sigmoid(s, logit, exp_minus_abs(s, logit));
        [s.mul(p, target), p, target]
    }

    #[inline(always)]
    fn slope<S: Simd>(self, s: S, logit: S::V, target: S::V, pulls: [S::V; 3]) -> S::V {
        // p · (1 − p) = e / (1 + e)² with e = exp(−|z|), which loses no digits where p is near 1.
        let e = exp_minus_abs(s, logit);
        let sum = s.add(s.splat(1.0), e);
        let slope = s.div(e, s.mul(sum, sum));
        s.mul(slope, s.mul_add(target, pulls[0], pulls[1]))
    }
}
