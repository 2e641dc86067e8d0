//! A folder with one mask per structure, as TotalSegmentator writes it.

use std::path::{Path, PathBuf};

use super::label_file::read_label_file;
use super::target::Target;
use super::{LabelError, LabelNames};
use crate::canvas::Canvas;
use crate::folder::{all_paths, visible_entries};
use crate::{Ending, Note, ReadError};

/// Whether a folder holds masks at all.
pub(super) fn holds_masks(folder: &Path) -> Result<bool, ReadError> {
    Ok(!masks_in(folder)?.is_empty())
}

/// The first folder in a folder that holds masks, which are not looked for so deep.
pub(super) fn folder_of_masks_in(folder: &Path) -> Result<Option<PathBuf>, ReadError> {
    for inner in visible_entries(folder)? {
        if inner.is_dir() && holds_masks(&inner)? {
            return Ok(Some(inner));
        }
    }
    Ok(None)
}

/// The first of the masks that a folder holds, by name.
pub(super) fn first_mask(folder: &Path) -> Result<Option<PathBuf>, ReadError> {
    Ok(masks_in(folder)?.into_iter().next().map(|(_, path)| path))
}

/// A mask that is wanted: its place in the label map, its value and its file.
struct Mask<'a> {
    rank: usize,
    value: u16,
    structure: &'a str,
    path: &'a Path,
}

/// Reads the masks of the structures that `names` lists and paints them into one map, with what
/// there is to say about them.
pub(super) fn read_mask_folder(
    folder: &Path,
    target: &Target<'_>,
    names: &LabelNames,
) -> Result<(Vec<u16>, Vec<Note>), ReadError> {
    let masks = masks_in(folder)?;
    if names.is_empty() {
        return Err(LabelError::NoNames {
            path: folder.to_path_buf(),
        }
        .into());
    }
    let wanted = wanted(&masks, names)?;
    refuse_interrupted(folder, &wanted, names)?;
    if wanted.is_empty() {
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
    let mut canvas = Canvas::new(target.grid.shape.n_voxels(), folder);
    let mut notes = Vec::new();
    for mask in wanted {
        let rank = canvas.add(mask.structure, mask.value)?;
        let file = read_label_file(mask.path)?;
        notes.extend(file.notes);
        for voxels in file.layers {
            let placed = target.place(file.native, voxels, mask.path)?;
            canvas.paint_all(rank, placed.iter().map(|v| *v != 0));
        }
    }
    let (labels, about_structures) = canvas.finish(names);
    notes.extend(about_structures);
    Ok((labels, notes))
}

/// The masks of the structures that are listed, in the order of the list; one for each name.
fn wanted<'a>(
    masks: &'a [(String, PathBuf)],
    names: &LabelNames,
) -> Result<Vec<Mask<'a>>, LabelError> {
    let mut wanted: Vec<_> = masks
        .iter()
        .filter_map(|(structure, path)| {
            let (rank, value) = names.entry(structure)?;
            Some(Mask {
                rank,
                value,
                structure,
                path,
            })
        })
        .collect();
    wanted.sort_by_key(|mask| mask.rank);
    match wanted.windows(2).find(|two| two[0].rank == two[1].rank) {
        Some([first, second]) => Err(LabelError::TwoMasks {
            name: first.structure.to_owned(),
            first: first.path.to_path_buf(),
            second: second.path.to_path_buf(),
        }),
        _ => Ok(wanted),
    }
}

/// Refuses a structure of which there is no mask, but part of one (`spleen.nii.gz.part`,
/// `.spleen.nii.gz.Xy12Zw` of rsync): the patient does not lack it.
fn refuse_interrupted(
    folder: &Path,
    wanted: &[Mask<'_>],
    names: &LabelNames,
) -> Result<(), ReadError> {
    if wanted.len() == names.iter().count() {
        return Ok(());
    }
    for path in all_paths(folder)?.into_iter().filter(|path| path.is_file()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // macOS's `._liver.nii.gz` is no part of a mask.
        let shown = name.strip_prefix('.').unwrap_or(&name);
        if shown.starts_with('_') || Ending::split(&name).1.is_some() && shown == name {
            continue;
        }
        let entry = Ending::stem_within(shown).and_then(|stem| names.entry(stem));
        if let Some((rank, _)) = entry
            && wanted.iter().all(|mask| mask.rank != rank)
        {
            let (name, _) = names.iter().nth(rank).expect("a place in the list");
            return Err(LabelError::Interrupted {
                name: name.to_owned(),
                path,
            }
            .into());
        }
    }
    Ok(())
}

/// The masks of a folder with their structures' names, in the order of their files' names.
fn masks_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, ReadError> {
    let entries = visible_entries(folder)?.into_iter();
    let masks = entries.filter(|path| Ending::of(path).is_some_and(Ending::is_volume));
    Ok(masks.map(|path| (Ending::stem(&path), path)).collect())
}
