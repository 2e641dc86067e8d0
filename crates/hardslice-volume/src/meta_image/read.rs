//! Reading scans and label maps.

use std::path::{Path, PathBuf};

use super::header::Header;
use crate::native::Native;
use crate::stored::{Voxel, read_voxels};
use crate::{Grid, ReadError, Scan};

/// Reads a scan.
///
/// ```
/// use hardslice_volume::read_meta_image_scan;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ct.mha");
/// let header = "ObjectType = Image
/// NDims = 3
/// TransformMatrix = 1 0 0 0 1 0 0 0 1
/// Offset = 0 0 0
/// ElementSpacing = 0.75 0.75 5
/// DimSize = 2 1 1
/// ElementType = MET_CHAR
/// ElementDataFile = LOCAL
/// ";
/// std::fs::write(&path, [header.as_bytes(), &[100, 40]].concat())?;
/// let scan = read_meta_image_scan(&path)?;
/// assert_eq!(scan.volume.voxels(), [40.0, 100.0], "from left to right");
/// assert_eq!(scan.volume.grid().spacing_mm().zyx(), [5.0, 0.75, 0.75]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ReadError`]: what is wrong with header or voxels, NaN and infinity included.
pub fn read_meta_image_scan(path: &Path) -> Result<Scan<f32>, ReadError> {
    read(path)?.placed(path)
}

/// A label map in the file's own order.
pub(crate) fn read_meta_image_label_voxels(path: &Path) -> Result<Native<u16>, ReadError> {
    read(path)
}

/// The files that a header leaves the voxels to.
pub(crate) fn meta_image_data_files(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let (header, mut reader) = Header::open(path)?;
    header.data_files(&mut reader)
}

/// The grid in the file's own axis order.
pub(crate) fn read_meta_image_grid(path: &Path) -> Result<Grid, ReadError> {
    let (header, _) = Header::open(path)?;
    Ok(header.grid()?.0)
}

fn read<T: Voxel>(path: &Path) -> Result<Native<T>, ReadError> {
    let (header, reader) = Header::open(path)?;
    let (grid, about_grid) = header.grid()?;
    let layout = header.layout(grid.shape)?;
    let (voxels, about_voxels) = read_voxels(header.data(reader, &layout)?, &layout)?;
    Ok(Native {
        grid,
        voxels,
        notes: about_grid.into_iter().chain(about_voxels).collect(),
    })
}
