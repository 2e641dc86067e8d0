//! The training loop.

mod advice;
mod alone;
mod judged;
mod monitor;
mod nothing_learnt;
mod receipt;
mod state;

use std::borrow::Cow;
use std::path::PathBuf;

use burn::tensor::Device;
use hardslice_data::SliceRef;
use hardslice_data::balance::{Plan, WeightedSampler};
use hardslice_volume::FileError;
use hardslice_volume::whole_file::remove_parts;
use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError, remove_others};
use crate::collapse::Collapse;
use crate::config::{Lr0Setting, TrainConfig};
use crate::dataset::SliceDataset;
use crate::layout::TrainingDir;
use crate::loader::{Loader, LoaderConfig};
use crate::log::LogError;
use crate::progress::{Event, Observer, Reporter, Warning};
use crate::weights::Weights;

use alone::Alone;
use monitor::Monitor;
pub use receipt::Receipt;
pub use state::{Diverged, NotFinite, TrainState};

/// A training cannot go on.
#[derive(Debug, Error)]
pub enum FitError {
    /// The loss, the gradients or the weights are not numbers any more.
    #[error(
        "{at}; lower {lr0_setting}, switch the norm on (norm = \"batch\"), or take a larger batch"
    )]
    Diverged {
        /// Where.
        at: Diverged,
        /// The setting that its first learning rate comes from.
        lr0_setting: Lr0Setting,
    },
    /// The net has learnt nothing.
    #[error("after {step} steps and {n} validations of that kind in a row {found}; try {advice}")]
    Collapsed {
        /// Steps taken.
        step: u64,
        /// Validations in a row at which it had learnt nothing.
        n: u32,
        /// What it answers in place of the organ.
        found: Collapse,
        /// What to change among the settings that this training reads.
        advice: String,
    },
    /// A net of several organs has learnt nothing of some.
    #[error(
        "after {step} steps and {n} validations of that kind in a row the net has learnt nothing of \
         {organs}, on training slices neither, while it finds others; try {advice}, or a net for each organ \
         (one_net = false)"
    )]
    OrganLost {
        /// Steps taken.
        step: u64,
        /// Validations in a row at which it was so.
        n: u32,
        /// The organs.
        organs: String,
        /// What to change among the settings that this training reads.
        advice: String,
    },
    /// The newest checkpoint belongs to another training.
    #[error(
        "{} holds another training (configuration, seed, data or plan \
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
    /// The observer [wanted](Observer::wants_stop) it to stop, and a checkpoint was saved.
    #[error("the training was asked to stop and saved a checkpoint after step {step}")]
    Stopped {
        /// Steps taken.
        step: u64,
    },
    /// There is nothing to show.
    #[error("the plan is empty: there is no slice to train on")]
    EmptyPlan,
    /// A file of the training cannot be written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A checkpoint cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl FitError {
    /// Whether the settings failed, not the machine: the same training would fail again, and others
    /// need not.
    pub fn is_of_settings(&self) -> bool {
        matches!(
            self,
            Self::Diverged { .. } | Self::Collapsed { .. } | Self::OrganLost { .. }
        )
    }
}

/// What stays the same over a whole training.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "an observer has no text form")]
pub struct FitContext<'a> {
    /// What the net sees of the store.
    pub dataset: &'a SliceDataset<'a>,
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

/// One phase of a training: a plan, and the steps in which it holds. Most trainings have two, the
/// halves of the schedule.
#[derive(Debug, Clone)]
pub struct Phase<'a> {
    /// Name in the random streams: `first` or `second`.
    pub name: String,
    /// What to call it in progress bars.
    pub stage: String,
    /// How the net is trained.
    pub config: Cow<'a, TrainConfig>,
    /// The setting that the first learning rate comes from. Advice names it.
    pub lr0_setting: Lr0Setting,
    /// What is shown.
    pub plan: Plan,
    /// Steps, counted from 0 over the whole training.
    pub steps: std::ops::Range<u64>,
}

