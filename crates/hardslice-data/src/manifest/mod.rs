//! Which scans a cohort has, whose they are, where their labels lie and which organs those show.
//!
//! A cohort is read from a table, a TOML file, or a folder laid out in one of the usual ways; all
//! end as one [`Manifest`]. Only names and paths are looked at here: no scan is opened.

mod dataset_json;
mod decathlon;
mod draft;
mod error;
mod file_names;
mod layout;
mod nnunet;
mod pairs;
mod table;
mod toml_file;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use error::{ManifestError, Problem};
pub use layout::Layout;

use crate::{CaseId, Organ, OrganMap, PatientId};
use draft::Drafts;

/// A cohort: its cases in a fixed order and the organs to segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The cases, in the order of the table, or by name where a folder was read.
    pub cases: Vec<Case>,
    /// Which label values make which organ.
    pub organs: OrganMap,
    /// What it was read from.
    pub source: PathBuf,
    /// How that was laid out.
    pub layout: Layout,
    /// What a person should know though nothing is wrong: an organ in the table that is not in the
    /// map, a modality that is not CT.
    pub notes: Vec<String>,
}

/// One scan of a cohort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its name, unique in the cohort.
    pub id: CaseId,
    /// Whose scan it is; the case's own name where the cohort does not say.
    pub patient: PatientId,
    /// The scan: a file, or a folder that holds a DICOM series.
    pub image: PathBuf,
    /// Which series, where the folder holds several.
    pub series_uid: Option<String>,
    /// The labels: a file, or a folder of masks.
    pub labels: Option<PathBuf>,
    /// Organs of the map that somebody looked for in this scan; empty without labels. Where an
    /// organ is not listed, a 0 in the labels does not mean that it is absent.
    pub organs_annotated: Vec<Organ>,
}

impl Manifest {
    /// The case of this name.
    pub fn case(&self, id: &CaseId) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == *id)
    }
}

/// Reads a cohort.
///
/// `organs` says which label values make which organ. Without it the cohort's own list is taken
/// (`dataset.json`, or `[organs]` in a TOML manifest); with it that list is set aside, so that one
/// organ, or several labels as one, can be trained on any data set.
///
/// Paths in a table are taken from the folder that the table lies in.
///
/// # Errors
///
/// [`ManifestError`]. Rows are checked to the end: [`ManifestError::Problems`] holds all missing
/// files, doubled names and unknown columns at once.
pub fn read(
    path: &Path,
    layout: Layout,
    organs: Option<&OrganMap>,
) -> Result<Manifest, ManifestError> {
    let layout = layout.or_detected(path)?;
    let drafts = match layout {
        Layout::Auto | Layout::Pairs => pairs::read(path)?,
        Layout::Csv => table::read(path)?,
        Layout::Toml => toml_file::read(path)?,
        Layout::NnUnet => nnunet::read(path, organs.is_none())?,
        Layout::Decathlon => decathlon::read(path, organs.is_none())?,
    };
    finished(path, layout, drafts, organs)
}

fn finished(
    path: &Path,
    layout: Layout,
    mut drafts: Drafts,
    organs: Option<&OrganMap>,
) -> Result<Manifest, ManifestError> {
    let organs = organs.cloned().or_else(|| drafts.organs.take());
    let organs = organs.ok_or_else(|| ManifestError::NoOrgans {
        path: path.to_path_buf(),
    })?;
    if drafts.cases.is_empty() && drafts.problems.is_empty() {
        let path = path.to_path_buf();
        return Err(ManifestError::NoCases {
            wanted: layout.wanted(),
            path,
        });
    }
    let cases = drafts.checked(&organs);
    if !drafts.problems.is_empty() {
        let path = path.to_path_buf();
        return Err(ManifestError::Problems {
            path,
            problems: drafts.problems,
        });
    }
    Ok(Manifest {
        cases,
        organs,
        source: path.to_path_buf(),
        layout,
        notes: drafts.notes,
    })
}
