//! How far a prediction can be trusted: the Dice to be expected of an organ on a slice, from the net's
//! own probabilities, as they went together on patients that it was not trained on.
//!
//! Where a net finds something, its *soft Dice* with its own answer is high if it is sure of every
//! pixel and low if it wavers; where it finds nothing, its highest probability says how nearly it did.
//! Neither is a Dice or a chance yet: nets are too sure. Isotonic regression over the validation
//! patients makes them so.
//!
//! # Sources
//!
//! - A. Mehrtash et al. (2020), "Confidence calibration and predictive uncertainty estimation for deep
//!   medical image segmentation", IEEE TMI 39(12): nets are too sure, and their mean certainty over a
//!   structure goes with its Dice.
//! - Z. Li et al. (2022), "Estimating model performance under domain shifts with class-specific
//!   confidence scores", MICCAI: the Dice to be expected from calibrated probabilities.

mod isotonic;
mod reliability;

use serde::{Deserialize, Serialize};

pub use isotonic::Isotonic;
pub use reliability::{Bin, Reliability};

use crate::Overlap;

/// Slices to look at: of so many validation slices with a prediction the one whose expected Dice was
/// lowest.
pub const LOOKED_AT_OF: usize = 10;
/// A slice without a prediction is to be looked at from this chance on that the organ is there.
pub const LOOKED_AT_MISSED: f64 = 0.2;

/// What a net's probabilities say of its answer for one organ on one slice.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Certainty {
    /// Pixels that it takes for the organ.
    pub n_predicted: u32,
    /// Sum of their probabilities.
    pub sum_predicted: f64,
    /// Sum of the probabilities of all pixels.
    pub sum: f64,
    /// The highest probability.
    pub highest: f32,
}

impl Certainty {
    /// The answer's Dice with the probabilities, `2·Σ p·m / (Σ m + Σ p)`; 0 where nothing was found.
    ///
    /// ```
    /// # use hardslice_eval::confidence::Certainty;
    /// // Two pixels of 0.9, and one of 0.2 that is not taken for the organ.
    /// let wavers = Certainty { n_predicted: 2, sum_predicted: 1.8, sum: 2.0, highest: 0.9 };
    /// assert_eq!(wavers.soft_dice(), 0.9); // 2 · 1.8 / (2 + 2)
    /// assert_eq!(Certainty::default().soft_dice(), 0.0);
    /// ```
    pub fn soft_dice(&self) -> f64 {
        if self.n_predicted == 0 {
            return 0.0;
        }
        2.0 * self.sum_predicted / (f64::from(self.n_predicted) + self.sum)
    }
}

/// A slice of a patient with a known truth: what the net was sure of, and how it went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// What the net was sure of.
    pub certainty: Certainty,
    /// Truth and final answer.
    pub overlap: Overlap,
}

/// What is to be expected of an answer for one organ on one slice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Expected {
    /// The Dice of what was found.
    Dice(f64),
    /// Nothing was found: how likely the organ is there.
    Missed(f64),
}

/// How certainty and Dice go together for one organ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Dice over [`Certainty::soft_dice`], where something was found.
    found: Option<Isotonic>,
    /// Share of slices that show the organ over [`Certainty::highest`], where nothing was found.
    missed: Option<Isotonic>,
    /// A slice with this Dice to be expected, or a lower one, is to be looked at.
    look_at_most: f64,
    /// Slices that it was made of.
    n_slices: u32,
}

impl Calibration {
    /// From the slices of patients that the net was not trained on. `None` where there are none.
    ///
    /// # Panics
    ///
    /// When a probability is not finite.
    pub fn fit(trials: &[Trial]) -> Option<Self> {
        let (found, empty): (Vec<&Trial>, Vec<&Trial>) = trials
            .iter()
            .partition(|trial| trial.overlap.n_predicted > 0);
        let points: Vec<(f64, f64)> = found
            .iter()
            .filter_map(|trial| Some((trial.certainty.soft_dice(), trial.overlap.dice()?)))
            .collect();
        let missed: Vec<(f64, f64)> = empty
            .iter()
            .map(|trial| {
                let is_missed = f64::from(u8::from(trial.overlap.n_truth > 0));
                (f64::from(trial.certainty.highest), is_missed)
            })
            .collect();
        let found = Isotonic::fit(&points);
        let look_at_most = found.as_ref().map_or(0.0, |found| {
            let mut expected: Vec<f64> = points.iter().map(|(x, _)| found.at(*x)).collect();
            expected.sort_by(f64::total_cmp);
            expected[(expected.len() / LOOKED_AT_OF).saturating_sub(1)]
        });
        (!trials.is_empty()).then(|| Self {
            found,
            missed: Isotonic::fit(&missed),
            look_at_most: (look_at_most * 1e6).ceil() / 1e6,
            n_slices: u32::try_from(trials.len()).expect("slices are counted in 32 bits"),
        })
    }

