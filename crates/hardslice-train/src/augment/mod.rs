//! Data augmentation: flips, mirrors and, where asked for, rotation, scale, brightness and contrast,
//! gamma, Gaussian noise and low resolution.

mod source;

use hardslice_data::SettingError;
use hardslice_data::balance::{Flip, Sample};
use hardslice_data::random::Stream;
use serde::{Deserialize, Serialize};

pub(crate) use source::Source;

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
            Flip::RandomMirror => (false, stream.chance(0.5)),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Sample {
        Sample {
            slice: hardslice_data::SliceRef { case_idx: 0, z: 0 },
            flip: Flip::AsIs,
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
    fn what_is_mirrored_at_random_is_never_flipped() {
        let drawn = |flip| {
            let sample = Sample { flip, ..sample() };
            let one = |i| {
                let mut stream = Stream::new(i, "augment");
                let variation = Augmentation::default().draw(&sample, &mut stream);
                (variation.flip, variation.mirror)
            };
            let all: Vec<(bool, bool)> = (0..1000).map(one).collect();
            [(false, false), (false, true), (true, false), (true, true)]
                .map(|of| all.iter().filter(|drawn| **drawn == of).count())
        };
        let [as_is, mirrored, flipped, both] = drawn(Flip::RandomMirror);
        assert_eq!([flipped, both], [0, 0], "flipped");
        assert_eq!(as_is + mirrored, 1000, "mirrored or not");
        assert!(
            mirrored.abs_diff(500) < 64,
            "four standard errors: {mirrored}"
        );
        let quarters = drawn(Flip::Random);
        assert!(
            quarters.iter().all(|n| n.abs_diff(250) < 55),
            "{quarters:?}"
        );
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
