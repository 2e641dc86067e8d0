//! What stands in a model's record of how far it can be trusted.

use hardslice_eval::confidence::Calibration;
use serde::{Deserialize, Serialize};

/// The calibrations of a model's organs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confidence {
    /// Scans of the validation patients that they were made of.
    pub n_scans: u32,
    /// One for each output; none for an organ that was annotated in none of the scans.
    pub(super) organs: Vec<Option<Calibration>>,
}

impl Confidence {
    /// Whether it is one of so many organs and can be worked with, as one that was read need not be.
    pub(crate) fn makes_sense(&self, n_organs: usize) -> bool {
        let mut calibrations = self.organs.iter().flatten();
        self.organs.len() == n_organs && calibrations.all(Calibration::makes_sense)
    }
}
