//! Many rounds of one cohort: over organs, nets, ratios, folds and seeds.
//!
//! ```text
//! trials ── train: what the arms of a trial share, then the arms, side by side
//!      └── evaluate: the test set is opened here, when every arm of every trial is trained
//! ```
//!
//! A trial is a round in a folder of its own, so a campaign goes on where it was stopped as a round
//! does. Trials share the store, and their split where it is the same.

mod forecast;
mod jobs;
mod one_job;
mod planned;
mod progress;
mod scores;
mod seeds;
mod written;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;

use anyhow::{Context, anyhow};
use burn::tensor::Device;
use hardslice_data::Organ;
use hardslice_data::balance::Arm;
use hardslice_data::split::Split;
use hardslice_train::round::{self, FailedArm, Protocol, RoundContext, RoundOutcome};
use hardslice_train::{Observer, TestScore};
use hardslice_volume::{Action, FileError};

pub(crate) use forecast::Forecast;
pub(crate) use scores::{ScoreRow, write_scores};
pub(crate) use seeds::Seeds;
pub(crate) use written::{JobsOrigin, command_for_jobs};

use crate::bars::{Bars, wall_time_s};
use crate::cohort::{PreparedCohort, make_split};
use crate::experiment::Experiment;
use crate::layout::{OutDir, RoundName};
use crate::pipeline::protocol;
use crate::provenance;

/// The splits of a campaign, by their files.
pub(crate) type Splits = BTreeMap<String, Split>;

/// The arms whose training failed, by the place of their trial.
pub(crate) type Failed = BTreeMap<usize, Vec<FailedArm>>;

/// What came of each round of a campaign, by its name.
pub(crate) fn named_outcomes<'o>(
    trials: &'o [Trial],
    outcomes: &'o [RoundOutcome],
) -> impl Iterator<Item = (RoundName, &'o RoundOutcome)> + Clone {
    let names = trials.iter().map(|trial| trial.name.clone());
    names.zip(outcomes)
}

/// One round of a campaign.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    /// Its settings: net, seed, split, arms.
    pub(crate) experiment: Experiment,
    /// The organs of its net.
    pub(crate) organs: Vec<Organ>,
    /// What it is a round of: its folder and its split's file follow from it.
    pub(crate) name: RoundName,
}

/// Where a campaign works.
pub(crate) struct Campaign<'a> {
    /// What all trials have in common.
    pub(crate) experiment: &'a Experiment,
    pub(crate) out: OutDir,
    pub(crate) device: &'a Device,
    pub(crate) bars: &'a Bars,
    /// Trainings at a time.
    pub(crate) jobs: usize,
    /// Whether to go on from checkpoints of another instruction set.
    pub(crate) force: bool,
}

