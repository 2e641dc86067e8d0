//! `hardslice export`: a plan as nnU-Net, MONAI or a table take it, a ledger as FiftyOne does, a model
//! as one ONNX file.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use hardslice_data::Organ;
use hardslice_data::balance::Arm;
use hardslice_data::store::Store;
use hardslice_train::layout::RoundDir;

use crate::bars::Bars;
use crate::done::Done;
use crate::export::{Export, LedgerExport, PlanFormat, corrections, onnx};
use crate::layout::{LeftBy, OutDir, RoundName};
use crate::outputs::{check_file, check_folder};

/// Hand a sampling plan to nnU-Net, MONAI or your own loader, what was mined to FiftyOne, a model to another
/// program, or a list of wrong labels to whoever corrects them.
///
/// csv: a row for each slice of the plan: scan, labels, where the slice lies in its file (axis and
/// index, from 0), weight, reason.
///
/// monai: a datalist. An item of `training` is a slice of the plan with `axis`, `index` and
/// `weight` (for torch's `WeightedRandomSampler`); `validation` and `test` list scans.
///
/// nnunet: a dataset for the configuration 2d, its slices written on their own pixels, and
/// `splits_final.json`, which lists a slice as often as it weighs. --out names the dataset's folder,
/// as `nnUNet_raw/Dataset500_Liver`. Test patients are left out. It takes nnU-Net 2.6 or newer: up to
/// 2.5 a slice that is listed twice is drawn no more often than the others. To draw slices of whole
/// scans instead, see `hardslice nnunet --help`.
///
/// fiftyone: every slice that was mined as a picture with its labels, and what the ledger says of it:
/// Dice, loss, hard or easy, why, what the triage found. Load it in FiftyOne with
/// `Dataset.from_dir(DIR, dataset_type=fiftyone.types.LegacyFiftyOneDataset)`.
///
/// onnx: the model of an arm, or of --model, as one file for onnxruntime, tract and others (opset 13):
/// clipping, scaling and net, any number and size of slices. Input `hounsfield` [n, channels, y, x], the
/// channels a slice and its neighbours; outputs `logits` and `probabilities` [n, organs, y, x]. The
/// metadata says window, organs, pixels and the hash of the weights. Bringing a slice to the model's
/// pixels, and its prediction back, is the caller's.
///
/// corrections: a work list for who corrects labels in ITK-SNAP, 3D Slicer or another editor: a row for
/// each verdict of `review` that a label is wrong or ambiguous, or a scan broken, with the files to open
/// and the slice in them (axis and index, from 0). Save the corrected label map where the old one was: `prepare`
/// prepares its case alone anew, and another --out trains with it.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The folder that `run` left; what it holds can be named one by one below.
    #[arg(long = "in", value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// What to write.
    #[arg(long, value_enum)]
    format: Wanted,
    /// The file, or for nnU-Net and FiftyOne the folder, to write.
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Whose plan or model: the net's organs, as liver or kidney+spleen; may be left out where DIR
    /// holds one net.
    #[arg(long, value_name = "ORGANS")]
    organ: Option<String>,
    /// Whose plan or model: the arm.
    #[arg(long, value_name = "ARM", default_value = "hard")]
    arm: Arm,
    /// The plan, in place of DIR/ORGANS/ARM/plan.csv; that of `mine` is mining/plan.csv.
    #[arg(long, value_name = "FILE.csv")]
    plan: Option<PathBuf>,
    /// The ledger for FiftyOne, in place of DIR/ORGANS/mining/ledger.parquet, or DIR/mining's.
    #[arg(long, value_name = "FILE.parquet")]
    ledger: Option<PathBuf>,
    /// The prepared cohort, in place of DIR/store.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The folds, in place of DIR/split.json.
    #[arg(long, value_name = "FILE.json")]
    split: Option<PathBuf>,
    /// The model's folder, in place of DIR/ORGANS/ARM/model.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["organ", "plan", "ledger", "store", "split"])]
    model: Option<PathBuf>,
}

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Wanted {
    /// A row a slice with its weight.
    Csv,
    /// A dataset of slices with its splits.
    Nnunet,
    /// A datalist.
    Monai,
    /// Pictures of the slices that were mined, and what was decided of them.
    Fiftyone,
    /// The model itself.
    Onnx,
    /// The labels that reviewers found wrong.
    Corrections,
}

