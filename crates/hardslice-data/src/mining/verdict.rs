//! Hard or easy: the decision on one slice for one organ.

use std::collections::{BTreeMap, BTreeSet};

use super::{ResolvedTau, SliceScore};
use crate::SliceRef;
use crate::balance::HardSlices;
use crate::names::named;

/// Hard or easy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Its Dice is below the threshold.
    Hard,
    /// It is not, or the slice counts as empty.
    Easy,
}

named!(Decision, "decision", { Hard => "hard", Easy => "easy" });

/// What the mining decides of one slice for one organ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The counts that it rests on.
    pub score: SliceScore,
    /// Dice of the slice; `None` where it counts as empty.
    pub dice: Option<f64>,
    /// Whether the slice is hard for the organ.
    pub decision: Decision,
}

impl Verdict {
    /// Judges a score by its organ's threshold.
    ///
    /// ```
    /// use hardslice_data::mining::{ResolvedTau, SliceScore, Verdict};
    /// use hardslice_data::{OutputIdx, SliceRef};
    ///
    /// let tau = ResolvedTau { value: 0.8, leaky: false, n_hard: 1, n_scored: 10 };
    /// let pixels = [(true, true), (true, false)];
    /// let slice = SliceRef::at(0, 4);
    /// let score = SliceScore::counted(slice, OutputIdx::new(0), pixels.into_iter());
    /// assert!(Verdict::of(score, &tau, 1).is_hard(), "Dice 0.667");
    /// ```
    pub fn of(score: SliceScore, tau: &ResolvedTau, min_false_positive_px: u32) -> Self {
        let dice = score.dice(min_false_positive_px);
        let is_hard = dice.is_some_and(|dice| dice < tau.value);
        Self {
            score,
            dice,
            decision: if is_hard {
                Decision::Hard
            } else {
                Decision::Easy
            },
        }
    }

    /// Whether the slice is hard for the organ.
    pub fn is_hard(&self) -> bool {
        self.decision == Decision::Hard
    }

    /// The decision in words; `tau` is the threshold that it was made by.
    pub fn reason(&self, tau: &ResolvedTau) -> String {
        let tau = tau.value;
        match (self.dice, self.score.n_truth) {
            (None, _) if self.score.n_predicted == 0 => {
                "the organ is neither labelled nor predicted".to_owned()
            }
            (None, _) => format!(
                "the organ is not labelled, and predicted on {} pixels, too few to count",
                self.score.n_predicted
            ),
            (Some(_), 0) => format!(
                "the organ is not labelled but predicted on {} pixels",
                self.score.n_predicted
            ),
            (Some(_), _) if self.is_hard() && tau < 0.0005 => {
                "Dice 0: nothing of the organ is found where it is labelled".to_owned()
            }
            (Some(dice), _) if self.is_hard() => format!("Dice {dice:.3} is below tau {tau:.3}"),
            (Some(dice), _) => format!("Dice {dice:.3} is not below tau {tau:.3}"),
        }
    }
}

/// The slices that are hard for any organ, each once, and how hard each slice is for its worst one.
pub(super) fn hard_slices(verdicts: &[Verdict]) -> HardSlices {
    let mut difficulty: BTreeMap<SliceRef, f64> = BTreeMap::new();
    for verdict in verdicts {
        let for_organ = verdict.dice.map_or(0.0, |dice| 1.0 - dice);
        if for_organ > 0.0 {
            let worst = difficulty.entry(verdict.score.slice).or_default();
            *worst = worst.max(for_organ);
        }
    }
    let hard = verdicts.iter().filter(|verdict| verdict.is_hard());
    HardSlices {
        hard: hard.map(|verdict| verdict.score.slice).collect(),
        difficulty: difficulty.into_iter().collect(),
        excluded: BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputIdx;

    fn slice(z: u32) -> SliceRef {
        SliceRef { case_idx: 0, z }
    }

    /// A verdict by a threshold; prediction and truth are of the same size.
    fn verdict(z: u32, output: usize, n_truth: u32, n_shared: u32, tau: f64) -> Verdict {
        let score = SliceScore {
            slice: slice(z),
            output: OutputIdx::new(output),
            n_truth,
            n_predicted: n_truth,
            n_shared,
        };
        let tau = ResolvedTau {
            value: tau,
            leaky: false,
            n_hard: 0,
            n_scored: 0,
        };
        Verdict::of(score, &tau, 1)
    }

    #[test]
    fn a_speck_is_told_from_nothing() {
        let reason = |n_predicted| {
            let score = SliceScore {
                n_predicted,
                ..verdict(0, 0, 0, 0, 0.5).score
            };
            let tau = ResolvedTau {
                value: 0.5,
                leaky: false,
                n_hard: 0,
                n_scored: 1,
            };
            Verdict::of(score, &tau, 5).reason(&tau)
        };
        assert_eq!(reason(0), "the organ is neither labelled nor predicted");
        assert_eq!(
            reason(4),
            "the organ is not labelled, and predicted on 4 pixels, too few to count"
        );
        assert_eq!(
            reason(5),
            "the organ is not labelled but predicted on 5 pixels"
        );
    }

    #[test]
    fn a_slice_enters_once_if_it_is_hard_for_any_organ() {
        let verdicts = [
            verdict(0, 0, 10, 10, 0.5),
            verdict(0, 1, 10, 1, 0.4),
            verdict(1, 0, 10, 2, 0.5),
            verdict(1, 1, 10, 3, 0.4),
            verdict(2, 0, 10, 9, 0.5),
        ];
        let is_hard = verdicts.map(|verdict| verdict.is_hard());
        assert_eq!(is_hard, [false, true, true, true, false], "organ by organ");
        assert_eq!(
            hard_slices(&verdicts).hard,
            [slice(0), slice(1)].into(),
            "slice 0 for the second organ, slice 1 for both, slice 2 for none"
        );
    }

    #[test]
    fn a_slice_is_as_hard_as_for_its_worst_organ() {
        let found = hard_slices(&[
            verdict(0, 0, 4, 3, 0.6),
            verdict(0, 1, 4, 2, 0.6),
            verdict(1, 0, 0, 0, 0.6),
            verdict(1, 1, 4, 4, 0.6),
        ]);
        assert_eq!(
            found.difficulty,
            [(slice(0), 0.5)],
            "slice 1 is right for both"
        );
        assert_eq!(found.hard, [slice(0)].into(), "0.5 is below 0.6");
        assert!(found.difficulty_of(slice(1)).abs() < 1e-12, "not named");
    }
}
