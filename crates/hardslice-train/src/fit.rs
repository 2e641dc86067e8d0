//! The training loop.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::Device;
use hardslice_data::SliceRef;
use hardslice_data::balance::{Epochs, Plan};
use hardslice_data::random::Stream;
use thiserror::Error;

use crate::batch::{Batch, Lens};
use crate::checkpoint::{Checkpoint, CheckpointError, Position};
use crate::config::TrainConfig;
use crate::loader::{Loader, Recipe};
use crate::log::{LogError, LogLine, TrainLog};
use crate::net::{Net, Pass};
use crate::progress::{Event, Observer, Warning};
use crate::score::{case_dice, score_slices};
use crate::sgd::Sgd;
use crate::weights::Weights;

/// Validations in a row without a single predicted pixel after which a training is given up.
const MAX_EMPTY_VALIDATIONS: u32 = 3;

/// A training cannot go on.
#[derive(Debug, Error)]
pub enum FitError {
    /// The loss is not a number any more.
    #[error(
        "the loss is {loss} at step {step} (learning rate {lr:.2e}): training has diverged; lower \
         lr0, switch the norm on (norm = \"batch\"), or take a larger batch"
    )]
    Diverged {
        /// Step, counted from 1.
        step: u64,
        /// Its loss.
        loss: f64,
        /// Its learning rate.
        lr: f64,
    },
    /// The net predicts background everywhere.
    #[error(
        "after {step} steps the net predicts nothing anywhere, for the {n}th validation in a row: \
         soft Dice can collapse to all-background; try loss = {{ kind = \"dice_cross_entropy\" }}, \
         positive_weight above 1, a lower lr0, a larger batch, or another seed"
    )]
    Collapsed {
        /// Steps taken.
        step: u64,
        /// Validations in a row without a predicted pixel.
        n: u32,
    },
    /// The newest checkpoint belongs to another training.
    #[error(
        "the checkpoints in {} are those of another training (configuration, seed, data or plan \
         have changed): take another --out folder, or delete this one", dir.display()
    )]
    OtherTraining {
        /// The folder.
        dir: PathBuf,
    },
    /// The newest checkpoint was made with another instruction set.
    #[error(
        "the training was begun with {found} instructions, this machine uses {wanted}: going on \
         would round differently and not give the same result; go on where it was begun, or \
         accept that with --force"
    )]
    OtherInstructionSet {
        /// What the checkpoint was made with.
        found: String,
        /// What this machine uses.
        wanted: String,
    },
    /// There is nothing to show.
    #[error("the plan is empty: there is no slice to train on")]
    EmptyPlan,
    /// A checkpoint cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What stays the same over a whole training.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "an observer has no text form")]
pub struct FitContext<'a> {
    /// What the net sees of the store.
    pub lens: &'a Lens<'a>,
    /// How the net is trained.
    pub config: &'a TrainConfig,
    /// Slices of the validation patients.
    pub validation: &'a [SliceRef],
    /// Where the net is trained; its autodiff is switched on here.
    pub device: &'a Device,
    /// Seed of the experiment.
    pub seed: u64,
    /// Who is told.
    pub observer: &'a dyn Observer,
    /// Seconds since 1970, for logs.
    pub wall_time_s: fn() -> f64,
    /// Whether to go on from a checkpoint that another instruction set made.
    pub force: bool,
}

/// One half of a training: a plan and the steps in which it holds.
#[derive(Debug, Clone)]
pub struct Half<'a> {
    /// Name in the random streams: `first` or `second`.
    pub name: &'a str,
    /// What to call it in progress bars.
    pub stage: &'a str,
    /// What is shown.
    pub plan: Plan,
    /// Steps, counted from 0 over the whole training.
    pub steps: std::ops::Range<u64>,
}

/// A net in training.
#[derive(Debug, Clone)]
pub struct Trainee {
    /// The net, with gradients.
    pub net: Net,
    /// Its optimiser.
    pub sgd: Sgd,
    /// Where the training stands.
    pub position: Position,
}

