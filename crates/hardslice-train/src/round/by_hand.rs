//! Single steps of the protocol, for those who go through it by hand.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use hardslice_data::balance::{Arm, Plan};
use hardslice_data::mining::{ResolvedTau, Tau, TauError, read_plan};
use hardslice_data::store::Store;
use hardslice_data::{CaseId, Missing, Share};

use super::chain::{BY_HAND, PhaseChain, hand_on_best};
use super::check::validation_for_tau;
use super::stages::Stages;
use super::trainer::Trainer;
use super::{Protocol, RoundContext, RoundError};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::config::Lr0Setting;
use crate::fit::Phase;
use crate::layout::TrainingDir;
use crate::model::{Model, ModelRecord};
use crate::progress::{Event, Warning};

/// Which part of a training to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// The first half.
    First,
    /// The second half.
    Second {
        /// The folder of the training that ended with the first one: weights and optimiser go on from
        /// there.
        from: &'a Path,
    },
    /// Both halves with one plan.
    Whole,
}

/// A training by hand: a plan and a part of the schedule.
#[derive(Debug, Clone, Copy)]
pub struct TrainByHand<'a> {
    /// The plan's file (`case,z,weight,reason`); all slices of B when absent.
    pub plan: Option<&'a Path>,
    /// Which part of the schedule.
    pub part: Part<'a>,
}

/// Trains with one plan and leaves a training and a model in the context's folder.
///
/// # Errors
///
/// [`RoundError`] when the plan or the training to go on from cannot be read, or training fails.
pub fn train_by_hand(
    protocol: &Protocol,
    context: &RoundContext<'_>,
    job: &TrainByHand<'_>,
) -> Result<ModelRecord, RoundError> {
    let stages = Stages::new(protocol, context, protocol.net.context)?;
    let plan = match job.plan {
        Some(path) => {
            let plan = read_plan(path, context.store)?;
            refuse_held_out(&plan, path, &stages)?;
            plan
        }
        None => Arm::BOnly.first_half(&stages.candidates())?,
    };
    let mut is_leaky = job.plan.map_or(Ok(false), Plan::is_leaky_csv)?;
    let (name, steps) = part_steps(job.part, protocol);
    let dir = TrainingDir::new(context.dir.path());
    let mut chain = match job.part {
        Part::First | Part::Whole => PhaseChain::new(&stages.trainer, &protocol.net, BY_HAND)?,
        Part::Second { from } => {
            let from = TrainingDir::new(from);
            let record = ModelRecord::read(&from.model())?;
            let record = record.ok_or_else(|| RoundError::FirstHalfWithoutModel {
                path: from.path().to_owned(),
            })?;
            // A first half may have had a leaky plan of its own.
            is_leaky |= record.leaky;
            let chain = after_first_half(&stages, &from, steps.start, record.trained_on)?;
            hand_on_best(&from, &dir)?;
            chain
        }
    };
    let phase = Phase {
        name: name.to_owned(),
        stage: stages.trainer.stage("train", name),
        config: Cow::Borrowed(&protocol.train),
        lr0_setting: Lr0Setting::Common,
        plan,
        steps,
    };
    chain.advance(&stages.trainer, phase, dir.clone())?;
    stages.write_model(&mut chain, &protocol.net, is_leaky, &dir)
}

/// A net whose first half is over in this folder. `trained_on` are the scans that it was shown, none of which
/// may be held out now.
fn after_first_half<'a>(
    stages: &Stages<'a>,
    from: &TrainingDir,
    middle: u64,
    trained_on: BTreeSet<String>,
) -> Result<PhaseChain<'a>, RoundError> {
    let Trainer {
        protocol, context, ..
    } = stages.trainer;
    let damaged = |error: CheckpointError| {
        let message = error.to_string();
        let warning = Event::Warning(Warning::DamagedCheckpoint { message });
        context.observer.notify(&warning);
    };
    let saved = Checkpoint::newest(&from.checkpoints(), damaged)?;
    let path = || from.checkpoints();
    let saved = saved.ok_or_else(|| RoundError::NoCheckpoint { path: path() })?;
    if saved.position.step != middle {
        return Err(RoundError::OtherHalf {
            found: saved.position.step,
            wanted: middle,
            path: path(),
        });
    }
    let held_out = stages.folds.test.iter().chain(&stages.folds.validation);
    let held_out: Vec<usize> = held_out.copied().collect();
    if let Some(case) = trained_among(&trained_on, context.store, &held_out).first() {
        return Err(RoundError::FirstHalfHeldOut {
            case: (*case).to_string(),
            path: from.path().to_owned(),
        });
    }
    PhaseChain::from_checkpoint(&stages.trainer, &protocol.net, BY_HAND, saved, trained_on)
}

