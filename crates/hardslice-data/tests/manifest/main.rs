//! Cohorts in every layout, read from folders of empty files: no scan is opened.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

mod all_layouts;
mod decathlon;
mod nnunet;
mod pairs;
mod tables;

use std::fs;
use std::path::Path;

use hardslice_data::manifest::{self, Case, Layout, Manifest};
use hardslice_data::{Organ, OrganMap};

pub(crate) fn folder(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        write(dir.path(), file, "");
    }
    dir
}

pub(crate) fn write(dir: &Path, file: &str, text: &str) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn map(organs: &[(&str, &[u16])]) -> OrganMap {
    let named = organs
        .iter()
        .map(|(name, labels)| (Organ::new(name).unwrap(), labels.to_vec()));
    OrganMap::new(named).unwrap()
}

pub(crate) fn liver_and_kidney() -> OrganMap {
    map(&[("liver", &[1]), ("kidney", &[2, 3])])
}

/// `id/patient: image + labels [organs]` of each case, paths as seen from the cohort's folder.
pub(crate) fn shown(dir: &Path, manifest: &Manifest) -> Vec<String> {
    let inside = |path: &Path| path.strip_prefix(dir).unwrap().display().to_string();
    let one = |case: &Case| {
        let labels = case.labels.as_deref().map_or("nothing".to_owned(), inside);
        let organs: Vec<&str> = case.organs_annotated.iter().map(Organ::as_str).collect();
        let organs = organs.join(" ");
        format!(
            "{}/{}: {} + {labels} [{organs}]",
            case.id,
            case.patient,
            inside(&case.image)
        )
    };
    manifest.cases.iter().map(one).collect()
}

pub(crate) fn names(manifest: &Manifest) -> Vec<String> {
    let cases = manifest.cases.iter();
    cases
        .map(|case| format!("{}/{}", case.id, case.patient))
        .collect()
}

/// What a cohort is refused with.
pub(crate) fn refused(path: &Path, organs: Option<&OrganMap>) -> String {
    let read = manifest::read(path, Layout::Auto, organs);
    read.unwrap_err().to_string()
}
