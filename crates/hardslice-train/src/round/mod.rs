//! The protocol: train on B, score A, add the hard slices, train on, evaluate.
//!
//! [`RoundDir`] says what lies where.
//!
//! Every stage leaves files that tell whether it is done, so that a round can be stopped anywhere
//! and started again: it goes on and ends with the same bytes.

mod by_hand;
mod chain;
mod check;
mod error;
mod not_learnt;
mod stages;
mod trainer;

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use hardslice_data::Organ;
use hardslice_data::balance::{Arm, BalanceOptions};
use hardslice_data::mining::{MiningOptions, ResolvedTau, Tau};
use hardslice_data::split::Split;
use hardslice_data::store::Store;
use hardslice_eval::ScoreOptions;
use serde::{Deserialize, Serialize};

pub use by_hand::{Part, TrainByHand, mine_by_hand, mine_share_by_hand, train_by_hand};
pub use check::check;
pub use error::RoundError;
pub use not_learnt::{NotLearnt, TrainedNet, not_learnt, nothing_learnt_of};

use crate::config::TrainConfig;
use crate::evaluate::TestScore;
use crate::layout::RoundDir;
use crate::model::ModelRecord;
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
    /// The instruction set that nets are trained on, where it was fixed in advance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
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
    /// Arms that have no scores because their training failed.
    pub failed: Vec<FailedArm>,
    /// Nets that had learnt nothing and were not given up.
    pub not_learnt: Vec<NotLearnt>,
}

/// An arm whose training diverged or collapsed, or that of the net that it goes on from: the same
/// settings would fail again, and the other arms need not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedArm {
    /// The arm.
    pub arm: Arm,
    /// Why, with all causes, and what to try.
    pub because: String,
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

/// Does all of [`run`] but the evaluation: the test set stays closed (but for tau = `paper`). Gives the
/// arms whose training failed; the others are trained all the same.
///
/// # Errors
///
/// As [`run`].
pub fn train(
    protocol: &Protocol,
    context: &RoundContext<'_>,
) -> Result<Vec<FailedArm>, RoundError> {
    let stages = Stages::new(protocol, context, protocol.net.context)?;
    Ok(train_arms(&stages)?.failed)
}

/// Does what the arms share, pre-training on B and mining, and nothing else: after that the arms
/// can be [trained](train) side by side, each in its own folder. Gives the arms that cannot, because
/// what they share failed.
///
/// With tau = `paper` A cannot be mined before the baseline is trained and evaluated: [`train`]
/// must do all arms at once then.
///
/// # Errors
///
/// As [`run`].
pub fn share(
    protocol: &Protocol,
    context: &RoundContext<'_>,
) -> Result<Vec<FailedArm>, RoundError> {
    let stages = Stages::new(protocol, context, protocol.net.context)?;
    let after_shared = protocol.arms.iter().filter(|arm| arm.needs_shared());
    let after_shared: Vec<Arm> = after_shared.copied().collect();
    let mut failed = Vec::new();
    share_of(&stages, &after_shared, None, &mut failed)?;
    Ok(failed)
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
    failed: Vec<FailedArm>,
}

fn train_arms(stages: &Stages<'_>) -> Result<Trained, RoundError> {
    let arms: BTreeSet<Arm> = stages.trainer.protocol.arms.iter().copied().collect();
    let (mut after_shared, alone): (Vec<Arm>, Vec<Arm>) =
        arms.iter().partition(|arm| arm.needs_shared());
    let (mut baseline, mut failed) = (None, Vec::new());
    for arm in alone {
        let trained = stages.train_arm(arm, &Shared::default());
        let model = unless_failed(trained, &[arm], &mut failed)?;
        if arm == Arm::Baseline {
            baseline = model;
        }
    }
    let needs_baseline = stages.trainer.protocol.mining.tau == Tau::Paper;
    if let Some(of_baseline) = failed.iter().find(|failed| failed.arm == Arm::Baseline)
        && needs_baseline
    {
        let because = of_baseline.because.clone();
        let rest = after_shared.into_iter().map(|arm| FailedArm {
            arm,
            because: format!("its threshold is the baseline's: {because}"),
        });
        failed.extend(rest);
        return Ok(Trained::without(failed, arms, None));
    }
    let shared = share_of(stages, &after_shared, baseline.as_ref(), &mut failed)?;
    let Some(shared) = shared else {
        return Ok(Trained::without(failed, arms, None));
    };
    after_shared.retain(|arm| failed.iter().all(|failed| failed.arm != *arm));
    for arm in after_shared {
        let trained = stages.train_arm(arm, &shared);
        unless_failed(trained, &[arm], &mut failed)?;
    }
    Ok(Trained::without(failed, arms, shared.of_a))
}

