//! What a long piece of work tells whoever waits for it.

use hardslice_data::balance::TauWarning;

/// Something worth telling. Libraries do not print: the program turns these into progress bars,
/// lines and warnings.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A stage begins: `n` units of work, `done` of them done before.
    Started {
        /// What is done: `train liver/hard`, `score A`.
        stage: &'a str,
        /// Units of work.
        n: u64,
        /// Units done before a stop.
        done: u64,
    },
    /// Units of the stage are done.
    Advanced {
        /// Units done so far.
        done: u64,
    },
    /// A training step was taken.
    Step {
        /// Step, counted from 1.
        step: u64,
        /// Loss of its batch.
        loss: f64,
        /// Its learning rate.
        lr: f64,
    },
    /// The validation patients were scored.
    Validated {
        /// Steps taken.
        step: u64,
        /// Mean case Dice over patients and organs; absent when no case has one.
        mean_dice: Option<f64>,
        /// Lowest case Dice.
        min_dice: Option<f64>,
    },
    /// The stage is over.
    Finished,
    /// The stage was done in an earlier run and is not done again.
    Skipped {
        /// What was done.
        stage: &'a str,
    },
    /// Something that the user should know, and what to do about it.
    Warning(Warning<'a>),
}

/// A warning, and what it is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning<'a> {
    /// The threshold takes suspiciously little or much of A.
    Tau {
        /// The organ.
        organ: &'a str,
        /// What is odd.
        warning: TauWarning,
    },
    /// The net predicts nothing on the validation patients, though there is something to find.
    NothingPredicted {
        /// Steps taken.
        step: u64,
        /// Whether it predicts something on slices that it is trained on.
        finds_training_slices: bool,
    },
    /// A checkpoint is damaged; an earlier one is used.
    DamagedCheckpoint {
        /// What is wrong with it.
        message: String,
    },
}

/// Listens to a long piece of work.
pub trait Observer: Sync {
    /// Called for every event, from the thread that works.
    fn notify(&self, event: &Event<'_>);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn notify(&self, _event: &Event<'_>) {}
}
