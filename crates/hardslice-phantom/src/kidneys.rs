//! The kidneys in their fat.

use hardslice_data::random::Stream;

use crate::contrast::{Contrast, FAT};
use crate::layer::{Layer, Mark, Tissue};
use crate::oddities::Oddities;
use crate::point::Point;
use crate::solid::{Ellipsoid, Rect, Shape, Tube, shared, union};

/// Label of the right kidney.
pub(crate) const KIDNEY_RIGHT: u8 = 2;
/// Label of the left kidney.
pub(crate) const KIDNEY_LEFT: u8 = 3;

/// One kidney as a shape; `side` is 1 on the right, -1 on the left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kidney {
    side: f64,
    whole: Ellipsoid,
    sinus: Ellipsoid,
    /// The bridge of a horseshoe kidney, half of it.
    bridge: Option<Ellipsoid>,
}

impl Kidney {
    pub(crate) fn draw(stream: &mut Stream, side: f64, odd: &Oddities) -> Self {
        let atrophic = odd.atrophic_kidney == Some(side);
        let size = stream.uniform_in(1.0, 1.1) * if atrophic { 0.62 } else { 1.0 };
        // The liver pushes the right one down.
        let z = if side > 0.0 { -8.0 } else { 6.0 } + stream.uniform_in(-9.0, 9.0);
        let mut center = [side * (64.0 + stream.uniform_in(-3.0, 5.0)), -10.0, z];
        center[1] += stream.uniform_in(-4.0, 4.0);
        let lean = side * stream.uniform_in(0.10, 0.24);
        let roll = side * stream.uniform_in(0.45, 0.8);
        let tilted = |center, radii| {
            Ellipsoid::new(center, radii)
                .turned(0, 1, roll)
                .turned(0, 2, lean)
        };
        let whole = tilted(center, [25.0 * size, 29.0 * size, 53.0 * size]);
        let hilum = [center[0] - side * 15.0 * size, center[1] + 7.0 * size, z];
        let sinus = tilted(hilum, [8.5 * size, 15.0 * size, 24.0 * size]);
        let bridge = odd.horseshoe.then(|| {
            Ellipsoid::new([side * 24.0, 38.0, z.min(0.0) - 40.0], [44.0, 13.0, 13.0]).turned(
                0,
                1,
                side * 0.55,
            )
        });
        Self {
            side,
            whole,
            sinus,
            bridge,
        }
    }

    pub(crate) fn label(&self) -> u8 {
        if self.side > 0.0 {
            KIDNEY_RIGHT
        } else {
            KIDNEY_LEFT
        }
    }

    pub(crate) fn distance_mm(&self, at: &Point) -> f64 {
        let mut kidney = self.whole.distance_mm(at.p) + 1.0 * at.bumps[1];
        if let Some(bridge) = &self.bridge {
            kidney = union(
                kidney,
                bridge.distance_mm(at.p).max(-self.side * at.p[0]),
                12.0,
            );
        }
        // The fat behind it keeps it off the muscles of the back.
        shared(kidney, at.cavity_mm + 2.5, 4.0)
    }

    /// The room behind the peritoneum in which it lies, where no liver is.
    pub(crate) fn bed(&self) -> Ellipsoid {
        let mut bed = self.whole;
        bed.center[0] -= self.side * 5.0;
        bed.center[1] -= 11.0;
        bed.radii = bed.radii.map(|r| r + 9.0);
        bed
    }

    /// A point at the rim of one pole.
    pub(crate) fn pole(&self, stream: &mut Stream) -> [f64; 3] {
        let up = if stream.chance(0.5) { 0.55 } else { -0.55 };
        let [x, y, z] = self.whole.center;
        [
            x + self.side * stream.uniform_in(4.0, 12.0),
            y + stream.uniform_in(-10.0, 10.0),
            z + up * self.whole.radii[2],
        ]
    }

    /// Height of the bridge of a horseshoe kidney.
    pub(crate) fn bridge_z(&self) -> f64 {
        self.bridge
            .map_or(self.whole.center[2], |bridge| bridge.center[2])
    }

    /// Where vessels enter.
    pub(crate) fn hilum(&self) -> [f64; 3] {
        self.sinus.center
    }

    pub(crate) fn z_range(&self) -> [f64; 2] {
        let reach = self.whole.reach_mm()[2] + 4.0;
        let low = self.bridge.map_or(0.0, |_| 22.0);
        [
            self.whole.center[2] - reach - low,
            self.whole.center[2] + reach,
        ]
    }

    pub(crate) fn layers(&self, stream: &mut Stream, contrast: &Contrast) -> Vec<Layer> {
        let kidney = *self;
        let solid = Shape {
            rect: if self.bridge.is_some() {
                Rect::EVERYWHERE
            } else {
                let reach = self.whole.reach_mm();
                let [x, y, _] = self.whole.center;
                Rect {
                    x: [x - reach[0] - 10.0, x + reach[0] + 10.0],
                    y: [y - reach[1] - 10.0, y + reach[1] + 10.0],
                }
            },
            z: self.z_range(),
            distance_mm: move |at: &Point| kidney.distance_mm(at),
        };
        let tissue = Tissue::Kidney {
            cortex: contrast.renal_cortex,
            medulla: contrast.renal_medulla,
        };
        let sinus = self.sinus;
        let bumpy_sinus = Shape {
            rect: Rect::EVERYWHERE,
            z: [sinus.center[2] - 40.0, sinus.center[2] + 40.0],
            distance_mm: move |at: &Point| sinus.distance_mm(at.p) + 2.6 * at.bumps[1],
        };
        let [x, y, z] = self.sinus.center;
        let calyces = Tube::smooth(
            &[
                ([x + self.side * 5.0, y - 2.0, z + 17.0], 1.8),
                ([x, y, z + 5.0], 3.4),
                ([x - self.side * 10.0, y + 3.0, z - 5.0], 3.8),
                ([x - self.side * 18.0, y + 4.0, z - 22.0], 2.0),
                ([x - self.side * 22.0, y + 6.0, z - 75.0], 1.8),
            ],
            4,
        );
        vec![
            Layer::new(solid, tissue)
                .in_fat(stream.uniform_in(3.0, 8.0))
                .marked(Mark::Organ(self.label())),
            Layer::new(
                bumpy_sinus,
                Tissue::Even {
                    hu: FAT + 25.0,
                    texture: 35.0,
                    grain_mm: 4.0,
                },
            ),
            Layer::new(calyces, Tissue::even(10.0)),
        ]
    }
}
