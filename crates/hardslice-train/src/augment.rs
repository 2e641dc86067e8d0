//! Data augmentation: flips, mirrors and, where asked for, rotation, scale, brightness and contrast,
//! gamma, Gaussian noise and low resolution.

use hardslice_data::SettingError;
use hardslice_data::balance::{Flip, Sample};
use hardslice_data::random::Stream;
use serde::{Deserialize, Serialize};

/// How slices are varied beyond flip and mirror. All off by default, as in the paper.
///
/// Each slice draws its own strength of each, evenly between nothing and the largest.
///
/// # Sources
///
/// The kinds are those of nnU-Net (Isensee et al. 2021, supplement, section 4) but for elastic
/// deformation and blur.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Share of the drawn slices that each of the variations is applied to, independently.
    pub share: f64,
    /// Largest rotation either way, degrees.
    pub rotation_deg: f64,
    /// Largest change of size: 0.1 draws factors from 1/1.1 to 1.1.
    pub scale: f64,
    /// Largest change of intensity, as a share of the window: 0.1 shifts by up to a tenth of it
    /// and stretches by up to a tenth.
    pub intensity: f64,
    /// Largest change of gamma: 0.5 draws exponents from 1/1.5 to 1.5, of intensities in [0, 1].
    pub gamma: f64,
    /// Largest standard deviation of Gaussian noise, as a share of the window.
    pub noise: f64,
    /// Largest loss of resolution within the slice: 1.0 draws pixels of up to twice the size, from
    /// which the slice is interpolated back.
    pub low_resolution: f64,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            share: 1.0,
            rotation_deg: 0.0,
            scale: 0.0,
            intensity: 0.0,
            gamma: 0.0,
            noise: 0.0,
            low_resolution: 0.0,
        }
    }
}

/// What happens to one drawn slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variation {
    /// Whether y is reversed ("flip").
    pub flip: bool,
    /// Whether x is reversed ("mirror"): left and right labels change places.
    pub mirror: bool,
    /// Rotation and scale about the centre, as the matrix that leads from a pixel of the result to
    /// a place in the stored slice, `[[yy, yx], [xy, xx]]`; `None` for none.
    pub source_from_result: Option<[[f64; 2]; 2]>,
    /// How many times larger the pixels are that the slice is taken through, to lower its resolution.
    pub coarser: Option<f32>,
    /// Intensity becomes `gain · v + shift`, with v in [0, 1].
    pub gain: f32,
    /// See `gain`.
    pub shift: f32,
    /// Exponent of the intensity after gain and shift.
    pub gamma: Option<f32>,
    /// What is added last.
    pub noise: Option<Noise>,
}

/// Gaussian noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Standard deviation, as a share of the window.
    pub sd: f32,
    /// What its values follow from.
    pub seed: u64,
}

impl Variation {
    /// Nothing happens.
    pub const NONE: Self = Self {
        flip: false,
        mirror: false,
        source_from_result: None,
        coarser: None,
        gain: 1.0,
        shift: 0.0,
        gamma: None,
        noise: None,
    };
}

