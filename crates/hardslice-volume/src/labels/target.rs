//! The grid that labels must lie on.

use std::path::Path;

use super::embed::{embedded, offset_in};
use crate::{Grid, Placement, ReadError, same_grid};

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