/// Does what these arms share, as far as they need it; none where it failed for all of them.
fn share_of<'a>(
    stages: &Stages<'a>,
    arms: &[Arm],
    baseline: Option<&ModelRecord>,
    failed: &mut Vec<FailedArm>,
) -> Result<Option<Shared<'a>>, RoundError> {
    let shared = unless_failed(stages.share(arms, baseline), arms, failed)?;
    let Some(mut shared) = shared else {
        return Ok(None);
    };
    let of_both = arms.iter().filter(|arm| arm.needs_cross_fold());
    let of_both: Vec<Arm> = of_both.copied().collect();
    if !of_both.is_empty() {
        shared.of_b = unless_failed(stages.mine_b(&shared, baseline), &of_both, failed)?;
    }
    let has_failed = |arm: &Arm| failed.iter().any(|failed| failed.arm == *arm);
    let on_all = arms.iter().filter(|arm| arm.pretrains_on_all());
    let on_all: Vec<Arm> = on_all.copied().filter(|arm| !has_failed(arm)).collect();
    // Another net in the end begins from scratch.
    if !on_all.is_empty() && stages.trainer.protocol.final_net.is_none() {
        shared.pretrained_on_all = unless_failed(stages.pretrain_on_all(), &on_all, failed)?;
    }
    Ok(Some(shared))
}

impl Trained {
    fn without(
        failed: Vec<FailedArm>,
        mut arms: BTreeSet<Arm>,
        of_a: Option<MiningRecord>,
    ) -> Self {
        arms.retain(|arm| failed.iter().all(|failed| failed.arm != *arm));
        Self { arms, of_a, failed }
    }
}

/// What was made, or nothing where the settings of these arms failed; what the machine refuses stops
/// the round.
fn unless_failed<T>(
    made: Result<T, RoundError>,
    arms: &[Arm],
    failed: &mut Vec<FailedArm>,
) -> Result<Option<T>, RoundError> {
    match made {
        Ok(made) => Ok(Some(made)),
        Err(RoundError::Fit {
            arm: Some(arm),
            source,
        }) if source.is_of_settings() => {
            let because = format!("the training of `{arm}` failed: {source}");
            failed.extend(arms.iter().map(|arm| FailedArm {
                arm: *arm,
                because: because.clone(),
            }));
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// The test set is read here for the first time (but by tau = "paper", which says so).
fn evaluate_arms(stages: &Stages<'_>, trained: Trained) -> Result<RoundOutcome, RoundError> {
    let arms = trained.arms.into_iter();
    let arms = arms.map(|arm| Ok((arm, stages.evaluate(arm)?)));
    let arms = arms.collect::<Result<Vec<_>, RoundError>>()?;
    let of_arms = arms.iter().map(|(arm, _)| *arm);
    let not_learnt = not_learnt(&stages.trainer.context.dir, of_arms)?;
    let taus = trained.of_a.map(|mined| mined.taus);
    Ok(RoundOutcome {
        arms,
        leaky: taus.iter().flatten().any(|tau| tau.leaky),
        taus,
        n_a: stages.folds.a.len(),
        failed: trained.failed,
        not_learnt,
    })
}
