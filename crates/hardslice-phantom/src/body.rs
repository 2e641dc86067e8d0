//! The patient's frame: pose, size, torso, diaphragm; what every point knows about where it is.
//!
//! The body's frame is millimetres of a body of middle size: x to the right, y to the front, z to
//! the head, the origin in the middle of the second lumbar vertebra, whose front lies at y = 16.

use hardslice_data::random::Stream;

use crate::point::Point;
use crate::solid::{Rect, ramp, union};
use crate::waves::Field;

/// Build: how wide, how deep, how fat.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Build {
    /// Size of the skeleton and of all within, 1 in the middle.
    pub(crate) scale: f64,
    /// Half-width of the cavity at the liver.
    half_width: f64,
    /// Fat under the skin.
    pub(crate) fat_mm: f64,
    /// Half-depth of the cavity at the liver.
    half_depth: f64,
    /// How much further the belly stands out below the ribs.
    belly_mm: f64,
    /// Tops of the right and the left dome of the diaphragm.
    dome_tops: [f64; 2],
}

impl Build {
    pub(crate) fn draw(stream: &mut Stream) -> Self {
        let girth = stream.normal().clamp(-2.0, 2.0);
        let fat_mm = (14.0 + 6.5 * girth + 4.0 * stream.normal()).clamp(4.0, 38.0);
        Self {
            scale: (1.0 + 0.04 * stream.normal()).clamp(0.91, 1.09),
            half_width: 134.0 + 3.0 * girth + stream.uniform_in(-4.0, 4.0),
            fat_mm,
            half_depth: 79.0 + 3.0 * girth + stream.uniform_in(-6.0, 6.0),
            belly_mm: (6.0 + 7.0 * girth + stream.uniform_in(-6.0, 6.0)).clamp(-8.0, 26.0),
            dome_tops: [
                stream.uniform_in(126.0, 142.0),
                stream.uniform_in(112.0, 127.0),
            ],
        }
    }

    /// Half-width, half-depth and middle of the cavity at one height.
    fn cavity(&self, z: f64) -> [f64; 3] {
        let high = (z - 70.0) / 150.0;
        let belly = self.belly_mm * (1.0 - ramp(-10.0, 90.0, z));
        let chest = 8.0 * ramp(70.0, 170.0, z);
        let half_depth = self.half_depth + 0.5 * (belly + chest);
        // The back stays where it is; a belly or a chest stands out to the front.
        [
            self.half_width * (1.0 - 0.09 * high * high),
            half_depth,
            half_depth - 44.0,
        ]
    }

    /// Distance to the domes, tops of three ellipsoids standing on cylinders.
    fn dome_mm(&self, [x, y, z]: [f64; 3]) -> f64 {
        // Below the recess of the lungs everything is belly.
        let floor = recess_floor(y);
        if z < floor - 60.0 {
            return -60.0;
        }
        let [right, left] = self.dome_tops;
        let half_depth = self.half_depth;
        let cap = |center: [f64; 2], radii: [f64; 2], top: f64| {
            const FOOT: f64 = 30.0;
            let r = [radii[0], radii[1], top - FOOT];
            let d = [x - center[0], y - center[1], (z - FOOT).max(0.0)];
            let u: [f64; 3] = std::array::from_fn(|i| d[i] / r[i]);
            let k0 = u.iter().map(|v| v * v).sum::<f64>().sqrt();
            let k1 = (0..3).map(|i| (u[i] / r[i]).powi(2)).sum::<f64>().sqrt();
            k0 * (k0 - 1.0) / k1.max(1e-9)
        };
        let sides = union(
            cap([70.0, half_depth - 46.0], [68.0, half_depth - 1.0], right),
            cap([-66.0, half_depth - 46.0], [68.0, half_depth - 1.0], left),
            12.0,
        );
        let middle = cap(
            [0.0, half_depth - 26.0],
            [75.0, half_depth - 14.0],
            0.5 * (left + right) - 6.0,
        );
        union(sides, middle, 15.0) - 1.2 * (floor - z).max(0.0)
    }

