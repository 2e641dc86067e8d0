//! The scanner: table, artefacts, noise, whole numbers.

use hardslice_data::random::Stream;

use crate::artefacts::{Artefact, add_noise};
use crate::image_grid::ImageGrid;
use crate::render::CleanSlice;
use crate::scene::Scene;
use crate::table::Table;

/// One slice as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct RawSlice {
    /// `[y, x]`.
    pub(crate) hu: Vec<i16>,
    /// `[y, x]`.
    pub(crate) labels: Vec<u8>,
    /// Pixels that each planted event covers.
    pub(crate) covered: Vec<usize>,
}

/// What one scan adds to the body.
pub(crate) struct Scanner<'a> {
    scene: &'a Scene,
    grid: &'a ImageGrid,
    noise_hu: f64,
    table: Table,
}

impl<'a> Scanner<'a> {
    pub(crate) fn draw(
        stream: &mut Stream,
        scene: &'a Scene,
        grid: &'a ImageGrid,
        noise_hu: [f64; 2],
    ) -> Self {
        // Half the thickness, half the photons.
        let thin = (5.0 / grid.spacing_z_mm).sqrt().min(2.0);
        Self {
            scene,
            grid,
            noise_hu: thin * stream.uniform_in(noise_hu[0], noise_hu[1]),
            table: Table::draw(stream, scene),
        }
    }

    /// Takes slice `k`.
    pub(crate) fn take(
        &self,
        clean: CleanSlice,
        k: usize,
        artefacts: &[Artefact],
        stream: &mut Stream,
    ) -> RawSlice {
        let CleanSlice {
            mut hu,
            labels,
            covered,
        } = clean;
        self.table.paint(&mut hu, self.grid);
        let z = self.scene.frame.body_z(self.grid.z_mm(k));
        let mut times = 1.0;
        for artefact in artefacts {
            let weight = artefact.stretch.weight(z);
            if weight > 0.0 {
                artefact.apply(&mut hu, self.scene, self.grid, weight, stream);
                times *= artefact.noise_times(weight);
            }
        }
        add_noise(&mut hu, self.grid, self.noise_hu, times, stream);
        let hu = hu.into_iter().map(stored).collect();
        RawSlice {
            hu,
            labels,
            covered,
        }
    }
}

/// HU as scanners store them: whole numbers from -1024 to 3071.
fn stored(hu: f64) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to twelve bits")]
    let hu = hu.round().clamp(-1024.0, 3071.0) as i16;
    hu
}
