//! Where the pixels of a scan lie.

use hardslice_data::random::Stream;

use crate::options::PhantomOptions;
use crate::scene::Scene;

/// Height of the body, in its own frame, over which a whole scan reaches.
const BOTTOM_MM: [f64; 2] = [-92.0, -64.0];
const TOP_MM: [f64; 2] = [138.0, 158.0];
/// The middle of the liver, around which a short scan is cut.
const LIVER_MIDDLE_MM: [f64; 2] = [25.0, 75.0];

/// The image grid of one scan; world millimetres, the origin in the middle of the field of view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ImageGrid {
    /// Pixels along each side.
    pub(crate) size: usize,
    pub(crate) pixel_mm: f64,
    pub(crate) n_slices: usize,
    pub(crate) spacing_z_mm: f64,
    /// World height of the lowest slice.
    pub(crate) first_z_mm: f64,
}

impl ImageGrid {
    /// Draws the field of view and the slices; see [`PhantomOptions::slice_spacing_mm`].
    pub(crate) fn draw(stream: &mut Stream, scene: &Scene, options: &PhantomOptions) -> Self {
        let field = scene.frame.build.width_mm() * stream.uniform_in(1.06, 1.2);
        // 0.6 to 0.95 mm at 512 pixels.
        let pixel_mm = field.clamp(0.6 * 512.0, 0.95 * 512.0) / options.size as f64;
        let world = |range: [f64; 2], stream: &mut Stream| {
            scene.frame.world_z(stream.uniform_in(range[0], range[1]))
        };
        let bottom = world(BOTTOM_MM, stream);
        let height = world(TOP_MM, stream) - bottom;
        let liver = world(LIVER_MIDDLE_MM, stream);
        let [fewest, most] = options.n_slices;
        let [smallest, largest] = options.slice_spacing_mm;
        // Spacings that cover the whole height within the slices allowed.
        let low = smallest.max(height / most as f64);
        let high = largest.min(height / fewest as f64);
        // Even in the logarithm: thin slices are as common as thick ones, factor for factor.
        let part = stream.uniform();
        let even = |low: f64, high: f64| low * libm::exp(part * libm::log(high / low));
        let (spacing_z_mm, n_slices) = if low <= high {
            let spacing = even(low, high);
            (spacing, round(height / spacing).clamp(fewest, most))
        } else if low > largest {
            (largest, most)
        } else {
            (smallest, fewest)
        };
        let covered = spacing_z_mm * (n_slices as f64 - 1.0);
        let first_z_mm = if covered < height - 1.5 * spacing_z_mm {
            (liver - 0.5 * covered).clamp(bottom, bottom + height - covered)
        } else {
            bottom
        };
        Self {
            size: options.size,
            pixel_mm,
            n_slices,
            spacing_z_mm,
            first_z_mm,
        }
    }

    /// World position of a pixel's middle along x or y.
    pub(crate) fn world_mm(&self, i: usize) -> f64 {
        (i as f64 - 0.5 * (self.size as f64 - 1.0)) * self.pixel_mm
    }

    /// World height of a slice's middle.
    pub(crate) fn z_mm(&self, k: usize) -> f64 {
        self.first_z_mm + k as f64 * self.spacing_z_mm
    }

    /// First and one-past-last pixel whose middles lie in a range of world positions.
    pub(crate) fn pixels(&self, range: [f64; 2]) -> [usize; 2] {
        let half = 0.5 * (self.size as f64 - 1.0);
        let index = |v: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to 0..=size"
            )]
            let i = v.clamp(0.0, self.size as f64) as usize;
            i
        };
        let low = index((range[0] / self.pixel_mm + half).ceil());
        [
            low,
            index((range[1] / self.pixel_mm + half).floor() + 1.0).max(low),
        ]
    }

    /// Width of soft edges: the pixel's own and the blur of the scanner.
    pub(crate) fn edge_mm(&self) -> f64 {
        (self.pixel_mm * self.pixel_mm + 1.2).sqrt()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a height over a spacing, both positive and checked"
)]
fn round(v: f64) -> usize {
    v.round() as usize
}
