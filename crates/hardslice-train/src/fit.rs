//! The training loop.

mod keeper;
mod trainee;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use hardslice_data::SliceRef;
use hardslice_data::balance::{Epochs, Plan};
use thiserror::Error;

use crate::batch::Lens;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::config::TrainConfig;
use crate::loader::{Loader, Recipe};
use crate::log::LogError;
use crate::progress::{Event, Observer, Warning};

use keeper::Keeper;
pub use trainee::Trainee;

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
        "after {step} steps the net predicts nothing anywhere, on training slices neither, and that \
         at {n} validations in a row: it has collapsed to all-background, as soft Dice can; try \
         loss = {{ kind = \"dice_cross_entropy\" }}, positive_weight above 1, a lower lr0, a larger \
         batch, or another seed"
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

/// Trains over one half, going on from the newest checkpoint in `dir` if there is one.
///
/// `dir` gets `checkpoints/`, `train.csv`, `tensorboard/` and `best.safetensors` (the weights that
/// did best on the validation patients; never reported by default). `identity` is the hash of all
/// that decides the result: a checkpoint of another identity is refused. A half that is done is not
/// touched.
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
    let trainee = resume(trainee, identity, &dir.join("checkpoints"), context)?;
    if trainee.position.step >= half.steps.end {
        // Nothing is written: others may read the same training side by side.
        let stage = half.stage;
        context.observer.notify(&Event::Skipped { stage });
        return Ok(trainee);
    }
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
    let mut keeper = Keeper::open(dir, &trainee, &half.plan, context)?;
    let trained = std::thread::scope(|scope| {
        let loader = Loader::start(scope, recipe, numbers);
        let trained = train_on(trainee, &loader, half.steps.start, &mut keeper, context);
        loader.finish();
        trained
    });
    // The log tells how a training went that failed, too.
    keeper.flush_log()?;
    let trainee = trained?;
    keeper.finish(&trainee)?;
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
    trainee.restore(saved, context.config, context.device, context.force)
}

/// Trains on batches until there is none left.
fn train_on(
    mut trainee: Trainee,
    loader: &Loader,
    first_step: u64,
    keeper: &mut Keeper<'_>,
    context: &FitContext<'_>,
) -> Result<Trainee, FitError> {
    while let Some(batch) = loader.next() {
        let (next, loss) =
            trainee.take_step(&batch, context.config, context.seed, context.device)?;
        trainee = next;
        let step = trainee.position.step;
        context.observer.notify(&Event::Step {
            step,
            loss,
            lr: context.config.schedule().lr(step - 1),
        });
        keeper.after_step(&mut trainee)?;
        let done = step - first_step;
        context.observer.notify(&Event::Advanced { done });
    }
    Ok(trainee)
}
