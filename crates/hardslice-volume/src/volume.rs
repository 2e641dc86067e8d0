//! Voxels on a grid.

use thiserror::Error;

use crate::{Grid, PerAxis};

/// Voxels on a grid, stored `[z, y, x]` with `x` fastest.
///
/// What leaves this crate's readers lies on canonical axes (RAS+, whatever the file's own order):
/// scans as `Volume<f32>` in Hounsfield units, label maps as `Volume<u16>`.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume<T> {
    // Invariant: `voxels.len() == grid.shape.n_voxels()`.
    grid: Grid,
    voxels: Vec<T>,
}

/// The voxels given do not fill the grid.
#[derive(Debug, Error)]
#[error("a grid of {shape} voxels (x × y × z) needs {} values, got {got}", shape.n_voxels())]
pub struct VoxelCount {
    /// Grid size.
    pub shape: PerAxis<usize>,
    /// Values given.
    pub got: usize,
}

impl<T> Volume<T> {
    /// Makes a volume from its grid and its voxels in `[z, y, x]` order.
    ///
    /// # Errors
    ///
    /// [`VoxelCount`] when `voxels` is not exactly as long as the grid.
    pub fn new(grid: Grid, voxels: Vec<T>) -> Result<Self, VoxelCount> {
        if grid.shape.n_voxels() != voxels.len() {
            return Err(VoxelCount {
                shape: grid.shape,
                got: voxels.len(),
            });
        }
        Ok(Self { grid, voxels })
    }

    /// Where the voxels lie.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Voxels along each axis.
    pub fn shape(&self) -> PerAxis<usize> {
        self.grid.shape
    }

    /// All voxels, `[z, y, x]`, `x` fastest.
    pub fn voxels(&self) -> &[T] {
        &self.voxels
    }

    /// All voxels, to change in place.
    pub fn voxels_mut(&mut self) -> &mut [T] {
        &mut self.voxels
    }

    /// One axial slice, `[y, x]`.
    ///
    /// # Panics
    ///
    /// When `z` is not on the grid.
    pub fn slice(&self, z: usize) -> &[T] {
        let n = self.grid.shape.n_pixels();
        &self.voxels[z * n..(z + 1) * n]
    }

    /// Applies a function to each voxel.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Volume<U> {
        Volume {
            grid: self.grid,
            voxels: self.voxels.into_iter().map(f).collect(),
        }
    }

    /// The voxels, without their grid.
    pub fn into_voxels(self) -> Vec<T> {
        self.voxels
    }
}
