//! Scans, whatever file they come in.

use std::path::Path;

use crate::file_kind::{FileKind, file_kind};
use crate::nifti::read_nifti_scan;
use crate::nrrd::read_nrrd_scan;
use crate::{ReadError, Scan, dicom};

/// Reads a scan: a NIfTI or NRRD file, a DICOM file of several frames, or a folder that holds one
/// DICOM series. Hounsfield units, canonical axes.
///
/// The format is told by the first bytes, not by the name.
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
/// # Errors
///
/// As [`read_scan`]; also when the folder has no such series.
pub fn read_scan_series(path: &Path, series_uid: Option<&str>) -> Result<Scan<f32>, ReadError> {
    match file_kind(path)? {
        FileKind::Folder | FileKind::Dicom => Ok(dicom::read_series(path, series_uid)?),
        FileKind::Nifti => read_nifti_scan(path),
        FileKind::Nrrd => read_nrrd_scan(path),
        FileKind::Unknown => Err(ReadError::Unrecognised {
            found: "no NIfTI, NRRD or DICOM file",
            wanted: "a scan",
            path: path.to_path_buf(),
        }),
    }
}
