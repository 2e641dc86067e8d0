//! `hardslice report`: one page of what a command left.

use std::path::PathBuf;

use clap::Args;

use crate::bars::Bars;
use crate::done::Done;
use crate::job_folder::claim_from_jobs;
use crate::layout::OutDir;
use crate::report;

/// Write one HTML page of what `run`, `compare` or `sweep` left: DIR/report.html.
///
/// The question and the verdict come first, then tables, case by case, the same hard slices under
/// the arms, surfaces that turn under the mouse, training curves, hard and easy slices, the ledger
/// as a table that sorts and filters, an audit of the statistics, and what it was all made of.
///
/// The page holds all that it shows: it works offline and from a mail, and loads nothing. Each
/// figure lies beside it as PNG and SVG, in DIR/report/figures. Pieces that are missing, such as
/// predictions that were deleted, leave a sentence that says so.
///
/// `run` and `demo` write it as their last step; this command writes it again.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The folder that the command left.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Report {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let _claim = claim_from_jobs(&OutDir::new(&self.dir))?;
        let page = report::write(&self.dir, bars)?;
        bars.print(&page.display().to_string())?;
        Ok(Done::Clean)
    }
}
