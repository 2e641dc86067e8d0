//! `dataset.json`, of nnU-Net and of the Medical Segmentation Decathlon, and the datalists of MONAI.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use hardslice_volume::Ending;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::ManifestError;
use super::json_forms::{Files, Labels, Listed, Named, Names, Number};
use crate::text::read_foreign_json;
use crate::{Organ, OrganMap, OrganMapError};

/// The parts of a `dataset.json` that are read here.
///
/// nnU-Net: `{"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1}, "numTraining":
/// 20, "file_ending": ".nii.gz"}`. Decathlon: `{"modality": {"0": "CT"}, "labels": {"0":
/// "background", "1": "liver"}, "training": [{"image": ..., "label": ...}], "test": [...]}`. MONAI
/// adds `validation` and calls `test` `testing`, gives a list alone, and writes names and numbers in lists, too. Numbers may stand as text, and
/// `1.0` is 1, as nnU-Net takes them.
#[derive(Debug, Default, Deserialize)]
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
    /// MONAI's name for `test`.
    #[serde(default)]
    pub(super) testing: Vec<Listed>,
    /// nnU-Net's own way to point at files anywhere.
    #[serde(default)]
    pub(super) dataset: Named<FilesOfCase>,
    /// What is not read here, to tell lists of scans among it.
    #[serde(flatten)]
    others: BTreeMap<String, serde_json::Value>,
}

/// A `dataset.json`, or the list `training` alone.
struct TableOrList(DatasetJson);

impl<'de> Deserialize<'de> for TableOrList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = DatasetJson;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table with `labels` or `training`, or a list of scans")
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<DatasetJson, A::Error> {
                DatasetJson::deserialize(MapAccessDeserializer::new(table))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<DatasetJson, A::Error> {
                Ok(DatasetJson {
                    training: Vec::deserialize(SeqAccessDeserializer::new(list))?,
                    ..DatasetJson::default()
                })
            }
        }
        deserializer.deserialize_any(Either).map(Self)
    }
}

/// A case of nnU-Net whose files lie anywhere.
#[derive(Debug, Deserialize)]
pub(super) struct FilesOfCase {
    pub(super) images: Files,
    pub(super) label: Option<String>,
}

/// What 0 is called, in small letters.
const BACKGROUND: [&str; 2] = ["background", "bg"];

/// What nnU-Net calls the label whose voxels nobody has judged.
const IGNORE: &str = "ignore";

impl DatasetJson {
    pub(super) fn read(path: &Path) -> Result<Self, ManifestError> {
        let TableOrList(json) = read_foreign_json(path)?;
        Ok(json)
    }

    /// The scans of all lists that are read, in the order of the lists.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Listed> {
        let held_out = self
            .validation
            .iter()
            .chain(&self.test)
            .chain(&self.testing);
        self.training.iter().chain(held_out)
    }

    /// Lists of scans under names that are not read, with how many each holds.
    pub(super) fn other_lists(&self) -> Vec<(&str, usize)> {
        let is_scan = |item: &serde_json::Value| {
            let path = item.as_str().or_else(|| item.get("image")?.as_str());
            let is_volume = |path| Ending::of(Path::new(path)).is_some_and(Ending::is_volume);
            path.is_some_and(is_volume) || item.get("image").is_some()
        };
        let lists = self.others.iter().filter_map(|(name, value)| {
            let n_scans = value
                .as_array()?
                .iter()
                .filter(|item| is_scan(item))
                .count();
            (n_scans > 0).then_some((name.as_str(), n_scans))
        });
        lists.collect()
    }

    /// What is to be said where 0, the background, has another name: an organ of this name would be
    /// nowhere.
    ///
    /// # Errors
    ///
    /// As [`DatasetJson::organs`].
    pub(super) fn zero_note(&self, path: &Path) -> Result<Option<String>, ManifestError> {
        let named = self.named_values(path)?;
        let mut of_zero = named.iter().filter(|(name, values)| {
            *values == [0] && !BACKGROUND.contains(&name.to_lowercase().as_str())
        });
        Ok(of_zero.next().map(|(name, _)| {
            format!(
                "{} calls 0 `{name}`: 0 is the background, and no organ is made of it",
                path.display()
            )
        }))
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
            if values != [0] && BACKGROUND.contains(&name.to_lowercase().as_str()) {
                return Err(ManifestError::NotTheBackground {
                    name: name.to_owned(),
                    values: values
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", "),
                    path: path.to_path_buf(),
                });
            }
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
