//! `hardslice split`: folds by patient.

use std::path::PathBuf;

use clap::Args;
use hardslice_data::store::Store;

use crate::bars::Bars;
use crate::cohort::{make_split, trained_organs};
use crate::done::Done;
use crate::experiment::Experiment;
use crate::outputs::file_out;

/// Divide the patients into test, validation, A and B, once, into one file.
///
/// Everything is drawn by patient: two scans of one patient never part. B holds the fraction
/// `ratio` of the training patients, chosen so that slices per scan and the share of positive
/// slices match the whole set's; the file tells how balanced it came out. [split] in the
/// experiment's file takes the user's own lists, an nnU-Net `splits_final.json`, k folds, or
/// leave-one-patient-out as well.
#[derive(Debug, Args)]
pub(crate) struct Split {
    /// The experiment's file.
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// The prepared cohort.
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// The file to write.
    #[arg(long, value_name = "FILE.json", value_parser = file_out(&[".json"]))]
    out: PathBuf,
}

impl Split {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let experiment = Experiment::read(&self.experiment)?;
        let store = Store::open(&self.store)?;
        let organs = trained_organs(&experiment, store.organs())?;
        let split = make_split(&experiment, &store, &organs, &self.out, bars)?;
        bars.print(&serde_json::to_string_pretty(&split.balance)?)?;
        Ok(Done::Clean)
    }
}
