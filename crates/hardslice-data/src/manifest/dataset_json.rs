//! `dataset.json`, of nnU-Net and of the Medical Segmentation Decathlon.

use std::collections::BTreeMap;
use std::path::Path;

use hardslice_volume::whole_file::read_json;
use serde::Deserialize;

use super::ManifestError;
use crate::{Organ, OrganMap, OrganMapError};

/// The parts of a `dataset.json` that are read here.
///
/// nnU-Net: `{"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1}, "file_ending":
/// ".nii.gz"}`. Decathlon: `{"modality": {"0": "CT"}, "labels": {"0": "background", "1": "liver"},
/// "training": [{"image": ..., "label": ...}], "test": [...]}`.
#[derive(Debug, Deserialize)]
pub(super) struct DatasetJson {
    #[serde(default, alias = "modality")]
    channel_names: BTreeMap<String, String>,
    #[serde(default)]
    labels: BTreeMap<String, NameOrValues>,
    pub(super) file_ending: Option<String>,
    #[serde(default)]
    pub(super) training: Vec<TrainingCase>,
    #[serde(default)]
    pub(super) test: Vec<TestCase>,
    /// nnU-Net's own way to point at files anywhere.
    #[serde(default)]
    pub(super) dataset: BTreeMap<String, FilesOfCase>,
}

/// A labelled scan of the Decathlon.
#[derive(Debug, Deserialize)]
pub(super) struct TrainingCase {
    pub(super) image: String,
    pub(super) label: String,
}

/// An unlabelled scan of the Decathlon: a path, or an object with one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum TestCase {
    Path(String),
    Object { image: String },
}

/// A case of nnU-Net whose files lie anywhere.
#[derive(Debug, Deserialize)]
pub(super) struct FilesOfCase {
    pub(super) images: Vec<String>,
    pub(super) label: String,
}

/// What stands behind a key of `labels`: the name, where the key is the value, or the values.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum NameOrValues {
    Name(String),
    Value(u16),
    Values(Vec<u16>),
}

impl DatasetJson {
    pub(super) fn read(path: &Path) -> Result<Self, ManifestError> {
        Ok(read_json(path)?)
    }

    /// The organs, by ascending label value. The background is left out, and so is nnU-Net's
    /// `ignore` (its voxels become background, as all values outside the map do). Spaces in names
    /// become underscores, so that a name is one word in tables and files.
    pub(super) fn organs(&self, path: &Path) -> Result<OrganMap, ManifestError> {
        let mut found: Vec<(Vec<u16>, String)> = Vec::new();
        for (key, value) in &self.labels {
            let (name, mut labels) = match value {
                NameOrValues::Name(name) => {
                    let label = key.trim().parse();
                    let label = label.map_err(|_not_a_number| ManifestError::LabelKey {
                        key: key.clone(),
                        name: name.clone(),
                        path: path.to_path_buf(),
                    })?;
                    (name, vec![label])
                }
                NameOrValues::Value(label) => (key, vec![*label]),
                NameOrValues::Values(labels) => (key, labels.clone()),
            };
            labels.sort_unstable();
            if labels != [0] && !name.eq_ignore_ascii_case("ignore") {
                found.push((labels, name.trim().replace(' ', "_")));
            }
        }
        found.sort();
        let misfit = |source| ManifestError::Organs {
            path: path.to_path_buf(),
            source,
        };
        let named = found.into_iter().map(|(labels, name)| {
            let organ = Organ::new(&name).map_err(OrganMapError::from)?;
            Ok((organ, labels))
        });
        let named: Vec<_> = named
            .collect::<Result<_, OrganMapError>>()
            .map_err(misfit)?;
        OrganMap::new(named).map_err(misfit)
    }

    /// Refuses more than one channel and notes one that is not CT.
    pub(super) fn check_channels(&self, path: &Path) -> Result<Option<String>, ManifestError> {
        let channels: Vec<String> = self.channel_names.values().cloned().collect();
        match channels.as_slice() {
            [] => Ok(None),
            [one] if one.eq_ignore_ascii_case("CT") => Ok(None),
            [one] => Ok(Some(format!(
                "the channel is `{one}`, not CT: values are taken as Hounsfield units all the same"
            ))),
            _ => Err(ManifestError::Channels {
                channels,
                path: path.to_path_buf(),
            }),
        }
    }
}