    /// What is to be expected of an answer of `n_predicted` pixels, as it stands in the end. `None`
    /// where no slice of the calibration had such an answer.
    pub fn expected(&self, certainty: &Certainty, n_predicted: usize) -> Option<Expected> {
        if n_predicted == 0 {
            let missed = self.missed.as_ref()?;
            Some(Expected::Missed(missed.at(certainty.highest.into())))
        } else {
            let found = self.found.as_ref()?;
            Some(Expected::Dice(found.at(certainty.soft_dice())))
        }
    }

    /// Whether a person should look at a slice: the Dice to be expected is as low as on the lowest
    /// tenth of the validation slices with a prediction, the organ is likely
    /// missed, or nothing is known of such answers.
    pub fn is_to_be_looked_at(&self, expected: Option<Expected>) -> bool {
        match expected {
            Some(Expected::Dice(dice)) => dice <= self.look_at_most,
            Some(Expected::Missed(chance)) => chance >= LOOKED_AT_MISSED,
            None => true,
        }
    }

    /// Whether it can be worked with, as one that was read need not be.
    pub fn makes_sense(&self) -> bool {
        let functions = [&self.found, &self.missed];
        let mut functions = functions.into_iter().flatten();
        functions.all(Isotonic::makes_sense) && self.look_at_most.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(n_truth: usize, n_predicted: u32, n_shared: usize, p: f32) -> Trial {
        Trial {
            certainty: Certainty {
                n_predicted,
                sum_predicted: f64::from(n_predicted) * f64::from(p),
                sum: f64::from(n_predicted) * f64::from(p),
                highest: p,
            },
            overlap: Overlap {
                n_truth,
                n_predicted: n_predicted as usize,
                n_shared,
            },
        }
    }

    #[test]
    fn a_net_that_is_too_sure_is_believed_as_far_as_it_was_right() {
        // Sure of itself: Dice 0.8. Wavering: 0.4.
        let sure = std::iter::repeat_n(trial(100, 100, 80, 0.99), 90);
        let wavering = std::iter::repeat_n(trial(100, 100, 40, 0.7), 90);
        let trials: Vec<Trial> = sure.chain(wavering).collect();
        let calibration = Calibration::fit(&trials).unwrap();
        let expected = |trial: Trial| match calibration.expected(&trial.certainty, 100) {
            Some(Expected::Dice(dice)) => dice,
            other => panic!("something was found, not {other:?}"),
        };
        assert!((expected(trials[0]) - 0.8).abs() < 1e-4, "sure");
        assert!((expected(trials[179]) - 0.4).abs() < 1e-4, "wavering");
        let between = expected(trial(0, 100, 0, 0.85));
        assert!((0.41..0.79).contains(&between), "{between}");
    }

    #[test]
    fn where_nothing_is_found_the_share_of_missed_organs_is_told() {
        let right = std::iter::repeat_n(trial(0, 0, 0, 0.01), 100);
        let missed = std::iter::repeat_n(trial(50, 0, 0, 0.45), 20);
        let trials: Vec<Trial> = right.chain(missed).collect();
        let calibration = Calibration::fit(&trials).unwrap();
        let expected = |p| calibration.expected(&trial(0, 0, 0, p).certainty, 0);
        assert_eq!(expected(0.0), Some(Expected::Missed(0.0)));
        assert_eq!(expected(0.49), Some(Expected::Missed(1.0)));
        assert!(!calibration.is_to_be_looked_at(expected(0.0)));
        assert!(calibration.is_to_be_looked_at(expected(0.49)));
        let found = calibration.expected(&trial(0, 9, 0, 0.9).certainty, 9);
        assert_eq!(found, None, "it found nothing in any of these slices");
        assert!(calibration.is_to_be_looked_at(found));
    }

    #[test]
    fn the_tenth_with_the_lowest_dice_to_be_expected_is_looked_at() {
        let trials: Vec<Trial> = (0..200_u16)
            .map(|i| {
                trial(
                    1000,
                    1000,
                    500 + 2 * usize::from(i),
                    0.5 + f32::from(i) / 500.0,
                )
            })
            .collect();
        let calibration = Calibration::fit(&trials).unwrap();
        let looked_at = trials.iter().filter(|trial| {
            calibration.is_to_be_looked_at(calibration.expected(&trial.certainty, 1000))
        });
        assert_eq!(looked_at.count(), 20);
    }

    #[test]
    fn text_gives_the_same_calibration_back() {
        let trials: Vec<Trial> = (0..300_u16)
            .map(|i| trial(300, 200 + u32::from(i), 150, 0.5 + f32::from(i) / 700.0))
            .collect();
        let calibration = Calibration::fit(&trials).unwrap();
        let text = serde_json::to_string(&calibration).unwrap();
        assert_eq!(
            serde_json::from_str::<Calibration>(&text).unwrap(),
            calibration
        );
        assert!(calibration.makes_sense());
    }
}
