//! The options of the commands that run many rounds.

use std::collections::btree_map::Entry;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use hardslice_data::Organ;
use hardslice_data::manifest::Manifest;

use super::device_arg::DeviceArg;
use super::job_args::JobArgs;
use super::label_args::organ;
use crate::bars::Bars;
use crate::campaign::{
    Campaign, Forecast, Splits, Trial, check_that_someone_is_tested, command_for_jobs,
};
use crate::cohort::listed_folds;
use crate::experiment::Experiment;
use crate::layout::OutDir;
use crate::outputs::{folder_out, refuse_over_experiment};

#[derive(Debug, Args)]
pub(crate) struct CampaignArgs {
    /// The experiment's file.
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// Where everything is written.
    #[arg(long, value_name = "DIR", value_parser = folder_out())]
    pub(crate) out: PathBuf,
    /// Only these organs; those of the experiment when absent.
    #[arg(long = "organ", value_name = "ORGAN", num_args = 1.., value_parser = organ)]
    organs: Vec<Organ>,
    /// Trainings side by side, each with its share of the threads. The results are the same.
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,
    /// Say what would be done and how long it would take, and stop.
    #[arg(long, conflicts_with_all = ["write_jobs", "job"])]
    pub(crate) dry_run: bool,
    /// Go on from checkpoints that another instruction set made, though it rounds differently.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub(crate) device: DeviceArg,
    #[command(flatten)]
    pub(crate) queue: JobArgs,
}

impl CampaignArgs {
    /// The experiment with the options' own organs.
    pub(crate) fn experiment(&self) -> anyhow::Result<Experiment> {
        let mut experiment = Experiment::read(&self.experiment)?;
        if !self.organs.is_empty() {
            experiment.organs.clone_from(&self.organs);
        }
        refuse_over_experiment(&self.experiment, &experiment, &OutDir::new(&self.out))?;
        Ok(experiment)
    }

    /// The command with its options, as jobs repeat it; `own` are those that only it has.
    pub(crate) fn command(&self, name: &str, own: Vec<String>) -> anyhow::Result<Vec<String>> {
        let mut command = command_for_jobs(name, &self.experiment, &self.out)?;
        command.extend(own);
        if !self.organs.is_empty() {
            command.push("--organ".to_owned());
            command.extend(self.organs.iter().map(ToString::to_string));
        }
        command.extend(self.device.as_given());
        command.extend(self.force.then(|| "--force".to_owned()));
        Ok(command)
    }

    pub(crate) fn campaign<'a>(
        &'a self,
        experiment: &'a Experiment,
        device: &'a burn::tensor::Device,
        bars: &'a Bars,
    ) -> Campaign<'a> {
        Campaign {
            experiment,
            out: OutDir::new(&self.out),
            device,
            bars,
            jobs: self.jobs.max(1),
            force: self.force,
        }
    }
}

/// The folds of trials on these organs by the cohort's list alone, each once; refused are those that it
/// cannot give, before anything is read or announced.
pub(crate) fn all_listed_folds(
    manifest: &Manifest,
    organs: &[Organ],
    trials: &[Trial],
) -> anyhow::Result<Splits> {
    let mut splits = Splits::new();
    for trial in trials {
        if let Entry::Vacant(vacant) = splits.entry(trial.name.split()) {
            let split = listed_folds(manifest, &trial.experiment, organs);
            vacant.insert(split.with_context(|| format!("in {}", trial.name))?);
        }
    }
    check_that_someone_is_tested(&splits)?;
    Ok(splits)
}

/// Prints what is going to be done.
pub(crate) fn announce(campaign: &Campaign<'_>, trials: &[Trial]) -> anyhow::Result<()> {
    for trial in trials {
        let arms: Vec<&str> = trial.experiment.arms.iter().map(|arm| arm.name()).collect();
        campaign
            .bars
            .print(&format!("{}: {}", trial.name, arms.join(", ")))?;
    }
    campaign
        .bars
        .print(&Forecast::of(campaign, trials)?.to_string())
}
