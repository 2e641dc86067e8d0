//! Which slices are hard, and for which organ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ResolvedTau, SliceScore};
use crate::SliceRef;

/// What the mining decides of one slice for one organ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The counts that it rests on.
    pub score: SliceScore,
    /// Dice of the slice; `None` where it counts as empty.
    pub dice: Option<f64>,
    /// Whether the slice is hard for the organ.
    pub is_hard: bool,
}

/// The verdicts on all slices of A, with the threshold of each organ.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdicts {
    /// One for each score, in the scores' order.
    pub verdicts: Vec<Verdict>,
    /// The threshold of each organ, by its place.
    pub taus: Vec<ResolvedTau>,
}

impl Verdicts {
    /// Judges every score by its organ's threshold.
    ///
    /// # Panics
    ///
    /// When a score's organ has no threshold in `taus`.
    pub fn judge(
        scores: &[SliceScore],
        taus: Vec<ResolvedTau>,
        min_false_positive_px: u32,
    ) -> Self {
        let judge = |score: &SliceScore| {
            let dice = score.dice(min_false_positive_px);
            let tau = taus[usize::from(score.organ_idx)].value;
            Verdict {
                score: *score,
                dice,
                is_hard: dice.is_some_and(|dice| dice < tau),
            }
        };
        let verdicts = scores.iter().map(judge).collect();
        Self { verdicts, taus }
    }

    /// The hard slices, each once, with the organs for which it is hard.
    pub fn hard(&self) -> BTreeMap<SliceRef, Vec<u16>> {
        let mut hard: BTreeMap<SliceRef, Vec<u16>> = BTreeMap::new();
        for verdict in self.verdicts.iter().filter(|verdict| verdict.is_hard) {
            hard.entry(verdict.score.slice)
                .or_default()
                .push(verdict.score.organ_idx);
        }
        hard
    }

    /// Whether any threshold was taken from the test set.
    pub fn is_leaky(&self) -> bool {
        self.taus.iter().any(|tau| tau.leaky)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(z: u32, organ_idx: u16, n_truth: u32, n_shared: u32) -> SliceScore {
        SliceScore {
            slice: SliceRef { case_idx: 0, z },
            organ_idx,
            n_truth,
            n_predicted: n_truth,
            n_shared,
        }
    }

    fn tau(value: f64) -> ResolvedTau {
        ResolvedTau {
            value,
            leaky: false,
            n_hard: 0,
            n_scored: 0,
        }
    }

    #[test]
    fn a_slice_enters_once_and_keeps_each_organ_it_is_hard_for() {
        let scores = [
            score(0, 0, 10, 10),
            score(0, 1, 10, 1),
            score(1, 0, 10, 2),
            score(1, 1, 10, 3),
            score(2, 0, 10, 9),
        ];
        let verdicts = Verdicts::judge(&scores, vec![tau(0.5), tau(0.4)], 1);
        let hard = verdicts.hard();
        let slice = |z| SliceRef { case_idx: 0, z };
        assert_eq!(
            hard,
            BTreeMap::from([(slice(0), vec![1]), (slice(1), vec![0, 1])]),
            "slice 0 for the second organ, slice 1 for both, slice 2 for none"
        );
    }
}
