//! The spine: vertebral bodies, discs, canal, arches and processes.

use hardslice_data::random::Stream;

use crate::contrast::Contrast;
use crate::layer::{Layer, Tissue};
use crate::point::Point;
use crate::solid::{Rect, Shape, shared, union};

/// Where the vertebrae lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spine {
    /// Height of one vertebra with its disc.
    step_mm: f64,
    /// Height of the second lumbar vertebra.
    middle_z: f64,
    half_width_mm: f64,
}

impl Spine {
    pub(crate) fn draw(stream: &mut Stream) -> Self {
        Self {
            step_mm: stream.uniform_in(31.0, 36.0),
            middle_z: stream.uniform_in(-10.0, 10.0),
            half_width_mm: stream.uniform_in(21.5, 25.5),
        }
    }

    /// How far the spine stands behind its place: it curves forward in the loin, back in the chest.
    fn curve_mm(z: f64) -> f64 {
        -9.0 * ((z - 5.0) / 100.0).powi(2)
    }

    /// Position across and along one vertebra, `z` from its middle.
    fn local(&self, at: &Point) -> [f64; 3] {
        let along = (at.p[2] - self.middle_z) / self.step_mm;
        [
            at.p[0],
            at.p[1] - Self::curve_mm(at.p[2]),
            (along - along.round()) * self.step_mm,
        ]
    }

    fn body_mm(&self, at: &Point) -> f64 {
        let [x, y, z] = self.local(at);
        let waist = 2.4 * (1.0 - (2.0 * z / self.step_mm).powi(2));
        let across = ellipse([x, y], [self.half_width_mm - waist, 16.8 - waist]);
        shared(across, z.abs() - (0.5 * self.step_mm - 3.9), 2.5)
    }

    fn disc_mm(&self, at: &Point) -> f64 {
        let [x, y, z] = self.local(at);
        let across = ellipse([x, y], [self.half_width_mm + 0.4, 17.0]);
        across.max(0.5 * self.step_mm - 5.5 - z.abs())
    }

    fn arch_mm(&self, at: &Point) -> f64 {
        let [x, y, z] = self.local(at);
        let side = x.abs();
        let round_canal = (x * x + (y + 25.0).powi(2)).sqrt();
        let ring = ((round_canal - 12.5).abs() - 3.2)
            .max(z.abs() - 11.0)
            .max(y + 14.0);
        let pedicle = ((side - 13.5).abs() - 4.0)
            .max((y + 17.0).abs() - 7.0)
            .max((z - 5.0).abs() - 6.5);
        let spinous = (side - 2.6 - 0.04 * (y + 66.0).abs())
            .max((y + 50.0).abs() - 17.0)
            .max((z + 6.0).abs() - 9.0);
        let t = ((side - 14.0) / 27.0).clamp(0.0, 1.0);
        let off = [side - 14.0 - 27.0 * t, y + 25.0 + 9.0 * t, z - 3.0];
        let transverse =
            (off[0] * off[0] + off[1] * off[1] + off[2] * off[2]).sqrt() - 5.0 + 1.5 * t;
        let joint = ((side - 15.0).powi(2)
            + (y + 35.0).powi(2)
            + (0.45 * (z.abs() - 0.5 * self.step_mm)).powi(2))
        .sqrt()
            - 6.2;
        union(
            union(ring, pedicle, 3.0).min(joint),
            union(spinous, transverse, 2.0),
            2.0,
        )
    }
}

fn ellipse(p: [f64; 2], radii: [f64; 2]) -> f64 {
    let u = [p[0] / radii[0], p[1] / radii[1]];
    let k0 = (u[0] * u[0] + u[1] * u[1]).sqrt();
    let k1 = ((u[0] / radii[0]).powi(2) + (u[1] / radii[1]).powi(2)).sqrt();
    k0 * (k0 - 1.0) / k1.max(1e-9)
}

/// The spine's layers, from front to back.
pub(crate) fn layers(stream: &mut Stream, contrast: &Contrast) -> Vec<Layer> {
    let spine = Spine::draw(stream);
    let anywhere = [-1e4, 1e4];
    let front = Rect {
        x: [-30.0, 30.0],
        y: [-50.0, 22.0],
    };
    let back = Rect {
        x: [-48.0, 48.0],
        y: [-100.0, 0.0],
    };
    let bone = |marrow| Tissue::Bone {
        shell: contrast.bone,
        marrow,
        shell_mm: 1.5,
    };
    let disc = Shape {
        rect: front,
        z: anywhere,
        distance_mm: move |at: &Point| spine.disc_mm(at),
    };
    let body = Shape {
        rect: front,
        z: anywhere,
        distance_mm: move |at: &Point| spine.body_mm(at),
    };
    let arch = Shape {
        rect: back,
        z: anywhere,
        distance_mm: move |at: &Point| spine.arch_mm(at),
    };
    let canal = Shape {
        rect: back,
        z: anywhere,
        distance_mm: |at: &Point| {
            let y = at.p[1] - Spine::curve_mm(at.p[2]);
            ellipse([at.p[0], y + 24.0], [10.5, 8.5])
        },
    };
    let disc_tissue = Tissue::Even {
        hu: 82.0,
        texture: 12.0,
        grain_mm: 5.0,
    };
    vec![
        Layer::new(disc, disc_tissue),
        Layer::new(body, bone(contrast.marrow)),
        Layer::new(arch, bone(contrast.marrow * 1.4)),
        // The sac with its fluid and nerves, a little fat around it.
        Layer::new(
            canal,
            Tissue::Hollow {
                wall: -20.0,
                wall_mm: 1.6,
                inside: crate::layer::Contents::Fluid(28.0),
            },
        ),
    ]
}
