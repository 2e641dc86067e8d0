//! Scans, whatever file they come in.

use std::path::Path;

use crate::file_kind::{FileKind, file_kind};
use crate::meta_image::read_meta_image_scan;
use crate::nifti::read_nifti_scan;
use crate::nrrd::read_nrrd_scan;
use crate::{ReadError, Scan, dicom};

/// Reads a scan: a NIfTI, NRRD or MetaImage file, a DICOM file of several frames, or a folder that holds one
/// DICOM series. Hounsfield units, canonical axes.
///
/// The format is told by the first bytes, not by the name.
///
/// ```
/// use hardslice_volume::read_scan;
///
/// # use hardslice_volume::{Grid, PerAxis, Volume, write_scan};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ct.nii.gz");
/// # let grid = Grid {
/// #     shape: PerAxis::from_xyz([2, 1, 1]),
/// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
/// # };
/// # write_scan(&path, &Volume::new(grid, vec![-1000_i16, 40])?)?;
/// // A file whose x runs to the patient's left: air, then liver.
/// let scan = read_scan(&path)?;
/// assert_eq!(scan.volume.voxels(), [40.0, -1000.0], "canonical axes: from left to right");
/// assert_eq!(scan.volume.grid().spacing_mm().zyx(), [5.0, 0.75, 0.75]);
/// assert_eq!(scan.placement.native_index([0, 0, 0]), [1, 0, 0], "where it stood in the file");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ReadError`]: the file is damaged or of no format that is read here, or the folder holds
/// several series (all are listed).
pub fn read_scan(path: &Path) -> Result<Scan<f32>, ReadError> {
    read_scan_series(path, None)
}

/// Reads a scan as [`read_scan`] does; in a folder, the DICOM series with this UID.
///
/// ```
/// use std::path::Path;
///
/// use hardslice_volume::dicom::list_series;
/// use hardslice_volume::read_scan_series;
///
/// # let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom/explicit");
/// let series = list_series(&folder)?;
/// let scan = read_scan_series(&folder, Some(&series[0].uid))?;
/// assert_eq!(scan.volume.shape().zyx(), [5, 6, 7]);
/// assert!(read_scan_series(&folder, Some("1.2.3")).is_err(), "there is no such series");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`read_scan`]; also when the folder has no such series.
pub fn read_scan_series(path: &Path, series_uid: Option<&str>) -> Result<Scan<f32>, ReadError> {
    match file_kind(path)? {
        FileKind::Folder | FileKind::Dicom => Ok(dicom::read_series(path, series_uid)?),
        FileKind::Nifti => read_nifti_scan(path),
        FileKind::Nrrd => read_nrrd_scan(path),
        FileKind::MetaImage => read_meta_image_scan(path),
        FileKind::Unknown => Err(ReadError::Unrecognised {
            found: "no NIfTI, NRRD, MetaImage or DICOM file",
            wanted: "a scan",
            path: path.to_path_buf(),
        }),
    }
}
