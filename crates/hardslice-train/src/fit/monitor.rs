//! The monitor of a training: logs, validates and saves between its steps.

use std::collections::BTreeMap;
use std::time::Instant;

use hardslice_data::mining::{SliceScore, case_dice};
use hardslice_data::{Organ, OutputIdx};
use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError};

use super::advice::against_collapse;
use super::judged::{Judged, mean_dice};
use super::nothing_learnt::{NothingLearnt, positive_slices};
use super::receipt::LEAST_STEPS_TO_LEARN;
use super::{FitContext, FitError, Phase, TrainState};
use crate::collapse::Collapse;
use crate::config::TrainConfig;
use crate::layout::TrainingDir;
use crate::log::{LogLine, TrainLog};
use crate::net::Net;
use crate::progress::{Event, Warning};
use crate::weights::Weights;

/// Validations in a row at which nothing is learnt of the same organ, by validation and training slices,
/// after which a training is given up.
const MAX_IDLE_VALIDATIONS: u32 = 3;

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

    /// Mean and lowest case Dice on the validation patients; keeps the best weights. Where there are no
    /// such patients the net is watched on the slices that it is trained on.
    fn validate(&self, state: &mut TrainState) -> Result<Option<[Option<f64>; 2]>, FitError> {
        let dataset = self.context.dataset;
        let net = state.predictor().for_prediction();
        if self.context.validation.is_empty() {
            self.watch(state, &net, &[])?;
            return Ok(None);
        }
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
        self.watch(state, &net, &scores)?;
        if let Some(mean) = mean_dice
            && state.position.best.is_none_or(|(_, best)| mean > best)
        {
            state.position.best = Some((step, mean));
            self.keep_best(state)?;
        }
        Ok(Some([mean_dice, min_dice]))
    }

    /// Says of which organs a net has learnt nothing, and gives the training up where that stays so.
    ///
    /// A net that finds nothing on the validation patients and something on those that it is trained on
    /// has learnt something: one small scan of another kind may be all there is to validate on.
    fn watch(
        &self,
        state: &mut TrainState,
        net: &Net,
        of_validation: &[SliceScore],
    ) -> Result<(), FitError> {
        let [validation, training] = [&self.validation, &self.training];
        let found = NothingLearnt::by(net, validation, of_validation, training);
        let position = &mut state.position;
        let step = position.step;
        let organs = match &found {
            NothingLearnt::Of(outputs) => self.organs(outputs.iter().copied()),
            NothingLearnt::AtAll { .. } => self.organs(self.context.dataset.outputs()),
            NothingLearnt::OnValidationAlone | NothingLearnt::No => Vec::new(),
        };
        position.not_learnt = in_a_row(&position.not_learnt, organs);
        let not_learnt = &position.not_learnt;
        let can_be_given_up = self.config.steps >= LEAST_STEPS_TO_LEARN;
        let advice = || against_collapse(self.phase);
        let warning = match found {
            NothingLearnt::No => return Ok(()),
            NothingLearnt::OnValidationAlone => Warning::NothingPredictedOnValidationAlone { step },
            NothingLearnt::AtAll {
                found,
                is_empty_on_validation,
            } => {
                let n = not_learnt.values().copied().min().unwrap_or(0);
                let is_idle = can_be_given_up && n >= MAX_IDLE_VALIDATIONS;
                // Every net begins with hardly anything: the first quarter of the steps is granted it.
                if is_idle && 4 * step >= self.config.steps {
                    let advice = advice();
                    return Err(FitError::Collapsed {
                        step,
                        n,
                        found,
                        advice,
                    });
                }
                if found == Collapse::AllBackground && is_empty_on_validation {
                    Warning::NothingPredicted {
                        step,
                        can_be_given_up,
                    }
                } else {
                    Warning::NothingLearnt {
                        step,
                        found,
                        can_be_given_up,
                    }
                }
            }
            // Not given up before the end: a small organ may come late, after three quarters of the
            // steps as has been seen.
            NothingLearnt::Of(_) => {
                let idle = not_learnt.iter();
                let idle = idle.filter(|(_, n)| **n >= MAX_IDLE_VALIDATIONS);
                let idle: BTreeMap<&Organ, u32> = idle.map(|(organ, n)| (organ, *n)).collect();
                if let Some(n) = idle.values().copied().min()
                    && can_be_given_up
                    && step == self.config.steps
                {
                    return Err(FitError::OrganLost {
                        step,
                        n,
                        organs: named(idle.keys().copied()),
                        advice: advice(),
                    });
                }
                Warning::OrganNotLearnt {
                    step,
                    organs: named(not_learnt.keys()),
                    can_be_given_up,
                }
            }
        };
        self.context.observer.notify(&Event::Warning(warning));
        Ok(())
    }

    /// The organs of some outputs.
    fn organs(&self, outputs: impl IntoIterator<Item = OutputIdx>) -> Vec<Organ> {
        let dataset = self.context.dataset;
        let organs = outputs.into_iter();
        let organs = organs.map(|output| dataset.store().organ(dataset.store_organ(output)));
        organs.cloned().collect()
    }

    fn keep_best(&self, state: &TrainState) -> Result<(), FileError> {
        let path = self.dir.best();
        let bytes = Weights::of(&state.predictor()).to_safetensors();
        write_whole_bytes(&path, &bytes).map_err(Action::Write.on(&path))
    }
}

/// At how many validations in a row nothing was learnt of these organs, this one included.
fn in_a_row(before: &BTreeMap<Organ, u32>, organs: Vec<Organ>) -> BTreeMap<Organ, u32> {
    let counted = organs.into_iter().map(|organ| {
        let n_before = before.get(&organ).copied().unwrap_or(0);
        (organ, n_before + 1)
    });
    counted.collect()
}

/// Organs in a sentence.
fn named<'a>(organs: impl Iterator<Item = &'a Organ>) -> String {
    let names: Vec<String> = organs.map(|organ| format!("`{organ}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_organ_is_counted_by_itself() {
        let organs = |names: &[&str]| -> Vec<Organ> {
            names
                .iter()
                .map(|name| Organ::new(*name).unwrap())
                .collect()
        };
        let mut counts = BTreeMap::new();
        for lost in [&["liver"][..], &["spleen"], &["liver", "spleen"]] {
            counts = in_a_row(&counts, organs(lost));
        }
        let found: Vec<(&str, u32)> = counts.iter().map(|(o, n)| (o.as_str(), *n)).collect();
        assert_eq!(found, [("liver", 1), ("spleen", 2)]);
    }
}
