//! The table under the patient.

use hardslice_data::random::Stream;

use crate::contrast::AIR;
use crate::image_grid::ImageGrid;
use crate::layer::cover;
use crate::scene::Scene;
use crate::texture::mix;

/// A table: one or two thin curved boards below the back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    /// World height of the upper board's middle.
    top_y: f64,
    /// Curvature: the boards rise by `curve · x²` to the sides.
    curve: f64,
    half_width_mm: f64,
    hu: f64,
    boards: usize,
}

impl Table {
    pub(crate) fn draw(stream: &mut Stream, scene: &Scene) -> Self {
        let mut back = 0.0_f64;
        // The lowest point of the back in the middle of the scan, in steps of a millimetre.
        while back > -300.0 {
            if scene.frame.straight_point([30.0, back, 60.0]).skin_mm > 0.0 {
                break;
            }
            back -= 1.0;
        }
        let [_, back] = scene.frame.world([0.0, back]);
        Self {
            top_y: back - stream.uniform_in(10.0, 18.0),
            curve: stream.uniform_in(0.0004, 0.0009),
            half_width_mm: stream.uniform_in(190.0, 235.0),
            hu: stream.uniform_in(-250.0, 250.0),
            boards: 1 + stream.below(2),
        }
    }

    /// Puts the table where there is air.
    pub(crate) fn paint(&self, hu: &mut [f64], grid: &ImageGrid) {
        let pixel = grid.edge_mm();
        for (i, v) in hu.iter_mut().enumerate() {
            let (x, y) = (grid.world_mm(i % grid.size), grid.world_mm(i / grid.size));
            if x.abs() > self.half_width_mm || y > self.top_y + 60.0 || *v > -600.0 {
                continue;
            }
            for board in 0..self.boards {
                let middle = self.top_y - 32.0 * board as f64 + self.curve * x * x;
                let off = (y - middle).abs() - 1.3;
                *v = mix(*v, self.hu.max(AIR), cover(off, pixel));
            }
        }
    }
}
