//! Layers and segments into one label map.

use std::path::Path;

use super::label_file::LabelFile;
use super::target::Target;
use super::{LabelError, LabelNames};
use crate::canvas::Canvas;
use crate::{Note, ReadError};

/// Brings a label file to the scan's grid and its segments to their values, with what there is to
/// say about them.
pub(super) fn combine(
    file: LabelFile,
    target: &Target<'_>,
    names: &LabelNames,
    path: &Path,
) -> Result<(Vec<u16>, Vec<Note>), ReadError> {
    let LabelFile {
        native,
        mut layers,
        segments,
        mut notes,
    } = file;
    let n_layers = layers.len();
    if segments.is_empty() && n_layers == 1 {
        return Ok((target.place(native, layers.swap_remove(0), path)?, notes));
    }
    // Of many layers, each may cover a small part of the scan: none is spread over all of it.
    let part = target.part(native, path)?;
    let placed = layers.into_iter().map(|voxels| part.place(voxels, path));
    let layers = placed.collect::<Result<Vec<_>, _>>()?;
    // Those of the map in its order, so that the later one wins; without a map in the file's.
    let mut wanted = Vec::new();
    for segment in &segments {
        let listed = names.entry(&segment.name);
        let own = names.is_empty().then_some((0, segment.value));
        if let Some((rank, value)) = listed.or(own) {
            wanted.push((rank, segment, value));
        }
    }
    wanted.sort_by_key(|(rank, ..)| *rank);
    let mut canvas = Canvas::new(target.grid.shape.n_voxels(), path);
    for (_, segment, value) in wanted {
        let layer = layers.get(segment.layer).ok_or_else(|| LabelError::Layer {
            name: segment.name.clone(),
            layer: segment.layer,
            n_layers,
            path: path.to_path_buf(),
        })?;
        let rank = canvas.add(&segment.name, value)?;
        for (at, value) in part.places().zip(layer) {
            if *value == segment.value {
                canvas.paint(at, rank);
            }
        }
    }
    if canvas.is_empty() {
        let found: Vec<&str> = segments.iter().map(|s| s.name.as_str()).collect();
        return Err(LabelError::NoStructure {
            wanted: names.joined(),
            found: found.join(", "),
            path: path.to_path_buf(),
        }
        .into());
    }
    let (labels, about_structures) = canvas.finish(names);
    notes.extend(about_structures);
    Ok((labels, notes))
}
