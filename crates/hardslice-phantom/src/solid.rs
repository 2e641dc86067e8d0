//! Shapes as signed distances: negative inside, positive outside, in millimetres.
//!
//! Distances are exact for balls and tubes and approximate elsewhere: right at the surface, where
//! the edge's width depends on them, rough far from it.
//!
//! # Sources
//!
//! - J. C. Hart (1996), "Sphere tracing", The Visual Computer 12, 527–545.
//! - I. Quilez, "Distance functions" (the ellipsoid's first-order distance, the polynomial smooth
//!   minimum).

use crate::point::Point;

/// A rectangle of an axial plane, millimetres in the body's frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: [f64; 2],
    pub(crate) y: [f64; 2],
}

impl Rect {
    /// No bounds: everywhere in the body.
    pub(crate) const EVERYWHERE: Self = Self {
        x: [-1e4, 1e4],
        y: [-1e4, 1e4],
    };

    /// Grown by a margin on all sides.
    pub(crate) fn grown(self, margin_mm: f64) -> Self {
        let grown = |v: [f64; 2]| [v[0] - margin_mm, v[1] + margin_mm];
        Self {
            x: grown(self.x),
            y: grown(self.y),
        }
    }

    /// Whether a point lies above or below the rectangle.
    pub(crate) fn holds(self, p: [f64; 3]) -> bool {
        self.x[0] <= p[0] && p[0] <= self.x[1] && self.y[0] <= p[1] && p[1] <= self.y[1]
    }

    fn around(center: [f64; 3], reach: [f64; 3]) -> Self {
        Self {
            x: [center[0] - reach[0], center[0] + reach[0]],
            y: [center[1] - reach[1], center[1] + reach[1]],
        }
    }

    fn joined(self, other: Self) -> Self {
        Self {
            x: [self.x[0].min(other.x[0]), self.x[1].max(other.x[1])],
            y: [self.y[0].min(other.y[0]), self.y[1].max(other.y[1])],
        }
    }
}

/// A solid near one plane: where to look for it, and the distance to it.
pub(crate) struct Section<'a> {
    pub(crate) rect: Rect,
    pub(crate) distance_mm: Box<dyn Fn(&Point) -> f64 + 'a>,
}

/// Something with a surface.
pub(crate) trait Solid: Send + Sync {
    /// The solid within `margin_mm` of the plane at `z`; nothing when it is nowhere near, several
    /// parts when it is scattered over the plane.
    fn sections(&self, z: f64, margin_mm: f64) -> Vec<Section<'_>>;
}

/// An ellipsoid, turned as it may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ellipsoid {
    pub(crate) center: [f64; 3],
    pub(crate) radii: [f64; 3],
    /// Its own axes, one a row.
    axes: [[f64; 3]; 3],
}

impl Ellipsoid {
    /// An ellipsoid along the body's axes.
    pub(crate) fn new(center: [f64; 3], radii: [f64; 3]) -> Self {
        let axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        Self {
            center,
            radii,
            axes,
        }
    }

    /// The ellipsoid turned by an angle in radians in the plane of two axes, the first towards the
    /// second.
    #[must_use]
    pub(crate) fn turned(mut self, from: usize, to: usize, radians: f64) -> Self {
        let (sin, cos) = (libm::sin(radians), libm::cos(radians));
        for row in &mut self.axes {
            let (a, b) = (row[from], row[to]);
            row[from] = cos * a - sin * b;
            row[to] = sin * a + cos * b;
        }
        self
    }

    /// First-order distance from a point.
    pub(crate) fn distance_mm(&self, p: [f64; 3]) -> f64 {
        let d = [
            p[0] - self.center[0],
            p[1] - self.center[1],
            p[2] - self.center[2],
        ];
        let (mut k0, mut k1) = (0.0, 0.0);
        for (axis, radius) in self.axes.iter().zip(self.radii) {
            let u = (axis[0] * d[0] + axis[1] * d[1] + axis[2] * d[2]) / radius;
            k0 += u * u;
            k1 += (u / radius) * (u / radius);
        }
        if k1 < 1e-18 {
            return -self.radii.iter().copied().fold(f64::INFINITY, f64::min);
        }
        let k0 = k0.sqrt();
        k0 * (k0 - 1.0) / k1.sqrt()
    }

    /// Half the size of the box that holds it.
    pub(crate) fn reach_mm(&self) -> [f64; 3] {
        std::array::from_fn(|i| {
            let along = |(axis, radius): (&[f64; 3], f64)| (axis[i] * radius).powi(2);
            self.axes
                .iter()
                .zip(self.radii)
                .map(along)
                .sum::<f64>()
                .sqrt()
        })
    }
}

