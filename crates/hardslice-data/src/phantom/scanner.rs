//! The scanner: table, artefacts, noise, whole numbers.

use super::artefacts::{Artefact, add_noise};
use super::image_grid::ImageGrid;
use super::render::CleanSlice;
use super::scene::Scene;
use super::table::Table;
use crate::random::Stream;

/// One slice as it is stored.
#[derive(Debug, Clone)]
pub(super) struct RawSlice {
    /// `[y, x]`.
    pub(super) hu: Vec<i16>,
    /// `[y, x]`.
    pub(super) labels: Vec<u8>,
    /// Pixels that each planted event covers.
    pub(super) covered: Vec<usize>,
}

/// What one scan adds to the body.
pub(super) struct Scanner<'a> {
    scene: &'a Scene,
    grid: &'a ImageGrid,
    noise_hu: f64,
    table: Table,
}

impl<'a> Scanner<'a> {
    pub(super) fn draw(
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
    pub(super) fn take(
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
