//! The layout of the Medical Segmentation Decathlon: `dataset.json` lists the files.

use std::path::{Path, PathBuf};

use super::dataset_json::{DatasetJson, TestCase};
use super::draft::{Draft, Drafts};
use super::{Layout, ManifestError};

/// Reads `dataset.json`, or the one in the folder given.
pub(super) fn read(path: &Path, wants_organs: bool) -> Result<Drafts, ManifestError> {
    let path = &Layout::Decathlon.file_in(path)?;
    let json = DatasetJson::read(path)?;
    let folder = path.parent().expect("a file lies in a folder");
    let mut drafts = Drafts {
        notes: json.check_channels(path)?.into_iter().collect(),
        organs: if wants_organs {
            Some(json.organs(path)?)
        } else {
            None
        },
        ..Drafts::default()
    };
    for case in &json.training {
        drafts.cases.push(Draft {
            place: case.image.clone(),
            image: image(folder, &case.image),
            labels: Some(resolved(folder, &case.label)),
            ..Draft::default()
        });
    }
    for case in &json.test {
        let (TestCase::Path(listed) | TestCase::Object { image: listed }) = case;
        drafts.cases.push(Draft {
            place: listed.clone(),
            image: image(folder, listed),
            ..Draft::default()
        });
    }
    Ok(drafts)
}

fn resolved(folder: &Path, listed: &str) -> PathBuf {
    folder.join(listed.strip_prefix("./").unwrap_or(listed))
}

/// nnU-Net's first version listed `NAME.nii.gz` for a file named `NAME_0000.nii.gz`.
fn image(folder: &Path, listed: &str) -> PathBuf {
    let path = resolved(folder, listed);
    let Some(name) = listed.strip_suffix(".nii.gz") else {
        return path;
    };
    let with_channel = resolved(folder, &format!("{name}_0000.nii.gz"));
    if !path.exists() && with_channel.exists() {
        with_channel
    } else {
        path
    }
}
