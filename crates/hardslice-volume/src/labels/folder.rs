//! A folder with one mask per structure, as TotalSegmentator writes it.

use std::fs;
use std::path::{Path, PathBuf};

use super::label_file::read_label_file;
use super::paint::Canvas;
use super::target::Target;
use super::{LabelError, LabelNames};
use crate::{Action, ReadError};

/// What a mask's file name ends with behind the structure's name.
const SUFFIXES: [&str; 6] = [".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".hdr", ".hdr.gz"];

/// Whether a folder holds masks at all.
pub(super) fn holds_masks(folder: &Path) -> Result<bool, ReadError> {
    Ok(!masks_in(folder)?.is_empty())
}

/// Reads the masks of the structures that `names` lists and paints them into one map.
pub(super) fn read_mask_folder(
    folder: &Path,
    target: &Target<'_>,
    names: &LabelNames,
) -> Result<Vec<u16>, ReadError> {
    let masks = masks_in(folder)?;
    if names.is_empty() {
        return Err(LabelError::NoNames {
            path: folder.to_path_buf(),
        }
        .into());
    }
    let mut canvas = Canvas::new(target.grid.shape.n_voxels(), folder);
    for (structure, path) in &masks {
        let Some(value) = names.value_of(structure) else {
            continue;
        };
        let file = read_label_file(path)?;
        for voxels in file.layers {
            let placed = target.place(file.native, voxels, path)?;
            canvas.paint(structure, value, placed.iter().map(|v| *v != 0))?;
        }
    }
    if canvas.n_painted() == 0 {
        let found: Vec<&str> = masks
            .iter()
            .map(|(structure, _)| structure.as_str())
            .collect();
        return Err(LabelError::NoStructure {
            wanted: names.joined(),
            found: found.join(", "),
            path: folder.to_path_buf(),
        }
        .into());
    }
    Ok(canvas.into_labels())
}

/// The masks of a folder with their structures' names, in the order of the names.
fn masks_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, ReadError> {
    let mut masks = Vec::new();
    for entry in fs::read_dir(folder).map_err(Action::List.on(folder))? {
        let path = entry.map_err(Action::List.on(folder))?.path();
        let name = path.file_name().expect("an entry of a folder has a name");
        let name = name.to_string_lossy().into_owned();
        // Longest suffix first, and no hidden files (macOS leaves `._liver.nii.gz`).
        let stem = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
        if let Some(stem) = stem.filter(|stem| !stem.starts_with('.')) {
            masks.push((stem.to_owned(), path));
        }
    }
    masks.sort();
    Ok(masks)
}
