//! The points at which tiles are evaluated, and the transforms to and from them along one axis.

use crate::simd::Simd;

/// Outputs of a tile along an axis.
pub(super) const TILE: usize = 4;

/// Points at which a tile is evaluated.
pub(super) const N_POINTS: usize = 36;

/// The finite points other than 0 are ±A and ±B.
const A: f32 = 0.75;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;

/// What makes the Lagrange polynomial of each point 1 there: for 0, ±A and ±B.
const SCALE_0: f32 = 1.0 / (A2 * B2);
const SCALE_A: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
const SCALE_B: f32 = 1.0 / (2.0 * B2 * (B2 - A2));

/// `x · by_x + y · by_y + sum`.
#[inline(always)]
fn weighed<S: Simd>(s: S, [x, y]: [S::V; 2], [by_x, by_y]: [f32; 2], sum: S::V) -> S::V {
    s.mul_add(x, s.splat(by_x), s.mul_add(y, s.splat(by_y), sum))
}

/// The values at 0, ±A, ±B and infinity, from those at the ends and what is even and odd in the
/// point.
#[inline(always)]
fn at_points<S: Simd>(s: S, ends: [S::V; 2], of_a: [S::V; 2], of_b: [S::V; 2]) -> [S::V; 6] {
    [
        ends[0],
        s.mul_add(of_a[1], s.splat(A), of_a[0]),
        s.mul_add(of_a[1], s.splat(-A), of_a[0]),
        s.mul_add(of_b[1], s.splat(B), of_b[0]),
        s.mul_add(of_b[1], s.splat(-B), of_b[0]),
        ends[1],
    ]
}

/// Six inputs along an axis, at the six points.
#[inline(always)]
pub(super) fn of_input<S: Simd>(s: S, d: [S::V; 6]) -> [S::V; 6] {
    let by_ends = [-(A2 + B2), A2 * B2];
    let first = weighed(s, [d[2], d[0]], by_ends, d[4]);
    let last = weighed(s, [d[3], d[1]], by_ends, d[5]);
    let (by_b, by_a) = (s.splat(-B2), s.splat(-A2));
    let of_a = [s.mul_add(d[2], by_b, d[4]), s.mul_add(d[1], by_b, d[3])];
    let of_b = [s.mul_add(d[2], by_a, d[4]), s.mul_add(d[1], by_a, d[3])];
    at_points(s, [first, last], of_a, of_b)
}

/// Four gradients along an axis, at the six points: the transpose of [`to_output`].
#[inline(always)]
pub(super) fn of_gradient<S: Simd>(s: S, g: [S::V; 4]) -> [S::V; 6] {
    let (by_a, by_b) = (s.splat(A2), s.splat(B2));
    let of_a = [s.mul_add(g[2], by_a, g[0]), s.mul_add(g[3], by_a, g[1])];
    let of_b = [s.mul_add(g[2], by_b, g[0]), s.mul_add(g[3], by_b, g[1])];
    at_points(s, [g[0], g[3]], of_a, of_b)
}

/// Three weights along an axis, at the six points.
#[inline(always)]
pub(super) fn of_weight<S: Simd>(s: S, w: [S::V; 3]) -> [S::V; 6] {
    let first = s.mul_add(w[0], s.splat(SCALE_0), s.zero());
    let even_a = weighed(s, [w[0], w[2]], [SCALE_A, SCALE_A * A2], s.zero());
    let odd_a = s.mul_add(w[1], s.splat(SCALE_A), s.zero());
    let even_b = weighed(s, [w[0], w[2]], [SCALE_B, SCALE_B * B2], s.zero());
    let odd_b = s.mul_add(w[1], s.splat(SCALE_B), s.zero());
    at_points(s, [first, w[2]], [even_a, odd_a], [even_b, odd_b])
}

/// What is even and odd in A and in B.
#[inline(always)]
fn parts<S: Simd>(s: S, m: [S::V; 6]) -> ([S::V; 2], [S::V; 2]) {
    (
        [s.add(m[1], m[2]), s.add(m[3], m[4])],
        [s.sub(m[1], m[2]), s.sub(m[3], m[4])],
    )
}

/// Four outputs along an axis, from the products at the six points.
#[inline(always)]
pub(super) fn to_output<S: Simd>(s: S, m: [S::V; 6]) -> [S::V; 4] {
    let (even, odd) = parts(s, m);
    [
        s.add(s.add(m[0], even[0]), even[1]),
        weighed(s, odd, [A, B], s.zero()),
        weighed(s, even, [A2, B2], s.zero()),
        weighed(s, odd, [A * A2, B * B2], m[5]),
    ]
}

/// Three weights' gradients along an axis, from the sums at the six points: the transpose of
/// [`of_weight`].
#[inline(always)]
pub(super) fn to_weight<S: Simd>(s: S, u: [S::V; 6]) -> [S::V; 3] {
    let (even, odd) = parts(s, u);
    let first = s.mul_add(u[0], s.splat(SCALE_0), s.zero());
    [
        weighed(s, even, [SCALE_A, SCALE_B], first),
        weighed(s, odd, [SCALE_A * A, SCALE_B * B], s.zero()),
        weighed(s, even, [SCALE_A * A2, SCALE_B * B2], u[5]),
    ]
}
