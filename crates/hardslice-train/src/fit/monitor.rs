//! The monitor of a training: logs, validates and saves between its steps.

use std::collections::BTreeSet;
use std::time::Instant;

use hardslice_data::SliceRef;
use hardslice_data::balance::Plan;
use hardslice_data::mining::{SliceScore, case_dice};
use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError};

use super::advice::against_collapse;
use super::judged::{Judged, mean_dice};
use super::{FitContext, FitError, Phase, TrainState};
use crate::collapse::Collapse;
use crate::config::TrainConfig;
use crate::dataset::SliceDataset;
use crate::layout::TrainingDir;
use crate::log::{LogLine, TrainLog};
use crate::net::Net;
use crate::progress::{Event, Warning};
use crate::weights::Weights;

/// Validations in a row at which nothing is learnt, by validation and training slices, after which a
/// training is given up.
const MAX_IDLE_VALIDATIONS: u32 = 3;

/// Training slices that are looked at when nothing is found on the validation patients.
const N_TRAINING_SLICES: usize = 32;

/// Logs, validates and saves, each when its time has come.
pub(super) struct Monitor<'a> {
    dir: &'a TrainingDir,
    config: &'a TrainConfig,
    phase: &'a Phase<'a>,
    context: &'a FitContext<'a>,
    /// Slices of the validation patients.
    validation: Judged<'a>,
    /// Some slices of the plan that show an organ.
    training: Judged<'a>,
    log: TrainLog,
    saved_at: Instant,
    saved_step: Option<u64>,
}

impl<'a> Monitor<'a> {
    pub(super) fn open(
        dir: &'a TrainingDir,
        state: &TrainState,
        phase: &'a Phase<'a>,
        context: &'a FitContext<'a>,
    ) -> Result<Self, FitError> {
        let judged = |slices| Judged::new(context.dataset, slices, phase.config.batch);
        Ok(Self {
            dir,
            config: &phase.config,
            phase,
            context,
            validation: judged(context.validation.to_vec()),
            training: judged(positive_slices(&phase.plan, context.dataset)),
            log: TrainLog::open(dir, state.position.step, context.wall_time_s)?,
            saved_at: Instant::now(),
            saved_step: None,
        })
    }

    pub(super) fn after_step(&mut self, state: &mut TrainState) -> Result<(), FitError> {
        let config = self.config;
        let step = state.position.step;
        let is_validation = config.is_validation(step);
        if is_validation || step.is_multiple_of(config.log_every()) {
            let validation = if is_validation {
                self.validate(state)?
            } else {
                None
            };
            let position = &mut state.position;
            self.log.push(&LogLine {
                step,
                lr: config.schedule().lr(step - 1),
                loss: position.loss_sum / position.n_losses.max(1) as f64,
                validation,
            })?;
            position.loss_sum = 0.0;
            position.n_losses = 0;
        }
        if self.saved_at.elapsed().as_secs_f64() > config.checkpoint_minutes * 60.0 {
            self.save(state)?;
        }
        Ok(())
    }

    pub(super) fn flush_log(&mut self) -> Result<(), FitError> {
        Ok(self.log.flush()?)
    }

    fn save(&mut self, state: &TrainState) -> Result<(), FitError> {
        self.log.flush()?;
        let dir = self.dir.checkpoints();
        state
            .checkpoint()
            .write(&dir, self.config.keep_checkpoints)?;
        self.saved_at = Instant::now();
        self.saved_step = Some(state.position.step);
        Ok(())
    }

    /// Saves what is not saved yet. After the last checkpoint only the receipt is written: who finds
    /// either takes the training for over.
    pub(super) fn finish(&mut self, state: &TrainState) -> Result<(), FitError> {
        if self.saved_step == Some(state.position.step) {
            return Ok(());
        }
        self.save(state)
    }

