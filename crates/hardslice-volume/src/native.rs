//! The voxels of a file in the file's own order.

use std::path::Path;

use crate::{Grid, Note, Placement, ReadError, Scan};

/// What a reader of one file format delivers.
#[derive(Debug)]
pub(crate) struct Native<T> {
    /// The grid in the file's own axis order.
    pub(crate) grid: Grid,
    /// The voxels, the grid's first axis fastest.
    pub(crate) voxels: Vec<T>,
    /// What was read by a rule.
    pub(crate) notes: Vec<Note>,
}

impl<T: Copy + Send + Sync> Native<T> {
    /// The voxels on the nearest canonical axes.
    pub(crate) fn placed(self, path: &Path) -> Result<Scan<T>, ReadError> {
        let placement = Placement::new(self.grid).map_err(|source| ReadError::Affine {
            source,
            path: path.to_path_buf(),
        })?;
        let scan =
            Scan::from_native(placement, self.voxels).map_err(|source| ReadError::VoxelCount {
                source,
                path: path.to_path_buf(),
            })?;
        Ok(Scan {
            notes: self.notes,
            ..scan
        })
    }
}
