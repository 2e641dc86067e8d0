//! `hardslice mine`: which slices of A are hard.

use std::path::PathBuf;

use clap::Args;
use hardslice::experiment::Experiment;
use hardslice_data::balance::Tau;
use hardslice_data::split::{Split, facts};
use hardslice_data::store::Store;
use hardslice_train::Model;
use hardslice_train::round::{Workplace, mine_by_hand};

use super::device_arg::DeviceArg;
use crate::bars::{self, Bars, wall_time_s};
use crate::whole::protocol;
use crate::{Done, provenance};

/// Score every slice of A with a model and find the hard ones.
///
/// A slice is hard if its Dice is below tau. tau is a number (0.923), "hardest 15 %", or
/// "validation": the model's lowest case Dice on the validation patients (the default).
///
/// Leaves DIR/mining/ledger.parquet (a row for each slice and organ: score, rule, decision, reason)
/// and DIR/mining/plan.csv (B and the hard slices), which `train --plan` reads.
#[derive(Debug, Args)]
pub(crate) struct Mine {
    /// The experiment's file.
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// The prepared cohort.
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// The folds.
    #[arg(long, value_name = "FILE.json")]
    split: PathBuf,
    /// The model that scores.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// How to set the threshold, in place of the experiment's own.
    #[arg(long)]
    tau: Option<Tau>,
    /// Where the ledger and the plan are written.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArg,
}

impl Mine {
    pub(crate) fn run(self) -> anyhow::Result<Done> {
        let mut experiment = Experiment::read(&self.experiment)?;
        if let Some(tau) = self.tau {
            experiment.mining.tau = tau;
        }
        let store = Store::open(&self.store)?;
        let device = self.device.open()?;
        let model = Model::read(&self.model, &device)?;
        let organs: Vec<_> = model.record.organ_names().cloned().collect();
        let split = Split::load(&self.split, &facts(&store, &organs))?;
        let bars = Bars::new();
        let place = Workplace {
            store: &store,
            split: &split,
            dir: &self.out,
            init: None,
            device: &device,
            observer: &bars,
            wall_time_s,
            force: false,
        };
        let taus = mine_by_hand(&protocol(&experiment, organs.clone())?, &place, &model)?;
        let settings = experiment.to_toml();
        let inputs = [self.split.as_path(), &self.model];
        provenance::of_command(&self.out, "mine", &settings, &inputs, &device)?;
        for (organ, tau) in organs.iter().zip(taus) {
            bars::print(&format!(
                "{organ}: {} of {} slices of A are below tau {:.3}",
                tau.n_hard, tau.n_scored, tau.value
            ))?;
        }
        Ok(Done::Clean)
    }
}
