//! Which files a volume consists of.

use std::path::{Path, PathBuf};

use crate::file_kind::{FileKind, file_kind};
use crate::meta_image::meta_image_data_files;
use crate::nifti::nifti_pair;
use crate::nrrd::nrrd_data_file;
use crate::{Ending, ReadError};

/// The files that hold a volume, `path` first: behind a header that leaves the voxels to others
/// (`.hdr`, `.nhdr`, `.mhd`) come those that it names, whatever they are called.
///
/// ```
/// use hardslice_volume::volume_files;
///
/// let dir = tempfile::tempdir()?;
/// let header = dir.path().join("ct.mhd");
/// std::fs::write(&header, "ObjectType = Image\nElementDataFile = voxels.bin\n")?;
/// assert_eq!(volume_files(&header)?, [header, dir.path().join("voxels.bin")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ReadError`]: the header cannot be read. Whether the files are there is not looked at.
pub fn volume_files(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let is_pair = matches!(
        Ending::of(path),
        Some(Ending::NiftiHeader | Ending::NiftiVoxels)
    );
    let others = match file_kind(path)? {
        FileKind::Nifti if is_pair => nifti_pair(path)?.into_iter().collect(),
        FileKind::Nrrd => nrrd_data_file(path)?.into_iter().collect(),
        FileKind::MetaImage => meta_image_data_files(path)?,
        _ => Vec::new(),
    };
    let others = others.into_iter().filter(|other| other != path);
    Ok(std::iter::once(path.to_path_buf()).chain(others).collect())
}
