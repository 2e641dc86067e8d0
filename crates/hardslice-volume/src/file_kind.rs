//! Which format a file has, told by its first bytes and, failing that, by its name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::dicom::begins_like_dicom;
use crate::nifti::starts_like_nifti;
use crate::{Action, Ending, ReadError};

/// A format that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Folder,
    Nifti,
    Nrrd,
    MetaImage,
    Dicom,
    Unknown,
}

/// Looks at a file or folder.
pub(crate) fn file_kind(path: &Path) -> Result<FileKind, ReadError> {
    if path.is_dir() {
        return Ok(FileKind::Folder);
    }
    let head = head(path, 132)?;
    if head.starts_with(b"NRRD000") {
        return Ok(FileKind::Nrrd);
    }
    if head.get(128..) == Some(b"DICM") || head.starts_with(b"DICM") {
        return Ok(FileKind::Dicom);
    }
    let named = Ending::of(path);
    let is_pair = matches!(named, Some(Ending::NiftiHeader | Ending::NiftiVoxels));
    if is_pair || starts_like_nifti(path)? {
        return Ok(FileKind::Nifti);
    }
    Ok(match named {
        Some(Ending::Nifti | Ending::NiftiGz | Ending::NiftiHeader | Ending::NiftiVoxels) => {
            FileKind::Nifti
        }
        Some(Ending::Nrrd | Ending::NrrdHeader | Ending::SegNrrd | Ending::SegNrrdHeader) => {
            FileKind::Nrrd
        }
        Some(Ending::MetaImage | Ending::MetaImageHeader) => FileKind::MetaImage,
        Some(Ending::Dicom) => FileKind::Dicom,
        None if begins_like_dicom(path)? => FileKind::Dicom,
        None => FileKind::Unknown,
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
