//! Settings of single arms.

use serde::{Deserialize, Serialize};

use crate::SettingError;

/// Settings of single arms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BalanceOptions {
    /// How many times its own ordinary weight an emphasised slice weighs: a hard one, and one that a
    /// control draws in its place. 2 is the paper's: the slice and its flipped copy.
    pub emphasis: f64,
    /// `worst_patients` and its control: the share of the training patients that are emphasised,
    /// rounded up.
    pub worst_patients: f64,
    /// `probabilistic`, `annealed` and `gradual`: least weight of a slice, above 0, so that none is forgotten.
    pub floor: f64,
    /// `annealed` and `gradual`: stages of the second half.
    pub stages: u32,
    /// `rounds`: parts of the second half, at most, before each of which A is scored anew.
    pub rounds: u32,
    /// `rounds`: the hard slices are settled when those of two rounds overlap by this share
    /// (slices in both over slices in either).
    pub settled: f64,
}

impl Default for BalanceOptions {
    fn default() -> Self {
        Self {
            emphasis: 2.0,
            worst_patients: 0.25,
            floor: 0.1,
            stages: 4,
            rounds: 3,
            settled: 0.9,
        }
    }
}

impl BalanceOptions {
    /// Checks that every setting is in its range.
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), SettingError> {
        let settings = [
            (
                !(self.emphasis >= 1.0 && self.emphasis <= 100.0),
                "emphasis must be from 1 to 100",
            ),
            (
                !(self.worst_patients > 0.0 && self.worst_patients <= 0.5),
                "worst_patients must be above 0 and at most 0.5, so that as many others are left for the control",
            ),
            (
                !(self.floor > 0.0 && self.floor <= 1.0),
                "floor must be above 0 and at most 1",
            ),
            (self.stages == 0, "stages must be 1 at least"),
            (self.rounds == 0, "rounds must be 1 at least"),
            (
                !(0.0..=1.0).contains(&self.settled),
                "settled must be from 0 to 1",
            ),
        ];
        SettingError::check("balance", settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_range_are_refused_in_words() {
        assert_eq!(BalanceOptions::default().check(), Ok(()), "the defaults");
        let options = BalanceOptions {
            floor: 0.0,
            ..BalanceOptions::default()
        };
        let said = options.check().unwrap_err().to_string();
        assert!(said.contains("floor must be above 0"), "{said}");
    }
}
