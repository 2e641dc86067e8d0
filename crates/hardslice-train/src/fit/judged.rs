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

/// Mean Dice over cases and organs; `None` where none has a value.
pub(super) fn mean_dice(scores: &[SliceScore], dataset: &SliceDataset<'_>) -> Option<f64> {
    let dice = dataset
        .outputs()
        .flat_map(|output| case_dice(scores, output));
    let dice: Vec<f64> = dice.map(|(_, dice)| dice).collect();
    (!dice.is_empty()).then(|| dice.iter().sum::<f64>() / dice.len() as f64)
}

/// Mean Dice of an organ over cases.
fn mean_dice_of(output: OutputIdx, scores: &[SliceScore]) -> Option<f64> {
    let dice = case_dice(scores, output);
    let sum: f64 = dice.iter().map(|(_, dice)| dice).sum();
    (!dice.is_empty()).then(|| sum / dice.len() as f64)
}

/// Slices that a net is judged on, beside answers that take none.
pub(super) struct Judged<'a> {
    dataset: &'a SliceDataset<'a>,
    slices: Vec<SliceRef>,
    batch: usize,
    /// Mean Dice of the best trivial answer.
    trivial: OnceCell<f64>,
    /// That of each output.
    trivial_of_outputs: OnceCell<Vec<f64>>,
}

impl<'a> Judged<'a> {
    pub(super) fn new(dataset: &'a SliceDataset<'a>, slices: Vec<SliceRef>, batch: usize) -> Self {
        Self {
            dataset,
            slices,
            batch,
            trivial: OnceCell::new(),
            trivial_of_outputs: OnceCell::new(),
        }
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
        if scores.iter().all(|score| score.n_predicted == 0) {
            let is_there = scores.iter().any(|score| score.n_truth > 0);
            return is_there.then_some(Collapse::AllBackground);
        }
        let dice = mean_dice(scores, self.dataset)?;
        // Few nets are that bad: the others are spared another pass over the slices.
        if dice > MOST_TRIVIAL {
            return None;
        }
        let trivial = *self.trivial.get_or_init(|| self.best_trivial());
        let is_learnt = dice > trivial + LEAST_LEARNT * (1.0 - trivial);
        (!is_learnt && trivial <= MOST_TRIVIAL)
            .then_some(Collapse::NoBetterThanTrivial { dice, trivial })
    }

    /// The organs of which these scores show that nothing was learnt, as of a whole net.
    pub(super) fn not_learnt(&self, scores: &[SliceScore]) -> Vec<OutputIdx> {
        let outputs = self.dataset.outputs();
        outputs
            .filter(|output| self.is_not_learnt(*output, scores))
            .collect()
    }

    fn is_not_learnt(&self, output: OutputIdx, scores: &[SliceScore]) -> bool {
        let of_output = || scores.iter().filter(|score| score.output == output);
        if of_output().all(|score| score.n_predicted == 0) {
            return of_output().any(|score| score.n_truth > 0);
        }
        let Some(dice) = mean_dice_of(output, scores).filter(|dice| *dice <= MOST_TRIVIAL) else {
            return false;
        };
        let trivial = self
            .trivial_of_outputs
            .get_or_init(|| self.best_trivial_of_outputs());
        let trivial = trivial[output.idx()];
        trivial <= MOST_TRIVIAL && dice <= trivial + LEAST_LEARNT * (1.0 - trivial)
    }

    fn best_trivial_of_outputs(&self) -> Vec<f64> {
        let answers = TrivialAnswer::ALL
            .map(|answer| score_trivial(answer, self.dataset, &self.slices, self.batch));
        let best = |output| {
            let dice = answers
                .iter()
                .filter_map(|scores| mean_dice_of(output, scores));
            dice.fold(0.0, f64::max)
        };
        self.dataset.outputs().map(best).collect()
    }

    fn best_trivial(&self) -> f64 {
        let dice = TrivialAnswer::ALL.map(|answer| {
            let scores = score_trivial(answer, self.dataset, &self.slices, self.batch);
            mean_dice(&scores, self.dataset).unwrap_or(0.0)
        });
        dice.into_iter().fold(0.0, f64::max)
    }
}
