//! What labels say by themselves, before they are read onto a scan.

use std::path::Path;

use super::folder::first_mask;
use crate::file_kind::{FileKind, file_kind};
use crate::meta_image::read_meta_image_grid;
use crate::nifti::NiftiVoxels;
use crate::nrrd::read_nrrd_header;
use crate::{Grid, Placement, ReadError};

/// What a file or folder of labels says by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelsInfo {
    /// Where its voxels lie; `None` for DICOM segmentations, whose frames lie on the voxels of
    /// their scan.
    pub placement: Option<Placement>,
    /// Whether it may hold a part of its scan's voxels alone, as 3D Slicer crops segmentations.
    pub may_be_cropped: bool,
    /// Whether its structures have names; a plain label map has values alone.
    pub has_names: bool,
}

/// Looks at labels without reading their voxels: for those who have no scan at hand to read them
/// onto, and for those who must know whether names of structures mean anything there.
///
/// ```
/// use hardslice_volume::{PerAxis, Volume, describe_labels, write_label_map};
///
/// # use hardslice_volume::{Grid, Placement};
/// # let placement = Placement::new(Grid {
/// #     shape: PerAxis::from_xyz([2, 1, 1]),
/// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
/// # })?;
/// # let dir = tempfile::tempdir()?;
/// let mask = Volume::new(placement.canonical, vec![1, 0])?;
/// write_label_map(&dir.path().join("kidney_left.nii.gz"), &mask, &placement)?;
/// let masks = describe_labels(dir.path())?;
/// assert_eq!(masks.placement, Some(placement));
/// assert!(masks.has_names);
/// let map = describe_labels(&dir.path().join("kidney_left.nii.gz"))?;
/// assert!(!map.has_names, "a label map by itself");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ReadError`]: what is wrong with the header, or that the file is none of labels.
pub fn describe_labels(path: &Path) -> Result<LabelsInfo, ReadError> {
    let of_grid = |grid: Grid, path: &Path, has_names: bool| {
        let placement = Placement::new(grid).map_err(|source| ReadError::Affine {
            source,
            path: path.to_path_buf(),
        })?;
        Ok(LabelsInfo {
            placement: Some(placement),
            may_be_cropped: has_names,
            has_names,
        })
    };
    match file_kind(path)? {
        FileKind::Folder => match first_mask(path)? {
            Some(mask) => Ok(LabelsInfo {
                may_be_cropped: false,
                has_names: true,
                ..describe_labels(&mask)?
            }),
            None => Ok(LabelsInfo::OF_SEG),
        },
        FileKind::Dicom => Ok(LabelsInfo::OF_SEG),
        FileKind::Nifti => of_grid(NiftiVoxels::open(path)?.native(), path, false),
        FileKind::MetaImage => of_grid(read_meta_image_grid(path)?, path, false),
        FileKind::Nrrd => {
            let (grid, has_segments) = read_nrrd_header(path)?;
            of_grid(grid, path, has_segments)
        }
        FileKind::Unknown => Err(ReadError::Unrecognised {
            found: "no NIfTI, NRRD, MetaImage or DICOM file",
            wanted: "a label map, a segmentation or a folder of masks",
            path: path.to_path_buf(),
        }),
    }
}

impl LabelsInfo {
    const OF_SEG: Self = Self {
        placement: None,
        may_be_cropped: true,
        has_names: true,
    };
}