impl Augmentation {
    /// Checks that every setting is in its range.
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), SettingError> {
        let is_within = |value: f64, most: f64| (0.0..=most).contains(&value);
        let settings = [
            (
                !(is_within(self.share, 1.0) && self.share > 0.0),
                "share must be above 0 and at most 1",
            ),
            (
                !is_within(self.rotation_deg, 180.0),
                "rotation_deg must be from 0 to 180",
            ),
            (!is_within(self.scale, 9.0), "scale must be from 0 to 9"),
            (
                !is_within(self.intensity, 1.0),
                "intensity must be from 0 to 1",
            ),
            (!is_within(self.gamma, 9.0), "gamma must be from 0 to 9"),
            (!is_within(self.noise, 1.0), "noise must be from 0 to 1"),
            (
                !is_within(self.low_resolution, 99.0),
                "low_resolution must be from 0 to 99",
            ),
        ];
        SettingError::check("train.augment", settings)
    }

    /// Draws what happens to one slice.
    ///
    /// `stream` must be the sample's own: how much of it is used depends on the settings.
    pub fn draw(&self, sample: &Sample, stream: &mut Stream) -> Variation {
        let (flip, mirror) = match sample.flip {
            Flip::Random => (stream.chance(0.5), stream.chance(0.5)),
            Flip::AsIs => (false, false),
            Flip::Flipped => (true, false),
            Flip::Mirrored => (false, true),
            Flip::FlippedMirrored => (true, true),
        };
        let mut largest = |setting: f64| {
            let is_applied = self.share >= 1.0 || stream.chance(self.share);
            if is_applied { setting } else { 0.0 }
        };
        let rotation_deg = largest(self.rotation_deg);
        let scale = largest(self.scale);
        let intensity = largest(self.intensity);
        let gamma = largest(self.gamma);
        let noise = largest(self.noise);
        let low_resolution = largest(self.low_resolution);
        let mut symmetric = |largest: f64| (2.0 * stream.uniform() - 1.0) * largest;
        let angle = symmetric(rotation_deg).to_radians();
        let size = (1.0 + scale).powf(symmetric(1.0));
        let [gain, shift] = [symmetric(intensity), symmetric(intensity)];
        let exponent = (1.0 + gamma).powf(symmetric(1.0));
        let [sd, coarser_by] = [noise, low_resolution].map(|largest| symmetric(largest).abs());
        let is_warped = rotation_deg > 0.0 || scale > 0.0;
        let (sin, cos) = (angle.sin() / size, angle.cos() / size);
        #[expect(clippy::cast_possible_truncation, reason = "intensities are f32")]
        Variation {
            flip,
            mirror,
            source_from_result: is_warped.then_some([[cos, -sin], [sin, cos]]),
            coarser: (low_resolution > 0.0).then_some(1.0 + coarser_by as f32),
            gain: 1.0 + gain as f32,
            shift: shift as f32,
            gamma: (gamma > 0.0).then_some(exponent as f32),
            noise: (noise > 0.0).then(|| Noise {
                sd: sd as f32,
                seed: stream.bits(),
            }),
        }
    }
}

/// Where each pixel of a varied slice comes from, in the stored slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    size: usize,
    variation: Variation,
}

impl Source {
    pub(crate) fn new(size: usize, variation: Variation) -> Self {
        Self { size, variation }
    }

    /// Fills `out` with an image: linear between pixels, the corner's value beyond the border.
    pub(crate) fn image(&self, stored: &[i16], out: &mut [f32], scale: impl Fn(f32) -> f32) {
        let Variation {
            coarser,
            gain,
            shift,
            gamma,
            noise,
            ..
        } = self.variation;
        let value = |hu: f32| (scale(hu) * gain + shift).clamp(0.0, 1.0);
        match self.variation.source_from_result {
            None => self.copy(stored, out, |hu| value(f32::from(hu))),
            Some(matrix) => self.each_place(matrix, |pixel, y, x| {
                out[pixel] = value(self.linear(stored, y, x));
            }),
        }
        if let Some(coarser) = coarser {
            lower_resolution(out, self.size, coarser);
        }
        if let Some(gamma) = gamma {
            for v in out.iter_mut() {
                *v = v.powf(gamma);
            }
        }
        if let Some(Noise { sd, seed }) = noise {
            let mut stream = Stream::new(seed, "noise");
            for v in out {
                *v = (*v + sd * roughly_normal(stream.bits())).clamp(0.0, 1.0);
            }
        }
    }

    /// Fills `out` from labels: the nearest pixel, background beyond the border.
    pub(crate) fn labels(&self, stored: &[u8], mirror_table: &[u8; 256], out: &mut [u8]) {
        let value = |label: u8| {
            if self.variation.mirror {
                mirror_table[usize::from(label)]
            } else {
                label
            }
        };
        match self.variation.source_from_result {
            None => self.copy(stored, out, value),
            Some(matrix) => self.each_place(matrix, |pixel, y, x| {
                out[pixel] = self
                    .at(y.round(), x.round())
                    .map_or(0, |i| value(stored[i]));
            }),
        }
    }

    fn copy<T: Copy, U>(&self, stored: &[T], out: &mut [U], value: impl Fn(T) -> U) {
        let size = self.size;
        for (y, row) in out.chunks_exact_mut(size).enumerate() {
            let from = if self.variation.flip { size - 1 - y } else { y };
            let stored = &stored[from * size..(from + 1) * size];
            if self.variation.mirror {
                row.iter_mut()
                    .zip(stored.iter().rev())
                    .for_each(|(o, s)| *o = value(*s));
            } else {
                row.iter_mut().zip(stored).for_each(|(o, s)| *o = value(*s));
            }
        }
    }

