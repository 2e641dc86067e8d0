//! Whether two volumes lie on the same voxels.

use thiserror::Error;

use crate::{Grid, PerAxis};

/// Labels lie on another grid than their scan.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error(
    "the labels lie on another grid than the scan: corners up to {corner_distance_mm:.3} mm apart \
     ({tolerance_mm:.3} mm allowed)\n  scan:   {}\n  labels: {}",
    shown(image, labels)[0],
    shown(image, labels)[1]
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

impl GridMismatch {
    /// The two grids in words, the scan's first, with as many digits as it takes to see where they
    /// differ.
    pub fn grids(&self) -> [String; 2] {
        shown(&self.image, &self.labels)
    }
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

/// How far a number of a header that is written with four decimals may be off, millimetres.
const ROUNDED_MM: f64 = 5e-5;

/// The tolerance used where none is given: what rounding to four decimals makes of a header, but a
/// hundredth of the scan's smallest spacing at least and a tenth of it at most.
///
/// A spacing of 0.7031 for 0.703125 mm moves the last of 512 columns by 0.013 mm. Each spacing is
/// off by 0.00005 mm at most, so that along an axis the last voxel is off by that times the number
/// of voxels; the axes are perpendicular, so that this adds up as lengths do. No voxel moves by an
/// amount that a score could see.
///
/// ```
/// use hardslice_volume::{Grid, PerAxis, default_tolerance_mm};
///
/// let affine = [[0.7, 0.0, 0.0, 0.0], [0.0, 0.7, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]];
/// let grid = |shape| Grid { shape, world_from_voxel: affine };
/// let small = default_tolerance_mm(&grid(PerAxis::new(10, 64, 64)));
/// assert!((small - 0.007).abs() < 1e-9, "a hundredth of 0.7 mm");
/// // The root of 512² + 512² + 1 is 724.08.
/// let large = default_tolerance_mm(&grid(PerAxis::new(1, 512, 512)));
/// assert!((large - 724.08 * 5e-5).abs() < 1e-6, "{large}");
/// ```
pub fn default_tolerance_mm(image: &Grid) -> f64 {
    let PerAxis { z, y, x } = image.spacing_mm();
    let least_mm = z.min(y).min(x);
    let lengths = image.shape.xyz().map(|n| (n as f64).powi(2));
    let rounded_mm = ROUNDED_MM * lengths.iter().sum::<f64>().sqrt();
    rounded_mm.min(1e-1 * least_mm).max(1e-2 * least_mm)
}

/// Shape and affine of both on one line each.
fn shown(image: &Grid, labels: &Grid) -> [String; 2] {
    let with_digits = |digits: usize| {
        [image, labels].map(|grid| {
            let rows = grid.world_from_voxel.map(|row| {
                let cells = row.map(|v| format!("{v:.digits$}"));
                format!("[{}]", cells.join(" "))
            });
            format!("{} voxels, affine {}", grid.shape, rows.join(" "))
        })
    };
    let differ = |texts: &[String; 2]| texts[0] != texts[1];
    let more = [4, 6, 9].map(with_digits);
    let [four, six, nine] = more;
    [four, six].into_iter().find(differ).unwrap_or(nine)
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
    fn the_rounding_of_a_header_is_no_difference_and_what_is_one_is_shown() {
        let mut plain = GRID;
        plain.shape = PerAxis::new(200, 512, 512);
        // Each spacing off by half a unit of the fourth decimal.
        let mut rounded = plain;
        for (axis, row) in rounded.world_from_voxel.iter_mut().enumerate() {
            row[axis] += 4.9e-5;
        }
        let allowed = default_tolerance_mm(&plain);
        assert_eq!(same_grid(&plain, &rounded, allowed), Ok(()), "{allowed} mm");
        rounded.world_from_voxel[0][0] += 1e-4;
        assert!(same_grid(&plain, &rounded, allowed).is_err(), "a digit");
        rounded.world_from_voxel[0][0] -= 1e-4;
        let shown = same_grid(&plain, &rounded, 0.001).unwrap_err().grids();
        assert_ne!(shown[0], shown[1], "{shown:?}");
        assert!(shown[1].contains("0.800049"), "{}", shown[1]);
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