impl Campaign<'_> {
    /// Prepares the cohort.
    pub(crate) fn prepare(&self) -> anyhow::Result<PreparedCohort> {
        PreparedCohort::prepare(self.experiment, &self.out, self.bars)
    }

    /// Writes down what is begun, where nothing is written down yet.
    pub(crate) fn record_begin(&self, cohort: &PreparedCohort) -> anyhow::Result<()> {
        provenance::begin(&self.out, self.experiment, cohort, self.device)
    }

    /// Writes down what was done: not before all is known to be trained as it says.
    pub(crate) fn record(&self, cohort: &PreparedCohort) -> anyhow::Result<()> {
        provenance::write(&self.out, self.experiment, cohort, self.device)
    }

    /// Refuses trials that could not be trained to their ends, before the first step of any.
    pub(crate) fn check(
        &self,
        cohort: &PreparedCohort,
        trials: &[Trial],
        splits: &Splits,
    ) -> anyhow::Result<()> {
        for trial in trials {
            let context = self.context(cohort, trial, splits, self.bars)?;
            let checked = round::check(&trial.protocol()?, &context);
            checked.with_context(|| format!("in {}", trial.name))?;
        }
        Ok(())
    }

    /// Trains every arm of every trial. The test set stays closed (but for tau = `paper`). Gives the
    /// arms of each trial whose training failed.
    pub(crate) fn train(
        &self,
        cohort: &PreparedCohort,
        trials: &[Trial],
        splits: &Splits,
    ) -> anyhow::Result<Failed> {
        jobs::train(self, cohort, trials, splits)
    }

    /// Predicts and scores the test patients of every trial, which are trained but for the arms that
    /// failed.
    pub(crate) fn evaluate(
        &self,
        cohort: &PreparedCohort,
        trials: &[Trial],
        splits: &Splits,
        failed: &Failed,
    ) -> anyhow::Result<Vec<RoundOutcome>> {
        self.bars.begin("evaluate", trials.len() as u64, 0);
        let observer = progress::Quiet { bars: self.bars };
        let mut outcomes = Vec::new();
        for (trial_idx, trial) in trials.iter().enumerate() {
            let context = self.context(cohort, trial, splits, &observer)?;
            let mut protocol = trial.protocol()?;
            let failed = failed.get(&trial_idx).map_or(&[][..], Vec::as_slice);
            let is_trained = |arm: &Arm| failed.iter().all(|failed| failed.arm != *arm);
            protocol.arms.retain(is_trained);
            let mut outcome = round::evaluate(&protocol, &context)?;
            outcome.failed = failed.to_vec();
            outcomes.push(outcome);
            self.bars.advance(outcomes.len() as u64);
        }
        self.bars.end();
        Ok(outcomes)
    }

    /// The splits of the trials, each made once. Refused where nobody is tested in any of them: a
    /// campaign compares scores.
    pub(crate) fn splits(
        &self,
        cohort: &PreparedCohort,
        trials: &[Trial],
    ) -> anyhow::Result<Splits> {
        let mut splits = BTreeMap::new();
        let mut made = Vec::new();
        for trial in trials {
            let file = trial.name.split();
            let path = self.out.path().join(&file);
            if let Entry::Vacant(vacant) = splits.entry(file) {
                let (store, organs) = (&cohort.store, &cohort.organs);
                made.extend((!path.exists()).then(|| path.clone()));
                let split = make_split(&trial.experiment, store, organs, &path, self.bars)?;
                vacant.insert(split);
            }
        }
        let checked = check_that_someone_is_tested(&splits)
            .and_then(|()| check_that_divisions_differ(trials, &splits));
        if checked.is_err() {
            // With other options the same folder serves: nothing rests on these.
            for path in made {
                fs::remove_file(&path).map_err(Action::Remove.on(&path))?;
            }
        }
        checked.map(|()| splits)
    }

    fn context<'c>(
        &'c self,
        cohort: &'c PreparedCohort,
        trial: &'c Trial,
        splits: &'c Splits,
        observer: &'c dyn Observer,
    ) -> Result<RoundContext<'c>, FileError> {
        Ok(RoundContext {
            store: &cohort.store,
            split: &splits[&trial.name.split()],
            dir: self.out.make_round(&trial.name)?,
            init: trial.experiment.init.as_deref(),
            device: self.device,
            observer,
            wall_time_s,
            force: self.force,
        })
    }
}

/// Refuses splits in none of which anybody is tested.
pub(crate) fn check_that_someone_is_tested(splits: &Splits) -> anyhow::Result<()> {
    if splits.values().any(|split| !split.test.is_empty()) {
        return Ok(());
    }
    Err(anyhow!(
        "no patient is tested, so that there would be no score to compare: give [split] test patients \
         (of nnU-Net's folds the list `val`)"
    ))
}

/// Refuses divisions that are the same: they would pass for independent ones.
fn check_that_divisions_differ(trials: &[Trial], splits: &Splits) -> anyhow::Result<()> {
    let mut seen = BTreeMap::new();
    for trial in trials {
        let Some(division) = trial.name.division else {
            continue;
        };
        let split = &splits[&trial.name.split()];
        let key = (trial.name.fold, split.b.clone());
        let other = *seen.entry(key).or_insert(division);
        if other != division {
            return Err(anyhow!(
                "the divisions {other} and {division} put the same patients into B: the lists of the \
                 split say who they are, or so few divisions are possible that the best of all is \
                 taken each time; lower `n_candidates` in [split], or take fewer --splits"
            ));
        }
    }
    Ok(())
}

impl Trial {
    fn protocol(&self) -> anyhow::Result<Protocol> {
        protocol(&self.experiment, self.organs.clone())
    }

    /// The rows that its outcome adds to the table of scores.
    pub(crate) fn scores<'o>(
        &'o self,
        outcome: &'o RoundOutcome,
    ) -> impl Iterator<Item = ScoreRow> {
        let of_arm = |(arm, scores): &'o (Arm, Vec<TestScore>)| {
            scores.iter().map(|score| ScoreRow {
                arm: *arm,
                training: self.name.training(),
                net: self.net_name().to_owned(),
                ratio: self.experiment.split.ratio,
                score: score.clone(),
            })
        };
        outcome.arms.iter().flat_map(of_arm)
    }

    /// The net that is scored in the end: `unet` or `fcn8s`.
    pub(crate) fn net_name(&self) -> &'static str {
        let net = self.experiment.final_net.as_ref();
        net.unwrap_or(&self.experiment.net).name()
    }
}