    /// Mean and lowest case Dice on the validation patients; keeps the best weights.
    fn validate(&self, state: &mut TrainState) -> Result<Option<[Option<f64>; 2]>, FitError> {
        let dataset = self.context.dataset;
        if self.context.validation.is_empty() {
            return Ok(None);
        }
        let net = state.predictor().for_prediction();
        let scores = self.validation.score(&net);
        let mean_dice = mean_dice(&scores, dataset.outputs());
        let dice = dataset
            .outputs()
            .flat_map(|output| case_dice(&scores, output));
        let min_dice = dice.map(|(_, dice)| dice).reduce(f64::min);
        let step = state.position.step;
        self.context.observer.notify(&Event::Validated {
            step,
            mean_dice,
            min_dice,
        });
        let collapse = self.validation.collapse(&scores);
        self.watch_for_collapse(state, &net, collapse, &scores)?;
        if let Some(mean) = mean_dice
            && state.position.best.is_none_or(|(_, best)| mean > best)
        {
            state.position.best = Some((step, mean));
            self.keep_best(state)?;
        }
        Ok(Some([mean_dice, min_dice]))
    }

    /// Gives a training up that finds nothing of an organ, or no more than an answer that takes no net.
    /// A net that does so on the validation patients and not on those that it is trained on has learnt
    /// something: one small scan of another kind may be all there is to validate on.
    fn watch_for_collapse(
        &self,
        state: &mut TrainState,
        net: &Net,
        of_validation: Option<Collapse>,
        scores: &[SliceScore],
    ) -> Result<(), FitError> {
        let position = &mut state.position;
        let step = position.step;
        let Some(of_validation) = of_validation else {
            return self.watch_for_lost_organs(state, net, scores);
        };
        let scores = self.training.score(net);
        let found = if scores.is_empty() {
            Some(of_validation)
        } else {
            self.training.collapse(&scores)
        };
        position.n_idle_validations = match found {
            Some(_) => position.n_idle_validations + 1,
            None => 0,
        };
        let n = position.n_idle_validations;
        if let Some(found) = found
            && n >= MAX_IDLE_VALIDATIONS
            && (found == Collapse::AllBackground || 4 * step >= self.config.steps)
        {
            let advice = against_collapse(self.phase);
            return Err(FitError::Collapsed {
                step,
                n,
                found,
                advice,
            });
        }
        let warning = match (of_validation, found) {
            (Collapse::AllBackground, Some(Collapse::AllBackground) | None) => {
                Some(Warning::NothingPredicted {
                    step,
                    finds_training_slices: found.is_none(),
                })
            }
            (_, Some(found)) => Some(Warning::NothingLearnt { step, found }),
            (_, None) => None,
        };
        if let Some(warning) = warning {
            self.context.observer.notify(&Event::Warning(warning));
        }
        Ok(())
    }

    /// Says of a net of several organs of which it has learnt nothing while it finds others; where that is
    /// still so at the end, the training has failed. Not before: a small organ may come late, after three
    /// quarters of the steps as has been seen.
    fn watch_for_lost_organs(
        &self,
        state: &mut TrainState,
        net: &Net,
        scores: &[SliceScore],
    ) -> Result<(), FitError> {
        let position = &mut state.position;
        let step = position.step;
        let mut lost = self.validation.not_learnt(scores);
        if !lost.is_empty() {
            let of_training = self.training.score(net);
            if !of_training.is_empty() {
                let of_training = self.training.not_learnt(&of_training);
                lost.retain(|output| of_training.contains(output));
            }
        }
        if lost.is_empty() {
            position.n_idle_validations = 0;
            return Ok(());
        }
        position.n_idle_validations += 1;
        let (dataset, n) = (self.context.dataset, position.n_idle_validations);
        let organs = lost.into_iter().map(|output| {
            let organ = dataset.store_organ(output);
            format!("`{}`", dataset.store().organ(organ))
        });
        let organs = organs.collect::<Vec<_>>().join(", ");
        if n >= MAX_IDLE_VALIDATIONS && step == self.config.steps {
            return Err(FitError::OrganLost {
                step,
                n,
                organs,
                advice: against_collapse(self.phase),
            });
        }
        let warning = Event::Warning(Warning::OrganNotLearnt { step, organs });
        self.context.observer.notify(&warning);
        Ok(())
    }

    fn keep_best(&self, state: &TrainState) -> Result<(), FileError> {
        let path = self.dir.best();
        let bytes = Weights::of(&state.predictor()).to_safetensors();
        write_whole_bytes(&path, &bytes).map_err(Action::Write.on(&path))
    }
}

/// Evenly spaced slices of a plan that show an organ of the net, as many of each organ.
fn positive_slices(plan: &Plan, dataset: &SliceDataset<'_>) -> Vec<SliceRef> {
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
