//! A report of what a command left: gathered here, drawn by `hardslice-view`.
//!
//! ```text
//! DIR ─ Found (which rounds, of which seed, net and ratio) ─ Gathered (scores, summaries)
//!        └─ one file a section ─ hardslice_view::report::Report ─ report.html, report/figures/
//! ```
//!
//! A piece that is not there leaves its place with a sentence that says why.

mod cases;
mod confidence;
mod curves;
mod found;
mod gathered;
mod learning;
mod listed;
mod mining;
mod nets;
mod origin;
mod overlays;
mod slices;
mod surfaces;
mod tables;
mod verdicts;

use std::path::{Path, PathBuf};

use hardslice_train::layout::RoundDir;
use hardslice_view::report::{Report, Section};
use hardslice_volume::Action;
use hardslice_volume::whole_file::write_whole_bytes;

use crate::bars::Bars;
use crate::layout::{OutDir, mined_rounds};
use gathered::Gathered;

/// Writes `report.html` and `report/figures/` into the folder of a run, a comparison or a sweep, and
/// gives the page's path.
pub(crate) fn write(dir: &Path, bars: &Bars) -> anyhow::Result<PathBuf> {
    let gathered = Gathered::read(dir)?;
    bars.begin("report", SECTIONS.len() as u64, 0);
    let mut report = Report {
        title: gathered.title(),
        subtitle: gathered.subtitle(),
        warnings: gathered.warnings(),
        sections: Vec::new(),
        colophon: format!(
            "Made by hardslice {}. The page holds all that it shows and loads nothing; each figure \
             lies beside it in report/figures/.",
            env!("CARGO_PKG_VERSION")
        ),
    };
    for (done, section) in SECTIONS.into_iter().enumerate() {
        let section = section(&gathered);
        // What another command would have left has no place in the page.
        if !section.blocks.is_empty() {
            report.sections.push(section);
        }
        bars.advance(done as u64 + 1);
    }
    let out = OutDir::new(dir);
    let figures = out.figures();
    for file in report.files() {
        let path = figures.join(&file.name);
        write_whole_bytes(&path, &file.bytes).map_err(Action::Write.on(&path))?;
    }
    let page = out.report();
    write_whole_bytes(&page, report.to_html().as_bytes()).map_err(Action::Write.on(&page))?;
    bars.end();
    Ok(page)
}

/// The ledgers that a command left: of a run, a comparison or a sweep those of every round, mining
/// by mining; of `mine` the one.
pub(crate) fn ledgers(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let rounds = mined_rounds(dir)?;
    let minings = rounds.iter().flat_map(RoundDir::minings);
    Ok(minings.map(|mining| mining.ledger()).collect())
}

/// Writes the report as the last step of another command, whose results stand whatever becomes of
/// it: a report that fails is a warning.
///
/// # Errors
///
/// When a file cannot be written: a full disk is not passed over.
pub(crate) fn write_or_warn(dir: &Path, bars: &Bars) -> anyhow::Result<()> {
    match write(dir, bars) {
        Ok(page) => bars.tell(&format!("report: {}", page.display())),
        Err(error) if crate::causes::is_refused_writing(&error) => {
            return Err(error.context("all results are there, but their report is not"));
        }
        Err(error) => bars.line(&format!(
            "warning: no report: {}",
            crate::causes::causes(error.as_ref())
        )),
    }
    Ok(())
}

/// The sections in the order of the page.
const SECTIONS: [fn(&Gathered) -> Section; 13] = [
    verdicts::section,
    learning::section,
    tables::section,
    cases::section,
    confidence::section,
    slices::section,
    surfaces::section,
    overlays::section,
    curves::section,
    nets::section,
    mining::section,
    tables::audit_section,
    origin::section,
];
