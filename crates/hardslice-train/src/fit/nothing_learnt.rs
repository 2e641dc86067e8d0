//! What a net has learnt nothing of.

use std::collections::BTreeSet;

use hardslice_data::balance::Plan;
use hardslice_data::mining::SliceScore;
use hardslice_data::{OutputIdx, SliceRef};

use super::judged::Judged;
use crate::collapse::Collapse;
use crate::dataset::SliceDataset;
use crate::net::Net;

/// Training slices that are looked at when nothing is found on the validation patients.
const N_TRAINING_SLICES: usize = 32;

/// What a net has learnt nothing of.
pub(super) enum NothingLearnt {
    /// It has learnt something of every organ.
    No,
    /// It predicts nothing on the validation patients, and finds slices that it is trained on.
    OnValidationAlone,
    /// It has learnt nothing at all.
    AtAll {
        /// What it answers.
        found: Collapse,
        /// Whether it predicts nothing on the validation patients.
        is_empty_on_validation: bool,
    },
    /// It finds some of its organs, and nothing of these.
    Of(Vec<OutputIdx>),
}

impl NothingLearnt {
    /// By the scores of a net on the validation patients, if there are any, and by slices that it is
    /// trained on, if any of them shows an organ.
    pub(super) fn by(
        net: &Net,
        validation: &Judged<'_>,
        of_validation: &[SliceScore],
        training: &Judged<'_>,
    ) -> Self {
        let outputs = || training.dataset().outputs();
        let of_validation = Judgement::of(validation, of_validation);
        if of_validation
            .as_ref()
            .is_some_and(|of| of.finds_all(outputs().count()))
        {
            return Self::No;
        }
        let of_training = Judgement::of(training, &training.score(net));
        let is_empty_on_validation = of_validation
            .as_ref()
            .is_some_and(|of| of.collapse == Some(Collapse::AllBackground));
        let both = [of_validation, of_training];
        let there: Vec<&Judgement> = both.iter().flatten().collect();
        // What is said is what holds on training slices, the last of them.
        let collapse = there.iter().map(|of| of.collapse).reduce(Option::and);
        if let Some(found) = collapse.flatten() {
            return Self::AtAll {
                found,
                is_empty_on_validation,
            };
        }
        let is_lost = |output: &OutputIdx| {
            let judging = there.iter().filter(|of| of.judged.contains(output));
            let mut is_lost = judging.map(|of| of.lost.contains(output)).peekable();
            is_lost.peek().is_some() && is_lost.all(|is_lost| is_lost)
        };
        let lost: Vec<OutputIdx> = outputs().filter(is_lost).collect();
        if !lost.is_empty() {
            return Self::Of(lost);
        }
        if is_empty_on_validation {
            return Self::OnValidationAlone;
        }
        Self::No
    }
}

/// What some slices tell of a net.
struct Judgement {
    /// Whether nothing was learnt, of all organs together.
    collapse: Option<Collapse>,
    /// The outputs whose organ is in some of them.
    judged: Vec<OutputIdx>,
    /// Those of which nothing was learnt, each by itself.
    lost: Vec<OutputIdx>,
}

impl Judgement {
    /// By these scores; nothing is known where there are none.
    fn of(slices: &Judged<'_>, scores: &[SliceScore]) -> Option<Self> {
        let shown = scores.iter().filter(|score| score.n_truth > 0);
        let judged: BTreeSet<OutputIdx> = shown.map(|score| score.output).collect();
        (!scores.is_empty()).then(|| Self {
            collapse: slices.collapse(scores),
            judged: judged.into_iter().collect(),
            lost: slices.not_learnt(scores),
        })
    }

    /// Whether every output is known to have learnt something.
    fn finds_all(&self, n_outputs: usize) -> bool {
        self.collapse.is_none() && self.lost.is_empty() && self.judged.len() == n_outputs
    }
}

/// Evenly spaced slices of a plan that show an organ of the net, as many of each organ.
pub(super) fn positive_slices(plan: &Plan, dataset: &SliceDataset<'_>) -> Vec<SliceRef> {
    let store = dataset.store();
    let n_of_each = N_TRAINING_SLICES.div_ceil(dataset.organs().len().max(1));
    let mut chosen = BTreeSet::new();
    for organ in dataset.organs() {
        let shows_organ = |slice: &SliceRef| {
            let case_idx = slice.case();
            let area_px = store.cases()[case_idx].area_px(*organ, slice.place());
            store.is_annotated(case_idx, *organ) && area_px > 0
        };
        let slices = plan.entries().iter().map(|entry| entry.slice);
        let positive: Vec<SliceRef> = slices.filter(shows_organ).collect();
        let apart = positive.len().div_ceil(n_of_each).max(1);
        chosen.extend(positive.into_iter().step_by(apart));
    }
    chosen.into_iter().collect()
}
