//! nnU-Net's raw folder.
//!
//! # Sources
//!
//! - F. Isensee et al., nnU-Net v2, `documentation/dataset_format.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::dataset_json::DatasetJson;
use super::draft::{Draft, Drafts};
use super::layout::entries;
use super::{ManifestError, Problem};

/// What nnU-Net adds to the name of a scan of one channel.
const CHANNEL: &str = "_0000";

/// Reads `imagesTr` and `labelsTr`, then `imagesTs` (with `labelsTs` where it exists). Without a
/// `dataset.json` the organs must be given.
pub(super) fn read(path: &Path, wants_organs: bool) -> Result<Drafts, ManifestError> {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().expect("what is no folder lies in one")
    };
    let json_path = folder.join("dataset.json");
    let mut drafts = Drafts::default();
    let mut ending = ".nii.gz".to_owned();
    if json_path.is_file() {
        let json = DatasetJson::read(&json_path)?;
        drafts.notes.extend(json.check_channels(&json_path)?);
        if wants_organs {
            drafts.organs = Some(json.organs(&json_path)?);
        }
        if !json.dataset.is_empty() {
            drafts.cases = listed(&json, folder, &json_path)?;
            return Ok(drafts);
        }
        ending = json.file_ending.unwrap_or(ending);
    }
    add_pairs(folder, "Tr", &ending, &mut drafts)?;
    if folder.join("imagesTs").is_dir() {
        add_pairs(folder, "Ts", &ending, &mut drafts)?;
    }
    Ok(drafts)
}

/// The cases of `dataset`, whose files lie anywhere.
fn listed(json: &DatasetJson, folder: &Path, path: &Path) -> Result<Vec<Draft>, ManifestError> {
    let drafts = json.dataset.iter().map(|(id, files)| {
        let [image] = files.images.as_slice() else {
            let (channels, path) = (files.images.clone(), path.to_path_buf());
            return Err(ManifestError::Channels { channels, path });
        };
        Ok(Draft {
            place: id.clone(),
            id: Some(id.clone()),
            image: folder.join(image),
            labels: Some(folder.join(&files.label)),
            ..Draft::default()
        })
    });
    drafts.collect()
}

/// Adds the pairs of `imagesTr` and `labelsTr`; of the test folders labels may be missing.
fn add_pairs(
    folder: &Path,
    part: &str,
    ending: &str,
    drafts: &mut Drafts,
) -> Result<(), ManifestError> {
    let image_ending = format!("{CHANNEL}{ending}");
    let images = named(&folder.join(format!("images{part}")), &image_ending)?;
    let label_folder = folder.join(format!("labels{part}"));
    let needs_labels = part == "Tr";
    let mut labels = if needs_labels || label_folder.is_dir() {
        named(&label_folder, ending)?
    } else {
        BTreeMap::new()
    };
    for (id, image) in images {
        let labels = labels.remove(&id);
        if labels.is_none() && needs_labels {
            let what = format!("no labels named {id}{ending} in {}", label_folder.display());
            drafts
                .problems
                .push(Problem::Unpaired { what, path: image });
            continue;
        }
        let place = format!("images{part}/{id}{image_ending}");
        drafts.cases.push(Draft {
            place,
            id: Some(id),
            image,
            labels,
            ..Draft::default()
        });
    }
    for (id, path) in labels {
        let what = format!("no scan named {id}{image_ending} in images{part}");
        drafts.problems.push(Problem::Unpaired { what, path });
    }
    Ok(())
}

/// Files of a folder by what their names are before the ending.
fn named(dir: &Path, ending: &str) -> Result<BTreeMap<String, PathBuf>, ManifestError> {
    // What is not UTF-8 in a name is replaced; such a path is refused when all are checked.
    let id = |path: &Path| {
        let name = path.file_name()?.to_string_lossy();
        Some(name.strip_suffix(ending)?.to_owned())
    };
    let files = entries(dir)?;
    Ok(files
        .into_iter()
        .filter_map(|path| Some((id(&path)?, path)))
        .collect())
}
