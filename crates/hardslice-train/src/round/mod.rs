//! The protocol: train on B, score A, add the hard slices, train on, evaluate.
//!
//! [`RoundDir`] says what lies where.
//!
//! Every stage leaves files that tell whether it is done, so that a round can be stopped anywhere
//! and started again: it goes on and ends with the same bytes.

mod by_hand;
mod chain;
mod error;
mod stages;
mod trainer;

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use hardslice_data::Organ;
use hardslice_data::balance::{Arm, BalanceOptions};
use hardslice_data::mining::{MiningOptions, ResolvedTau};
use hardslice_data::split::Split;
use hardslice_data::store::Store;
use hardslice_eval::ScoreOptions;
use serde::{Deserialize, Serialize};

pub use by_hand::{Part, TrainByHand, mine_by_hand, train_by_hand};
pub use error::RoundError;

use crate::config::TrainConfig;
use crate::evaluate::TestScore;
use crate::layout::RoundDir;
use crate::net::NetConfig;
use crate::predict_options::PredictOptions;
use crate::progress::Observer;
use stages::{MiningRecord, Shared, Stages};

/// What is trained and compared. Decides the result together with store, split and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Protocol {
    /// The organs of the net, one output each.
    pub organs: Vec<Organ>,
    /// The net that is pre-trained on B and mines A.
    pub net: NetConfig,
    /// The net that is trained in the end, if it is another one: it starts from scratch.
    pub final_net: Option<NetConfig>,
    /// How nets are trained.
    pub train: TrainConfig,
    /// What makes a slice hard.
    pub mining: MiningOptions,
    /// Settings of single arms.
    pub balance: BalanceOptions,
    /// How predictions are finished.
    pub predict: PredictOptions,
    /// How predictions are scored.
    pub score: ScoreOptions,
    /// The arms, in any order.
    pub arms: Vec<Arm>,
    /// Seed of everything random.
    pub seed: u64,
    /// BLAKE3 of the weights to start from, where they are given.
    pub init_blake3: Option<String>,
}

/// Where a round works and who is told.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "an observer has no text form")]
pub struct RoundContext<'a> {
    /// The prepared cohort.
    pub store: &'a Store,
    /// Its folds.
    pub split: &'a Split,
    /// Where everything is written.
    pub dir: RoundDir,
    /// Weights to start from.
    pub init: Option<&'a Path>,
    /// Where nets are trained.
    pub device: &'a Device,
    /// Who is told.
    pub observer: &'a dyn Observer,
    /// Seconds since 1970, for logs.
    pub wall_time_s: fn() -> f64,
    /// Whether to go on from checkpoints of another instruction set.
    pub force: bool,
}

/// What a round ends with.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundOutcome {
    /// Scores of each arm on the test patients.
    pub arms: Vec<(Arm, Vec<TestScore>)>,
    /// The threshold of each organ, if A was mined.
    pub taus: Option<Vec<ResolvedTau>>,
    /// Slices of A, if A was mined.
    pub n_a: usize,
    /// Whether the test set was used to set a threshold.
    pub leaky: bool,
}

/// Runs the protocol, going on where it was stopped.
///
/// # Errors
///
/// [`RoundError`] of the stage that failed; what was done before stays.
pub fn run(protocol: &Protocol, context: &RoundContext<'_>) -> Result<RoundOutcome, RoundError> {
    let stages = Stages::new(protocol, context, protocol.net.context)?;
    let trained = train_arms(&stages)?;
    evaluate_arms(&stages, trained)
}

/// Does all of [`run`] but the evaluation: the test set stays closed (but for tau = `paper`).
///
/// # Errors
///
/// As [`run`].
pub fn train(protocol: &Protocol, context: &RoundContext<'_>) -> Result<(), RoundError> {
    train_arms(&Stages::new(protocol, context, protocol.net.context)?).map(drop)
}

/// Does what the arms share, pre-training on B and mining, and nothing else: after that the arms
/// can be [trained](train) side by side, each in its own folder.
///
/// With tau = `paper` A cannot be mined before the baseline is trained and evaluated: [`train`]
/// must do all arms at once then.
///
/// # Errors
///
/// As [`run`].
pub fn share(protocol: &Protocol, context: &RoundContext<'_>) -> Result<(), RoundError> {
    let stages = Stages::new(protocol, context, protocol.net.context)?;
    stages.share(&protocol.arms, None).map(drop)
}

/// Predicts and scores the test patients with the models of all arms, which must have been
/// [trained](train): nothing is trained here, and no optimiser's state is loaded.
///
/// # Errors
///
/// [`RoundError::NotTrained`] names what is missing; else as [`run`].
pub fn evaluate(
    protocol: &Protocol,
    context: &RoundContext<'_>,
) -> Result<RoundOutcome, RoundError> {
    let mut stages = Stages::new(protocol, context, protocol.net.context)?;
    stages.trainer.may_train = false;
    let trained = train_arms(&stages)?;
    evaluate_arms(&stages, trained)
}

/// What is there before the test set is opened.
struct Trained {
    arms: BTreeSet<Arm>,
    of_a: Option<MiningRecord>,
}

fn train_arms(stages: &Stages<'_>) -> Result<Trained, RoundError> {
    let arms: BTreeSet<Arm> = stages.trainer.protocol.arms.iter().copied().collect();
    let (after_shared, alone): (Vec<Arm>, Vec<Arm>) =
        arms.iter().partition(|arm| arm.needs_shared());
    let mut baseline = None;
    for arm in alone {
        let model = stages.train_arm(arm, &Shared::default())?;
        if arm == Arm::Baseline {
            baseline = Some(model);
        }
    }
    let shared = stages.share(&after_shared, baseline.as_ref())?;
    for arm in after_shared {
        stages.train_arm(arm, &shared)?;
    }
    Ok(Trained {
        arms,
        of_a: shared.of_a,
    })
}

/// The test set is read here for the first time (but by tau = "paper", which says so).
fn evaluate_arms(stages: &Stages<'_>, trained: Trained) -> Result<RoundOutcome, RoundError> {
    let arms = trained.arms.into_iter();
    let arms = arms.map(|arm| Ok((arm, stages.evaluate(arm)?)));
    let arms = arms.collect::<Result<Vec<_>, RoundError>>()?;
    let taus = trained.of_a.map(|mined| mined.taus);
    Ok(RoundOutcome {
        arms,
        leaky: taus.iter().flatten().any(|tau| tau.leaky),
        taus,
        n_a: stages.folds.a.len(),
    })
}
