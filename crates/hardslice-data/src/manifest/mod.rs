//! Which scans a cohort has, whose they are, where their labels lie and which organs those show.
//!
//! A cohort is read from a table, a TOML file, or a folder laid out in one of the usual ways; all
//! end as one [`Manifest`]. Only names and paths are looked at here: no scan is opened.

mod dataset_json;
mod decathlon;
mod draft;
mod error;
mod file_names;
mod json_forms;
mod layout;
mod nnunet;
mod pairs;
mod patients;
mod table;
mod toml_file;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use error::{ManifestError, Problem};
pub use layout::Layout;
pub use patients::{PatientPattern, PatientRule};

use crate::{CaseId, Organ, OrganMap, OrganMapError, PatientId};
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
    /// The image channel's name where the cohort says that it is not CT.
    pub other_channel: Option<String>,
    /// Label values whose voxels nobody has judged (nnU-Net's `ignore`), ascending; none of them
    /// belongs to an organ.
    pub ignored_labels: Vec<u16>,
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

impl Case {
    /// The files or folders that it is read from: the scan, then its labels.
    pub fn inputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.image).chain(&self.labels)
    }
}

impl Manifest {
    /// The case of this name.
    pub fn case(&self, id: &CaseId) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == *id)
    }
}

/// How to read a cohort.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// How it lies on disk.
    pub layout: Layout,
    /// Which label values make which organ; absent: the cohort's own list is taken (`dataset.json`,
    /// or `[organs]` in a TOML manifest). Given, that list is set aside, so that one organ, or
    /// several labels as one, can be trained on any data set.
    pub organs: Option<&'a OrganMap>,
    /// Whose scans they are, where the cohort does not say.
    pub patients: Option<&'a PatientRule>,
    /// Label values whose voxels nobody has judged, beside those that `dataset.json` calls `ignore`.
    pub ignored_labels: &'a [u16],
}

/// Reads a cohort; [`ReadOptions`] says more than the layout and the organs.
///
/// # Errors
///
/// As [`read_with`].
pub fn read(
    path: &Path,
    layout: Layout,
    organs: Option<&OrganMap>,
) -> Result<Manifest, ManifestError> {
    let options = ReadOptions {
        layout,
        organs,
        ..ReadOptions::default()
    };
    read_with(path, &options)
}

/// Reads a cohort.
///
/// Paths in a table are taken from the folder that the table lies in.
///
/// # Errors
///
/// [`ManifestError`]. Rows are checked to the end: [`ManifestError::Problems`] holds all missing
/// files, doubled names and unknown columns at once.
pub fn read_with(path: &Path, options: &ReadOptions<'_>) -> Result<Manifest, ManifestError> {
    let layout = options.layout.or_detected(path)?;
    let wants_organs = options.organs.is_none();
    let drafts = match layout {
        Layout::Auto | Layout::Pairs => pairs::read(path)?,
        Layout::Csv => table::read(path)?,
        Layout::Toml => toml_file::read(path)?,
        Layout::NnUnet => nnunet::read(path, wants_organs)?,
        Layout::Decathlon => decathlon::read(path, wants_organs)?,
    };
    finished(path, layout, drafts, options)
}

fn finished(
    path: &Path,
    layout: Layout,
    mut drafts: Drafts,
    options: &ReadOptions<'_>,
) -> Result<Manifest, ManifestError> {
    let organs = options.organs.cloned().or_else(|| drafts.organs.take());
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
    if let Some(rule) = options.patients {
        rule.apply(&mut drafts, path)?;
    }
    let cases = drafts.checked(&organs);
    if !drafts.problems.is_empty() {
        let path = path.to_path_buf();
        return Err(ManifestError::Problems {
            path,
            problems: drafts.problems,
        });
    }
    let ignored_labels = ignored(&drafts, options, &organs, path)?;
    Ok(Manifest {
        cases,
        organs,
        source: path.to_path_buf(),
        layout,
        notes: drafts.notes,
        other_channel: drafts.other_channel,
        ignored_labels,
    })
}

/// The ignored values, those of the cohort and those asked for. A value of the cohort's that the
/// given map counts as an organ is the organ's: somebody has decided so.
///
/// # Errors
///
/// [`ManifestError::Organs`] when one that was asked for belongs to an organ.
fn ignored(
    drafts: &Drafts,
    options: &ReadOptions<'_>,
    organs: &OrganMap,
    path: &Path,
) -> Result<Vec<u16>, ManifestError> {
    for label in options.ignored_labels {
        if let Some(organ) = organs.organ_of_label(*label) {
            let (label, organ) = (*label, organ.clone());
            return Err(ManifestError::Organs {
                path: path.to_path_buf(),
                source: OrganMapError::Ignored { label, organ },
            });
        }
    }
    let of_cohort = drafts.ignored.iter().copied();
    let free = of_cohort.filter(|label| organs.organ_of_label(*label).is_none());
    // Organs that are known by names alone have values from the upper end, for inner use.
    let is_of_names = |label: &&u16| {
        organs.organ_of_label(**label).is_none()
            && organs
                .label_names()
                .iter()
                .any(|(_, value)| value == **label)
    };
    let given = drafts.ignored.iter().chain(options.ignored_labels);
    if let Some(label) = given.into_iter().find(is_of_names) {
        return Err(ManifestError::Organs {
            path: path.to_path_buf(),
            source: OrganMapError::IgnoredName { label: *label },
        });
    }
    let mut ignored: Vec<u16> = free.chain(options.ignored_labels.iter().copied()).collect();
    ignored.sort_unstable();
    ignored.dedup();
    Ok(ignored)
}