impl Trainee {
    /// A net before its first step.
    pub fn new(net: Net, config: &TrainConfig) -> Self {
        Self {
            net,
            sgd: Sgd::new(config.momentum),
            position: Position {
                step: 0,
                identity: String::new(),
                instruction_set: hardslice_kernels::instruction_set().to_owned(),
                loss_sum: 0.0,
                n_losses: 0,
                best: None,
                n_empty_validations: 0,
            },
        }
    }

    /// Takes one step: forward, loss, backward, update. Gives the loss of the batch.
    ///
    /// # Errors
    ///
    /// [`FitError::Diverged`] when the loss is not a number; the net is as before the step then.
    pub fn take_step(
        &mut self,
        batch: &Batch,
        config: &TrainConfig,
        seed: u64,
        device: &Device,
    ) -> Result<f64, FitError> {
        let step = self.position.step;
        let lr = config.schedule().lr(step);
        let device = device.clone().autodiff();
        let mut pass = Pass::train(Stream::new(seed, &format!("dropout/step/{step}")));
        let logits = self.net.forward(batch.images(&device), &mut pass);
        let loss = config
            .loss
            .of(logits, batch.targets(&device), batch.annotated(&device));
        let value = f64::from(loss.clone().inner().into_scalar::<f32>());
        if !value.is_finite() {
            return Err(FitError::Diverged {
                step: step + 1,
                loss: value,
                lr,
            });
        }
        let gradients = loss.backward();
        self.net = self.sgd.step(self.net.clone(), gradients, lr);
        self.net.absorb_statistics(pass);
        self.position.step += 1;
        self.position.loss_sum += value;
        self.position.n_losses += 1;
        Ok(value)
    }

    /// The state, to save it.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            position: self.position.clone(),
            weights: Weights::of(&self.net),
            velocities: self.sgd.state(),
        }
    }

    /// Takes a saved state over. The net must be of the same build.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] when the weights do not fit the net.
    pub fn restore(
        self,
        saved: Checkpoint,
        config: &TrainConfig,
        device: &Device,
    ) -> Result<Self, CheckpointError> {
        Ok(Self {
            net: saved.weights.load_into(self.net)?,
            sgd: Sgd::from_state(config.momentum, saved.velocities, device),
            position: saved.position,
        })
    }
}

/// Trains over one half, going on from the newest checkpoint in `dir` if there is one.
///
/// `dir` gets `checkpoints/`, `train.csv`, `tensorboard/` and `best.safetensors` (the weights that
/// did best on the validation patients; never reported by default). `identity` is the hash of all
/// that decides the result: a checkpoint of another identity is refused.
///
/// # Errors
///
/// [`FitError`] when the training diverges or collapses, a checkpoint does not belong to it, or a
/// file cannot be written. What was saved stays.
pub fn fit(
    trainee: Trainee,
    half: &Half<'_>,
    identity: &str,
    dir: &Path,
    context: &FitContext<'_>,
) -> Result<Trainee, FitError> {
    let mut trainee = resume(trainee, identity, &dir.join("checkpoints"), context)?;
    let epochs = Epochs::new(
        half.plan.clone(),
        context.config.copies,
        context.seed,
        half.name,
    )
    .ok_or(FitError::EmptyPlan)?;
    let recipe = Recipe {
        lens: context.lens.clone(),
        epochs,
        augment: context.config.augment,
        batch_size: context.config.batch,
        seed: context.seed,
        name: half.name.to_owned(),
    };
    let first = trainee.position.step.max(half.steps.start) - half.steps.start;
    let numbers = first..half.steps.end - half.steps.start;
    context.observer.notify(&Event::Started {
        stage: half.stage,
        n: half.steps.end - half.steps.start,
        done: first,
    });
    let mut keeper = Keeper::open(dir, &trainee, context)?;
    std::thread::scope(|scope| {
        let loader = Loader::start(scope, recipe, numbers);
        let mut outcome = Ok(());
        while let Some(batch) = loader.next() {
            outcome = take_step(&mut trainee, &batch, context)
                .and_then(|()| keeper.after_step(&mut trainee));
            if outcome.is_err() {
                break;
            }
            let done = trainee.position.step - half.steps.start;
            context.observer.notify(&Event::Advanced { done });
        }
        loader.finish();
        outcome
    })?;
    keeper.save(&trainee)?;
    context.observer.notify(&Event::Finished);
    Ok(trainee)
}

