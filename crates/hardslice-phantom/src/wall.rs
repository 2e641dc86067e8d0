//! The wall of the trunk: skin, fat, muscles, ribs, breastbone. The first coat of each plane.

use hardslice_data::random::Stream;

use crate::contrast::{AIR, Contrast, FAT};
use crate::layer::{Brush, cover};
use crate::point::Point;
use crate::solid::ramp;
use crate::texture::mix;

/// What varies in the wall from patient to patient.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wall {
    muscle: f64,
    bone: f64,
    marrow: f64,
    /// Height of the lowest rib's head.
    lowest_rib_z: f64,
    rib_spacing_mm: f64,
    /// How far a rib descends from back to front.
    rib_drop_mm: f64,
    /// How much fat runs between the muscle fibres, 0 to 1.
    fatty: f64,
}

impl Wall {
    pub(crate) fn draw(stream: &mut Stream, contrast: &Contrast) -> Self {
        Self {
            muscle: contrast.muscle,
            bone: contrast.bone,
            marrow: contrast.marrow * 0.8,
            lowest_rib_z: stream.uniform_in(56.0, 74.0),
            rib_spacing_mm: stream.uniform_in(26.0, 30.0),
            rib_drop_mm: stream.uniform_in(95.0, 125.0),
            fatty: stream.uniform_in(0.1, 0.8),
        }
    }

    /// HU of the wall at a point, and of the fat of the belly within it.
    pub(crate) fn hu(&self, at: &Point, brush: &Brush<'_>) -> f64 {
        let width = brush.pixel_mm;
        let body = cover(at.skin_mm, width);
        if body <= 0.0 {
            return AIR;
        }
        let fat = FAT + 9.0 * brush.texture.at(at.p, 14.0);
        let skin = cover(-at.skin_mm - 1.9, width);
        let mut hu = mix(fat, 30.0, skin);
        let muscle = cover(at.muscle_mm, width);
        if muscle > 0.0 {
            hu = mix(hu, self.muscle_hu(at, brush), muscle);
            // Peritoneum and the fat within.
            hu = mix(hu, fat, cover(at.cavity_mm, width));
            let (rib, rib_hu) = self.rib(at, brush);
            hu = mix(hu, rib_hu, rib);
        }
        mix(AIR, hu, body)
    }

    fn muscle_hu(&self, at: &Point, brush: &Brush<'_>) -> f64 {
        let width = brush.pixel_mm;
        let [x, y, z] = at.p;
        let mut hu = self.muscle + 8.0 * brush.texture.at([x, y, z * 0.3], 4.0);
        let stripe = |hu: f64, off_mm: f64, half_mm: f64| {
            mix(hu, FAT, cover(off_mm.abs() - half_mm, width.max(1.0)))
        };
        if at.front < -0.55 {
            // The back: fibres with fat between, a septum between the long and the flat muscles.
            let streak = brush.texture.at([x, y, z * 0.2], 7.0) - 0.5 + 0.3 * self.fatty;
            hu = mix(hu, -60.0, (streak * 2.2).clamp(0.0, 0.7));
            hu = stripe(
                hu,
                x.abs() - 58.0 + 0.25 * (y + 60.0),
                0.7 + 1.2 * self.fatty,
            );
        } else if at.front < 0.78 {
            // The flank: three flat muscles, or the ribs' muscles with fat outside.
            let depth = -at.muscle_mm;
            let thin = 0.8 * ramp(20.0, 70.0, z);
            hu = stripe(hu, depth - 5.0 + thin, 0.5 - 0.5 * thin);
            hu = stripe(hu, depth - 9.5, 0.35 - 0.6 * thin);
        } else {
            // In front: the two straight muscles and the white line between them.
            let apart = (x.abs() - 46.0).abs().min(x.abs());
            hu = mix(hu, stripe(hu, apart, 1.1), 0.75);
        }
        hu
    }

    /// How much of a rib, its cartilage or the breastbone covers a point, and its HU.
    ///
    /// A rib is an arc in the wall that descends towards the front; a slice meets each rib at one
    /// or two places a side, which wander to the front from slice to slice.
    fn rib(&self, at: &Point, brush: &Brush<'_>) -> (f64, f64) {
        const COS_SLOPE: f64 = 0.86;
        let front = 0.5 * (1.0 + at.front);
        let [x, _, z] = at.p;
        // The way along the arc: the square root is the sine of half the angle.
        let way = 0.75 * front.sqrt() + 0.25 * front;
        let along = z - self.lowest_rib_z + self.rib_drop_mm * way;
        let number = (along / self.rib_spacing_mm).round().max(0.0);
        // Floating ribs end early, higher ones reach the costal arch.
        let end = [0.12, 0.34, 0.68, 0.82, 0.90, 0.94];
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small whole number, never negative"
        )]
        let end = end[(number as usize).min(5)];
        let off_z = (along - number * self.rib_spacing_mm) * COS_SLOPE;
        let off_r = at.cavity_mm - 6.0;
        let flat = ((off_z / 6.6).powi(2) + (off_r / 3.6).powi(2)).sqrt();
        let mut distance = (flat - 1.0) * 3.6;
        distance = distance.max((front - end) * 200.0);
        // Near the spine the ribs leave the wall for the vertebrae.
        distance = distance.max(24.0 - x.abs());
        let mut cartilage = cover(0.70 - front, 0.06);
        if at.front > 0.55 && z > 100.0 {
            let sternum = ((x / 17.0).powi(2) + ((at.cavity_mm - 7.0) / 5.0).powi(2)).sqrt() - 1.0;
            if sternum * 5.0 < distance {
                distance = sternum * 5.0;
                cartilage = 0.0;
            }
        }
        let covered = cover(distance, brush.pixel_mm);
        if covered <= 0.0 {
            return (0.0, 0.0);
        }
        let spongy = self.marrow * (1.0 + 0.4 * brush.texture.at(at.p, 2.5));
        let bone = mix(self.bone, spongy, cover(distance + 1.5, brush.pixel_mm));
        (covered, mix(bone, 95.0, cartilage))
    }
}