/// Trains over one phase, going on from the newest checkpoint in `dir` if there is one.
///
/// `dir` gets checkpoints, logs, the weights that did best on the validation patients (never reported
/// by default) and, last, a [`Receipt`]. `identity` is the hash of all that decides the result: a
/// checkpoint of another identity is refused. Who trains into the same folder at the same time waits
/// and finds it done.
///
/// # Errors
///
/// [`FitError`] when the training diverges or collapses, a checkpoint does not belong to it, or a
/// file cannot be written. What was saved stays.
///
/// # Panics
///
/// When the state is one of before the phase.
pub fn fit(
    state: TrainState,
    phase: &Phase<'_>,
    identity: &str,
    dir: &TrainingDir,
    context: &FitContext<'_>,
) -> Result<TrainState, FitError> {
    let reporter = Reporter {
        stage: &phase.stage,
        observer: context.observer,
    };
    let _alone = Alone::in_folder(dir.path());
    let state = resume(state, phase, identity, dir, context)?;
    assert!(
        state.position.step >= phase.steps.start,
        "a phase goes on where the one before it ended"
    );
    if state.position.step >= phase.steps.end {
        reporter.skipped();
        // The program may have been stopped between its last checkpoint and this, while it cleared up
        // or wrote its log once more.
        let keep_last = phase.config.keep_checkpoints;
        remove_others(&dir.checkpoints(), state.position.step, keep_last)?;
        remove_parts(dir.path())?;
        leave_receipt(&state, phase, dir)?;
        return Ok(state);
    }
    let config = &phase.config;
    let sampler = WeightedSampler::new(
        phase.plan.clone(),
        config.flip_mode,
        context.seed,
        &phase.name,
    )
    .ok_or(FitError::EmptyPlan)?;
    let batches = LoaderConfig {
        dataset: context.dataset.clone(),
        sampler,
        augment: config.augment,
        batch_size: config.batch,
        seed: context.seed,
        name: phase.name.clone(),
    };
    let first = state.position.step.max(phase.steps.start) - phase.steps.start;
    let n_steps = phase.steps.end - phase.steps.start;
    reporter.started(n_steps, first);
    let mut monitor = Monitor::open(dir, &state, phase, context)?;
    let trained = std::thread::scope(|scope| {
        let loader = Loader::start(scope, batches, first..n_steps);
        let trained = train_on(state, &loader, phase, &mut monitor, context);
        loader.finish();
        trained
    });
    // The log tells how a training went that failed, too; then that failure is the one to report.
    let flushed = monitor.flush_log();
    let state = trained?;
    flushed?;
    monitor.finish(&state)?;
    leave_receipt(&state, phase, dir)?;
    reporter.finished();
    Ok(state)
}

/// Writes the receipt of a training whose weights are numbers: no loss tells what the last step made of
/// them.
fn leave_receipt(state: &TrainState, phase: &Phase<'_>, dir: &TrainingDir) -> Result<(), FitError> {
    let weights = Weights::of(&state.predictor());
    if !weights.are_finite() {
        let step = state.position.step;
        return Err(FitError::Diverged {
            at: Diverged {
                step,
                what: NotFinite::Weights,
                lr: phase.config.schedule().lr(step - 1),
            },
            lr0_setting: phase.lr0_setting,
        });
    }
    Receipt::of(state, &weights, dir)?.write(dir)?;
    Ok(())
}

fn resume(
    mut state: TrainState,
    phase: &Phase<'_>,
    identity: &str,
    dir: &TrainingDir,
    context: &FitContext<'_>,
) -> Result<TrainState, FitError> {
    identity.clone_into(&mut state.position.identity);
    let damaged = |error: CheckpointError| {
        let message = error.to_string();
        context
            .observer
            .notify(&Event::Warning(Warning::DamagedCheckpoint { message }));
    };
    let Some(saved) = Checkpoint::newest(&dir.checkpoints(), damaged)? else {
        return Ok(state);
    };
    if saved.position.identity != identity {
        return Err(FitError::OtherTraining {
            dir: dir.path().to_owned(),
        });
    }
    state.restore(saved, &phase.config, context.device, context.force)
}

/// Trains on batches until there is none left.
fn train_on(
    mut state: TrainState,
    loader: &Loader,
    phase: &Phase<'_>,
    monitor: &mut Monitor<'_>,
    context: &FitContext<'_>,
) -> Result<TrainState, FitError> {
    let config = &phase.config;
    while let Some(batch) = loader.next() {
        let taken = state.take_step(&batch, config, context.seed, context.device);
        let (next, loss) = taken.map_err(|at| FitError::Diverged {
            at,
            lr0_setting: phase.lr0_setting,
        })?;
        state = next;
        let step = state.position.step;
        context.observer.notify(&Event::Step {
            step,
            loss,
            lr: config.schedule().lr(step - 1),
        });
        monitor.after_step(&mut state)?;
        let done = step - phase.steps.start;
        context.observer.notify(&Event::Advanced { done });
        if context.observer.wants_stop() && step < phase.steps.end {
            monitor.finish(&state)?;
            return Err(FitError::Stopped { step });
        }
    }
    Ok(state)
}
