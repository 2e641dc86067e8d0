//! Whether two volumes lie on the same voxels.

use thiserror::Error;

use crate::{Grid, PerAxis};

/// Labels lie on another grid than their scan.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error(
    "the labels lie on another grid than the scan: corners up to {corner_distance_mm:.3} mm apart \
     ({tolerance_mm:.3} mm allowed)\n  scan:   {}\n  labels: {}",
    shown(image),
    shown(labels)
)]
pub struct GridMismatch {
    /// The scan's canonical grid.
    pub image: Grid,
    /// The labels' canonical grid.
    pub labels: Grid,
    /// Largest distance between matching corner voxels, millimetres.
    pub corner_distance_mm: f64,
    /// Distance that was allowed, millimetres.
    pub tolerance_mm: f64,
}

/// Checks that labels lie on the voxels of their scan.
///
/// # Errors
///
/// [`GridMismatch`] when the shapes differ or a corner voxel lies more than `tolerance_mm` away
/// from its match; the message shows both affines, both shapes and the distance.
pub fn same_grid(image: &Grid, labels: &Grid, tolerance_mm: f64) -> Result<(), Box<GridMismatch>> {
    let corner_distance_mm = image.corner_distance_mm(labels);
    // Not `>`: a distance of NaN is no match.
    if image.shape == labels.shape && corner_distance_mm <= tolerance_mm {
        return Ok(());
    }
    Err(Box::new(GridMismatch {
        image: *image,
        labels: *labels,
        corner_distance_mm,
        tolerance_mm,
    }))
}

/// The tolerance used where none is given: a hundredth of the scan's smallest spacing.
///
/// It forgives what headers lose in `f32` and in decimals (0.7031 for 0.703125 mm over 512 columns
/// is 0.013 mm), and no voxel moves by an amount that a score could see.
pub fn default_tolerance_mm(image: &Grid) -> f64 {
    let PerAxis { z, y, x } = image.spacing_mm();
    1e-2 * z.min(y).min(x)
}

/// Shape and affine on one line.
fn shown(grid: &Grid) -> String {
    let rows = grid.world_from_voxel.map(|row| {
        let cells = row.map(|v| format!("{v:.4}"));
        format!("[{}]", cells.join(" "))
    });
    format!("{} voxels, affine {}", grid.shape, rows.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid {
        shape: PerAxis::new(4, 3, 2),
        world_from_voxel: [
            [0.8, 0.0, 0.0, 1.0],
            [0.0, 0.8, 0.0, 2.0],
            [0.0, 0.0, 5.0, 3.0],
        ],
    };

    #[test]
    fn a_shift_beyond_the_tolerance_is_refused_with_both_grids_and_the_distance() {
        let mut shifted = GRID;
        shifted.world_from_voxel[2][3] += 2.5;
        assert_eq!(
            same_grid(&GRID, &shifted, 2.5),
            Ok(()),
            "exactly at the tolerance"
        );
        let err = same_grid(&GRID, &shifted, 0.01).unwrap_err();
        assert_eq!(
            err.to_string(),
            "the labels lie on another grid than the scan: corners up to 2.500 mm apart (0.010 mm \
             allowed)\n  scan:   2 × 3 × 4 voxels, affine [0.8000 0.0000 0.0000 1.0000] [0.0000 \
             0.8000 0.0000 2.0000] [0.0000 0.0000 5.0000 3.0000]\n  labels: 2 × 3 × 4 voxels, \
             affine [0.8000 0.0000 0.0000 1.0000] [0.0000 0.8000 0.0000 2.0000] [0.0000 0.0000 \
             5.0000 5.5000]",
            "shape, affine and distance are shown"
        );
    }

    #[test]
    fn another_shape_is_refused_even_within_the_tolerance() {
        let mut longer = GRID;
        longer.shape.z += 1;
        assert!(
            same_grid(&GRID, &longer, 100.0).is_err(),
            "5 mm longer, 100 mm allowed"
        );
    }
}