fn resume(
    mut trainee: Trainee,
    identity: &str,
    checkpoints: &Path,
    context: &FitContext<'_>,
) -> Result<Trainee, FitError> {
    identity.clone_into(&mut trainee.position.identity);
    let damaged = |error: CheckpointError| {
        let message = error.to_string();
        context
            .observer
            .notify(&Event::Warning(Warning::DamagedCheckpoint { message }));
    };
    let Some(saved) = Checkpoint::newest(checkpoints, damaged)? else {
        return Ok(trainee);
    };
    if saved.position.identity != identity {
        return Err(FitError::OtherTraining {
            dir: checkpoints.to_owned(),
        });
    }
    let wanted = hardslice_kernels::instruction_set();
    if saved.position.instruction_set != wanted && !context.force {
        return Err(FitError::OtherInstructionSet {
            found: saved.position.instruction_set,
            wanted: wanted.to_owned(),
        });
    }
    Ok(trainee.restore(saved, context.config, context.device)?)
}

/// One step, told to the observer.
fn take_step(
    trainee: &mut Trainee,
    batch: &Batch,
    context: &FitContext<'_>,
) -> Result<(), FitError> {
    let loss = trainee.take_step(batch, context.config, context.seed, context.device)?;
    let step = trainee.position.step;
    context.observer.notify(&Event::Step {
        step,
        loss,
        lr: context.config.schedule().lr(step - 1),
    });
    Ok(())
}

/// Logs, validates and saves, each when its time has come.
struct Keeper<'a> {
    dir: &'a Path,
    context: &'a FitContext<'a>,
    log: TrainLog,
    saved_at: Instant,
}

impl<'a> Keeper<'a> {
    fn open(
        dir: &'a Path,
        trainee: &Trainee,
        context: &'a FitContext<'a>,
    ) -> Result<Self, FitError> {
        Ok(Self {
            dir,
            context,
            log: TrainLog::open(dir, trainee.position.step, context.wall_time_s)?,
            saved_at: Instant::now(),
        })
    }

    fn after_step(&mut self, trainee: &mut Trainee) -> Result<(), FitError> {
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

    fn save(&mut self, trainee: &Trainee) -> Result<(), FitError> {
        self.log.flush()?;
        let dir = self.dir.join("checkpoints");
        trainee
            .checkpoint()
            .write(&dir, self.context.config.keep_checkpoints)?;
        self.saved_at = Instant::now();
        Ok(())
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
        self.watch_for_collapse(trainee, n_predicted == 0 && n_truth > 0)?;
        if let Some(mean) = mean_dice
            && trainee.position.best.is_none_or(|(_, best)| mean > best)
        {
            trainee.position.best = Some((step, mean));
            self.keep_best(trainee)?;
        }
        Ok(Some([mean_dice, min_dice]))
    }

    fn watch_for_collapse(&self, trainee: &mut Trainee, is_empty: bool) -> Result<(), FitError> {
        let position = &mut trainee.position;
        if !is_empty {
            position.n_empty_validations = 0;
            return Ok(());
        }
        position.n_empty_validations += 1;
        let (step, n) = (position.step, position.n_empty_validations);
        if n >= MAX_EMPTY_VALIDATIONS {
            return Err(FitError::Collapsed { step, n });
        }
        self.context
            .observer
            .notify(&Event::Warning(Warning::NothingPredicted { step }));
        Ok(())
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
