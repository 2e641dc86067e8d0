//! Layers and segments into one label map.

use std::path::Path;

use super::label_file::LabelFile;
use super::paint::Canvas;
use super::target::Target;
use super::{LabelError, LabelNames};
use crate::ReadError;

/// Brings a label file to the scan's grid and its segments to their values.
pub(super) fn combine(
    file: LabelFile,
    target: &Target<'_>,
    names: &LabelNames,
    path: &Path,
) -> Result<Vec<u16>, ReadError> {
    let n_layers = file.layers.len();
    let mut layers = Vec::with_capacity(n_layers);
    for voxels in file.layers {
        layers.push(if file.segments.is_empty() {
            target.place(file.native, voxels, path)?
        } else {
            target.place_part(file.native, voxels, path)?
        });
    }
    if file.segments.is_empty() && n_layers == 1 {
        return Ok(layers.swap_remove(0));
    }
    let mut canvas = Canvas::new(target.grid.shape.n_voxels(), path);
    for segment in &file.segments {
        let listed = names.value_of(&segment.name);
        let Some(value) = listed.or(names.is_empty().then_some(segment.value)) else {
            continue;
        };
        let layer = layers.get(segment.layer).ok_or_else(|| LabelError::Layer {
            name: segment.name.clone(),
            layer: segment.layer,
            n_layers,
            path: path.to_path_buf(),
        })?;
        canvas.paint(
            &segment.name,
            value,
            layer.iter().map(|v| *v == segment.value),
        )?;
    }
    if canvas.n_painted() == 0 {
        let found: Vec<&str> = file.segments.iter().map(|s| s.name.as_str()).collect();
        return Err(LabelError::NoStructure {
            wanted: names.joined(),
            found: found.join(", "),
            path: path.to_path_buf(),
        }
        .into());
    }
    Ok(canvas.into_labels())
}
