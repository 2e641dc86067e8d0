//! Label maps, whatever file they come in.

use std::path::Path;

use super::embed::{embedded, offset_in};
use super::folder::{holds_masks, read_mask_folder};
use super::{LabelNames, segments};
use crate::file_kind::{FileKind, file_kind};
use crate::nifti::read_nifti_label_voxels;
use crate::nrrd::read_nrrd_labels;
use crate::{Grid, Placement, ReadError, Scan, Volume, default_tolerance_mm, dicom, same_grid};

/// Reads the labels of a scan, as they lie on the scan's canonical grid.
///
/// - A label map (NIfTI, NRRD): its values are the label values; `names` plays no part.
/// - `.seg.nrrd` and DICOM SEG: each segment that `names` lists gets its value there, others are
///   left out; when `names` is empty, the file's own values are used. Both may be cropped to a part
///   of the scan.
/// - A folder with one mask per structure (TotalSegmentator's layout: `liver.nii.gz`,
///   `kidney_left.nii.gz`, ...): each file that `names` lists gets its value; what is not 0 is
///   inside.
/// - A DICOM SEG file may also stand alone in a folder. RTSTRUCT is refused with the way out.
///
/// The axes of a label file may run otherwise than the scan's, as long as they cover the same
/// voxels.
///
/// # Errors
///
/// [`ReadError`]: the file is damaged, holds other values than labels, or lies on another grid than
/// the scan by more than [`default_tolerance_mm`].
pub fn read_labels(
    path: &Path,
    reference: &Scan<f32>,
    names: &LabelNames,
) -> Result<Scan<u16>, ReadError> {
    let tolerance_mm = default_tolerance_mm(reference.volume.grid());
    read_labels_within(path, reference, names, tolerance_mm)
}

/// Reads labels as [`read_labels`] does, with a tolerance of one's own for the distance between the
/// corners of the grids.
///
/// DICOM SEG is held to its own, as it may hold only some of the scan's slices.
///
/// # Errors
///
/// As [`read_labels`].
pub fn read_labels_within(
    path: &Path,
    reference: &Scan<f32>,
    names: &LabelNames,
    tolerance_mm: f64,
) -> Result<Scan<u16>, ReadError> {
    read_labels_on(path, &reference.placement, names, tolerance_mm)
}

/// Reads labels as [`read_labels_within`] does, where the scan itself is not at hand: `placement` says
/// where its voxels lie.
///
/// # Errors
///
/// As [`read_labels`].
pub fn read_labels_on(
    path: &Path,
    placement: &Placement,
    names: &LabelNames,
    tolerance_mm: f64,
) -> Result<Scan<u16>, ReadError> {
    let target = Target {
        grid: &placement.canonical,
        tolerance_mm,
    };
    let labels = match file_kind(path)? {
        FileKind::Folder if !holds_masks(path)? => return dicom::read_seg(path, placement, names),
        FileKind::Folder => read_mask_folder(path, &target, names)?,
        FileKind::Dicom => return dicom::read_seg(path, placement, names),
        FileKind::Nifti | FileKind::Nrrd => {
            let file = read_label_file(path)?;
            segments::combine(file, &target, names, path)?
        }
        FileKind::Unknown => {
            return Err(ReadError::Unrecognised {
                found: "no NIfTI, NRRD or DICOM file",
                wanted: "a label map, a segmentation or a folder of masks",
                path: path.to_path_buf(),
            });
        }
    };
    let volume = Volume::new(*target.grid, labels).map_err(|source| ReadError::VoxelCount {
        source,
        path: path.to_path_buf(),
    })?;
    Ok(Scan {
        volume,
        placement: *placement,
    })
}

/// Where the voxels of a label file lie on a scan's canonical grid, which they must cover.
pub(crate) fn placed_on(
    grid: &Grid,
    tolerance_mm: f64,
    native: Grid,
    path: &Path,
) -> Result<Placement, ReadError> {
    let target = Target { grid, tolerance_mm };
    let placement = target.placement(native, path)?;
    target.check(&placement, path)?;
    Ok(placement)
}

/// The grid that labels must lie on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) grid: &'a Grid,
    pub(super) tolerance_mm: f64,
}

impl Target<'_> {
    /// Brings voxels from a file's own order to the scan's canonical order.
    pub(super) fn place(
        &self,
        native: Grid,
        voxels: Vec<u16>,
        path: &Path,
    ) -> Result<Vec<u16>, ReadError> {
        let placement = self.placement(native, path)?;
        self.check(&placement, path)?;
        reordered(&placement, voxels, path)
    }

    /// As [`place`](Self::place); the file may also hold a part of the scan's voxels.
    pub(super) fn place_part(
        &self,
        native: Grid,
        voxels: Vec<u16>,
        path: &Path,
    ) -> Result<Vec<u16>, ReadError> {
        let placement = self.placement(native, path)?;
        let part = placement.canonical;
        let Some(offset) = offset_in(self.grid, &part, self.tolerance_mm) else {
            // No part, so the whole: says how far it is off.
            self.check(&placement, path)?;
            return reordered(&placement, voxels, path);
        };
        let voxels = reordered(&placement, voxels, path)?;
        Ok(if part.shape == self.grid.shape {
            voxels
        } else {
            embedded(&voxels, &part, self.grid, offset)
        })
    }

    fn placement(&self, native: Grid, path: &Path) -> Result<Placement, ReadError> {
        Placement::on_axes_of(native, self.grid).map_err(|source| ReadError::Affine {
            source,
            path: path.to_path_buf(),
        })
    }

    fn check(&self, placement: &Placement, path: &Path) -> Result<(), ReadError> {
        same_grid(self.grid, &placement.canonical, self.tolerance_mm).map_err(|source| {
            ReadError::Grid {
                source,
                path: path.to_path_buf(),
            }
        })
    }
}

fn reordered(placement: &Placement, voxels: Vec<u16>, path: &Path) -> Result<Vec<u16>, ReadError> {
    let placed = placement
        .to_canonical(voxels)
        .map_err(|source| ReadError::VoxelCount {
            source,
            path: path.to_path_buf(),
        })?;
    Ok(placed.into_voxels())
}

/// A label file in its own axis order: one layer for all formats but `.seg.nrrd`.
#[derive(Debug)]
pub(super) struct LabelFile {
    pub(super) native: Grid,
    pub(super) layers: Vec<Vec<u16>>,
    pub(super) segments: Vec<crate::nrrd::Segment>,
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
