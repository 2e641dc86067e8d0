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

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use hardslice_train::layout::RoundDir;
use hardslice_view::report::{Report, Section};
use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError};

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
    let page = write_files(&OutDir::new(dir), &report)?;
    bars.end();
    Ok(page)
}

/// Writes the page and its figures, and removes the figures of the page before it which it does not have.
fn write_files(out: &OutDir, report: &Report) -> Result<PathBuf, FileError> {
    let (page, figures) = (out.report(), out.figures());
    let mut outdated = match fs::read(&page) {
        Ok(before) => figures_named_in(&String::from_utf8_lossy(&before)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
        Err(error) => return Err(Action::Read.on(&page)(error)),
    };
    for file in report.files() {
        let path = figures.join(&file.name);
        write_whole_bytes(&path, &file.bytes).map_err(Action::Write.on(&path))?;
        outdated.remove(&file.name);
    }
    write_whole_bytes(&page, report.to_html().as_bytes()).map_err(Action::Write.on(&page))?;
    for name in outdated {
        let path = figures.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Action::Write.on(&path)(error));
            }
            _ => {}
        }
    }
    Ok(page)
}

/// The names of the figures that a page links to.
fn figures_named_in(page: &str) -> BTreeSet<String> {
    let linked = page.split("href=\"report/figures/").skip(1);
    let names = linked.filter_map(|rest| rest.split_once('"').map(|(name, _)| name));
    // Of a page that somebody changed: nothing outside of the folder.
    names
        .filter(|name| Path::new(name).file_name() == Some(OsStr::new(name)))
        .map(str::to_owned)
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_page_before_go_and_other_files_stay() {
        let dir = tempfile::tempdir().unwrap();
        let out = OutDir::new(dir.path());
        let figures = out.figures();
        fs::create_dir_all(&figures).unwrap();
        let page = r#"<a href="report/figures/arms-liver.png">PNG</a>
            <a href="report/figures/lost.png">PNG</a> <a href="report/figures/">all</a>
            <a href="report/figures/..">up</a> <a href="report/figures/../../kept.png">out</a>
            lies in report/figures/notes.txt"#;
        fs::write(out.report(), page).unwrap();
        let kept = [dir.path().join("kept.png"), figures.join("notes.txt")];
        for path in kept.iter().chain([&figures.join("arms-liver.png")]) {
            fs::write(path, "").unwrap();
        }
        let report = Report {
            title: "An empty page".to_owned(),
            subtitle: String::new(),
            warnings: Vec::new(),
            sections: Vec::new(),
            colophon: String::new(),
        };
        write_files(&out, &report).unwrap();
        assert!(kept.iter().all(|path| path.exists()), "nobody else's files");
        assert!(!figures.join("arms-liver.png").exists());
        let page = fs::read_to_string(out.report()).unwrap();
        assert!(page.contains("An empty page"), "{page}");
    }
}
