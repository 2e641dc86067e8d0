//! Which format a file has, told by its first bytes and, failing that, by its name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::nifti::{has_nifti_name, starts_like_nifti};
use crate::{Action, ReadError};

/// A format that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Folder,
    Nifti,
    Nrrd,
    Dicom,
    Unknown,
}

/// Looks at a file or folder.
pub(crate) fn file_kind(path: &Path) -> Result<FileKind, ReadError> {
    if path.is_dir() {
        return Ok(FileKind::Folder);
    }
    let head = head(path, 132)?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let ends_with = |suffix| name.strip_suffix(suffix).is_some();
    Ok(if head.starts_with(b"NRRD000") {
        FileKind::Nrrd
    } else if head.get(128..) == Some(b"DICM") {
        FileKind::Dicom
    } else if has_nifti_name(path) || starts_like_nifti(path)? {
        FileKind::Nifti
    } else if ends_with(".dcm") || ends_with(".ima") {
        FileKind::Dicom
    } else if ends_with(".nrrd") || ends_with(".nhdr") {
        FileKind::Nrrd
    } else {
        FileKind::Unknown
    })
}

/// The first bytes of a file, as many of `n_bytes` as there are.
fn head(path: &Path, n_bytes: u64) -> Result<Vec<u8>, ReadError> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(n_bytes).read_to_end(&mut head))
        .map_err(Action::Read.on(path))?;
    Ok(head)
}