impl ExportArgs {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        match self.format {
            Wanted::Csv | Wanted::Corrections => check_file(&self.out, &[".csv"]),
            Wanted::Monai => check_file(&self.out, &[".json"]),
            Wanted::Nnunet | Wanted::Fiftyone => check_folder(&self.out),
            Wanted::Onnx => check_file(&self.out, &[".onnx"]),
        }
        .map_err(anyhow::Error::msg)?;
        if self.ledger.is_some() && self.format != Wanted::Fiftyone {
            return Err(anyhow!(
                "--ledger is for the format fiftyone: the others take a plan or a model"
            ));
        }
        match self.format {
            Wanted::Csv => self.plan(PlanFormat::Csv, bars)?,
            Wanted::Nnunet => self.plan(PlanFormat::Nnunet, bars)?,
            Wanted::Monai => self.plan(PlanFormat::Monai, bars)?,
            Wanted::Fiftyone => self.ledger(bars)?,
            Wanted::Onnx => self.model()?,
            Wanted::Corrections => {
                let store = self.store.clone();
                let store = store.unwrap_or_else(|| OutDir::new(&self.dir).store());
                corrections::write(&self.dir, &Store::open(store)?, &self.out)?;
            }
        }
        bars.print(&format!("{}", self.out.display()))?;
        Ok(Done::Clean)
    }

    /// The organs that the net's folder is called after: those named, or of the only net there is.
    fn organs(&self) -> anyhow::Result<Vec<Organ>> {
        if let Some(organs) = &self.organ {
            let organs = organs.split('+').map(Organ::new);
            return Ok(organs.collect::<Result<_, _>>()?);
        }
        let of_run = self.nets()?;
        match of_run.as_slice() {
            [net] => Ok(net.organs()),
            [] => Err(anyhow!(
                "plans, ledgers and models are of a net, and no `run` left one in {}: name its organs with \
                 --organ <ORGANS>, and the file itself with --plan or --ledger; --model is for --format onnx",
                self.dir.display()
            )),
            nets => Err(anyhow!(
                "whose is wanted? Name a net of {} with --organ: {}",
                self.dir.display(),
                listed(nets.iter().map(|net| net.organs.as_str()))
            )),
        }
    }

    /// The nets that `run` left.
    fn nets(&self) -> anyhow::Result<Vec<RoundName>> {
        if !self.dir.is_dir() {
            return Ok(Vec::new());
        }
        let mut rounds = OutDir::new(&self.dir).rounds()?;
        rounds.retain(|round| round.left_by() == LeftBy::Run);
        Ok(rounds)
    }

    /// What there is in place of what was named: the arms of this net that have such a file, or the
    /// other nets.
    fn what_is_there(
        &self,
        organs: &[Organ],
        of_arm: impl Fn(Arm) -> PathBuf,
    ) -> anyhow::Result<String> {
        let arms = Arm::ALL.into_iter().filter(|arm| of_arm(*arm).exists());
        let arms: Vec<&str> = arms.map(Arm::name).collect();
        if !arms.is_empty() {
            return Ok(format!("there is {} (--arm)", listed(arms)));
        }
        let own = RoundName::of_organs(organs);
        let mut nets = self.nets()?;
        nets.retain(|net| net.organs != own.organs);
        Ok(if nets.is_empty() {
            format!("no `run` left a net in {}", self.dir.display())
        } else {
            let nets = nets.iter().map(|net| net.organs.as_str());
            format!("there is {} (--organ)", listed(nets))
        })
    }

    fn plan(&self, format: PlanFormat, bars: &Bars) -> anyhow::Result<()> {
        let organs = self.organs()?;
        let out = OutDir::new(&self.dir);
        let round = out.round(&RoundName::of_organs(&organs));
        let of_arm = |arm| round.arm(arm).training().plan();
        let plan = self.plan.clone().unwrap_or_else(|| of_arm(self.arm));
        if !plan.exists() {
            return Err(anyhow!(
                "there is no plan {}: {}; or name a plan with --plan",
                plan.display(),
                self.what_is_there(&organs, of_arm)?
            ));
        }
        let store = self.store.clone().unwrap_or_else(|| out.store());
        let split = self.split.clone().unwrap_or_else(|| out.split());
        let export = Export::read(&store, &split, &plan, &organs)?;
        export.write(format, &self.out, bars)
    }

    fn ledger(&self, bars: &Bars) -> anyhow::Result<()> {
        let organs = self.organs()?;
        let out = OutDir::new(&self.dir);
        let ledger = self.ledger.clone().unwrap_or_else(|| {
            let mined_alone = RoundDir::new(&self.dir).mining().ledger();
            let of_run = out.round(&RoundName::of_organs(&organs)).mining().ledger();
            if of_run.exists() || !mined_alone.exists() {
                of_run
            } else {
                mined_alone
            }
        });
        if !ledger.exists() {
            return Err(anyhow!(
                "there is no ledger {}: name the organs of a finished run, or a ledger with --ledger",
                ledger.display()
            ));
        }
        let store = self.store.clone().unwrap_or_else(|| out.store());
        LedgerExport::read(&store, &ledger, &organs)?.write(&self.out, bars)
    }

    fn model(&self) -> anyhow::Result<()> {
        let of_plan = [&self.plan, &self.store, &self.split];
        if of_plan.into_iter().any(Option::is_some) {
            return Err(anyhow!(
                "--plan, --store and --split name what a plan is made of, and --format onnx writes a \
                 model: leave them out"
            ));
        }
        let model = if let Some(model) = &self.model {
            model.clone()
        } else {
            let organs = self.organs()?;
            let round = OutDir::new(&self.dir).round(&RoundName::of_organs(&organs));
            let of_arm = |arm| round.arm(arm).training().model();
            let model = of_arm(self.arm);
            if !model.exists() {
                return Err(anyhow!(
                    "there is no model {}: {}; or name its folder with --model",
                    model.display(),
                    self.what_is_there(&organs, of_arm)?
                ));
            }
            model
        };
        onnx::write(&model, &self.out)
    }
}

fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}
