//! `hardslice export`: a plan as nnU-Net, MONAI or a table take it, and a ledger as FiftyOne does.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use hardslice_data::Organ;
use hardslice_data::balance::Arm;
use hardslice_train::layout::RoundDir;

use crate::bars::Bars;
use crate::done::Done;
use crate::export::{self, Format, LedgerExport};
use crate::layout::{OutDir, RoundName};
use crate::outputs::{check_file, check_folder};

/// Hand a sampling plan to nnU-Net, MONAI or your own loader, or what was mined to FiftyOne.
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
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The folder that `run` left; what it holds can be named one by one below.
    #[arg(long = "in", value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// What to write.
    #[arg(long, value_enum)]
    format: Format,
    /// The file, or for nnU-Net the folder, to write.
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Whose plan: the net's organs, as liver or kidney+spleen.
    #[arg(long, value_name = "ORGANS")]
    organ: String,
    /// Whose plan: the arm.
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
}

impl ExportArgs {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let organs = self.organ.split('+').map(Organ::new);
        let organs = organs.collect::<Result<Vec<_>, _>>()?;
        match self.format {
            Format::Csv => check_file(&self.out, &[".csv"]),
            Format::Monai => check_file(&self.out, &[".json"]),
            Format::Nnunet | Format::Fiftyone => check_folder(&self.out),
        }
        .map_err(anyhow::Error::msg)?;
        let out = OutDir::new(&self.dir);
        let round = out.round(&RoundName::of_organs(&organs));
        let store = self.store.unwrap_or_else(|| out.store());
        let Some(format) = self.format.of_plan() else {
            let ledger = self.ledger.unwrap_or_else(|| {
                let mined_alone = RoundDir::new(&self.dir).mining().ledger();
                let of_run = round.mining().ledger();
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
            LedgerExport::read(&store, &ledger, &organs)?.write(&self.out, bars)?;
            bars.print(&format!("{}", self.out.display()))?;
            return Ok(Done::Clean);
        };
        if self.ledger.is_some() {
            return Err(anyhow!(
                "--ledger is for the format fiftyone: the others take a plan"
            ));
        }
        let plan = self
            .plan
            .unwrap_or_else(|| round.arm(self.arm).training().plan());
        if !plan.exists() {
            return Err(anyhow!(
                "there is no plan {}: name the organs and the arm of a finished run, or a plan with \
                 --plan",
                plan.display()
            ));
        }
        let split = self.split.unwrap_or_else(|| out.split());
        let export = export::Export::read(&store, &split, &plan, &organs)?;
        export.write(format, &self.out, bars)?;
        bars.print(&format!("{}", self.out.display()))?;
        Ok(Done::Clean)
    }
}
