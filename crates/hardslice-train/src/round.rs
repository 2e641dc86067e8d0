//! The protocol: train on B, score A, add the hard slices, train on, evaluate.
//!
//! ```text
//! DIR/baseline/            arms: checkpoints/ train.csv tensorboard/ plan.csv best.safetensors
//! DIR/pretrained/                model/ predictions/ evaluation.json
//! DIR/mining/              ledger.parquet, mining.json
//! DIR/mining/of_b/         the same of B, by a net trained on A; only for arms that need it
//! DIR/{b_only,hard,...}/   an arm in several parts: part-1/ ..., the last part in its own folder
//! DIR/rounds/mining-1/     A, scored anew before the second part
//! ```
//!
//! Every stage leaves files that tell whether it is done, so that a round can be stopped anywhere
//! and started again: it goes on and ends with the same bytes.

mod by_hand;
mod error;
mod stages;

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use hardslice_data::balance::{Arm, BalanceOptions, Candidate, Candidates, ResolvedTau};
use hardslice_data::split::{Fold, Split};
use hardslice_data::store::Store;
use hardslice_data::{CaseId, Organ, SliceRef};
use hardslice_eval::ScoreOptions;
use serde::{Deserialize, Serialize};

pub use by_hand::{Part, TrainByHand, mine_by_hand, train_by_hand};
pub use error::RoundError;

use crate::batch::Lens;
use crate::config::TrainConfig;
use crate::evaluate::TestScore;
use crate::mine::MiningConfig;
use crate::model::Model;
use crate::net::NetConfig;
use crate::predict::PredictOptions;
use crate::progress::Observer;
use stages::{Mined, Shared, Stages};

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
    pub mining: MiningConfig,
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
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "an observer has no text form")]
pub struct Workplace<'a> {
    /// The prepared cohort.
    pub store: &'a Store,
    /// Its folds.
    pub split: &'a Split,
    /// Where everything is written.
    pub dir: &'a Path,
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
pub fn run(protocol: &Protocol, place: &Workplace<'_>) -> Result<RoundOutcome, RoundError> {
    let stages = Stages::new(protocol, place, protocol.net.context)?;
    let trained = train_arms(&stages)?;
    // The test set is read here for the first time (but by tau = "paper", which says so).
    let arms = trained
        .models
        .into_iter()
        .map(|(arm, model)| Ok((arm, stages.evaluate(arm, &model)?)))
        .collect::<Result<Vec<_>, RoundError>>()?;
    let taus = trained.mined.map(|mined| mined.taus);
    Ok(RoundOutcome {
        arms,
        leaky: taus.iter().flatten().any(|tau| tau.leaky),
        taus,
        n_a: stages.folds.a.len(),
    })
}

/// Does all of [`run`] but the evaluation: the test set stays closed (but for tau = `paper`).
///
/// # Errors
///
/// As [`run`].
pub fn train(protocol: &Protocol, place: &Workplace<'_>) -> Result<(), RoundError> {
    train_arms(&Stages::new(protocol, place, protocol.net.context)?).map(drop)
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
pub fn share(protocol: &Protocol, place: &Workplace<'_>) -> Result<(), RoundError> {
    let stages = Stages::new(protocol, place, protocol.net.context)?;
    stages.share(&protocol.arms, None).map(drop)
}

/// What is there before the test set is opened.
struct Trained {
    models: Vec<(Arm, Model)>,
    mined: Option<Mined>,
}

fn train_arms(stages: &Stages<'_>) -> Result<Trained, RoundError> {
    let arms: BTreeSet<Arm> = stages.protocol.arms.iter().copied().collect();
    let (on_b, on_all): (Vec<Arm>, Vec<Arm>) =
        arms.into_iter().partition(|arm| arm.pretrains_on_b());
    let mut models = Vec::new();
    for arm in on_all {
        models.push((arm, stages.train_arm(arm, &Shared::default())?));
    }
    let baseline = models.iter().find(|(arm, _)| *arm == Arm::Baseline);
    let shared = stages.share(&on_b, baseline.map(|(_, model)| model))?;
    for arm in on_b {
        models.push((arm, stages.train_arm(arm, &shared)?));
    }
    models.sort_by_key(|(arm, _)| *arm);
    Ok(Trained {
        models,
        mined: shared.mined,
    })
}

fn store_organs(protocol: &Protocol, store: &Store) -> Result<Vec<usize>, RoundError> {
    let place_of = |organ: &Organ| {
        store
            .organs()
            .index_of(organ)
            .ok_or_else(|| RoundError::UnknownOrgan {
                organ: organ.to_string(),
                known: store.organs().to_string(),
            })
    };
    protocol.organs.iter().map(place_of).collect()
}

/// The slices of each fold. Cases without an annotated organ of the net take no part.
struct Folds {
    a: Vec<Candidate>,
    b: Vec<Candidate>,
    validation: Vec<SliceRef>,
    test: Vec<usize>,
}

impl Folds {
    fn of(lens: &Lens<'_>, split: &Split) -> Self {
        let cases = |fold| cases_of(lens, split.cases(fold));
        let slices = |fold| {
            cases(fold)
                .into_iter()
                .flat_map(|case| Candidate::of_case(lens.store(), case, lens.organs()))
        };
        Self {
            a: slices(Fold::A).collect(),
            b: slices(Fold::B).collect(),
            validation: slices(Fold::Validation)
                .map(|candidate| candidate.slice)
                .collect(),
            test: cases(Fold::Test),
        }
    }

    fn candidates(&self, positive_weight: f64, seed: u64) -> Candidates<'_> {
        Candidates {
            a: &self.a,
            b: &self.b,
            positive_weight,
            seed,
        }
    }
}

fn cases_of(lens: &Lens<'_>, ids: &[CaseId]) -> Vec<usize> {
    let cases = lens.store().cases().iter().enumerate();
    cases
        .filter(|(case_idx, case)| ids.contains(&case.id) && lens.is_annotated(*case_idx))
        .map(|(case_idx, _)| case_idx)
        .collect()
}
