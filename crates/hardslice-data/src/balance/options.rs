//! Settings of single arms.

use serde::{Deserialize, Serialize};

/// Settings of single arms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BalanceOptions {
    /// `probabilistic` and `gradual`: least weight of a slice, above 0, so that none is forgotten.
    pub floor: f64,
    /// `gradual`: stages of the second half.
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
            floor: 0.1,
            stages: 4,
            rounds: 3,
            settled: 0.9,
        }
    }
}

impl BalanceOptions {
    /// What is wrong with the settings, in words; `None` when nothing is.
    pub fn problem(&self) -> Option<String> {
        let checks = [
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
        let failed = checks.into_iter().find(|(failed, _)| *failed);
        failed.map(|(_, message)| format!("[balance] {message}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_range_are_refused_in_words() {
        assert_eq!(BalanceOptions::default().problem(), None, "the defaults");
        let options = BalanceOptions {
            floor: 0.0,
            ..BalanceOptions::default()
        };
        let said = options.problem().unwrap();
        assert!(said.contains("floor must be above 0"), "{said}");
    }
}
