//! `hardslice train`: one training with one plan.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use hardslice_data::split::{Split, facts};
use hardslice_data::store::Store;
use hardslice_train::layout::{RoundDir, TrainingDir};
use hardslice_train::round::{Part, RoundContext, TrainByHand, nothing_learnt_of, train_by_hand};
use hardslice_train::{Model, Receipt};
use hardslice_volume::same_file::is_same_file;

use super::device_arg::DeviceArg;
use crate::bars::{Bars, wall_time_s};
use crate::cohort::{refuse_other_store, trained_organs};
use crate::done::Done;
use crate::experiment::Experiment;
use crate::folder_lock::FolderLock;
use crate::layout::provenance_beside;
use crate::notes::Notes;
use crate::outputs::{named_folder_out, refuse_in_round, refuse_over_inputs};
use crate::pipeline::{NOT_GIVEN_UP, protocol};
use crate::provenance;
use crate::provenance::MadeOf;

/// Train one net with one sampling plan.
///
/// By hand, the paper's arm is: `train --half first` on B, `mine` with the model that it leaves,
/// then `train --half second --plan MINED/mining/plan.csv --from PRETRAINED`. `run` does all of it,
/// with the controls. Trains one net for all organs of the experiment.
///
/// Leaves DIR/model, DIR/checkpoints, DIR/train.csv and DIR/tensorboard; stopped and started again
/// it goes on where it was.
#[derive(Debug, Args)]
pub(crate) struct Train {
    /// The experiment's file.
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// The prepared cohort.
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// The folds.
    #[arg(long, value_name = "FILE.json")]
    split: PathBuf,
    /// Which slices to show how often (case,z,weight,reason); all of B when absent.
    #[arg(long, value_name = "FILE.csv")]
    plan: Option<PathBuf>,
    /// Which part of the schedule to train.
    #[arg(long, value_enum, default_value = "whole")]
    half: HalfArg,
    /// With `--half second`: folder of the training that ended with the first half, from which weights
    /// and optimiser go on. (Weights to begin with, of any training: `init` in the experiment.)
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Where everything is written.
    #[arg(long, value_name = "DIR", value_parser = named_folder_out())]
    out: PathBuf,
    /// Go on from checkpoints that another instruction set made, though it rounds differently.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    device: DeviceArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HalfArg {
    /// Steps 0 to N/2.
    First,
    /// Steps N/2 to N.
    Second,
    /// All N steps.
    Whole,
}

impl Train {
    fn part(&self) -> anyhow::Result<Part<'_>> {
        match (self.half, &self.from) {
            (HalfArg::First, None) => Ok(Part::First),
            (HalfArg::Whole, None) => Ok(Part::Whole),
            (HalfArg::Second, Some(from)) => Ok(Part::Second { from }),
            (HalfArg::Second, None) => Err(anyhow!(
                "a second half goes on from a first one, with its weights and its optimiser's state: \
                 name the folder of that training, `--from PRETRAINED`"
            )),
            (HalfArg::First | HalfArg::Whole, Some(_)) => Err(anyhow!(
                "`--from` goes on from a first half, with `--half second`; weights to begin a training \
                 with are `init = \"PRETRAINED/model/weights.safetensors\"` in the experiment"
            )),
        }
    }

    /// A plan, or weights to begin with, may lie where the training would leave its own.
    fn refuse_over_inputs(&self, experiment: &Experiment) -> anyhow::Result<()> {
        refuse_in_round(&self.out)?;
        if let Some(from) = self
            .from
            .as_ref()
            .filter(|from| is_same_file(from, &self.out))
        {
            return Err(anyhow!(
                "{} holds the training that is gone on from, whose states would be written over: \
                 name another --out",
                from.display()
            ));
        }
        let read = [
            Some(&self.experiment),
            Some(&self.split),
            self.plan.as_ref(),
        ];
        let read = read.into_iter().flatten().chain(&experiment.init);
        let dir = TrainingDir::new(&self.out);
        let model = Model::files(&dir.model());
        let others = [
            dir.receipt(),
            dir.log(),
            dir.best(),
            provenance_beside(&self.out)?,
        ];
        refuse_over_inputs(model.into_iter().chain(others), read.cloned())
    }

    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let part = self.part()?;
        let mut experiment = Experiment::read(&self.experiment)?;
        self.refuse_over_inputs(&experiment)?;
        let device = self.device.open_for(&mut experiment)?;
        let store = Store::open_verified(&self.store)?;
        let organs = trained_organs(&experiment, store.organs())?;
        let split = Split::load(&self.split, &facts(&store, &organs))?;
        refuse_other_store(&experiment, &store, Some((&split, &self.split)))?;
        let _lock = FolderLock::of(&self.out)?;
        let context = RoundContext {
            store: &store,
            split: &split,
            dir: RoundDir::new(&self.out),
            init: experiment.init.as_deref(),
            device: &device,
            observer: bars,
            wall_time_s,
            force: self.force,
        };
        let job = TrainByHand {
            plan: self.plan.as_deref(),
            part,
        };
        let record = train_by_hand(&protocol(&experiment, organs)?, &context, &job)?;
        let half = format!("{:?}", self.half);
        let settings = (experiment.to_toml()?, half);
        let inputs: Vec<&Path> = [Some(&self.split), self.plan.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
            .collect();
        let made_of = MadeOf {
            command: "train",
            settings: &settings,
            inputs: &inputs,
            notes: &Notes::default(),
        };
        provenance::of_command(&self.out, &made_of, &device)?;
        bars.print(&format!(
            "{} after {} steps: {}",
            record.net.name(),
            record.steps,
            TrainingDir::new(&self.out).model().display()
        ))?;
        let over = Receipt::read(&TrainingDir::new(&self.out))?;
        let over = over.expect("a training that is over has left its receipt");
        if over.not_learnt().is_empty() {
            return Ok(Done::Clean);
        }
        let organs = nothing_learnt_of(over.not_learnt());
        bars.line(&format!("warning: the net {organs}{NOT_GIVEN_UP}"));
        Ok(Done::Findings)
    }
}