    /// Calls `f(pixel, y, x)` with the place in the stored slice of each pixel of the result.
    fn each_place(&self, [[yy, yx], [xy, xx]]: [[f64; 2]; 2], mut f: impl FnMut(usize, f64, f64)) {
        let centre = (self.size as f64 - 1.0) / 2.0;
        let sign = |reversed: bool| if reversed { -1.0 } else { 1.0 };
        for pixel in 0..self.size * self.size {
            let y = ((pixel / self.size) as f64 - centre) * sign(self.variation.flip);
            let x = ((pixel % self.size) as f64 - centre) * sign(self.variation.mirror);
            f(pixel, yy * y + yx * x + centre, xy * y + xx * x + centre);
        }
    }

    /// Index of a pixel, if it lies in the slice.
    fn at(&self, y: f64, x: f64) -> Option<usize> {
        let last = self.size as f64 - 1.0;
        if !(0.0..=last).contains(&y) || !(0.0..=last).contains(&x) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to lie in the slice"
        )]
        let index = y as usize * self.size + x as usize;
        Some(index)
    }

    fn linear(&self, stored: &[i16], y: f64, x: f64) -> f32 {
        let (y0, x0) = (y.floor(), x.floor());
        let (fy, fx) = (y - y0, x - x0);
        let corners = [
            (y0, x0, (1.0 - fy) * (1.0 - fx)),
            (y0, x0 + 1.0, (1.0 - fy) * fx),
            (y0 + 1.0, x0, fy * (1.0 - fx)),
            (y0 + 1.0, x0 + 1.0, fy * fx),
        ];
        let outside = f64::from(stored[0]);
        let value = |y, x| self.at(y, x).map_or(outside, |i| f64::from(stored[i]));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a value between Hounsfield units"
        )]
        let blended = corners
            .into_iter()
            .map(|(y, x, w)| w * value(y, x))
            .sum::<f64>() as f32;
        blended
    }
}

/// A number of mean 0 and standard deviation 1 from 64 random bits: the sum of four even ones, which
/// lies within 3.5 and is a hundred times as cheap as an exact draw.
fn roughly_normal(bits: u64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "sixteen bits of it")]
    let parts = [0, 16, 32, 48].map(|by| f32::from((bits >> by) as u16));
    let sum: f32 = parts.iter().sum();
    // Each part is even on 0 to 65,535: its variance is (65,536² − 1) / 12.
    (sum - 4.0 * 32_767.5) / 37_837.2
}

/// For each place of a resampled line, the two places of the line that it lies between, and the
/// weight of the second.
struct Taps(Vec<(usize, usize, f32)>);

impl Taps {
    fn new(from: usize, to: usize) -> Self {
        let step = from as f64 / to as f64;
        let last = (from - 1) as f64;
        let taps = (0..to).map(|i| {
            let at = ((i as f64 + 0.5) * step - 0.5).clamp(0.0, last);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "within the line"
            )]
            let low = at.floor() as usize;
            #[expect(clippy::cast_possible_truncation, reason = "a weight")]
            (low, (low + 1).min(from - 1), (at - low as f64) as f32)
        });
        Self(taps.collect())
    }

    /// Resamples the square image `from` to the square image `to`.
    fn resample(&self, from: &[f32], to: &mut [f32]) {
        let n_from = from.len().isqrt();
        for (row, (low, high, t)) in to.chunks_exact_mut(self.0.len()).zip(&self.0) {
            let lines = [low, high].map(|y| &from[y * n_from..(y + 1) * n_from]);
            for (value, (left, right, s)) in row.iter_mut().zip(&self.0) {
                let [a, b] = lines.map(|line| line[*left] + s * (line[*right] - line[*left]));
                *value = a + t * (b - a);
            }
        }
    }
}

