//! Label maps, whatever file they come in.

use std::path::Path;

use super::folder::{folder_of_masks_in, holds_masks, read_mask_folder};
use super::label_file::read_label_file;
use super::target::Target;
use super::{LabelError, LabelNames, segments};
use crate::file_kind::{FileKind, file_kind};
use crate::{ReadError, Reference, Scan, Volume, default_tolerance_mm, dicom};

/// Reads the labels of a scan, as they lie on the scan's canonical grid.
///
/// - A label map (NIfTI, NRRD, MetaImage): its values are the label values; `names` plays no part.
/// - `.seg.nrrd` and DICOM SEG: each segment that `names` lists gets its value there, others are
///   left out; when `names` is empty, the file's own values are used. Both may be cropped to a part
///   of the scan.
/// - A folder with one mask per structure (TotalSegmentator's layout: `liver.nii.gz`,
///   `kidney_left.nii.gz`, ...): each file that `names` lists gets its value; what is not 0 is
///   inside.
/// - DICOM RTSTRUCT, by the names of its regions, as a SEG: see
///   [`read_rtstruct`](dicom::read_rtstruct) for which voxels are in a contour.
/// - A DICOM SEG or RTSTRUCT file may also stand alone in a folder.
///
/// Where structures overlap, the one that `names` lists later has the voxels (without names: the one
/// that the file lists later), and a [`Note`](crate::Note) says how many. Values that are whole up to
/// a thousandth, as slopes and 32-bit numbers leave them, are taken for the whole number, with a
/// note.
///
/// The axes of a label file may run otherwise than the scan's, as long as they cover the same
/// voxels.
///
/// ```
/// use hardslice_volume::{LabelNames, PerAxis, Volume, read_labels, write_label_map};
///
/// # use hardslice_volume::{Grid, Placement, Scan};
/// # let placement = Placement::new(Grid {
/// #     shape: PerAxis::from_xyz([2, 1, 1]),
/// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
/// # })?;
/// # let scan = Scan::from_native(placement, vec![-1000.0, 40.0])?;
/// # let dir = tempfile::tempdir()?;
/// // A folder of masks, as TotalSegmentator leaves it; `scan` has two voxels.
/// let mask = Volume::new(*scan.volume.grid(), vec![1, 0])?;
/// write_label_map(&dir.path().join("kidney_left.nii.gz"), &mask, &scan.placement)?;
///
/// let names = LabelNames::new([("kidney_left", 2), ("kidney_right", 3)])?;
/// let labels = read_labels(dir.path(), &scan, &names)?;
/// assert_eq!(labels.volume.voxels(), [2, 0]);
/// assert_eq!(labels.volume.grid(), scan.volume.grid());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
/// DICOM SEG and RTSTRUCT are held to their own, as they may hold only some of the scan's slices.
///
/// ```
/// use hardslice_volume::{LabelNames, PerAxis, Volume, read_labels_within, write_label_map};
///
/// # use hardslice_volume::{Grid, Placement, Scan};
/// # let placement = Placement::new(Grid {
/// #     shape: PerAxis::from_xyz([2, 1, 1]),
/// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
/// # })?;
/// # let scan = Scan::from_native(placement, vec![-1000.0, 40.0])?;
/// # let dir = tempfile::tempdir()?;
/// // Labels on a grid that lies half a millimetre beside the scan's.
/// let mut beside = scan.placement;
/// beside.native.world_from_voxel[2][3] += 0.5;
/// beside.canonical.world_from_voxel[2][3] += 0.5;
/// let path = dir.path().join("liver.nii.gz");
/// write_label_map(&path, &Volume::new(beside.canonical, vec![1, 0])?, &beside)?;
///
/// let names = LabelNames::default();
/// let refused = read_labels_within(&path, &scan, &names, 0.1).unwrap_err();
/// assert!(refused.to_string().contains("0.5"), "{refused}");
/// assert_eq!(read_labels_within(&path, &scan, &names, 1.0)?.volume.voxels(), [1, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    read_labels_on(path, reference, names, tolerance_mm)
}

/// Reads labels as [`read_labels_within`] does, where the scan itself is not at hand: `reference`, or
/// a [`Placement`](crate::Placement), says where its voxels lie.
///
/// ```
/// use hardslice_volume::{
///     LabelNames, PerAxis, Volume, default_tolerance_mm, read_labels_on, write_label_map,
/// };
///
/// # use hardslice_volume::{Grid, Placement, Scan};
/// # let placement = Placement::new(Grid {
/// #     shape: PerAxis::from_xyz([2, 1, 1]),
/// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
/// # })?;
/// # let scan = Scan::from_native(placement, vec![-1000.0, 40.0])?;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("liver.nii.gz");
/// # write_label_map(&path, &Volume::new(*scan.volume.grid(), vec![1, 0])?, &placement)?;
/// let tolerance_mm = default_tolerance_mm(&placement.canonical);
/// let labels = read_labels_on(&path, &placement, &LabelNames::default(), tolerance_mm)?;
/// assert_eq!(labels.volume.voxels(), [1, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`read_labels`].
pub fn read_labels_on<'a>(
    path: &Path,
    reference: impl Into<Reference<'a>>,
    names: &LabelNames,
    tolerance_mm: f64,
) -> Result<Scan<u16>, ReadError> {
    let reference = reference.into();
    let placement = reference.placement;
    let target = Target {
        grid: &placement.canonical,
        tolerance_mm,
    };
    let (labels, notes) = match file_kind(path)? {
        FileKind::Folder if !holds_masks(path)? => {
            if let Some(inner) = folder_of_masks_in(path)? {
                return Err(LabelError::MasksDeeper {
                    inner,
                    path: path.to_path_buf(),
                }
                .into());
            }
            return Ok(dicom::read_labels(path, reference, names)?);
        }
        FileKind::Folder => read_mask_folder(path, &target, names)?,
        FileKind::Dicom => return Ok(dicom::read_labels(path, reference, names)?),
        FileKind::Nifti | FileKind::Nrrd | FileKind::MetaImage => {
            let file = read_label_file(path)?;
            segments::combine(file, &target, names, path)?
        }
        FileKind::Unknown => {
            return Err(ReadError::Unrecognised {
                found: "no NIfTI, NRRD, MetaImage or DICOM file",
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
        frame_of_reference: reference.frame_of_reference.map(str::to_owned),
        notes,
    })
}
