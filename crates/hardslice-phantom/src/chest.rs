//! Above the diaphragm: the lungs' bases, the heart.

use hardslice_data::random::Stream;

use crate::body::recess_floor;
use crate::contrast::Contrast;
use crate::layer::{Layer, Tissue};
use crate::point::Point;
use crate::solid::{Ellipsoid, Rect, Shape, Twigs, shared};
use crate::tree::Tree;

/// Thickness of the diaphragm.
const DIAPHRAGM_MM: f64 = 1.6;

fn lung_mm(at: &Point) -> f64 {
    let [x, y, z] = at.p;
    let lateral = shared(at.cavity_mm + 2.2, DIAPHRAGM_MM - at.dome_mm, 4.0);
    // The mediastinum stays free: spine, aorta, gullet.
    let free = ((x / 27.0).powi(2) + ((y - 24.0) / 46.0).powi(2)).sqrt();
    let mediastinum = (1.0 - free) * 27.0;
    shared(lateral, mediastinum, 6.0).max((recess_floor(y) - z) * 0.8)
}

fn diaphragm_mm(at: &Point) -> f64 {
    let sheet = (at.dome_mm - 0.5 * DIAPHRAGM_MM).abs() - 0.5 * DIAPHRAGM_MM;
    sheet
        .max(at.cavity_mm)
        .max((recess_floor(at.p[1]) - 4.0 - at.p[2]) * 0.8)
}

/// The chest's layers.
pub(crate) fn layers(stream: &mut Stream, contrast: &Contrast) -> Vec<Layer> {
    let anywhere = [0.0, 1e4];
    let lungs = Shape {
        rect: Rect::EVERYWHERE,
        z: [20.0, 1e4],
        distance_mm: lung_mm,
    };
    let diaphragm = Shape {
        rect: Rect::EVERYWHERE,
        z: anywhere,
        distance_mm: diaphragm_mm,
    };
    let mut layers = vec![
        Layer::new(lungs, Tissue::Lung),
        Layer::new(diaphragm, Tissue::even(contrast.muscle)),
    ];
    for side in [-1.0, 1.0] {
        layers.push(Layer::new(
            lung_vessels(stream, side),
            Tissue::even(contrast.vena_cava * 0.7),
        ));
    }
    let heart = Ellipsoid::new(
        [
            -22.0 + stream.uniform_in(-6.0, 6.0),
            64.0,
            172.0 + stream.uniform_in(-6.0, 6.0),
        ],
        [
            66.0 * stream.uniform_in(0.92, 1.12),
            48.0 * stream.uniform_in(0.9, 1.1),
            50.0,
        ],
    )
    .turned(0, 1, -0.5);
    let fat = Ellipsoid::new(
        [heart.center[0], heart.center[1], heart.center[2] - 1.0],
        heart.radii.map(|r| r + stream.uniform_in(4.0, 9.0)),
    )
    .turned(0, 1, -0.5);
    let fat = Shape {
        rect: Rect::EVERYWHERE,
        z: [fat.center[2] - 70.0, 1e4],
        distance_mm: move |at: &Point| {
            fat.distance_mm(at.p)
                .max(at.cavity_mm + 2.0)
                .max(DIAPHRAGM_MM - at.dome_mm)
        },
    };
    let fat_tissue = Tissue::Even {
        hu: crate::contrast::FAT,
        texture: 12.0,
        grain_mm: 9.0,
    };
    layers.push(Layer::new(fat, fat_tissue));
    let heart = Shape {
        rect: Rect::EVERYWHERE,
        z: [heart.center[2] - 60.0, 1e4],
        distance_mm: move |at: &Point| {
            heart
                .distance_mm(at.p)
                .max(at.cavity_mm + 4.0)
                .max(DIAPHRAGM_MM + 1.0 - at.dome_mm)
        },
    };
    layers.push(Layer::new(
        heart,
        Tissue::Heart {
            muscle: contrast.heart_muscle,
            blood: contrast.heart_blood,
        },
    ));
    layers
}

fn lung_vessels(stream: &mut Stream, side: f64) -> Twigs {
    let root = [side * 34.0, 20.0, 200.0];
    let targets = (0..60)
        .map(|_| {
            [
                side * stream.uniform_in(35.0, 122.0),
                stream.uniform_in(-38.0, 85.0),
                stream.uniform_in(70.0, 190.0),
            ]
        })
        .collect();
    Tree::grow(stream, root, targets).twigs(1.35)
}
