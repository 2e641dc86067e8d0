//! `hardslice run`: the whole protocol from one file.

use std::path::PathBuf;

use clap::Args;
use hardslice_data::{Organ, identity};

use super::device_arg::DeviceArg;
use super::job_args::JobArgs;
use crate::bars::Bars;
use crate::campaign::{Campaign, JobsOrigin, Trial, command_for_jobs};
use crate::cohort::{PreparedCohort, make_split};
use crate::done::Done;
use crate::experiment::Experiment;
use crate::job_folder::Alone;
use crate::layout::{LeftBy, OutDir, RoundName};
use crate::outputs::{folder_out, refuse_over_experiment};
use crate::pipeline::{RunArgs, nets, run_whole};
use crate::report;

/// Run the whole protocol from one file: prepare, split, train, mine, train on, predict, evaluate,
/// report.
///
/// Stopped at any moment (Ctrl-C, a crash, kill -9), the same command goes on where it was and ends
/// with the same bytes as if it had never stopped.
///
/// A short experiment:
///
/// ```toml
/// preset = "laptop"            # or demo, workstation, paper
/// organs = ["liver"]
/// [cohort]
/// path = "cohort.csv"          # columns: case, patient, image, labels, organs
/// labels = { liver = [1], kidney = [2, 3] }
/// ```
///
/// It leaves in DIR: report.html, summary.json, scores.csv, table.md, experiment.toml (every value
/// spelt out), provenance.json, store/, split.json, pictures/ and a folder for each organ with a folder for
/// each arm: model/, predictions/, train.csv, tensorboard/, plan.csv; mining/ledger.parquet holds
/// each slice of A with its score and the decision.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Run {
    /// The experiment's file.
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// Where everything is written.
    #[arg(long, value_name = "DIR", value_parser = folder_out())]
    out: PathBuf,
    /// Go on from checkpoints that another instruction set made, though it rounds differently.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    queue: JobArgs,
}

impl Run {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let mut experiment = Experiment::read(&self.experiment)?;
        let out = OutDir::new(&self.out);
        let device = self.device.open_in(&mut experiment, &out)?;
        refuse_over_experiment(&self.experiment, &experiment, &out)?;
        let campaign = Campaign {
            experiment: &experiment,
            out,
            device: &device,
            bars,
            jobs: 1,
            force: self.force,
        };
        if let Some(id) = self.queue.job {
            return campaign.do_job(id, |cohort| {
                let trials = trials(&experiment, &cohort.organs);
                Ok((trials, hash_of(&experiment, cohort)?))
            });
        }
        campaign.out.refuse_other_command(LeftBy::Run)?;
        if self.queue.write_jobs {
            return self.write_jobs(&campaign);
        }
        let finished = run_whole(&RunArgs {
            experiment: &experiment,
            out: &self.out,
            device: &device,
            bars,
            force: self.force,
        })?;
        if finished.n_evaluated() > 0 {
            report::write_or_warn(&self.out, bars)?;
        }
        if campaign.out.jobs().record().exists() {
            let cohort = PreparedCohort::open(&experiment, &campaign.out)?;
            let trials = trials(&experiment, &cohort.organs);
            let hash = hash_of(&experiment, &cohort)?;
            let failed = finished.rounds.iter().enumerate();
            let failed = failed.map(|(trial, (_, round))| (trial, round.failed.clone()));
            campaign.mark_jobs_done(&trials, &hash, &failed.collect())?;
        }
        finished.conclude(bars)
    }

    fn write_jobs(&self, campaign: &Campaign<'_>) -> anyhow::Result<Done> {
        let mut lock = Alone::of(&campaign.out)?;
        let cohort = campaign.prepare()?;
        let (store, organs) = (&cohort.store, &cohort.organs);
        let path = campaign.out.split();
        let split = make_split(campaign.experiment, store, organs, &path, campaign.bars)?;
        let trials = trials(campaign.experiment, organs);
        let splits = trials
            .iter()
            .map(|trial| (trial.name.split(), split.clone()));
        campaign.check(&cohort, &trials, &splits.collect())?;
        campaign.record_begin(&cohort)?;
        let mut command = command_for_jobs("run", &self.experiment, &self.out)?;
        command.extend(self.device.as_given());
        command.extend(self.force.then(|| "--force".to_owned()));
        let origin = JobsOrigin {
            command,
            campaign_blake3: hash_of(campaign.experiment, &cohort)?,
        };
        campaign.write_jobs(&mut lock, &trials, &origin)?;
        Ok(cohort.done)
    }
}

/// A round for each net.
fn trials(experiment: &Experiment, organs: &[Organ]) -> Vec<Trial> {
    let nets = nets(experiment, organs).into_iter();
    let trial = |organs: Vec<Organ>| Trial {
        experiment: experiment.clone(),
        name: RoundName::of_organs(&organs),
        organs,
    };
    nets.map(trial).collect()
}

/// Hash of all that decides which rounds there are and what they leave.
fn hash_of(experiment: &Experiment, cohort: &PreparedCohort) -> anyhow::Result<String> {
    let of_all = ("run", experiment.without_folders()?, &cohort.organs);
    Ok(identity(&(of_all, cohort.store.content_hash())))
}
