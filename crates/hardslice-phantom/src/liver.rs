//! The liver: right lobe under the dome, left lobe across the midline, vessels, gallbladder.

use hardslice_data::random::Stream;

use crate::body::Frame;
use crate::contrast::{Contrast, FAT};
use crate::kidneys::Kidney;
use crate::layer::{Contents, Layer, Mark, Tissue};
use crate::oddities::{Ascites, Oddities};
use crate::point::Point;
use crate::solid::{Ellipsoid, Rect, Shape, Tube, Twigs, shared, union};
use crate::tree::Tree;

/// Label of the liver.
pub(crate) const LIVER: u8 = 1;

/// One patient's liver as a shape.
#[derive(Debug, Clone)]
pub(crate) struct Liver {
    right: Ellipsoid,
    left: Ellipsoid,
    caudate: Ellipsoid,
    /// A point and the outward normal of the visceral surface, which faces the gut.
    visceral: [[f64; 3]; 2],
    /// The fat behind the peritoneum, in which the right kidney lies.
    behind: Ellipsoid,
    /// Tongues that few have: Riedel's lobe, a left lobe as far as the spleen.
    tongues: Vec<Ellipsoid>,
    /// Fluid between the liver and the wall.
    ascites: Option<Ascites>,
    /// How bumpy the surface is, in millimetres.
    bumpy_mm: f64,
}

impl Liver {
    pub(crate) fn draw(stream: &mut Stream, odd: &Oddities, kidney: &Kidney) -> Self {
        let size = stream.uniform_in(0.95, 1.05);
        let mut jitter = |half: f64| stream.uniform_in(-half, half);
        let right = Ellipsoid::new(
            [72.0 + jitter(4.0), 30.0 + jitter(4.0), 46.0 + jitter(6.0)],
            [74.0 * size, 86.0 * size, (98.0 + jitter(9.0)) * size],
        );
        let left = Ellipsoid::new(
            [-2.0 + jitter(12.0), 72.0 + jitter(5.0), 92.0 + jitter(8.0)],
            [
                (78.0 + jitter(16.0)) * size,
                (36.0 + jitter(5.0)) * size,
                (34.0 + jitter(6.0)) * size,
            ],
        )
        .turned(0, 2, 0.12 + jitter(0.12))
        .turned(0, 1, jitter(0.15));
        let caudate = Ellipsoid::new(
            [16.0 + jitter(3.0), 36.0, 76.0 + jitter(6.0)],
            [17.0, 14.0 + jitter(3.0), 30.0],
        );
        let steep = 0.74 + jitter(0.06);
        let normal = [-steep, -0.2 + jitter(0.08), -(0.96 - steep * steep).sqrt()];
        let visceral = [[12.0 + jitter(6.0), 34.0, 36.0 + jitter(8.0)], normal];
        Self {
            right,
            left,
            caudate,
            visceral,
            behind: kidney.bed(),
            tongues: odd.liver_tongues(),
            ascites: odd.ascites,
            bumpy_mm: 1.6 + jitter(0.6),
        }
    }

    /// Distance to the surface.
    pub(crate) fn distance_mm(&self, at: &Point) -> f64 {
        let [from, normal] = self.visceral;
        let cut: f64 = (0..3).map(|k| (at.p[k] - from[k]) * normal[k]).sum();
        let right = shared(self.right.distance_mm(at.p), cut + 4.0 * at.bumps[0], 18.0);
        let body = union(right, self.caudate.distance_mm(at.p), 10.0);
        let body = shared(body, -self.behind.distance_mm(at.p), 8.0);
        let mut liver = union(body, self.left.distance_mm(at.p), 16.0);
        for tongue in &self.tongues {
            liver = union(liver, tongue.distance_mm(at.p), 14.0);
        }
        let fluid = self
            .ascites
            .map_or(0.0, |ascites| ascites.thickness_mm(at.p[2]));
        liver += self.bumpy_mm * (at.bumps[0] + 0.6 * at.bumps[1]);
        shared(liver, at.abdomen_mm + 1.2 + fluid, 5.0)
    }

    /// The fluid around it.
    pub(crate) fn ascites(&self) -> Option<Ascites> {
        self.ascites
    }

    /// Whether a point of the unbent body lies at least this deep in the liver.
    pub(crate) fn holds(&self, frame: &Frame, p: [f64; 3], depth_mm: f64) -> bool {
        self.distance_mm(&frame.straight_point(p)) < -depth_mm
    }

