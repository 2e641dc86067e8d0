//! A binary mask of one organ on a voxel grid, seen without copying.

use hardslice_volume::PerAxis;
use thiserror::Error;

/// Most voxels along one axis of a [`Mask`]. Distances inside count voxels in 16 bits.
pub const MAX_AXIS: usize = 65_534;

/// What a voxel of a mask or of a label map can be: `bool`, `u8`, `u16`, ...
pub trait Label: Copy + PartialEq + Sync {}

impl<T: Copy + PartialEq + Sync> Label for T {}

/// One organ on a voxel grid: the voxels of a borrowed map that hold one value.
///
/// The map is a mask (`Mask::new(&bools, true, shape)`) or a label map of several organs
/// (`Mask::new(&labels, 3_u16, shape)`), in storage order `[z, y, x]` with `x` fastest.
#[derive(Debug, Clone, Copy)]
pub struct Mask<'a, T> {
    // Invariants: `voxels.len() == shape.n_voxels()`, no axis longer than `MAX_AXIS`.
    voxels: &'a [T],
    inside: T,
    shape: PerAxis<usize>,
}

/// The voxels given make no mask.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MaskError {
    /// The voxels do not fill the grid.
    #[error("a mask of {shape} voxels (x × y × z) needs {} values, got {got}", shape.n_voxels())]
    VoxelCount {
        /// Grid size.
        shape: PerAxis<usize>,
        /// Values given.
        got: usize,
    },
    /// The grid is longer than distances can be counted.
    #[error("a mask of {shape} voxels (x × y × z) is longer than {MAX_AXIS} voxels along an axis")]
    AxisTooLong {
        /// Grid size.
        shape: PerAxis<usize>,
    },
}

impl<'a, T: Label> Mask<'a, T> {
    /// Sees the voxels that equal `inside` as the organ.
    ///
    /// ```
    /// use hardslice_eval::Mask;
    /// use hardslice_volume::PerAxis;
    ///
    /// let labels = [0_u16, 2, 2, 3]; // [z, y, x], x fastest
    /// let liver = Mask::new(&labels, 2, PerAxis::new(1, 2, 2))?;
    /// assert_eq!(liver.shape(), PerAxis::new(1, 2, 2));
    /// assert!(Mask::new(&labels, 2, PerAxis::new(1, 2, 3)).is_err(), "six voxels, four values");
    /// # Ok::<(), hardslice_eval::MaskError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MaskError`] when `voxels` is not exactly as long as the grid, or when an axis is longer
    /// than [`MAX_AXIS`].
    pub fn new(voxels: &'a [T], inside: T, shape: PerAxis<usize>) -> Result<Self, MaskError> {
        if shape.zyx().into_iter().any(|n| n > MAX_AXIS) {
            return Err(MaskError::AxisTooLong { shape });
        }
        if shape.n_voxels() != voxels.len() {
            return Err(MaskError::VoxelCount {
                shape,
                got: voxels.len(),
            });
        }
        Ok(Self {
            voxels,
            inside,
            shape,
        })
    }

    /// Voxels along each axis.
    pub fn shape(&self) -> PerAxis<usize> {
        self.shape
    }

    /// Whether a voxel of the map belongs to the organ.
    pub(crate) fn holds(&self, voxel: T) -> bool {
        voxel == self.inside
    }

    /// One row of the map along `x`.
    pub(crate) fn row(&self, z: usize, y: usize) -> &'a [T] {
        let start = (z * self.shape.y + y) * self.shape.x;
        &self.voxels[start..start + self.shape.x]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_that_does_not_fill_its_grid_is_refused_with_both_counts() {
        let refused = Mask::new(&[true; 5], true, PerAxis::new(1, 2, 3)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a mask of 3 × 2 × 1 voxels (x × y × z) needs 6 values, got 5",
            "the message must name the grid, the wish and the find"
        );
    }

    #[test]
    fn a_mask_too_long_for_its_distances_is_refused() {
        let shape = PerAxis::new(1, 1, MAX_AXIS + 1);
        let refused = Mask::new(&vec![true; MAX_AXIS + 1], true, shape).unwrap_err();
        assert_eq!(
            refused,
            MaskError::AxisTooLong { shape },
            "65,535 voxels in x"
        );
    }
}
