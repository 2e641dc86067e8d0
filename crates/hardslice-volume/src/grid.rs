//! Where the voxels of a volume lie in the patient.

use serde::{Deserialize, Serialize};

use thiserror::Error;

use crate::PerAxis;

/// A voxel grid: its shape and the affine that places it in the patient.
///
/// World coordinates are millimetres in RAS+: right, anterior, superior. The affine maps a voxel
/// index `(i, j, k)` along `(x, y, z)` to the world position of the voxel's centre:
///
/// ```text
/// [X]   [m00 m01 m02 m03]   [i]
/// [Y] = [m10 m11 m12 m13] · [j]
/// [Z]   [m20 m21 m22 m23]   [k]
///                           [1]
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Voxels along each axis.
    pub shape: PerAxis<usize>,
    /// The three upper rows of the affine, millimetres in RAS+.
    pub world_from_voxel: [[f64; 4]; 3],
}

/// Axes that are off perpendicular by less are taken for perpendicular, degrees: over half a metre
/// that moves a voxel by less than a millimetre. A gantry tilted by less is not tilted either.
const UPRIGHT_DEGREES: f64 = 0.1;

/// The axes of a grid are not perpendicular, so that spacings alone do not say how far apart two
/// voxels are.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error(
    "the axes of the grid are sheared by {degrees:.2}°, as a tilted gantry or an affine \
     registration leaves them, so distances along them are none in the patient; resample the scan \
     and its labels to an upright grid first, for example with dcm2niix (its `_Tilt` file), \
     SimpleITK's Resample or 3D Slicer"
)]
pub struct ShearedGrid {
    /// How far the two axes that are worst are off perpendicular, degrees.
    pub degrees: f64,
}

impl Grid {
    /// How far the two axes that are worst are off perpendicular, degrees: 0 for most scans, the
    /// angle of the gantry for a tilted one, 90 where two axes are one.
    ///
    /// ```
    /// use hardslice_volume::{Grid, PerAxis};
    ///
    /// let upright = Grid {
    ///     shape: PerAxis::new(4, 4, 4),
    ///     world_from_voxel: [[0.8, 0.0, 0.0, 0.0], [0.0, 0.8, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
    /// };
    /// assert!(upright.shear_degrees() < 1e-12);
    /// let mut tilted = upright;
    /// tilted.world_from_voxel[1][2] = 5.0 * 20_f64.to_radians().tan();
    /// assert!((tilted.shear_degrees() - 20.0).abs() < 1e-9);
    /// assert!(tilted.measured_spacing_mm().is_err());
    /// ```
    pub fn shear_degrees(&self) -> f64 {
        let m = &self.world_from_voxel;
        let spacing = self.spacing_mm().xyz();
        [(0, 1), (0, 2), (1, 2)]
            .map(|(a, b)| {
                let dot: f64 = m.iter().map(|row| row[a] * row[b]).sum();
                let cosine = dot / (spacing[a] * spacing[b]);
                cosine.abs().min(1.0).asin().to_degrees()
            })
            .into_iter()
            .fold(0.0, f64::max)
    }

    /// The spacing, for those who measure distances in millimetres by it: right only where the axes
    /// are perpendicular.
    ///
    /// # Errors
    ///
    /// [`ShearedGrid`] where two axes are off perpendicular by more than a tenth of a degree.
    pub fn measured_spacing_mm(&self) -> Result<PerAxis<f64>, ShearedGrid> {
        let degrees = self.shear_degrees();
        // Not `>`: an angle of NaN is none.
        if degrees <= UPRIGHT_DEGREES {
            return Ok(self.spacing_mm());
        }
        Err(ShearedGrid { degrees })
    }

    /// Distance between the centres of neighbouring voxels along each axis, in millimetres.
    ///
    /// Along the axes as they are: where they are sheared, a distance between voxels that are no
    /// neighbours does not follow from it. See [`measured_spacing_mm`](Self::measured_spacing_mm).
    pub fn spacing_mm(&self) -> PerAxis<f64> {
        let m = &self.world_from_voxel;
        let column = |c: usize| (m[0][c].powi(2) + m[1][c].powi(2) + m[2][c].powi(2)).sqrt();
        PerAxis::from_xyz([column(0), column(1), column(2)])
    }

    /// World position, in RAS+ millimetres, of a voxel index given as `[i, j, k]` along `x, y, z`.
    pub fn world_mm(&self, voxel_xyz: [f64; 3]) -> [f64; 3] {
        let [i, j, k] = voxel_xyz;
        self.world_from_voxel
            .map(|row| row[0] * i + row[1] * j + row[2] * k + row[3])
    }

