//! Callbacks: what a long piece of work tells whoever waits for it.

use std::fmt;

use hardslice_data::balance::{Arm, PlanSummary};
use hardslice_data::mining::TauWarning;

use crate::collapse::Collapse;

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
    /// The net predicts nothing on the validation patients, though there is something to find, and
    /// something on slices that it is trained on.
    NothingPredictedOnValidationAlone {
        /// Steps taken.
        step: u64,
    },
    /// The net predicts nothing, neither on the validation patients nor on slices that it is trained on.
    NothingPredicted {
        /// Steps taken.
        step: u64,
        /// Whether the training is long enough to be given up for it.
        can_be_given_up: bool,
    },
    /// The net predicts something, and no more of the organ than an answer that takes no net.
    NothingLearnt {
        /// Steps taken.
        step: u64,
        /// What it answers.
        found: Collapse,
        /// Whether the training is long enough to be given up for it.
        can_be_given_up: bool,
    },
    /// The net finds some of its organs, and nothing of others.
    OrganNotLearnt {
        /// Steps taken.
        step: u64,
        /// The others.
        organs: String,
        /// Whether the training is long enough to have failed by it.
        can_be_given_up: bool,
    },
    /// A random control draws slices that are hard, because its patients have too few others.
    HardInControl {
        /// The control.
        arm: &'a str,
        /// Hard slices that it draws.
        n_hard: usize,
        /// Slices that it draws.
        n_slices: usize,
    },
    /// A checkpoint is damaged; an earlier one is used.
    DamagedCheckpoint {
        /// What is wrong with it.
        message: String,
    },
}

impl Warning<'_> {
    /// What there is to say of the plan of a random control; `None` where it draws no hard slice.
    pub fn of_control(arm: Arm, summary: &PlanSummary) -> Option<Self> {
        (summary.n_hard_in_control > 0).then(|| Self::HardInControl {
            arm: arm.name(),
            n_hard: summary.n_hard_in_control,
            n_slices: summary.n_of_control(),
        })
    }
}

/// What follows of a net that has learnt nothing, if that stays so.
fn outlook(can_be_given_up: bool, given_up: &str) -> String {
    if can_be_given_up {
        format!("if that stays so, {given_up}")
    } else {
        "so short a training only tries the machinery: more steps".to_owned()
    }
}

impl fmt::Display for Warning<'_> {
    /// A sentence that says what to do about it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tau { organ, warning } => write!(f, "{organ}: {warning}"),
            Self::NothingPredictedOnValidationAlone { step } => write!(
                f,
                "after {step} steps the net predicts nothing on the validation patients, though it does on \
                 those it is trained on: few patients to validate on, or very different ones, tell little \
                 of the others"
            ),
            Self::NothingPredicted {
                step,
                can_be_given_up,
            } => {
                let outlook = outlook(*can_be_given_up, "training stops with advice");
                write!(
                    f,
                    "after {step} steps the net predicts nothing on the validation patients, and on \
                     training slices neither; {outlook}"
                )
            }
            Self::NothingLearnt {
                step,
                found,
                can_be_given_up,
            } => {
                let outlook = outlook(*can_be_given_up, "training stops with advice");
                write!(f, "after {step} steps {found}; {outlook}")
            }
            Self::OrganNotLearnt {
                step,
                organs,
                can_be_given_up,
            } => {
                let outlook = outlook(*can_be_given_up, "the training has failed in the end");
                write!(
                    f,
                    "after {step} steps the net has learnt nothing of {organs}, though it finds others; \
                     {outlook}"
                )
            }
            Self::HardInControl {
                arm,
                n_hard,
                n_slices,
            } => write!(
                f,
                "the control `{arm}` has too few other slices to draw from: {n_hard} of its \
                 {n_slices} are hard ones, which makes it like the arm whose control it is; a lower tau, a \
                 smaller share of hard slices or more patients leave it others"
            ),
            Self::DamagedCheckpoint { message } => {
                write!(
                    f,
                    "{message}; going on from an earlier one, if there is one"
                )
            }
        }
    }
}

/// Listens to a long piece of work.
pub trait Observer: Sync {
    /// Called for every event, from the thread that works.
    fn notify(&self, event: &Event<'_>);

    /// Whether the work is to stop where it can go on later: a training saves a checkpoint and ends
    /// with [`FitError::Stopped`](crate::FitError::Stopped). Asked after every step.
    fn wants_stop(&self) -> bool {
        false
    }
}

/// Tells an observer how far one stage has come.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "an observer has no text form")]
pub struct Reporter<'a> {
    /// What to call the stage.
    pub stage: &'a str,
    /// Who is told.
    pub observer: &'a dyn Observer,
}

impl Reporter<'_> {
    /// The stage begins: `n` units of work, `done` of them done before.
    pub fn started(&self, n: u64, done: u64) {
        let stage = self.stage;
        self.observer.notify(&Event::Started { stage, n, done });
    }

    /// Units done so far.
    pub fn advanced(&self, done: u64) {
        self.observer.notify(&Event::Advanced { done });
    }

    /// The stage is over.
    pub fn finished(&self) {
        self.observer.notify(&Event::Finished);
    }

    /// The stage was done in an earlier run.
    pub fn skipped(&self) {
        let stage = self.stage;
        self.observer.notify(&Event::Skipped { stage });
    }
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn notify(&self, _event: &Event<'_>) {}
}
