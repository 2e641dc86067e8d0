//! One file of labels, in its own axis order.

use std::path::Path;

use crate::file_kind::{FileKind, file_kind};
use crate::nifti::read_nifti_label_voxels;
use crate::nrrd::{Segment, read_nrrd_labels};
use crate::{Grid, ReadError};

/// A label file in its own axis order: one layer for all formats but `.seg.nrrd`.
#[derive(Debug)]
pub(super) struct LabelFile {
    pub(super) native: Grid,
    pub(super) layers: Vec<Vec<u16>>,
    pub(super) segments: Vec<Segment>,
}

/// Reads one label file of voxels, NIfTI or NRRD.
pub(super) fn read_label_file(path: &Path) -> Result<LabelFile, ReadError> {
    Ok(if file_kind(path)? == FileKind::Nrrd {
        let nrrd = read_nrrd_labels(path)?;
        LabelFile {
            native: nrrd.native,
            layers: nrrd.layers,
            segments: nrrd.segments,
        }
    } else {
        let (native, voxels) = read_nifti_label_voxels(path)?;
        LabelFile {
            native,
            layers: vec![voxels],
            segments: Vec::new(),
        }
    })
}
