//! `hardslice mine`: which slices of A are hard.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use hardslice_data::Share;
use hardslice_data::balance::Arm;
use hardslice_data::mining::review::Reviewed;
use hardslice_data::mining::triage::Exclude;
use hardslice_data::mining::{Tau, prediction_folders};
use hardslice_data::split::{Split, facts};
use hardslice_data::store::Store;
use hardslice_train::Model;
use hardslice_train::layout::RoundDir;
use hardslice_train::round::{RoundContext, mine_by_hand, mine_share_by_hand};

use super::device_arg::DeviceArg;
use super::label_args::organ_map;
use crate::bars::{Bars, wall_time_s};
use crate::by_hand::{ByHand, ScoredBy};
use crate::cohort::refuse_other_store;
use crate::done::Done;
use crate::experiment::Experiment;
use crate::external::{ExternalMining, mine_predictions, print_taus, said_of_missing};
use crate::folder_lock::Held;
use crate::layout::provenance_beside;
use crate::notes::Notes;
use crate::outputs::{named_folder_out, refuse_in_round, refuse_over_inputs, refuse_within};
use crate::pipeline::protocol;
use crate::provenance;
use crate::provenance::{MadeOf, check_inputs};

/// Score every slice of A with a model, or by anybody's predictions, and find the hard ones.
///
/// With `--predictions` no model of ours is needed: DIR holds a label map for each case, on its scan's
/// grid and named by the case (as nnU-Net, MONAI and TotalSegmentator write them, or a folder with a
/// mask for each structure). They should come from models that did not see the case; of a trainer's
/// folder in nnU-Net's results the validation predictions of all folds are taken. Without
/// `--split` every labelled case is mined, and the plan shows all their slices, the hard ones more often
/// (`--arm all_emphasised`).
///
/// A slice is hard if its Dice is below tau. tau is a number (0.923), "hardest 15 %", or
/// "validation": the model's lowest case Dice on the validation patients (the default).
///
/// Leaves DIR/mining/ledger.parquet (a row for each slice and organ: score, rule, decision, reason)
/// and DIR/mining/plan.csv (with a split B and the hard slices), which `train --plan` reads.
#[derive(Debug, Args)]
pub(crate) struct Mine {
    /// The experiment's file.
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// The prepared cohort.
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// The folds; needed with --model.
    #[arg(long, value_name = "FILE.json")]
    split: Option<PathBuf>,
    /// The model that scores; this or --predictions.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Label maps of another program, in place of a model.
    #[arg(long, value_name = "DIR", conflicts_with = "model")]
    predictions: Option<PathBuf>,
    /// An organ and its values in the predictions, as kidney=2,3, or the names of its masks, as
    /// `kidney=kidney_left,kidney_right`; the cohort's own when absent.
    #[arg(long = "label", value_name = "ORGAN=LABELS")]
    labels: Vec<String>,
    /// Also read the probabilities beside each label map (nnU-Net's CASE.npz, which --npz leaves), so
    /// that the ledger has losses. A class is a label value.
    #[arg(long)]
    probabilities: bool,
    /// What the plan shows: hard (B and the hard slices), or `all_emphasised` (every slice of A and B,
    /// the hard ones more often), or any other arm of one part.
    /// By default hard with --split, which says who is in B, and `all_emphasised` without.
    #[arg(long, value_name = "ARM")]
    arm: Option<Arm>,
    /// How to set the threshold, in place of the experiment's own.
    #[arg(long)]
    tau: Option<Tau>,
    /// Keep such hard slices out of the plan: suspects (their labels look wrong), broken, redundant,
    /// reviewed-wrong (reviewers found label or scan wrong); in place of the experiment's own
    /// `exclude`.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    exclude: Vec<String>,
    /// The verdicts of reviewers, as `review` writes them, in place of the experiment's own.
    #[arg(long, value_name = "FILE.csv")]
    reviews: Option<PathBuf>,
    /// Score this share of A alone, as 2/5, the second of five; others are scored by other processes, on
    /// any machine that sees DIR, at the same time or not. Whichever comes last joins them, and leaves
    /// the bytes of one run. All on one instruction set: --instructions.
    #[arg(long = "part", value_name = "K/N")]
    share: Option<Share>,
    /// Where the ledger and the plan are written.
    #[arg(long, value_name = "DIR", value_parser = named_folder_out())]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArg,
}

/// What scores the slices.
enum Scorer<'a> {
    /// A model, and the folds that say which slices are in A.
    Model { dir: &'a Path, split: &'a Path },
    /// Label maps in a folder.
    Predictions(&'a Path),
}

