//! `hardslice prepare`: scans to memory-mapped slices.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use hardslice_data::store::Existing;

use crate::bars::Bars;
use crate::cohort::{prepare_store, read_manifest};
use crate::done::Done;
use crate::experiment::Experiment;
use crate::folder_lock::FolderLock;
use crate::outputs::{folder_out, refuse_over_cohort};

/// Turn a cohort into memory-mapped slices, once; nothing later opens a scan again.
///
/// Each scan is brought to canonical axes and Hounsfield units, clipped to the window, resized in
/// plane, and written as .npy with its labels. It can be stopped and started; scans that cannot be
/// read are named at the end and the others go on (exit status 1). Scans that have changed are prepared anew;
/// for other settings or organs take another folder.
///
/// Needs an experiment's file for the cohort, the labels and [prepare]. Leaves DIR/store.json and
/// DIR/cases/; read a case in Python with
/// `numpy.load("image.npy", mmap_mode="r")`.
#[derive(Debug, Args)]
pub(crate) struct Prepare {
    /// The experiment's file.
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// Where the store is written.
    #[arg(long, value_name = "DIR", value_parser = folder_out())]
    out: PathBuf,
}

impl Prepare {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let experiment = Experiment::read(&self.experiment)?;
        let manifest = read_manifest(&experiment)?;
        refuse_over_cohort(&manifest, &experiment, &self.out, [])?;
        let _lock = FolderLock::of(&self.out)?;
        let report = prepare_store(Existing::Update, &manifest, &experiment, &self.out, bars)
            .context(
                "take another --out; or, where nothing rests on what is there (no split, plan or training), \
                 delete it",
            )?;
        Ok(if report.failures.is_empty() {
            Done::Clean
        } else {
            Done::Findings
        })
    }
}