    /// The rectangle that holds the body.
    pub(crate) fn rect(&self) -> Rect {
        let out = 24.0 + 1.5 * self.fat_mm + self.belly_mm.max(0.0);
        Rect {
            x: [-self.half_width - out, self.half_width + out],
            y: [-84.0 - out, 2.0 * self.half_depth - 44.0 + out],
        }
    }

    /// Middle of the body from back to front.
    pub(crate) fn middle_y(&self) -> f64 {
        self.half_depth - 58.0 + 0.4 * self.belly_mm
    }

    /// Width of the body, skin to skin.
    pub(crate) fn width_mm(&self) -> f64 {
        2.0 * self.scale * (self.half_width + 16.0 + 1.1 * self.fat_mm)
    }

    /// What a point of the body's frame knows.
    pub(crate) fn point(&self, p: [f64; 3], bumps: [f64; 2]) -> Point {
        let [x, y, z] = p;
        let [half_width, half_depth, middle] = self.cavity(z);
        let (cavity_mm, front) = squircle([x, y - middle], [half_width, half_depth]);
        let (muscle_mm, _) = squircle(
            [x, y - middle + 13.0],
            [
                half_width + 15.0,
                half_depth + 22.0 - 5.0 * ramp(90.0, 170.0, z),
            ],
        );
        // Thicker at the flanks and the back of the belly, a furrow along the spine.
        let low = 1.0 - ramp(20.0, 140.0, z);
        let side = 1.0 - front * front;
        let fat = self.fat_mm * (0.72 + 0.35 * low * (0.4 + side) + 0.25 * low * front.min(0.0));
        let furrow = 7.0 * ramp(0.3, 1.0, -front) / (1.0 + (x / 16.0).powi(2));
        // Nobody asks for the dome in the wall.
        let dome_mm = if cavity_mm > 8.0 {
            0.0
        } else {
            self.dome_mm(p)
        };
        Point {
            p,
            cavity_mm,
            front,
            muscle_mm,
            skin_mm: muscle_mm - fat.max(2.5) + furrow,
            abdomen_mm: cavity_mm.max(dome_mm),
            dome_mm,
            bumps,
        }
    }
}

/// Height down to which the lungs reach between the diaphragm and the wall, `y` to the front.
pub(crate) fn recess_floor(y: f64) -> f64 {
    28.0 + 0.6 * y.max(0.0)
}

/// Distance to a rounded rectangle with these half-sizes, and how far to the front in -1 to 1.
///
/// The level set `X⁴ + Y⁴ + 1.5 X² Y² = 1`, between an ellipse (2) and a squircle (0).
fn squircle(p: [f64; 2], half: [f64; 2]) -> (f64, f64) {
    const C: f64 = 1.5;
    let (x, y) = (p[0] / half[0], p[1] / half[1]);
    let (x2, y2) = (x * x, y * y);
    let f = x2 * x2 + y2 * y2 + C * x2 * y2;
    if f < 1e-12 {
        return (-half[0].min(half[1]), 0.0);
    }
    let k = f.sqrt().sqrt();
    let slope_x = (4.0 * x * x2 + 2.0 * C * x * y2) / half[0];
    let slope_y = (4.0 * y * y2 + 2.0 * C * y * x2) / half[1];
    let slope = (slope_x * slope_x + slope_y * slope_y).sqrt() / (4.0 * k * k * k);
    ((k - 1.0) / slope, y / k)
}

/// Pose of the body in the scanner and the fields that bend it.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) build: Build,
    shift_mm: [f64; 2],
    turn: [f64; 2],
    bend: [Field; 3],
    bumps: [Field; 2],
}

/// Longest way that the bend moves a point, for bounds.
pub(crate) const BEND_MM: f64 = 9.0;

