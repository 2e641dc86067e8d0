//! A cohort in a TOML file.
//!
//! ```toml
//! [organs]
//! liver = [1]
//! kidney = [2, 3]
//!
//! [[case]]
//! id = "a"                    # the image's name without its ending where it is left out
//! patient = "p1"              # the id where it is left out
//! image = "scans/a.nii.gz"
//! labels = "labels/a.nii.gz"
//! organs = ["liver"]          # all where it is left out
//! ```

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::draft::{Draft, Drafts};
use super::{Layout, ManifestError};
use crate::OrganMap;
use crate::text::TextFile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlManifest {
    organs: Option<OrganMap>,
    #[serde(default, rename = "case")]
    cases: Vec<Spanned<TomlCase>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlCase {
    id: Option<String>,
    patient: Option<String>,
    image: PathBuf,
    series_uid: Option<String>,
    labels: Option<PathBuf>,
    #[serde(alias = "organs_annotated")]
    organs: Option<Vec<String>>,
}

/// Reads a manifest; paths are taken from its folder.
pub(super) fn read(path: &Path) -> Result<Drafts, ManifestError> {
    let path = &Layout::Toml.file_in(path)?;
    let TextFile { text, note } = TextFile::read(path)?;
    let manifest: TomlManifest = toml::from_str(&text).map_err(|source| ManifestError::Toml {
        path: path.clone(),
        source: Box::new(source),
    })?;
    let folder = path.parent().expect("a file lies in a folder");
    let cases = manifest.cases.into_iter().map(|case| {
        let before = text[..case.span().start].bytes();
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        let case = case.into_inner();
        let name = case.id.clone().or_else(|| case.patient.clone());
        let place = format!("line {line}");
        Draft {
            place: name.map_or(place.clone(), |name| format!("{place} ({name})")),
            id: case.id,
            patient: case.patient,
            image: folder.join(case.image),
            series_uid: case.series_uid,
            labels: case.labels.map(|labels| folder.join(labels)),
            organs: case.organs,
        }
    });
    Ok(Drafts {
        cases: cases.collect(),
        organs: manifest.organs,
        notes: note.into_iter().collect(),
        ..Drafts::default()
    })
}
