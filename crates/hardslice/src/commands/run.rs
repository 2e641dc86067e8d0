//! `hardslice run`: the whole protocol from one file.

use std::path::PathBuf;

use clap::Args;

use super::device_arg::DeviceArg;
use crate::bars::Bars;
use crate::done::Done;
use crate::experiment::Experiment;
use crate::layout::OutDir;
use crate::outputs::{folder_out, refuse_over_experiment};
use crate::pipeline::{RunArgs, run_whole};
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
}

impl Run {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let mut experiment = Experiment::read(&self.experiment)?;
        let device = self.device.open_for(&mut experiment)?;
        refuse_over_experiment(&self.experiment, &experiment, &OutDir::new(&self.out))?;
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
        finished.fail_if_an_arm_did()?;
        Ok(finished.done)
    }
}
