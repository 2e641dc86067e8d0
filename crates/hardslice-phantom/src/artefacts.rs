//! What the scanner adds: streaks, dark bands, double contours, noise.

use std::f64::consts::TAU;

use hardslice_data::random::Stream;

use crate::contrast::AIR;
use crate::image_grid::ImageGrid;
use crate::noise::{self, smooth_rows};
use crate::oddities::Stretch;
use crate::scene::Scene;
use crate::texture::mix;

/// A planted artefact over a stretch of slices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Artefact {
    pub(crate) stretch: Stretch,
    pub(crate) kind: ArtefactKind,
}

/// The four kinds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ArtefactKind {
    /// A piece of metal, and streaks through the whole slice; its place in the body's frame.
    Metal { at: [f64; 2] },
    /// A dark band across the body at this height above the back, in the body's frame.
    BeamHardening { y: f64 },
    /// The slice and, half over it, the slice shifted.
    Motion { shift_mm: [f64; 2] },
    /// This many times the noise, drawn out sideways where the body is widest.
    NoiseBurst { times: f64 },
}

impl Artefact {
    /// Adds the artefact to a slice, all but the noise; `weight` is its strength here, 0 to 1.
    pub(crate) fn apply(
        &self,
        hu: &mut [f64],
        scene: &Scene,
        grid: &ImageGrid,
        weight: f64,
        stream: &mut Stream,
    ) {
        match self.kind {
            ArtefactKind::Metal { at } => {
                metal(hu, grid, scene.frame.world(at), weight, stream);
            }
            ArtefactKind::BeamHardening { y } => {
                let [_, middle] = scene.frame.world([0.0, y]);
                dark_band(hu, grid, middle, weight);
            }
            ArtefactKind::Motion { shift_mm } => {
                double(hu, grid, shift_mm.map(|v| v / grid.pixel_mm), 0.5 * weight);
            }
            ArtefactKind::NoiseBurst { .. } => {}
        }
    }

    /// How many times the usual noise at this strength.
    pub(crate) fn noise_times(&self, weight: f64) -> f64 {
        match self.kind {
            ArtefactKind::NoiseBurst { times } => mix(1.0, times, weight),
            _ => 1.0,
        }
    }
}

/// Bright and dark rays from a piece of metal, weaker with the distance.
fn metal(hu: &mut [f64], grid: &ImageGrid, at: [f64; 2], weight: f64, stream: &mut Stream) {
    const N_RAYS: usize = 16;
    let rays: Vec<([f64; 2], f64)> = (0..N_RAYS)
        .map(|i| {
            let angle = TAU * (i as f64 + stream.uniform()) / (2 * N_RAYS) as f64;
            let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
            let strength = sign * stream.uniform_in(150.0, 480.0);
            ([libm::cos(angle), libm::sin(angle)], strength)
        })
        .collect();
    for (i, v) in hu.iter_mut().enumerate() {
        let d = [
            grid.world_mm(i % grid.size) - at[0],
            grid.world_mm(i / grid.size) - at[1],
        ];
        let r = (d[0] * d[0] + d[1] * d[1]).sqrt();
        let width = 2.5 + 0.05 * r;
        let streaks: f64 = rays
            .iter()
            .map(|(u, strength)| strength / (1.0 + ((d[0] * u[1] - d[1] * u[0]) / width).powi(2)))
            .sum();
        // Air stays air: what is left of a streak outside the body hardly shows.
        let outside = if *v < -700.0 { 0.25 } else { 1.0 };
        *v += weight * outside * streaks / (1.0 + r / 90.0);
        if weight > 0.3 && r < 5.0 {
            *v = 3000.0;
        }
    }
}

/// A dark band from side to side, as between the shoulders or beside dense contrast medium.
fn dark_band(hu: &mut [f64], grid: &ImageGrid, middle_mm: f64, weight: f64) {
    for (y, row) in hu.chunks_mut(grid.size).enumerate() {
        let off = (grid.world_mm(y) - middle_mm) / 34.0;
        let depth = weight * 150.0 / (1.0 + off * off).powi(2);
        for v in row.iter_mut().filter(|v| **v > -700.0) {
            *v -= depth;
        }
    }
}

/// Mixes a slice with itself shifted by a way in pixels.
fn double(hu: &mut [f64], grid: &ImageGrid, shift: [f64; 2], share: f64) {
    let n = grid.size;
    let before = hu.to_vec();
    let at = |x: f64, y: f64| {
        let clamped = |v: f64| v.clamp(0.0, n as f64 - 1.001);
        let (x, y) = (clamped(x), clamped(y));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the image"
        )]
        let (i, j) = (x as usize, y as usize);
        let (u, v) = (x - i as f64, y - j as f64);
        let row = |j: usize| mix(before[j * n + i], before[j * n + i + 1], u);
        mix(row(j), row(j + 1), v)
    };
    for (i, v) in hu.iter_mut().enumerate() {
        let (x, y) = ((i % n) as f64 - shift[0], (i / n) as f64 - shift[1]);
        *v = mix(*v, at(x, y), share);
    }
}

/// Adds noise of a standard deviation to a slice, `times` of which stem from a burst.
///
/// More noise in the middle, where the rays have the longest way, and drawn out sideways in a
/// burst. Air outside the body hardly has any.
pub(crate) fn add_noise(
    hu: &mut [f64],
    grid: &ImageGrid,
    sd_hu: f64,
    times: f64,
    stream: &mut Stream,
) {
    let mut plane = noise::plane(stream, grid);
    if times > 1.0 {
        let sideways = (times - 1.0).min(1.0);
        let mut drawn = plane.clone();
        for _ in 0..6 {
            smooth_rows(&mut drawn, grid.size, 0.25);
        }
        for (v, d) in plane.iter_mut().zip(&drawn) {
            *v = mix(*v, 0.4 * *v + 1.6 * d, sideways);
        }
        noise::to_unit_sd(&mut plane);
    }
    let radius = 0.36 * grid.size as f64 * grid.pixel_mm;
    for (i, (v, noise)) in hu.iter_mut().zip(&plane).enumerate() {
        let d = [
            grid.world_mm(i % grid.size) / radius,
            grid.world_mm(i / grid.size) / radius,
        ];
        let middle = (1.25 - 0.5 * (d[0] * d[0] + d[1] * d[1])).max(0.45);
        let sd = if *v < AIR + 150.0 { 0.5 } else { middle };
        *v += sd_hu * times * sd * noise;
    }
}
