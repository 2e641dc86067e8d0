//! nnU-Net's layout of a cohort (version 2: `imagesTr`, `labelsTr`, `dataset.json`).

use std::path::{Path, PathBuf};

use hardslice_data::Organ;
use serde_json::{Map, Value, json};

use crate::LABELS;

/// The folder within the cohort's.
pub(crate) const FOLDER: &str = "nnunet";

/// Where a scan goes; `_0000` is its only channel.
pub(crate) fn image(dir: &Path, id: &str) -> PathBuf {
    dir.join(FOLDER)
        .join("imagesTr")
        .join(format!("{id}_0000.nii.gz"))
}

/// Where a label map goes.
pub(crate) fn labels(dir: &Path, id: &str) -> PathBuf {
    dir.join(FOLDER)
        .join("labelsTr")
        .join(format!("{id}.nii.gz"))
}

/// The description of the cohort.
pub(crate) fn dataset_json(organs: &[Organ], n_patients: usize) -> Vec<u8> {
    let mut labels = Map::new();
    labels.insert("background".to_owned(), json!(0));
    for (organ, value) in organs.iter().zip(LABELS) {
        labels.insert(organ.to_string(), json!(value));
    }
    let dataset: Value = json!({
        "channel_names": {"0": "CT"},
        "labels": labels,
        "numTraining": n_patients,
        "file_ending": ".nii.gz",
    });
    let mut text = format!("{dataset:#}");
    text.push('\n');
    text.into_bytes()
}
