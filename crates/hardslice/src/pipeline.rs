//! The whole protocol: prepare, split, one round for each net, results, pictures.

use std::path::Path;

use anyhow::anyhow;
use burn::tensor::Device;
use hardslice_data::Organ;
use hardslice_train::round::{self, FailedArm, Protocol, RoundContext, RoundOutcome};

use crate::bars::{Bars, wall_time_s};
use crate::cohort::{PreparedCohort, make_split};
use crate::done::Done;
use crate::experiment::Experiment;
use crate::job_folder::Alone;
use crate::layout::{OutDir, RoundName};
use crate::{pictures, provenance, results};

/// What to run, where, and who is told.
pub(crate) struct RunArgs<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) out: &'a Path,
    pub(crate) device: &'a Device,
    pub(crate) bars: &'a Bars,
    pub(crate) force: bool,
}

/// What a whole run ends with.
pub(crate) struct Finished {
    pub(crate) done: Done,
    /// The organs of each net, and its round.
    pub(crate) rounds: Vec<(Vec<Organ>, RoundOutcome)>,
}

impl Finished {
    /// What the run comes to, when all else is done.
    pub(crate) fn conclude(&self, bars: &Bars) -> anyhow::Result<Done> {
        let rounds = self.rounds.iter();
        let rounds = rounds.map(|(organs, round)| (RoundName::of_organs(organs), round));
        Ok(self.done.and(conclude(rounds, bars)?))
    }

    /// How many arms have scores. Where none has, there is nothing to report.
    pub(crate) fn n_evaluated(&self) -> usize {
        self.rounds.iter().map(|(_, round)| round.arms.len()).sum()
    }
}

/// Runs the protocol, going on where it was stopped.
pub(crate) fn run_whole(args: &RunArgs<'_>) -> anyhow::Result<Finished> {
    let RunArgs {
        experiment,
        device,
        bars,
        ..
    } = *args;
    let out = OutDir::new(args.out);
    let lock = Alone::of(&out)?;
    let cohort = PreparedCohort::prepare(experiment, &out, bars)?;
    let (store, organs) = (&cohort.store, &cohort.organs);
    let split = make_split(experiment, store, organs, &out.split(), bars)?;
    let nets = nets(experiment, organs).into_iter().map(|organs| {
        let context = RoundContext {
            store,
            split: &split,
            dir: out.make_round(&RoundName::of_organs(&organs))?,
            init: experiment.init.as_deref(),
            device,
            observer: bars,
            wall_time_s,
            force: args.force,
        };
        Ok((protocol(experiment, organs)?, context))
    });
    let nets = nets.collect::<anyhow::Result<Vec<_>>>()?;
    for (protocol, context) in &nets {
        round::check(protocol, context)?;
    }
    provenance::begin(&out, experiment, &cohort, device)?;
    let mut rounds = Vec::new();
    for (protocol, context) in &nets {
        let round = round::run(protocol, context)?;
        rounds.push((protocol.organs.clone(), round));
    }
    provenance::write(&out, experiment, &cohort, device)?;
    results::write(&out, experiment, &rounds, bars)?;
    pictures::write(&out, store, &split, &rounds, bars)?;
    lock.check()?;
    Ok(Finished {
        done: cohort.done,
        rounds,
    })
}

/// What rounds come to, told when all else is done: an error where the training of an arm failed,
/// findings where a net has scores and had learnt nothing.
pub(crate) fn conclude<'o>(
    rounds: impl Iterator<Item = (RoundName, &'o RoundOutcome)> + Clone,
    bars: &Bars,
) -> anyhow::Result<Done> {
    let mut done = Done::Clean;
    for (place, round) in rounds.clone() {
        for net in &round.not_learnt {
            bars.line(&format!(
                "warning: {place}: {}{NOT_GIVEN_UP}",
                net.sentence()
            ));
            done = Done::Findings;
        }
    }
    fail_if_an_arm_did(rounds)?;
    Ok(done)
}

/// What follows for a net that had learnt nothing and was not given up.
pub(crate) const NOT_GIVEN_UP: &str = ": take what it predicts for that of a training that failed, and train \
    longer, or with more validations (n_validations), of which three in a row say what to change";

/// What went wrong with single arms; nothing where nothing did.
pub(crate) fn fail_if_an_arm_did<'o>(
    rounds: impl Iterator<Item = (RoundName, &'o RoundOutcome)>,
) -> anyhow::Result<()> {
    let (mut lines, mut n_evaluated) = (Vec::new(), 0);
    for (place, round) in rounds {
        n_evaluated += round.arms.len();
        for FailedArm { arm, because } in &round.failed {
            lines.push(format!(
                "{place}: the arm `{arm}` has no scores, because {because}"
            ));
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    let whole = match n_evaluated {
        0 => "no arm could be trained",
        _ => "some arms failed; all others are done and evaluated",
    };
    Err(anyhow!("{whole}\n{}", lines.join("\n")))
}

/// The organs of each net: one net for all, or one each.
pub(crate) fn nets(experiment: &Experiment, organs: &[Organ]) -> Vec<Vec<Organ>> {
    if experiment.one_net {
        return vec![organs.to_vec()];
    }
    organs.iter().map(|organ| vec![organ.clone()]).collect()
}

/// What a round of these organs is.
pub(crate) fn protocol(experiment: &Experiment, organs: Vec<Organ>) -> anyhow::Result<Protocol> {
    let init_blake3 = experiment.init.as_deref().map(provenance::hash_of_file);
    Ok(Protocol {
        organs,
        net: experiment.net.clone(),
        final_net: experiment.final_net.clone(),
        train: experiment.train.clone(),
        mining: experiment.mining.clone(),
        balance: experiment.balance,
        predict: experiment.predict,
        score: experiment.score,
        arms: experiment.arms.clone(),
        seed: experiment.training_seed(),
        init_blake3: init_blake3.transpose()?,
        instructions: experiment.instructions.clone(),
    })
}