    /// Volume of one voxel in millilitres, whether the axes are perpendicular or not.
    pub fn voxel_ml(&self) -> f64 {
        let m = &self.world_from_voxel;
        let det = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
            - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
        det.abs() / 1000.0
    }

    /// Largest distance, in millimetres, between the matching corner voxels of two grids.
    ///
    /// Two grids of one shape describe the same voxels when this is zero. Grids of different shape
    /// are compared corner by corner all the same, so that a message can say how far apart they are.
    pub fn corner_distance_mm(&self, other: &Grid) -> f64 {
        let corner = |grid: &Grid, bits: usize| {
            let last = grid.shape.map(|n| n.saturating_sub(1) as f64).xyz();
            grid.world_mm(std::array::from_fn(|axis| {
                if bits >> axis & 1 == 1 {
                    last[axis]
                } else {
                    0.0
                }
            }))
        };
        (0..8)
            .map(|bits| {
                let (a, b) = (corner(self, bits), corner(other, bits));
                (0..3)
                    .map(|axis| (a[axis] - b[axis]).powi(2))
                    .sum::<f64>()
                    .sqrt()
            })
            .fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Flipped in x, turned in the x-y plane, 0.8 × 0.8 × 5 mm.
    fn oblique() -> Grid {
        let (sin, cos) = (0.6, 0.8);
        Grid {
            shape: PerAxis::new(4, 3, 2),
            world_from_voxel: [
                [-0.8 * cos, 0.8 * sin, 0.0, 10.0],
                [-0.8 * sin, -0.8 * cos, 0.0, 20.0],
                [0.0, 0.0, 5.0, -30.0],
            ],
        }
    }

    #[test]
    fn spacing_of_an_oblique_grid_is_the_length_of_its_columns() {
        let spacing = oblique().spacing_mm();
        for (got, want) in spacing.xyz().into_iter().zip([0.8, 0.8, 5.0]) {
            assert!((got - want).abs() < 1e-12, "{got} mm, expected {want} mm");
        }
        let ml = oblique().voxel_ml();
        assert!(
            (ml - 0.8 * 0.8 * 5.0 / 1000.0).abs() < 1e-15,
            "voxel of {ml} ml"
        );
    }

    #[test]
    fn a_sheared_grid_keeps_its_volume_and_refuses_to_measure() {
        // A gantry tilted by 20°: slices 5 mm apart, each shifted along y.
        let mut tilted = oblique();
        let upright = tilted.measured_spacing_mm();
        assert_eq!(
            upright,
            Ok(oblique().spacing_mm()),
            "a turned grid is not sheared"
        );
        let shift_mm = 5.0 * 20_f64.to_radians().tan();
        tilted.world_from_voxel[0][2] = 0.6 * shift_mm;
        tilted.world_from_voxel[1][2] = -0.8 * shift_mm;
        let err = tilted.measured_spacing_mm().unwrap_err();
        assert!((err.degrees - 20.0).abs() < 1e-9, "{err}");
        let ml = tilted.voxel_ml();
        assert!(
            (ml - 0.8 * 0.8 * 5.0 / 1000.0).abs() < 1e-12,
            "voxel of {ml} ml"
        );
        let along_z_mm = tilted.spacing_mm().z;
        let wanted = 5.0 / 20_f64.to_radians().cos();
        assert!(
            (along_z_mm - wanted).abs() < 1e-12,
            "{along_z_mm} mm between neighbours"
        );
    }

    #[test]
    fn rounding_of_headers_is_no_shear() {
        let rounded = Grid {
            world_from_voxel: oblique()
                .world_from_voxel
                .map(|row| row.map(|v| (v * 1e4).round() / 1e4)),
            ..oblique()
        };
        assert!(
            rounded.measured_spacing_mm().is_ok(),
            "{}",
            rounded.shear_degrees()
        );
    }

    #[test]
    fn corner_distance_of_a_shifted_grid_is_the_shift() {
        let mut shifted = oblique();
        shifted.world_from_voxel[0][3] += 3.0;
        shifted.world_from_voxel[2][3] -= 4.0;
        let distance = oblique().corner_distance_mm(&shifted);
        assert!(
            (distance - 5.0).abs() < 1e-12,
            "{distance} mm, expected 5 mm"
        );
    }

    #[test]
    fn corner_distance_sees_a_mirrored_axis() {
        let mut mirrored = oblique();
        mirrored.world_from_voxel[2][2] = -5.0;
        let distance = oblique().corner_distance_mm(&mirrored);
        assert!(
            (distance - 30.0).abs() < 1e-12,
            "{distance} mm: 3 steps of 5 mm, twice"
        );
    }
}
