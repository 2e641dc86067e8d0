//! The monitor of a training: logs, validates and saves between its steps.

use std::collections::BTreeSet;
use std::time::Instant;

use hardslice_data::balance::Plan;
use hardslice_data::mining::{SliceScore, case_dice};
use hardslice_data::{Organ, OutputIdx, SliceRef};
use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError};

use super::advice::against_collapse;
use super::judged::{Judged, mean_dice};
use super::receipt::LEAST_STEPS_TO_LEARN;
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
        let found = self.nothing_learnt(net, of_validation);
        let position = &mut state.position;
        let step = position.step;
        position.not_learnt = match &found {
            NothingLearnt::Of(organs) => organs.clone(),
            NothingLearnt::AtAll { .. } => self.organs(self.context.dataset.outputs()),
            NothingLearnt::OnValidationAlone | NothingLearnt::No => Vec::new(),
        };
        position.n_idle_validations = if position.not_learnt.is_empty() {
            0
        } else {
            position.n_idle_validations + 1
        };
        let n = position.n_idle_validations;
        let is_long = self.config.steps >= LEAST_STEPS_TO_LEARN;
        let is_to_be_given_up = is_long && n >= MAX_IDLE_VALIDATIONS;
        let advice = || against_collapse(self.phase);
        let warning = match found {
            NothingLearnt::No => return Ok(()),
            NothingLearnt::OnValidationAlone => Warning::NothingPredicted {
                step,
                finds_training_slices: true,
            },
            NothingLearnt::AtAll {
                found,
                is_empty_on_validation,
            } => {
                let is_background = found == Collapse::AllBackground;
                // Every net begins with hardly anything: the first quarter of the steps is granted it.
                if is_to_be_given_up && 4 * step >= self.config.steps {
                    let advice = advice();
                    return Err(FitError::Collapsed {
                        step,
                        n,
                        found,
                        advice,
                    });
                }
                if is_background && is_empty_on_validation {
                    Warning::NothingPredicted {
                        step,
                        finds_training_slices: false,
                    }
                } else {
                    Warning::NothingLearnt { step, found }
                }
            }
            // Not given up before the end: a small organ may come late, after three quarters of the
            // steps as has been seen.
            NothingLearnt::Of(organs) => {
                let organs = named(&organs);
                if is_to_be_given_up && step == self.config.steps {
                    let advice = advice();
                    return Err(FitError::OrganLost {
                        step,
                        n,
                        organs,
                        advice,
                    });
                }
                Warning::OrganNotLearnt { step, organs }
            }
        };
        self.context.observer.notify(&Event::Warning(warning));
        Ok(())
    }

    /// What a net has learnt nothing of, by its scores on the validation patients, if there are any, and
    /// on slices that it is trained on, if any of them shows an organ.
    fn nothing_learnt(&self, net: &Net, of_validation: &[SliceScore]) -> NothingLearnt {
        let n_outputs = self.context.dataset.outputs().count();
        let of_validation = Judgement::of(&self.validation, of_validation);
        if of_validation
            .as_ref()
            .is_some_and(|of| of.finds_all(n_outputs))
        {
            return NothingLearnt::No;
        }
        let of_training = Judgement::of(&self.training, &self.training.score(net));
        let is_empty_on_validation = of_validation
            .as_ref()
            .is_some_and(|of| of.collapse == Some(Collapse::AllBackground));
        let both = [of_validation, of_training];
        let there: Vec<&Judgement> = both.iter().flatten().collect();
        // What is said is what holds on training slices, the last of them.
        let collapse = there.iter().map(|of| of.collapse).reduce(Option::and);
        if let Some(found) = collapse.flatten() {
            return NothingLearnt::AtAll {
                found,
                is_empty_on_validation,
            };
        }
        let is_lost = |output: &OutputIdx| {
            let judging = there.iter().filter(|of| of.judged.contains(output));
            let mut is_lost = judging.map(|of| of.lost.contains(output)).peekable();
            is_lost.peek().is_some() && is_lost.all(|is_lost| is_lost)
        };
        let lost: Vec<OutputIdx> = self.context.dataset.outputs().filter(is_lost).collect();
        if !lost.is_empty() {
            return NothingLearnt::Of(self.organs(lost));
        }
        if is_empty_on_validation {
            return NothingLearnt::OnValidationAlone;
        }
        NothingLearnt::No
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

/// What a net has learnt nothing of.
enum NothingLearnt {
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
    Of(Vec<Organ>),
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

/// Organs in a sentence.
fn named(organs: &[Organ]) -> String {
    let names: Vec<String> = organs.iter().map(|organ| format!("`{organ}`")).collect();
    names.join(", ")
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