impl Frame {
    pub(crate) fn draw(stream: &mut Stream) -> Self {
        let build = Build::draw(stream);
        let angle = 0.045 * stream.normal().clamp(-2.0, 2.0);
        let bend = |stream: &mut Stream, rms| {
            let field = Field::draw(stream, [150.0, 330.0], rms);
            debug_assert!(
                field.bound() <= BEND_MM,
                "bends further than the bounds allow"
            );
            field
        };
        Self {
            build,
            shift_mm: [stream.uniform_in(-9.0, 9.0), stream.uniform_in(-12.0, 12.0)],
            turn: [libm::cos(angle), libm::sin(angle)],
            bend: [bend(stream, 3.4), bend(stream, 3.0), bend(stream, 3.2)],
            bumps: [
                Field::draw(stream, [45.0, 80.0], 1.0),
                Field::draw(stream, [24.0, 45.0], 1.0),
            ],
        }
    }

    /// Where a world position lies in the body's frame, before the bend.
    fn unbent(&self, world: [f64; 2]) -> [f64; 2] {
        let d = [world[0] - self.shift_mm[0], world[1] - self.shift_mm[1]];
        let s = self.build.scale;
        [
            (self.turn[0] * d[0] + self.turn[1] * d[1]) / s,
            (self.turn[0] * d[1] - self.turn[1] * d[0]) / s + self.build.middle_y(),
        ]
    }

    /// Where a position of the body's frame lies in the world, but for the bend.
    pub(crate) fn world(&self, body: [f64; 2]) -> [f64; 2] {
        let s = self.build.scale;
        let d = [body[0] * s, (body[1] - self.build.middle_y()) * s];
        [
            self.turn[0] * d[0] - self.turn[1] * d[1] + self.shift_mm[0],
            self.turn[0] * d[1] + self.turn[1] * d[0] + self.shift_mm[1],
        ]
    }

    /// Height in the body's frame of a world height, but for the bend.
    pub(crate) fn body_z(&self, world_z: f64) -> f64 {
        world_z / self.build.scale
    }

    /// World height of a height in the body's frame, but for the bend.
    pub(crate) fn world_z(&self, body_z: f64) -> f64 {
        body_z * self.build.scale
    }

    /// A point of the body's frame as the plane through it sees it; the bend is left out.
    pub(crate) fn straight_point(&self, p: [f64; 3]) -> Point {
        self.build.point(p, [0.0; 2])
    }

    /// The bend of a part of an axial plane, row by row.
    pub(crate) fn bent(&self, columns: &Columns, ys: &[f64], z: f64) -> Vec<Bent> {
        let fields = self.fields();
        let mut bent = Vec::with_capacity(columns.xs.len() * ys.len());
        for &y in ys {
            let rows = fields.map(|field| field.row(y, z));
            for (i, &x) in columns.xs.iter().enumerate() {
                let at = |k: usize| Field::value(&columns.waves[k], &rows[k], i);
                let [bx, by] = self.unbent([x, y]);
                bent.push(Bent {
                    xy: [bx + at(0), by + at(1)],
                    dz: at(2),
                    bumps: [at(3), at(4)],
                });
            }
        }
        bent
    }

    /// What a bent point knows in the plane at a height of the body's frame.
    pub(crate) fn point(&self, bent: &Bent, z: f64) -> Point {
        self.build
            .point([bent.xy[0], bent.xy[1], z + bent.dz], bent.bumps)
    }

    fn fields(&self) -> [&Field; 5] {
        [
            &self.bend[0],
            &self.bend[1],
            &self.bend[2],
            &self.bumps[0],
            &self.bumps[1],
        ]
    }

    /// Prepares the columns of a part of the image, once for all planes.
    pub(crate) fn columns(&self, xs: Vec<f64>) -> Columns {
        let fields = [
            &self.bend[0],
            &self.bend[1],
            &self.bend[2],
            &self.bumps[0],
            &self.bumps[1],
        ];
        let waves = fields.map(|field| field.columns(&xs));
        Columns { xs, waves }
    }
}

/// Where a pixel lies in the body's frame, but for its height.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bent {
    xy: [f64; 2],
    /// How far the bend moves it up.
    dz: f64,
    bumps: [f64; 2],
}

/// What all planes share about the image's columns.
pub(crate) struct Columns {
    pub(crate) xs: Vec<f64>,
    waves: [Vec<Vec<[f64; 2]>>; 5],
}
