//! The ways in which a cohort can lie on disk.

use std::fs;
use std::path::{Path, PathBuf};

use hardslice_volume::Action;
use serde::{Deserialize, Serialize};

use super::ManifestError;
use super::dataset_json::DatasetJson;

/// How a cohort lies on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Found out from what is there.
    #[default]
    Auto,
    /// A table, one row a scan: `image`, and where they apply `id`, `patient`, `labels`,
    /// `series_uid`, `organs`. Commas, semicolons or tabs.
    Csv,
    /// A TOML file, one `[[case]]` a scan with the same keys, and `[organs]`.
    Toml,
    /// nnU-Net's raw folder: `imagesTr/NAME_0000.nii.gz`, `labelsTr/NAME.nii.gz`, `dataset.json`,
    /// and `imagesTs` where it exists.
    NnUnet,
    /// Medical Segmentation Decathlon: a `dataset.json` that lists the files.
    Decathlon,
    /// A folder of scans and labels that belong together by name: `NAME.nii.gz` and
    /// `NAME_seg.nii.gz`, `images/` and `labels/`, or a folder for each case with `ct.nii.gz` and
    /// `segmentations/`.
    Pairs,
}

/// Tables that stand for the folder they lie in.
const TABLES: [(&str, Layout); 4] = [
    ("manifest.toml", Layout::Toml),
    ("manifest.csv", Layout::Csv),
    ("cohort.csv", Layout::Csv),
    ("cases.csv", Layout::Csv),
];

impl Layout {
    /// Finds out the layout where it is left open.
    pub(super) fn or_detected(self, path: &Path) -> Result<Self, ManifestError> {
        fs::metadata(path).map_err(Action::Read.on(path))?;
        if self != Self::Auto {
            return Ok(self);
        }
        if path.is_dir() {
            return Self::of_folder(path);
        }
        let name = path
            .extension()
            .map(|end| end.to_string_lossy().to_lowercase());
        match name.as_deref() {
            Some("csv" | "tsv" | "txt") => Ok(Self::Csv),
            Some("toml") => Ok(Self::Toml),
            Some("json") => Self::of_dataset_json(path),
            _ => Err(ManifestError::UnknownLayout {
                path: path.to_path_buf(),
            }),
        }
    }

    fn of_folder(dir: &Path) -> Result<Self, ManifestError> {
        let json = dir.join("dataset.json");
        if json.is_file() {
            return Self::of_dataset_json(&json);
        }
        if dir.join("imagesTr").is_dir() {
            return Ok(Self::NnUnet);
        }
        let table = TABLES.iter().find(|(name, _)| dir.join(name).is_file());
        Ok(table.map_or(Self::Pairs, |(_, layout)| *layout))
    }

    /// The Decathlon lists its files, nnU-Net does not (its first version did both).
    fn of_dataset_json(path: &Path) -> Result<Self, ManifestError> {
        let json = DatasetJson::read(path)?;
        let has_folder = path.with_file_name("imagesTr").is_dir();
        let has_lists = json.listed().next().is_some() || !json.other_lists().is_empty();
        if json.training.is_empty() && (has_folder || !has_lists) {
            Ok(Self::NnUnet)
        } else {
            Ok(Self::Decathlon)
        }
    }

    /// The file to read where a folder was given, for the layouts that are one file.
    pub(super) fn file_in(self, path: &Path) -> Result<PathBuf, ManifestError> {
        if !path.is_dir() {
            return Ok(path.to_path_buf());
        }
        let tables = TABLES.iter().filter(|(_, layout)| *layout == self);
        let mut names: Vec<&str> = tables.map(|(name, _)| *name).collect();
        if self == Self::Decathlon {
            names.push("dataset.json");
        }
        let there = names.iter().map(|name| path.join(name));
        there
            .into_iter()
            .find(|file| file.is_file())
            .ok_or_else(|| ManifestError::NoList {
                names: names.join(", "),
                path: path.to_path_buf(),
            })
    }

    /// What a cohort of this layout must hold, for a message.
    pub(super) fn wanted(self) -> &'static str {
        match self {
            Self::Csv => "a header and one row for each scan",
            Self::Toml => "one [[case]] for each scan",
            Self::NnUnet => "imagesTr/NAME_0000.nii.gz and labelsTr/NAME.nii.gz",
            Self::Decathlon => {
                "lists `training`, `validation`, `test` or `testing` in dataset.json"
            }
            Self::Auto | Self::Pairs => {
                "NAME.nii.gz with NAME_seg.nii.gz, images/ with labels/, or a folder for each case \
                 with ct.nii.gz or the DICOM files of a series (a table, whose column `image` names \
                 files and folders, reads all others)"
            }
        }
    }
}
