//! Whether a net has learnt anything of an organ.

use std::cell::OnceCell;

use hardslice_data::mining::{SliceScore, case_dice};
use hardslice_data::{OutputIdx, SliceRef};

use crate::collapse::Collapse;
use crate::dataset::SliceDataset;
use crate::net::Net;
use crate::score::{TrivialAnswer, score_slices, score_trivial};

/// Share of the way from the best trivial answer to a perfect one that a net must have come to have
/// learnt something.
const LEAST_LEARNT: f64 = 0.05;

/// Mean Dice of a trivial answer above which no net is judged by it: the organ fills the scan.
const MOST_TRIVIAL: f64 = 0.5;

/// Mean Dice over cases and these organs; `None` where none has a value.
pub(super) fn mean_dice(
    scores: &[SliceScore],
    outputs: impl IntoIterator<Item = OutputIdx>,
) -> Option<f64> {
    let dice = outputs
        .into_iter()
        .flat_map(|output| case_dice(scores, output));
    let dice: Vec<f64> = dice.map(|(_, dice)| dice).collect();
    (!dice.is_empty()).then(|| dice.iter().sum::<f64>() / dice.len() as f64)
}

/// Slices that a net is judged on, beside answers that take none.
pub(super) struct Judged<'a> {
    dataset: &'a SliceDataset<'a>,
    slices: Vec<SliceRef>,
    batch: usize,
    /// What the trivial answers find.
    trivial: OnceCell<[Vec<SliceScore>; 3]>,
}

impl<'a> Judged<'a> {
    pub(super) fn new(dataset: &'a SliceDataset<'a>, slices: Vec<SliceRef>, batch: usize) -> Self {
        Self {
            dataset,
            slices,
            batch,
            trivial: OnceCell::new(),
        }
    }

    /// What they are slices of.
    pub(super) fn dataset(&self) -> &'a SliceDataset<'a> {
        self.dataset
    }

    /// What a net finds in them.
    pub(super) fn score(&self, net: &Net) -> Vec<SliceScore> {
        let Self {
            dataset,
            slices,
            batch,
            ..
        } = self;
        score_slices(net, dataset, slices, *batch, &crate::Silent)
    }

    /// What these scores show, where it is that nothing was learnt.
    pub(super) fn collapse(&self, scores: &[SliceScore]) -> Option<Collapse> {
        self.collapse_of(&self.dataset.outputs().collect::<Vec<_>>(), scores)
    }

    /// The organs of which these scores show that nothing was learnt.
    pub(super) fn not_learnt(&self, scores: &[SliceScore]) -> Vec<OutputIdx> {
        let outputs = self.dataset.outputs();
        outputs
            .filter(|output| self.collapse_of(&[*output], scores).is_some())
            .collect()
    }

    /// Of some outputs together.
    fn collapse_of(&self, outputs: &[OutputIdx], scores: &[SliceScore]) -> Option<Collapse> {
        let of_outputs = || {
            scores
                .iter()
                .filter(|score| outputs.contains(&score.output))
        };
        if of_outputs().all(|score| score.n_predicted == 0) {
            let is_there = of_outputs().any(|score| score.n_truth > 0);
            return is_there.then_some(Collapse::AllBackground);
        }
        let dice = mean_dice(scores, outputs.iter().copied())?;
        // Few nets are that bad: the others are spared another pass over the slices.
        if dice > MOST_TRIVIAL {
            return None;
        }
        let trivial = self.best_trivial(outputs);
        let is_learnt = dice > trivial + LEAST_LEARNT * (1.0 - trivial);
        (!is_learnt && trivial <= MOST_TRIVIAL)
            .then_some(Collapse::NoBetterThanTrivial { dice, trivial })
    }

    /// Mean Dice of the best trivial answer.
    fn best_trivial(&self, outputs: &[OutputIdx]) -> f64 {
        let answers = self.trivial.get_or_init(|| {
            TrivialAnswer::ALL
                .map(|answer| score_trivial(answer, self.dataset, &self.slices, self.batch))
        });
        let dice = answers
            .iter()
            .filter_map(|scores| mean_dice(scores, outputs.iter().copied()));
        dice.fold(0.0, f64::max)
    }
}
