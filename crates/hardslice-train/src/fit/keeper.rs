//! What a training does between its steps.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use hardslice_data::SliceRef;
use hardslice_data::balance::{Plan, case_dice};

use super::{FitContext, FitError, Trainee};
use crate::batch::Lens;
use crate::checkpoint::CheckpointError;
use crate::log::{LogLine, TrainLog};
use crate::net::Net;
use crate::progress::{Event, Warning};
use crate::score::score_slices;
use crate::weights::Weights;

/// Validations in a row without a single predicted pixel, in validation or training slices, after
/// which a training is given up.
const MAX_EMPTY_VALIDATIONS: u32 = 3;

/// Training slices that are looked at when nothing is predicted on the validation patients.
const N_TRAINING_SLICES: usize = 32;

/// Logs, validates and saves, each when its time has come.
pub(super) struct Keeper<'a> {
    dir: &'a Path,
    context: &'a FitContext<'a>,
    /// Some slices of the plan that show an organ.
    training: Vec<SliceRef>,
    log: TrainLog,
    saved_at: Instant,
    saved_step: Option<u64>,
}

impl<'a> Keeper<'a> {
    pub(super) fn open(
        dir: &'a Path,
        trainee: &Trainee,
        plan: &Plan,
        context: &'a FitContext<'a>,
    ) -> Result<Self, FitError> {
        Ok(Self {
            dir,
            context,
            training: positive_slices(plan, context.lens),
            log: TrainLog::open(dir, trainee.position.step, context.wall_time_s)?,
            saved_at: Instant::now(),
            saved_step: None,
        })
    }

    pub(super) fn after_step(&mut self, trainee: &mut Trainee) -> Result<(), FitError> {
        let config = self.context.config;
        let step = trainee.position.step;
        let is_validation = config.is_validation(step);
        if is_validation || step.is_multiple_of(config.log_every()) {
            let validation = if is_validation {
                self.validate(trainee)?
            } else {
                None
            };
            let position = &mut trainee.position;
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
            self.save(trainee)?;
        }
        Ok(())
    }

    pub(super) fn flush_log(&mut self) -> Result<(), FitError> {
        Ok(self.log.flush()?)
    }

    fn save(&mut self, trainee: &Trainee) -> Result<(), FitError> {
        self.log.flush()?;
        let dir = self.dir.join("checkpoints");
        trainee
            .checkpoint()
            .write(&dir, self.context.config.keep_checkpoints)?;
        self.saved_at = Instant::now();
        self.saved_step = Some(trainee.position.step);
        Ok(())
    }

    /// Saves what is not saved yet. After the last checkpoint nothing is written any more: who finds
    /// it takes the half for done.
    pub(super) fn finish(&mut self, trainee: &Trainee) -> Result<(), FitError> {
        if self.saved_step == Some(trainee.position.step) {
            return Ok(());
        }
        self.save(trainee)
    }

    /// Mean and lowest case Dice on the validation patients; keeps the best weights.
    fn validate(&self, trainee: &mut Trainee) -> Result<Option<[Option<f64>; 2]>, FitError> {
        let FitContext {
            lens, validation, ..
        } = *self.context;
        if validation.is_empty() {
            return Ok(None);
        }
        let net = trainee.net.for_prediction();
        let scores = score_slices(
            &net,
            lens,
            validation,
            self.context.config.batch,
            &crate::Silent,
        );
        let organs: BTreeSet<u16> = scores.iter().map(|score| score.organ_idx).collect();
        let dice = organs.iter().flat_map(|organ| case_dice(&scores, *organ));
        let dice: Vec<f64> = dice.map(|(_, dice)| dice).collect();
        let mean_dice = (!dice.is_empty()).then(|| dice.iter().sum::<f64>() / dice.len() as f64);
        let min_dice = dice.iter().copied().reduce(f64::min);
        let step = trainee.position.step;
        self.context.observer.notify(&Event::Validated {
            step,
            mean_dice,
            min_dice,
        });
        let n_predicted: u64 = scores
            .iter()
            .map(|score| u64::from(score.n_predicted))
            .sum();
        let n_truth: u64 = scores.iter().map(|score| u64::from(score.n_truth)).sum();
        self.watch_for_collapse(trainee, &net, n_predicted == 0 && n_truth > 0)?;
        if let Some(mean) = mean_dice
            && trainee.position.best.is_none_or(|(_, best)| mean > best)
        {
            trainee.position.best = Some((step, mean));
            self.keep_best(trainee)?;
        }
        Ok(Some([mean_dice, min_dice]))
    }

    /// Gives a training up that has ended in "nothing anywhere". A net that finds nothing on the
    /// validation patients and something on those that it is trained on has not: one small scan of
    /// another kind may be all there is to validate on.
    fn watch_for_collapse(
        &self,
        trainee: &mut Trainee,
        net: &Net,
        is_empty: bool,
    ) -> Result<(), FitError> {
        let position = &mut trainee.position;
        let step = position.step;
        let finds_training_slices = is_empty && self.finds_training_slices(net);
        if !is_empty || finds_training_slices {
            position.n_empty_validations = 0;
        } else {
            position.n_empty_validations += 1;
        }
        let n = position.n_empty_validations;
        if n >= MAX_EMPTY_VALIDATIONS {
            return Err(FitError::Collapsed { step, n });
        }
        if is_empty {
            let warning = Warning::NothingPredicted {
                step,
                finds_training_slices,
            };
            self.context.observer.notify(&Event::Warning(warning));
        }
        Ok(())
    }

    fn finds_training_slices(&self, net: &Net) -> bool {
        let batch = self.context.config.batch;
        let lens = self.context.lens;
        let scores = score_slices(net, lens, &self.training, batch, &crate::Silent);
        scores.iter().any(|score| score.n_predicted > 0)
    }

    fn keep_best(&self, trainee: &Trainee) -> Result<(), FitError> {
        let path = self.dir.join("best.safetensors");
        let bytes = Weights::of(&trainee.net).to_safetensors();
        let written = hardslice_volume::whole_file::write_whole_bytes(&path, &bytes);
        written.map_err(|source| {
            FitError::Checkpoint(CheckpointError::File {
                action: "write",
                path,
                source,
            })
        })
    }
}

/// Evenly spaced slices of a plan that show an organ of the net.
fn positive_slices(plan: &Plan, lens: &Lens<'_>) -> Vec<SliceRef> {
    let shows_organ = |slice: &SliceRef| {
        let (case_idx, z) = (slice.case_idx as usize, slice.z as usize);
        let mut organs = lens.organs().iter().enumerate();
        organs.any(|(organ, place)| {
            let case = &lens.store().cases()[case_idx];
            lens.is_organ_annotated(case_idx, organ) && case.area_px(*place, z) > 0
        })
    };
    let slices = plan.entries().iter().map(|entry| entry.slice);
    let positive: Vec<SliceRef> = slices.filter(shows_organ).collect();
    let apart = positive.len().div_ceil(N_TRAINING_SLICES).max(1);
    positive.into_iter().step_by(apart).collect()
}
