//! What a cohort of phantoms is made of.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::control::{Control, FEWEST};

/// When after the injection of contrast medium the scan was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No contrast medium: organs, blood and muscle lie within 30 HU of each other.
    Native,
    /// About 35 s: bright arteries, bright renal cortex, mottled spleen, liver hardly enhanced.
    Arterial,
    /// About 70 s, the usual abdominal scan: bright portal vein, liver and kidneys.
    Venous,
}

/// What a cohort of phantoms is made of; everything else follows from these and the seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhantomOptions {
    /// Patients, one scan each.
    pub n_patients: usize,
    /// Seed of all the cohort's random streams.
    pub seed: u64,
    /// Pixels along each side of a slice; the pixels grow when they are fewer than 512, so that
    /// the field of view stays 310 to 490 mm.
    pub size: usize,
    /// Fewest and most slices of a scan.
    pub n_slices: [usize; 2],
    /// Smallest and largest distance between slices, in millimetres.
    ///
    /// Each scan draws its spacing among those with which the whole upper abdomen takes between
    /// the fewest and the most slices; where there is none, the scan is cut short around the liver.
    pub slice_spacing_mm: [f64; 2],
    /// Share of the slices with liver that carry planted difficulty, over the whole cohort, 0 to 1.
    /// Other organs' difficulties come on top, about a third as many.
    pub difficulty_share: f64,
    /// Standard deviation of the noise of a 5 mm slice, `[least, most]` in HU; each scan draws its
    /// own. Thinner slices have more, up to twice as much.
    pub noise_hu: [f64; 2],
    /// Contrast phases and how often each comes, relative to each other.
    pub phase_weights: PhaseWeights,
    /// Share of the patients whose files are written on other axes than RAS+, 0 to 1.
    pub other_axes_share: f64,
    /// Share of each organ's slices whose labels are wrong, 0 to 0.5.
    pub label_error_share: f64,
    /// Share of the slices that are damaged or repeated, 0 to 0.2.
    pub image_error_share: f64,
    /// Also write the cohort as nnU-Net wants it (`imagesTr`, `labelsTr`, `dataset.json`).
    pub nnunet_layout: bool,
    /// Make a cohort that tests a comparison itself, in place of difficulties as in life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
}

/// How often each contrast phase comes, relative to each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhaseWeights {
    /// Weight of [`Phase::Native`].
    pub native: f64,
    /// Weight of [`Phase::Arterial`].
    pub arterial: f64,
    /// Weight of [`Phase::Venous`].
    pub venous: f64,
}

impl Default for PhaseWeights {
    fn default() -> Self {
        Self {
            native: 0.06,
            arterial: 0.12,
            venous: 0.82,
        }
    }
}

impl Default for PhantomOptions {
    fn default() -> Self {
        Self {
            n_patients: 24,
            seed: 0,
            size: 128,
            n_slices: [32, 480],
            slice_spacing_mm: [0.45, 5.0],
            difficulty_share: 0.12,
            noise_hu: [7.0, 16.0],
            phase_weights: PhaseWeights::default(),
            other_axes_share: 0.3,
            label_error_share: 0.0,
            image_error_share: 0.0,
            nnunet_layout: false,
            control: None,
        }
    }
}

/// Options of which no cohort can be made.
#[derive(Debug, Error, Clone, PartialEq)]
#[error("phantom option `{option}` is {got}, but must be {wanted}")]
pub struct PhantomOptionsError {
    /// Name of the option.
    pub option: &'static str,
    /// What it is.
    pub got: String,
    /// What it may be.
    pub wanted: &'static str,
}

impl PhantomOptions {
    /// Checks that a cohort can be made of these options.
    ///
    /// # Errors
    ///
    /// [`PhantomOptionsError`] names the first option that is out of range.
    pub fn check(&self) -> Result<(), PhantomOptionsError> {
        let share = |v: f64| (0.0..=1.0).contains(&v);
        let weights = self.phase_weights;
        let weights = [weights.native, weights.arterial, weights.venous];
        let refuse = |option, got: &dyn std::fmt::Debug, wanted| {
            let got = format!("{got:?}");
            Err(PhantomOptionsError {
                option,
                got,
                wanted,
            })
        };
        if self.n_patients == 0 {
            return refuse("n_patients", &self.n_patients, "at least 1");
        }
        if self.control.is_some() && self.n_patients < FEWEST {
            let wanted = "20 or more with a control: every fold needs somebody";
            return refuse("n_patients", &self.n_patients, wanted);
        }
        if !(32..=1024).contains(&self.size) {
            return refuse("size", &self.size, "32 to 1024 pixels");
        }
        let [fewest, most] = self.n_slices;
        if !(1 <= fewest && fewest <= most && most <= 1000) {
            return refuse("n_slices", &self.n_slices, "[fewest, most], 1 to 1000");
        }
        let [low, high] = self.slice_spacing_mm;
        if !(0.3 <= low && low <= high && high <= 10.0) {
            return refuse(
                "slice_spacing_mm",
                &self.slice_spacing_mm,
                "[smallest, largest], 0.3 to 10 mm",
            );
        }
        if !share(self.difficulty_share) {
            return refuse("difficulty_share", &self.difficulty_share, "0 to 1");
        }
        if !(0.0..=0.5).contains(&self.label_error_share) {
            return refuse("label_error_share", &self.label_error_share, "0 to 0.5");
        }
        if !(0.0..=0.2).contains(&self.image_error_share) {
            return refuse("image_error_share", &self.image_error_share, "0 to 0.2");
        }
        let [least, most] = self.noise_hu;
        if !(0.0 <= least && least <= most && most <= 200.0) {
            return refuse("noise_hu", &self.noise_hu, "[least, most], 0 to 200 HU");
        }
        if !(weights.iter().all(|&w| w >= 0.0 && w.is_finite())
            && weights.iter().sum::<f64>() > 0.0)
        {
            return refuse(
                "phase_weights",
                &weights,
                "numbers of 0 or more, one of them above 0",
            );
        }
        if !share(self.other_axes_share) {
            return refuse("other_axes_share", &self.other_axes_share, "0 to 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_make_a_cohort() {
        assert_eq!(PhantomOptions::default().check(), Ok(()), "defaults");
    }

    #[test]
    fn an_option_out_of_range_is_named_with_what_it_may_be() {
        let options = PhantomOptions {
            slice_spacing_mm: [5.0, f64::NAN],
            ..PhantomOptions::default()
        };
        assert_eq!(
            options.check().unwrap_err().to_string(),
            "phantom option `slice_spacing_mm` is [5.0, NaN], but must be [smallest, largest], \
             0.3 to 10 mm",
            "NaN is out of every range"
        );
    }

    #[test]
    fn a_misspelt_option_is_refused() {
        let err = serde_json::from_str::<PhantomOptions>(r#"{"n_patient": 3}"#).unwrap_err();
        assert!(
            err.to_string().contains("unknown field `n_patient`"),
            "{err}"
        );
    }
}