impl Mine {
    /// What is mined may lie where the ledger and the plan would stand.
    fn refuse_over_inputs(&self) -> anyhow::Result<()> {
        refuse_in_round(&self.out)?;
        let mining = RoundDir::new(&self.out).mining();
        let written = [
            mining.ledger(),
            mining.plan(),
            mining.record(),
            mining.by_hand(),
            provenance_beside(&self.out)?,
        ];
        let files = std::iter::once(&self.experiment).chain(&self.split);
        let files = files.chain(&self.reviews);
        let read = files.chain(&self.model).chain(&self.predictions);
        refuse_over_inputs(written, read.cloned())?;
        if let Some(predictions) = &self.predictions {
            refuse_within(mining.path(), predictions)?;
            for folder in prediction_folders(predictions)? {
                check_inputs(&[&folder])?;
            }
        }
        Ok(())
    }

    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let mut experiment = Experiment::read(&self.experiment)?;
        if let Some(tau) = self.tau {
            experiment.mining.tau = tau;
        }
        if !self.exclude.is_empty() {
            experiment.mining.exclude = Exclude::try_from(self.exclude.clone())?;
        }
        if let Some(reviews) = &self.reviews {
            experiment.mining.reviewed = Reviewed::read(reviews)?;
        } else if experiment.mining.lacks_reviews() {
            return Err(anyhow!(
                "--exclude reviewed-wrong needs the verdicts: --reviews OUT/review/verdicts.csv, as \
                 `hardslice review OUT` writes them"
            ));
        }
        let scorer = self.scorer()?;
        self.refuse_over_inputs()?;
        let store = Store::open_verified(&self.store)?;
        let _held = Held::of(&self.out, self.share)?;
        let (model_dir, split_path) = match scorer {
            Scorer::Model { dir, split } => (dir, split),
            Scorer::Predictions(dir) => {
                return self.mine_predictions(dir, &experiment, &store, bars);
            }
        };
        let device = self.device.open_for(&mut experiment)?;
        let model = Model::read(model_dir, &device)?;
        let made_for = model.record.preprocessing();
        let prepared = store.options().preprocessing();
        if made_for != prepared {
            return Err(anyhow!(
                "the model takes slices of {} pixels and the window {:?} HU, and the store has {} and {:?}: \
                 prepare the cohort with the model's",
                made_for.size,
                made_for.window_hu,
                prepared.size,
                prepared.window_hu
            ));
        }
        let organs: Vec<_> = model.record.organ_names().cloned().collect();
        let split = Split::load(split_path, &facts(&store, &organs))?;
        refuse_other_store(&experiment, &store, Some((&split, split_path)))?;
        let context = RoundContext {
            store: &store,
            split: &split,
            dir: RoundDir::new(&self.out),
            init: None,
            device: &device,
            observer: bars,
            wall_time_s,
            force: false,
        };
        let protocol = protocol(&experiment, organs.clone())?;
        let taus = match self.share {
            None => mine_by_hand(&protocol, &context, &model)?,
            Some(share) => match mine_share_by_hand(&protocol, &context, &model, share)? {
                Ok(taus) => taus,
                Err(missing) => {
                    bars.print(&said_of_missing(share, &missing))?;
                    return Ok(Done::Clean);
                }
            },
        };
        let by_hand = ByHand {
            scored_by: ScoredBy::Model(model_dir.to_owned()),
            split: Some(split_path.to_owned()),
            arm: Arm::Hard,
        };
        by_hand.write(&context.dir)?;
        let settings = experiment.to_toml()?;
        let inputs = [split_path, model_dir];
        let made_of = MadeOf {
            command: "mine",
            settings: &settings,
            inputs: &inputs,
            notes: &Notes::default(),
        };
        provenance::of_command(&self.out, &made_of, &device)?;
        print_taus(&organs, &taus, bars)?;
        Ok(Done::Clean)
    }

    fn scorer(&self) -> anyhow::Result<Scorer<'_>> {
        // clap lets what requires --predictions pass beside --model, which excludes them.
        let of_predictions = [
            ("--arm", self.arm.is_some()),
            ("--label", !self.labels.is_empty()),
            ("--probabilities", self.probabilities),
        ];
        let mut given = of_predictions.iter().filter(|(_, is_given)| *is_given);
        if self.predictions.is_none()
            && let Some((option, _)) = given.next()
        {
            return Err(anyhow!(
                "{option} is for label maps of another program, --predictions DIR: with a model the plan \
                 is that of `hard`, and `run` trains the other arms"
            ));
        }
        match (&self.predictions, &self.model, &self.split) {
            (Some(predictions), ..) => Ok(Scorer::Predictions(predictions)),
            (None, Some(dir), Some(split)) => Ok(Scorer::Model { dir, split }),
            (None, ..) => Err(anyhow!(
                "what scores the slices? A model and the folds, --model DIR --split FILE.json, or label \
                 maps of any program, --predictions DIR"
            )),
        }
    }

    fn mine_predictions(
        &self,
        predictions: &Path,
        experiment: &Experiment,
        store: &Store,
        bars: &Bars,
    ) -> anyhow::Result<Done> {
        let of_model = RoundDir::new(&self.out).mining().record();
        if of_model.exists() {
            return Err(anyhow!(
                "a model's mining stands there, which trainings rest on: name another --out ({})",
                of_model.display()
            ));
        }
        let organs = organ_map(&self.labels)?;
        let mining = ExternalMining {
            experiment,
            store,
            split: self.split.as_deref(),
            predictions,
            labels: organs.as_ref(),
            probabilities: self.probabilities,
            share: self.share,
            arm: self.arm.unwrap_or(if self.split.is_some() {
                Arm::Hard
            } else {
                Arm::AllEmphasised
            }),
            out: &self.out,
        };
        mine_predictions(&mining, bars)
    }
}
