//! Lists of scans: tables, TOML, `dataset.json`.

use std::fs;
use std::path::Path;

use hardslice_data::manifest::{
    Layout, Manifest, ManifestError, PatientRule, ReadOptions, read_with,
};
use hardslice_data::split::Lists;
use hardslice_data::text::TableFile;

use super::{organs, touch};
use crate::target::names_the_file;

pub(crate) fn table(input: &[u8], folder: &Path) {
    let path = folder.join("cohort.csv");
    fs::write(&path, input).expect("a folder to write to");
    for file in ["a.nii.gz", "b.nii.gz", "a_seg.nii.gz", "c/1.dcm"] {
        touch(&folder.join(file));
    }
    let organs = organs();
    let by_table = PatientRule::Table(path.clone());
    for patients in [None, Some(&by_table)] {
        let options = ReadOptions {
            organs: Some(&organs),
            patients,
            ..ReadOptions::default()
        };
        checked(read_with(&path, &options), folder);
    }
    if let Err(error) = Lists::from_table(&path) {
        names_the_file(&error, "cohort.csv");
    }
    match TableFile::read(&path) {
        Ok(table) => {
            let is_whole = table
                .rows
                .iter()
                .all(|row| row.cells.len() == table.header.len());
            assert!(is_whole, "every row has a cell for each column");
            let ascend = table.rows.is_sorted_by_key(|row| row.line);
            assert!(ascend, "rows follow each other");
        }
        Err(error) => names_the_file(&error, "cohort.csv"),
    }
}

pub(crate) fn toml(input: &[u8], folder: &Path) {
    let path = folder.join("manifest.toml");
    fs::write(&path, input).expect("a folder to write to");
    for file in ["a.nii.gz", "b.nii.gz", "a_seg.nii.gz"] {
        touch(&folder.join(file));
    }
    checked(read_with(&path, &ReadOptions::default()), folder);
}

pub(crate) fn dataset_json(input: &[u8], folder: &Path) {
    for file in [
        "imagesTr/a_0000.nii.gz",
        "labelsTr/a.nii.gz",
        "imagesTr/b_0000.nii.gz",
        "labelsTr/b.nii.gz",
        "imagesTs/c_0000.nii.gz",
    ] {
        touch(&folder.join(file));
    }
    fs::write(folder.join("dataset.json"), input).expect("a folder to write to");
    let organs = organs();
    for layout in [Layout::Auto, Layout::NnUnet, Layout::Decathlon] {
        for organs in [None, Some(&organs)] {
            let options = ReadOptions {
                layout,
                organs,
                ..ReadOptions::default()
            };
            checked(read_with(folder, &options), folder);
        }
    }
}

fn checked(manifest: Result<Manifest, ManifestError>, folder: &Path) {
    match manifest {
        Ok(manifest) => {
            assert!(!manifest.cases.is_empty(), "a cohort has a scan");
            for case in &manifest.cases {
                assert!(case.image.exists(), "{} is there", case.image.display());
                let known = |organ| manifest.organs.index_of(organ).is_some();
                assert!(case.organs_annotated.iter().all(known), "organs of the map");
            }
        }
        // The folder is named where the list itself is not at fault.
        Err(error) => names_the_file(&error, &folder.display().to_string()),
    }
}
