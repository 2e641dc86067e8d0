//! The grid that labels must lie on.

use std::path::Path;

use super::embed::{offset_in, places};
use crate::{Grid, PerAxis, Placement, ReadError, same_grid};

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

    /// Finds the place of a file's grid, which may hold a part of the scan's voxels.
    pub(super) fn part(&self, native: Grid, path: &Path) -> Result<Part, ReadError> {
        let placement = self.placement(native, path)?;
        let offset = offset_in(self.grid, &placement.canonical, self.tolerance_mm);
        if offset.is_none() {
            // No part, so the whole: says how far it is off.
            self.check(&placement, path)?;
        }
        Ok(Part {
            placement,
            offset: offset.unwrap_or_default(),
            whole: self.grid.shape,
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

/// Voxels of a scan that a file covers.
#[derive(Debug)]
pub(super) struct Part {
    placement: Placement,
    offset: [usize; 3],
    whole: PerAxis<usize>,
}

impl Part {
    /// Brings voxels from the file's own order to the canonical order of the part.
    pub(super) fn place(&self, voxels: Vec<u16>, path: &Path) -> Result<Vec<u16>, ReadError> {
        reordered(&self.placement, voxels, path)
    }

    /// The places of the part's voxels, in their canonical order, among those of the scan.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        places(self.placement.canonical.shape, self.whole, self.offset)
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