/// Refuses a plan that shows slices of patients who are held out.
fn refuse_held_out(plan: &Plan, path: &Path, stages: &Stages<'_>) -> Result<(), RoundError> {
    let candidates = stages.candidates();
    let trained = candidates.a.iter().chain(candidates.b);
    let trained: BTreeSet<u32> = trained.map(|candidate| candidate.slice.case_idx).collect();
    let mut entries = plan.entries().iter();
    match entries.find(|entry| !trained.contains(&entry.slice.case_idx)) {
        None => Ok(()),
        Some(entry) => Err(RoundError::HeldOut {
            case: stages.trainer.context.store.cases()[entry.slice.case()]
                .id
                .to_string(),
            path: path.to_owned(),
        }),
    }
}

/// Scores A with a model, mines it and leaves `mining/ledger.parquet` and `mining/plan.csv` (B and the
/// hard slices) in the context's folder.
///
/// # Errors
///
/// [`RoundError`] when the threshold cannot be worked out or a file cannot be written.
pub fn mine_by_hand(
    protocol: &Protocol,
    context: &RoundContext<'_>,
    model: &Model,
) -> Result<Vec<ResolvedTau>, RoundError> {
    let stages = stages_of_mining(protocol, context, model)?;
    let weights_blake3 = &model.record.weights_blake3;
    let mined = stages.mine_by_model(&model.net, weights_blake3)?;
    stages.warn_of_controls(&mined.hard)?;
    Ok(mined.taus)
}

/// As [`mine_by_hand`], but that only a share of A is scored, in this process: others score the other
/// shares, at the same time and into the same folder, and whoever comes last mines what all scored and
/// leaves the bytes of one run. Until then there is no threshold, but a list of the shares that are
/// missing.
///
/// # Errors
///
/// As [`mine_by_hand`].
pub fn mine_share_by_hand(
    protocol: &Protocol,
    context: &RoundContext<'_>,
    model: &Model,
    share: Share,
) -> Result<Result<Vec<ResolvedTau>, Missing>, RoundError> {
    let stages = stages_of_mining(protocol, context, model)?;
    let weights_blake3 = &model.record.weights_blake3;
    match stages.mine_share_by_model(&model.net, weights_blake3, share)? {
        Err(missing) => Ok(Err(missing)),
        Ok(mined) => {
            stages.warn_of_controls(&mined.hard)?;
            Ok(Ok(mined.taus))
        }
    }
}

/// The cases of which a model was shown slices.
fn trained_among<'s>(
    trained_on: &BTreeSet<String>,
    store: &'s Store,
    cases: &[usize],
) -> Vec<&'s CaseId> {
    let cases = cases.iter().map(|case| &store.cases()[*case]);
    let known = cases.filter(|case| trained_on.contains(&case.source.voxels_blake3));
    known.map(|case| &case.id).collect()
}

/// What mines with a model, if the threshold can be worked out and the model has not seen what it is to
/// score.
fn stages_of_mining<'a>(
    protocol: &'a Protocol,
    context: &'a RoundContext<'a>,
    model: &Model,
) -> Result<Stages<'a>, RoundError> {
    if let (Tau::Paper, Some(organ)) = (protocol.mining.tau, protocol.organs.first()) {
        return Err(TauError::NoBaseline {
            organ: organ.to_string(),
        }
        .into());
    }
    let stages = Stages::new(protocol, context, model.record.net.context)?;
    validation_for_tau(&stages)?;
    let of_a: BTreeSet<usize> = stages
        .folds
        .a
        .iter()
        .map(|slice| slice.slice.case())
        .collect();
    let of_a: Vec<usize> = of_a.into_iter().collect();
    let known = trained_among(&model.record.trained_on, context.store, &of_a);
    match known.first() {
        None => Ok(stages),
        Some(first) => Err(RoundError::KnowsA {
            n: known.len(),
            n_a: of_a.len(),
            case: (*first).to_string(),
        }),
    }
}

fn part_steps(part: Part<'_>, protocol: &Protocol) -> (&'static str, Range<u64>) {
    let (n, middle) = (protocol.train.steps, protocol.train.first_half());
    match part {
        Part::First => ("first", 0..middle),
        Part::Second { .. } => ("second", middle..n),
        Part::Whole => ("whole", 0..n),
    }
}