    /// Lowest and highest point, roughly, for bounds.
    pub(crate) fn z_range(&self) -> [f64; 2] {
        let ends = |e: &Ellipsoid| [e.center[2] - e.reach_mm()[2], e.center[2] + e.reach_mm()[2]];
        let parts = [&self.right, &self.left, &self.caudate]
            .into_iter()
            .chain(&self.tongues);
        parts
            .map(ends)
            .fold([f64::INFINITY, f64::NEG_INFINITY], |all, part| {
                [all[0].min(part[0] - 8.0), all[1].max(part[1] + 8.0)]
            })
    }

    /// The liver as a solid, grown by `more_mm`.
    pub(crate) fn solid(&self, more_mm: f64) -> Shape<impl Fn(&Point) -> f64 + use<>> {
        let liver = self.clone();
        let z = self.z_range();
        Shape {
            rect: Rect::EVERYWHERE,
            z: [z[0] - more_mm, z[1] + more_mm],
            distance_mm: move |at: &Point| liver.distance_mm(at) - more_mm,
        }
    }

    /// A random point this deep in the liver.
    pub(crate) fn draw_point(&self, stream: &mut Stream, frame: &Frame, depth_mm: f64) -> [f64; 3] {
        for _ in 0..400 {
            let p = [
                stream.uniform_in(-70.0, 130.0),
                stream.uniform_in(-45.0, 100.0),
                stream.uniform_in(-40.0, 135.0),
            ];
            if self.holds(frame, p, depth_mm) {
                return p;
            }
        }
        self.right.center
    }
}

/// The liver and its vessels.
pub(crate) fn layers(
    stream: &mut Stream,
    frame: &Frame,
    contrast: &Contrast,
    liver: &Liver,
) -> Vec<Layer> {
    let tissue = Tissue::Even {
        hu: contrast.liver,
        texture: 6.0,
        grain_mm: 9.0,
    };
    let mut layers = vec![
        Layer::new(liver.solid(0.0), tissue)
            .in_fat(2.2)
            .marked(Mark::Organ(LIVER)),
    ];
    let vessel = |twigs: Twigs, hu| Layer::new(twigs, Tissue::even(hu)).marked(Mark::Within(LIVER));
    let targets = (0..26)
        .map(|_| liver.draw_point(stream, frame, 12.0))
        .collect();
    let portal = Tree::grow(stream, [30.0, 40.0, 56.0], targets);
    layers.push(vessel(portal.twigs(2.5), contrast.portal_vein));
    let targets = (0..20)
        .map(|_| liver.draw_point(stream, frame, 10.0))
        .collect();
    let hepatic = Tree::grow(stream, [24.0, 24.0, 114.0], targets);
    layers.push(vessel(hepatic.twigs(2.5), contrast.hepatic_vein));
    layers
}

/// The fat of the liver's clefts, the gallbladder.
pub(crate) fn clefts_and_gallbladder(stream: &mut Stream) -> Vec<Layer> {
    let x = stream.uniform_in(-12.0, 4.0);
    let fat = Tissue::Even {
        hu: FAT + 15.0,
        texture: 20.0,
        grain_mm: 5.0,
    };
    let round_ligament = Tube::smooth(
        &[
            ([x, 104.0, 58.0], 4.0),
            ([x + 2.0, 84.0, 66.0], 3.0),
            ([x + 8.0, 58.0, 72.0], 1.0),
        ],
        4,
    );
    let gate = Tube::smooth(
        &[
            ([8.0, 46.0, 40.0], 9.0),
            ([20.0, 44.0, 50.0], 7.0),
            ([34.0, 42.0, 57.0], 3.5),
        ],
        4,
    );
    let mut layers = vec![Layer::new(round_ligament, fat), Layer::new(gate, fat)];
    // One patient in eight has had it taken out.
    if stream.chance(0.87) {
        let (length, width) = (stream.uniform_in(16.0, 27.0), stream.uniform_in(10.0, 15.0));
        let gallbladder = Ellipsoid::new(
            [
                46.0 + stream.uniform_in(-6.0, 8.0),
                60.0,
                24.0 + stream.uniform_in(-8.0, 8.0),
            ],
            [width, width, length],
        )
        .turned(1, 2, -0.6);
        layers.push(Layer::new(
            gallbladder,
            Tissue::Hollow {
                wall: 45.0,
                wall_mm: 1.2,
                inside: Contents::Fluid(stream.uniform_in(4.0, 16.0)),
            },
        ));
    }
    layers
}