impl Solid for Ellipsoid {
    fn sections(&self, z: f64, margin_mm: f64) -> Vec<Section<'_>> {
        let reach = self.reach_mm();
        if (z - self.center[2]).abs() > reach[2] + margin_mm {
            return Vec::new();
        }
        vec![Section {
            rect: Rect::around(self.center, reach),
            distance_mm: Box::new(|at| self.distance_mm(at.p)),
        }]
    }
}

/// A point on a tube's middle line and the tube's radius there.
pub(crate) type Node = ([f64; 3], f64);

/// A tube along a line of nodes, its radius changing from node to node, its ends round.
#[derive(Debug, Clone)]
pub(crate) struct Tube {
    segments: Vec<[Node; 2]>,
}

impl Tube {
    /// A tube through the nodes, straight in between.
    pub(crate) fn straight(nodes: &[Node]) -> Self {
        Self {
            segments: nodes.windows(2).map(|pair| [pair[0], pair[1]]).collect(),
        }
    }

    /// A tube through the nodes along a smooth curve (Catmull–Rom), `steps` pieces between two.
    pub(crate) fn smooth(nodes: &[Node], steps: usize) -> Self {
        Self::straight(&smooth_line(nodes, steps))
    }
}

/// Nodes along the Catmull–Rom curve through the nodes given, `steps` pieces between two.
pub(crate) fn smooth_line(nodes: &[Node], steps: usize) -> Vec<Node> {
    let Some(last) = nodes.len().checked_sub(1) else {
        return Vec::new();
    };
    let flat = |i: usize| {
        let (p, r) = nodes[i];
        [p[0], p[1], p[2], r]
    };
    let mut line = Vec::with_capacity(last * steps + 1);
    for i in 0..last {
        let (a, b, c, d) = (
            flat(i.saturating_sub(1)),
            flat(i),
            flat(i + 1),
            flat((i + 2).min(last)),
        );
        for step in 0..steps {
            let t = step as f64 / steps as f64;
            let v: [f64; 4] = std::array::from_fn(|k| {
                let slope = (c[k] - a[k]) * t;
                let bend = (2.0 * a[k] - 5.0 * b[k] + 4.0 * c[k] - d[k]) * t * t;
                let twist = (3.0 * (b[k] - c[k]) + d[k] - a[k]) * t * t * t;
                b[k] + 0.5 * (slope + bend + twist)
            });
            line.push(([v[0], v[1], v[2]], v[3].max(0.2)));
        }
    }
    line.push(nodes[last]);
    line
}

/// The pieces of a tube near a plane, each with its rectangle.
fn near(segments: &[[Node; 2]], z: f64, margin_mm: f64) -> Vec<(Rect, Piece)> {
    let mut near = Vec::new();
    for &[(a, ra), (b, rb)] in segments {
        let reach = ra.max(rb);
        let (low, high) = (a[2].min(b[2]) - reach, a[2].max(b[2]) + reach);
        if low - margin_mm <= z && z <= high + margin_mm {
            let rect = Rect::around(a, [ra; 3]).joined(Rect::around(b, [rb; 3]));
            near.push((rect, Piece::new((a, ra), (b, rb))));
        }
    }
    near
}

impl Solid for Tube {
    fn sections(&self, z: f64, margin_mm: f64) -> Vec<Section<'_>> {
        let (rects, pieces): (Vec<Rect>, Vec<Piece>) =
            near(&self.segments, z, margin_mm).into_iter().unzip();
        let distance_mm: Box<dyn Fn(&Point) -> f64> = Box::new(move |at| {
            pieces
                .iter()
                .map(|piece| piece.distance_mm(at.p))
                .fold(f64::INFINITY, f64::min)
        });
        let rect = rects.into_iter().reduce(Rect::joined);
        rect.map(|rect| Section { rect, distance_mm })
            .into_iter()
            .collect()
    }
}

/// Many thin tubes scattered over the body, painted piece by piece.
#[derive(Debug, Clone)]
pub(crate) struct Twigs {
    segments: Vec<[Node; 2]>,
}

impl Twigs {
    pub(crate) fn new(segments: Vec<[Node; 2]>) -> Self {
        Self { segments }
    }
}

impl Solid for Twigs {
    fn sections(&self, z: f64, margin_mm: f64) -> Vec<Section<'_>> {
        let section = |(rect, piece): (Rect, Piece)| Section {
            rect,
            distance_mm: Box::new(move |at| piece.distance_mm(at.p)),
        };
        near(&self.segments, z, margin_mm)
            .into_iter()
            .map(section)
            .collect()
    }
}

/// One piece of a tube, made ready for many points.
struct Piece {
    start: [f64; 3],
    along: [f64; 3],
    /// 1 / |along|².
    per_length2: f64,
    radii: [f64; 2],
}

impl Piece {
    fn new((a, ra): Node, (b, rb): Node) -> Self {
        let along = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
        let length2: f64 = along.iter().map(|v| v * v).sum();
        Self {
            start: a,
            along,
            per_length2: 1.0 / length2.max(1e-12),
            radii: [ra, rb],
        }
    }

