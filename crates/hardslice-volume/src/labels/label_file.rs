//! One file of labels, in its own axis order.

use std::path::Path;

use crate::file_kind::{FileKind, file_kind};
use crate::meta_image::read_meta_image_label_voxels;
use crate::nifti::read_nifti_label_voxels;
use crate::nrrd::{Segment, read_nrrd_labels};
use crate::{Grid, Note, ReadError};

/// A label file in its own axis order: one layer for all formats but `.seg.nrrd`.
#[derive(Debug)]
pub(super) struct LabelFile {
    pub(super) native: Grid,
    pub(super) layers: Vec<Vec<u16>>,
    pub(super) segments: Vec<Segment>,
    pub(super) notes: Vec<Note>,
}

/// Reads one label file of voxels: NIfTI, NRRD or MetaImage.
pub(super) fn read_label_file(path: &Path) -> Result<LabelFile, ReadError> {
    let native = match file_kind(path)? {
        FileKind::Nrrd => {
            let nrrd = read_nrrd_labels(path)?;
            return Ok(LabelFile {
                native: nrrd.native,
                layers: nrrd.layers,
                segments: nrrd.segments,
                notes: nrrd.notes,
            });
        }
        FileKind::MetaImage => read_meta_image_label_voxels(path)?,
        _ => read_nifti_label_voxels(path)?,
    };
    Ok(LabelFile {
        native: native.grid,
        layers: vec![native.voxels],
        segments: Vec::new(),
        notes: native.notes,
    })
}