/// Takes a square image through pixels that are `coarser` times as large, linear both ways.
fn lower_resolution(image: &mut [f32], size: usize, coarser: f32) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the size"
    )]
    let n_coarse = ((size as f32 / coarser).round() as usize).clamp(1, size);
    let down = Taps::new(size, n_coarse);
    let up = Taps::new(n_coarse, size);
    let mut coarse = vec![0.0; n_coarse * n_coarse];
    down.resample(image, &mut coarse);
    up.resample(&coarse, image);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varied(variation: Variation) -> (Vec<f32>, Vec<u8>) {
        let stored: Vec<i16> = (0..9).collect();
        let labels = [1, 0, 0, 0, 0, 0, 0, 0, 2];
        let mut table: [u8; 256] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        table.swap(1, 2);
        let source = Source::new(3, variation);
        let (mut image, mut out) = (vec![0.0; 9], vec![0; 9]);
        source.image(&stored, &mut image, |hu| hu / 10.0);
        source.labels(&labels, &table, &mut out);
        let tenths = image.iter().map(|v| (v * 10.0).round()).collect();
        (tenths, out)
    }

    #[test]
    fn a_flip_reverses_y_and_leaves_the_sides_alone() {
        let (image, labels) = varied(Variation {
            flip: true,
            ..Variation::NONE
        });
        assert_eq!(
            image,
            [6.0, 7.0, 8.0, 3.0, 4.0, 5.0, 0.0, 1.0, 2.0],
            "rows reversed"
        );
        assert_eq!(
            labels,
            [0, 0, 2, 0, 0, 0, 1, 0, 0],
            "labels move but keep their side"
        );
    }

    #[test]
    fn a_mirror_reverses_x_and_swaps_left_and_right() {
        let (image, labels) = varied(Variation {
            mirror: true,
            ..Variation::NONE
        });
        assert_eq!(
            image,
            [2.0, 1.0, 0.0, 5.0, 4.0, 3.0, 8.0, 7.0, 6.0],
            "columns reversed"
        );
        assert_eq!(labels, [0, 0, 2, 0, 0, 0, 1, 0, 0], "1 and 2 change places");
    }

    #[test]
    fn a_quarter_turn_takes_every_pixel_to_its_place() {
        let (image, _) = varied(Variation {
            source_from_result: Some([[0.0, -1.0], [1.0, 0.0]]),
            ..Variation::NONE
        });
        // Result (y, x) comes from stored (−x, y) about the centre: the first row is the last column.
        assert_eq!(
            image,
            [6.0, 3.0, 0.0, 7.0, 4.0, 1.0, 8.0, 5.0, 2.0],
            "turned by 90 degrees"
        );
    }

    fn sample() -> Sample {
        Sample {
            slice: hardslice_data::SliceRef { case_idx: 0, z: 0 },
            flip: Flip::AsIs,
        }
    }

    fn flat(size: usize, hu: i16, variation: Variation) -> Vec<f32> {
        let mut image = vec![0.0; size * size];
        let source = Source::new(size, variation);
        source.image(&vec![hu; size * size], &mut image, |hu| hu / 100.0);
        image
    }

    #[test]
    fn noise_has_its_standard_deviation_and_no_mean_and_is_the_same_again() {
        let variation = Variation {
            noise: Some(Noise { sd: 0.05, seed: 7 }),
            ..Variation::NONE
        };
        let image = flat(200, 50, variation);
        let n = image.len() as f64;
        let mean = image.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let squares = image.iter().map(|v| (f64::from(*v) - mean).powi(2));
        let sd = (squares.sum::<f64>() / n).sqrt();
        // Standard errors at 40,000 pixels: 0.00025 and 0.00018.
        assert!((mean - 0.5).abs() < 0.001, "mean {mean}");
        assert!((sd - 0.05).abs() < 0.001, "standard deviation {sd}");
        assert_eq!(image, flat(200, 50, variation), "the same seed");
        let other = Variation {
            noise: Some(Noise { sd: 0.05, seed: 8 }),
            ..variation
        };
        assert!(image != flat(200, 50, other), "another seed");
    }

    #[test]
    fn gamma_bends_intensities_after_gain_and_shift() {
        let variation = Variation {
            gain: 0.5,
            shift: 0.05,
            gamma: Some(2.0),
            ..Variation::NONE
        };
        // 40 HU are 0.4: (0.5 · 0.4 + 0.05)² = 0.0625.
        let image = flat(4, 40, variation);
        assert!(image.iter().all(|v| (v - 0.0625).abs() < 1e-6), "{image:?}");
    }

    #[test]
    fn low_resolution_keeps_what_is_even_and_smooths_an_edge() {
        let variation = Variation {
            coarser: Some(2.0),
            ..Variation::NONE
        };
        let even = flat(6, 30, variation);
        assert!(even.iter().all(|v| (v - 0.3).abs() < 1e-6), "{even:?}");
        let edge: Vec<i16> = (0..64).map(|i| if i % 8 < 4 { 0 } else { 100 }).collect();
        let mut image = vec![0.0; 64];
        Source::new(8, variation).image(&edge, &mut image, |hu| hu / 100.0);
        // Four places to a line at 1/2, 5/2, ...: each the mean of its two pixels, and back.
        let row = [0.0, 0.0, 0.0, 0.25, 0.75, 1.0, 1.0, 1.0];
        for line in image.chunks_exact(8) {
            let is_near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
            assert!(line.iter().zip(&row).all(is_near), "{line:?}");
        }
    }

    #[test]
    fn each_variation_comes_to_its_share_of_the_slices() {
        let augment = Augmentation {
            share: 0.2,
            rotation_deg: 20.0,
            scale: 0.2,
            intensity: 0.1,
            gamma: 0.3,
            noise: 0.1,
            low_resolution: 1.0,
        };
        let drawn: Vec<Variation> = (0..4000)
            .map(|i| augment.draw(&sample(), &mut Stream::new(i, "augment")))
            .collect();
        let share = |is_so: &dyn Fn(&Variation) -> bool| {
            drawn.iter().filter(|v| is_so(v)).count() as f64 / 4000.0
        };
        for (name, found) in [
            ("intensity", share(&|v| v.shift.abs() > 0.0)),
            ("gamma", share(&|v| v.gamma.is_some())),
            ("noise", share(&|v| v.noise.is_some())),
            ("low resolution", share(&|v| v.coarser.is_some())),
        ] {
            // Four standard errors.
            assert!((found - 0.2).abs() < 0.026, "{name}: {found}");
        }
        let warped = share(&|v| v.source_from_result.is_some());
        assert!((warped - 0.36).abs() < 0.031, "rotation or scale: {warped}");
        let noise = drawn.iter().filter_map(|v| v.noise).map(|noise| noise.sd);
        let noisiest = noise.fold(0.0, f32::max);
        assert!((0.09..=0.1).contains(&noisiest), "{noisiest}");
        let coarsest = drawn.iter().filter_map(|v| v.coarser).fold(1.0, f32::max);
        assert!((1.9..=2.0).contains(&coarsest), "{coarsest}");
        let gammas = || drawn.iter().filter_map(|v| v.gamma);
        let ends = [gammas().fold(1.0, f32::min), gammas().fold(1.0, f32::max)];
        assert!((0.769..0.79).contains(&ends[0]), "{ends:?}");
        assert!((1.27..=1.3).contains(&ends[1]), "{ends:?}");
    }

    #[test]
    fn a_strength_that_makes_no_sense_is_refused() {
        let is_refused = |augment: Augmentation| augment.check().is_err();
        let default = Augmentation::default();
        assert!(default.check().is_ok(), "the defaults");
        for value in [-0.1, 1.5, f64::NAN, f64::INFINITY] {
            assert!(
                is_refused(Augmentation {
                    share: value,
                    ..default
                }),
                "share {value}"
            );
            assert!(
                is_refused(Augmentation {
                    noise: value,
                    ..default
                }),
                "noise {value}"
            );
        }
        assert!(
            is_refused(Augmentation {
                share: 0.0,
                ..default
            }),
            "no share"
        );
        assert!(
            is_refused(Augmentation {
                scale: -1.0,
                ..default
            }),
            "scale"
        );
        assert!(
            is_refused(Augmentation {
                rotation_deg: 270.0,
                ..default
            }),
            "rotation"
        );
    }

    #[test]
    fn the_paper_s_settings_change_nothing_but_flips() {
        let mut stream = Stream::new(1, "augment");
        assert_eq!(
            Augmentation::default().draw(&sample(), &mut stream),
            Variation::NONE,
            "as stored"
        );
    }
}