    fn distance_mm(&self, p: [f64; 3]) -> f64 {
        let d = [
            p[0] - self.start[0],
            p[1] - self.start[1],
            p[2] - self.start[2],
        ];
        let dot = d[0] * self.along[0] + d[1] * self.along[1] + d[2] * self.along[2];
        let t = (dot * self.per_length2).clamp(0.0, 1.0);
        let off = |k: usize| d[k] - self.along[k] * t;
        let (x, y, z) = (off(0), off(1), off(2));
        (x * x + y * y + z * z).sqrt() - (self.radii[0] + (self.radii[1] - self.radii[0]) * t)
    }
}

/// A solid given by its distance alone.
pub(crate) struct Shape<F> {
    pub(crate) rect: Rect,
    pub(crate) z: [f64; 2],
    pub(crate) distance_mm: F,
}

impl<F: Fn(&Point) -> f64 + Send + Sync> Solid for Shape<F> {
    fn sections(&self, z: f64, margin_mm: f64) -> Vec<Section<'_>> {
        if z < self.z[0] - margin_mm || z > self.z[1] + margin_mm {
            return Vec::new();
        }
        vec![Section {
            rect: self.rect,
            distance_mm: Box::new(&self.distance_mm),
        }]
    }
}

/// The union of two solids, their seam rounded over `k` millimetres.
pub(crate) fn union(a: f64, b: f64, k: f64) -> f64 {
    let h = (k - (a - b).abs()).max(0.0) / k;
    a.min(b) - h * h * k * 0.25
}

/// What two solids share, the edge rounded over `k` millimetres.
pub(crate) fn shared(a: f64, b: f64, k: f64) -> f64 {
    -union(-a, -b, k)
}

/// 0 below `from`, 1 above `to`, smooth in between.
pub(crate) fn ramp(from: f64, to: f64, v: f64) -> f64 {
    let t = ((v - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-9, "{got} mm, expected {want} mm");
    }

    #[test]
    fn a_ball_is_an_exact_ellipsoid() {
        let ball = Ellipsoid::new([1.0, 2.0, 3.0], [10.0; 3]).turned(0, 1, 0.7);
        close(ball.distance_mm([1.0, 2.0, 3.0 + 14.0]), 4.0);
        close(ball.distance_mm([1.0 - 3.0, 2.0 + 4.0, 3.0]), -5.0);
        close(ball.distance_mm([1.0, 2.0, 3.0]), -10.0);
    }

    #[test]
    fn a_turned_ellipsoid_turns_its_first_axis_towards_the_second() {
        let quarter = std::f64::consts::FRAC_PI_2;
        let turned = Ellipsoid::new([0.0; 3], [30.0, 10.0, 5.0]).turned(0, 1, quarter);
        close(turned.distance_mm([0.0, 30.0, 0.0]), 0.0);
        close(turned.distance_mm([10.0, 0.0, 0.0]), 0.0);
        for (got, want) in turned.reach_mm().into_iter().zip([10.0, 30.0, 5.0]) {
            close(got, want);
        }
    }

    #[test]
    fn a_tube_is_as_wide_as_its_nodes_say_and_has_round_ends() {
        let piece = Piece::new(([0.0; 3], 4.0), ([0.0, 0.0, 20.0], 8.0));
        close(piece.distance_mm([10.0, 0.0, 10.0]), 10.0 - 6.0);
        close(piece.distance_mm([0.0, 0.0, -7.0]), 3.0);
        close(piece.distance_mm([0.0, 0.0, 20.0]), -8.0);
    }

    #[test]
    fn a_smooth_line_runs_through_its_nodes() {
        let nodes = [
            ([0.0; 3], 1.0),
            ([10.0, 5.0, 0.0], 2.0),
            ([20.0, 0.0, 4.0], 3.0),
        ];
        let line = smooth_line(&nodes, 4);
        assert_eq!(line.len(), 9, "four pieces between two nodes");
        for (i, node) in nodes.iter().enumerate() {
            assert_eq!(&line[4 * i], node, "node {i}");
        }
    }

    #[test]
    fn unions_and_shared_parts_are_rounded_near_the_seam_only() {
        close(union(3.0, 20.0, 8.0), 3.0);
        close(union(2.0, 2.0, 8.0), 2.0 - 8.0 / 4.0);
        close(shared(3.0, 20.0, 8.0), 20.0);
        close(shared(2.0, 2.0, 8.0), 2.0 + 8.0 / 4.0);
    }

    #[test]
    fn a_ramp_rises_smoothly_and_falls_where_its_ends_are_swapped() {
        close(ramp(2.0, 4.0, 1.0), 0.0);
        close(ramp(2.0, 4.0, 3.0), 0.5);
        close(ramp(1.0, 0.5, 0.6), 1.0 - ramp(0.5, 1.0, 0.6));
    }
}
