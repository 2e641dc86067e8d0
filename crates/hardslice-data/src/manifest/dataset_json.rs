//! `dataset.json`, of nnU-Net and of the Medical Segmentation Decathlon, and the datalists of MONAI.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ManifestError;
use super::json_forms::{Files, Labels, Listed, Named, Names, Number};
use crate::text::read_foreign_json;
use crate::{Organ, OrganMap, OrganMapError};

/// The parts of a `dataset.json` that are read here.
///
/// nnU-Net: `{"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1}, "numTraining":
/// 20, "file_ending": ".nii.gz"}`. Decathlon: `{"modality": {"0": "CT"}, "labels": {"0":
/// "background", "1": "liver"}, "training": [{"image": ..., "label": ...}], "test": [...]}`. MONAI
/// adds `validation`, and writes names and numbers in lists, too. Numbers may stand as text, and
/// `1.0` is 1, as nnU-Net takes them.
#[derive(Debug, Deserialize)]
pub(super) struct DatasetJson {
    #[serde(default, alias = "modality")]
    channel_names: Names,
    #[serde(default)]
    labels: Named<Labels>,
    #[serde(default, rename = "numTraining")]
    pub(super) n_training: Option<Number>,
    file_ending: Option<String>,
    #[serde(default)]
    pub(super) training: Vec<Listed>,
    /// MONAI's: labelled, and held out of training there.
    #[serde(default)]
    pub(super) validation: Vec<Listed>,
    #[serde(default)]
    pub(super) test: Vec<Listed>,
    /// nnU-Net's own way to point at files anywhere.
    #[serde(default)]
    pub(super) dataset: Named<FilesOfCase>,
}

/// A case of nnU-Net whose files lie anywhere.
#[derive(Debug, Deserialize)]
pub(super) struct FilesOfCase {
    pub(super) images: Files,
    pub(super) label: Option<String>,
}

/// What nnU-Net calls the label whose voxels nobody has judged.
const IGNORE: &str = "ignore";

impl DatasetJson {
    pub(super) fn read(path: &Path) -> Result<Self, ManifestError> {
        Ok(read_foreign_json(path)?)
    }

    /// What names of files end with, with its dot; `.nii.gz` where nothing is said.
    pub(super) fn file_ending(&self) -> String {
        match self.file_ending.as_deref().map(str::trim) {
            None | Some("") => ".nii.gz".to_owned(),
            Some(ending) if ending.starts_with('.') => ending.to_owned(),
            Some(ending) => format!(".{ending}"),
        }
    }

    /// Names of labels with their values. Where the key is a number and the value a name (the
    /// Decathlon), the key is the value; in a list a name's place is its value.
    fn named_values(&self, path: &Path) -> Result<Vec<(&str, Vec<u16>)>, ManifestError> {
        let mut named = Vec::new();
        for (key, labels) in &self.labels.0 {
            let found = match labels {
                Labels::Values(values) => (key.trim(), values.clone()),
                Labels::Name(name) => {
                    let value = key.trim().parse().map_err(|_no_number| {
                        let (key, name) = (key.clone(), name.clone());
                        let path = path.to_path_buf();
                        ManifestError::LabelKey { key, name, path }
                    })?;
                    (name.trim(), vec![value])
                }
            };
            named.push(found);
        }
        Ok(named)
    }

    /// The organs, by ascending label value. The background is left out, and so is nnU-Net's
    /// `ignore`. Spaces in names become underscores, so that a name is one word in tables and files.
    pub(super) fn organs(&self, path: &Path) -> Result<OrganMap, ManifestError> {
        let misfit = |source| ManifestError::Organs {
            path: path.to_path_buf(),
            source,
        };
        let mut found: Vec<(Vec<u16>, &str)> = Vec::new();
        for (name, mut values) in self.named_values(path)? {
            values.sort_unstable();
            if values != [0] && !name.eq_ignore_ascii_case(IGNORE) {
                found.push((values, name));
            }
        }
        found.sort();
        let named = found.into_iter().map(|(labels, name)| {
            let organ = Organ::new(name.replace(' ', "_")).map_err(OrganMapError::from)?;
            Ok((organ, labels))
        });
        let named: Vec<_> = named
            .collect::<Result<_, OrganMapError>>()
            .map_err(misfit)?;
        OrganMap::new(named).map_err(misfit)
    }

    /// The values of nnU-Net's `ignore`: nobody has judged what these voxels show. Empty where the
    /// data set has no such label.
    pub(super) fn ignored(&self, path: &Path) -> Result<Vec<u16>, ManifestError> {
        let named = self.named_values(path)?;
        let ignored = named
            .into_iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(IGNORE))
            .flat_map(|(_, values)| values);
        Ok(ignored.collect())
    }

    /// Refuses more than one channel; gives the name of one that is not CT.
    pub(super) fn other_channel(&self, path: &Path) -> Result<Option<String>, ManifestError> {
        match self.channel_names.0.as_slice() {
            [] => Ok(None),
            [one] if one.trim().eq_ignore_ascii_case("CT") => Ok(None),
            [one] => Ok(Some(one.clone())),
            channels => Err(ManifestError::Channels {
                channels: channels.to_vec(),
                path: path.to_path_buf(),
            }),
        }
    }
}

impl Files {
    /// The only file.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Channels`] where there are several or none; `path` is for the message.
    pub(super) fn one(&self, path: &Path) -> Result<PathBuf, ManifestError> {
        match self.0.as_slice() {
            [one] => Ok(PathBuf::from(one)),
            channels => Err(ManifestError::Channels {
                channels: channels.to_vec(),
                path: path.to_path_buf(),
            }),
        }
    }
}
