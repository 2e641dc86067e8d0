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
    let n_layers = file.layers.len();
    let mut layers = Vec::with_capacity(n_layers);
    for voxels in file.layers {
        layers.push(if file.segments.is_empty() {
            target.place(file.native, voxels, path)?
        } else {
            target.place_part(file.native, voxels, path)?
        });
    }
    let mut notes = file.notes;
    if file.segments.is_empty() && n_layers == 1 {
        return Ok((layers.swap_remove(0), notes));
    }
    // Those of the map in its order, so that the later one wins; without a map in the file's.
    let mut wanted = Vec::new();
    for segment in &file.segments {
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
        canvas.paint_all(rank, layer.iter().map(|v| *v == segment.value));
    }
    if canvas.is_empty() {
        let found: Vec<&str> = file.segments.iter().map(|s| s.name.as_str()).collect();
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
