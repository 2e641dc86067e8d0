//! Single steps of the protocol, for those who go through it by hand.

use std::ops::Range;
use std::path::Path;

use hardslice_data::balance::{Arm, Plan, ResolvedTau};

use super::stages::Stages;
use super::{Protocol, RoundError, Workplace};
use crate::checkpoint::Checkpoint;
use crate::fit::Half;
use crate::model::{Model, ModelRecord};

/// What a training by hand is called where others have the name of their arm.
const BY_HAND: &str = "by_hand";

/// Which part of a training to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first half.
    First,
    /// The second half.
    Second,
    /// Both halves with one plan.
    Whole,
}

/// A training by hand: a plan, a part of the schedule, and where to go on from.
#[derive(Debug, Clone, Copy)]
pub struct TrainByHand<'a> {
    /// The plan's file (`case,z,weight,reason`); all slices of B when absent.
    pub plan: Option<&'a Path>,
    /// Which part of the schedule.
    pub part: Part,
    /// Folder of the training to go on from; first weights when absent.
    pub from: Option<&'a Path>,
}

/// Trains with one plan and leaves a model's folder in `place.dir`.
///
/// # Errors
///
/// [`RoundError`] when the plan or the training to go on from cannot be read, or training fails.
pub fn train_by_hand(
    protocol: &Protocol,
    place: &Workplace<'_>,
    job: &TrainByHand<'_>,
) -> Result<ModelRecord, RoundError> {
    let stages = Stages::new(protocol, place, protocol.net.context)?;
    let plan = match job.plan {
        Some(path) => read_plan(path, place)?,
        None => Arm::BOnly.first_half(&stages.candidates())?,
    };
    let mut start = stages.fresh(&protocol.net)?;
    if let Some(from) = job.from {
        let checkpoints = from.join("checkpoints");
        let saved = Checkpoint::newest(&checkpoints, drop)?;
        let saved = saved.ok_or(RoundError::NoCheckpoint { path: checkpoints })?;
        let restored = start.restore(saved, &protocol.train, place.device, place.force);
        start = restored.map_err(|source| RoundError::Fit {
            arm: BY_HAND.to_owned(),
            source,
        })?;
    }
    let (name, steps) = part_steps(job.part, protocol);
    let half = Half {
        name,
        stage: &stages.stage("train", name),
        plan,
        steps,
    };
    let trainee = stages.fit(start, &half, (BY_HAND, &protocol.train), place.dir)?;
    Ok(stages
        .write_model(&trainee, &protocol.net, false, place.dir)?
        .record)
}

/// Scores A with a model, judges its slices and leaves `mining/ledger.parquet` and
/// `mining/plan.csv` (B and the hard slices) in `place.dir`.
///
/// # Errors
///
/// [`RoundError`] when the threshold cannot be worked out or a file cannot be written.
pub fn mine_by_hand(
    protocol: &Protocol,
    place: &Workplace<'_>,
    model: &Model,
) -> Result<Vec<ResolvedTau>, RoundError> {
    let stages = Stages::new(protocol, place, model.record.net.context)?;
    Ok(stages.mine(&model.net, None)?.taus)
}

fn read_plan(path: &Path, place: &Workplace<'_>) -> Result<Plan, RoundError> {
    Ok(Plan::read_csv(path, |name| place.store.place_of(name))?)
}

fn part_steps(part: Part, protocol: &Protocol) -> (&'static str, Range<u64>) {
    let (n, middle) = (protocol.train.steps, protocol.train.first_half());
    match part {
        Part::First => ("first", 0..middle),
        Part::Second => ("second", middle..n),
        Part::Whole => ("whole", 0..n),
    }
}
