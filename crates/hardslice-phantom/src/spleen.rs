//! The spleen, at the back of the left dome.

use hardslice_data::random::Stream;

use crate::contrast::Contrast;
use crate::layer::{Layer, Mark, Tissue};
use crate::point::Point;
use crate::solid::{Ellipsoid, Rect, Shape, shared};

/// Label of the spleen.
pub(crate) const SPLEEN: u8 = 4;

/// One patient's spleen as a shape: what the chest wall and the stomach leave of an ellipsoid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spleen {
    whole: Ellipsoid,
    stomach_side: Ellipsoid,
}

impl Spleen {
    pub(crate) fn draw(stream: &mut Stream) -> Self {
        let size = stream.uniform_in(1.0, 1.2);
        let z = 72.0 + stream.uniform_in(-9.0, 8.0);
        let whole = Ellipsoid::new(
            [-104.0, -8.0 + stream.uniform_in(-4.0, 6.0), z],
            [42.0 * size, 54.0 * size, 52.0 * size],
        )
        .turned(1, 2, stream.uniform_in(-0.3, 0.1));
        let stomach_side = Ellipsoid::new(
            [-50.0 + stream.uniform_in(-5.0, 5.0), 28.0, z + 4.0],
            [36.0, 46.0, 80.0],
        );
        Self {
            whole,
            stomach_side,
        }
    }

    pub(crate) fn distance_mm(&self, at: &Point) -> f64 {
        let spleen = shared(
            self.whole.distance_mm(at.p),
            -self.stomach_side.distance_mm(at.p),
            10.0,
        ) + 1.5 * at.bumps[0]
            + 0.8 * at.bumps[1];
        shared(spleen, at.abdomen_mm + 3.0, 4.0)
    }

    pub(crate) fn z_range(&self) -> [f64; 2] {
        let reach = self.whole.reach_mm()[2] + 6.0;
        [self.whole.center[2] - reach, self.whole.center[2] + reach]
    }

    pub(crate) fn layers(&self, contrast: &Contrast) -> Vec<Layer> {
        let spleen = *self;
        let solid = Shape {
            rect: Rect {
                x: [-150.0, -40.0],
                y: [-70.0, 70.0],
            },
            z: self.z_range(),
            distance_mm: move |at: &Point| spleen.distance_mm(at),
        };
        let tissue = Tissue::Even {
            hu: contrast.spleen,
            texture: contrast.spleen_mottle + 6.0,
            grain_mm: 8.0,
        };
        vec![
            Layer::new(solid, tissue)
                .in_fat(1.8)
                .marked(Mark::Organ(SPLEEN)),
        ]
    }
}
