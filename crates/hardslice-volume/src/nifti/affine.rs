//! The three ways in which a NIfTI header places a volume.

use std::path::Path;

use super::NiftiError;
use crate::orientation::Matrix3;
use crate::{Grid, Note, PerAxis, default_tolerance_mm};

/// `1 - b² - c² - d²` below this is rounding: three steps of `f32`, as in nibabel.
const W2_ROUNDING: f64 = 3.0 * f32::EPSILON as f64;

/// A quaternion that is longer than 1 by more than this is no rounding of a rotation.
const W2_DAMAGE: f64 = 1e-3;

/// Rotation and offset of the qform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Qform {
    /// The vector part of the unit quaternion; its scalar part is not negative.
    pub(super) bcd: [f64; 3],
    /// Position of voxel (0, 0, 0).
    pub(super) offset: [f64; 3],
}

/// The ways of placing the volume that a header has set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pose {
    pub(super) qform: Option<Qform>,
    pub(super) sform: Option<[[f64; 4]; 3]>,
}

impl Pose {
    /// The affine: sform before qform before spacing alone, in the header's units.
    pub(super) fn affine(
        &self,
        pixdim: &[f64; 8],
        shape: PerAxis<usize>,
        path: &Path,
    ) -> Result<[[f64; 4]; 3], NiftiError> {
        if let Some(sform) = self.sform {
            return Ok(sform);
        }
        let spacing = [pixdim[1].abs(), pixdim[2].abs(), pixdim[3].abs()];
        let Some(qform) = self.qform else {
            return Ok(from_spacing(spacing, shape));
        };
        let rotation = qform.rotation().ok_or_else(|| NiftiError::Quaternion {
            bcd: qform.bcd,
            path: path.to_path_buf(),
        })?;
        // "qfac": -1 for a left-handed grid; 0, which old writers leave, means 1.
        let z_sign = if pixdim[0] < 0.0 { -1.0 } else { 1.0 };
        let steps = [spacing[0], spacing[1], spacing[2] * z_sign];
        Ok(std::array::from_fn(|r| {
            let [x, y, z] = std::array::from_fn(|c| rotation[r][c] * steps[c]);
            [x, y, z, qform.offset[r]]
        }))
    }
}

impl Pose {
    /// Where the ways of placing the volume contradict each other, or where there is none.
    pub(super) fn notes(
        &self,
        pixdim: &[f64; 8],
        mm_per_unit: f64,
        shape: PerAxis<usize>,
        path: &Path,
    ) -> Vec<Note> {
        let path_buf = path.to_path_buf();
        let Some(sform) = self.sform else {
            let no_pose = self.qform.is_none().then_some(Note::NoPose {
                axes: "to the left, to the front and to the head, as nibabel has it",
                path: path_buf,
            });
            return no_pose.into_iter().collect();
        };
        let in_mm = |affine: [[f64; 4]; 3]| Grid {
            shape,
            world_from_voxel: affine.map(|row| row.map(|v| v * mm_per_unit)),
        };
        let by_sform = in_mm(sform);
        let by_qform = Self {
            sform: None,
            ..*self
        };
        let by_qform = self.qform.and_then(|qform| {
            let affine = by_qform.affine(pixdim, shape, path).ok()?;
            Some((qform, in_mm(affine)))
        });
        let sform_mm = by_sform.spacing_mm().xyz();
        if let Some((qform, by_qform)) = by_qform {
            let distance_mm = by_sform.corner_distance_mm(&by_qform);
            let allowed_mm = default_tolerance_mm(&by_sform) + qform.rounding_mm(&by_sform);
            // Not `>`: a distance of NaN is a difference.
            let is_same = distance_mm <= allowed_mm;
            return (!is_same)
                .then_some(Note::PosesDiffer {
                    distance_mm,
                    path: path_buf,
                })
                .into_iter()
                .collect();
        }
        let pixdim_mm = [1, 2, 3].map(|axis| pixdim[axis].abs() * mm_per_unit);
        let is_same = (0..3).all(|axis| {
            let (a, b) = (pixdim_mm[axis], sform_mm[axis]);
            // Headers that leave the field out say nothing that could differ.
            a == 0.0 || (a - b).abs() <= 1e-2 * b
        });
        (!is_same)
            .then_some(Note::SpacingDiffers {
                pixdim_mm,
                sform_mm,
                path: path_buf,
            })
            .into_iter()
            .collect()
    }
}

impl Qform {
    /// How far rounding to 32 bits can move a corner of the volume, millimetres.
    ///
    /// The scalar part of the quaternion is the root of what `b, c, d` leave of 1, so near a half
    /// turn a rounding of `f32` becomes its root.
    fn rounding_mm(&self, grid: &Grid) -> f64 {
        let [b, c, d] = self.bcd;
        let w2 = (1.0 - (b * b + c * c + d * d)).max(0.0);
        let of_w2 = 4.0 * f64::from(f32::EPSILON);
        let of_angle = 2.0 * (of_w2.sqrt()).min(of_w2 / w2.sqrt().max(f64::MIN_POSITIVE));
        let lengths = grid.shape.xyz();
        let spacing = grid.spacing_mm().xyz();
        let diagonal = (0..3).map(|axis| (lengths[axis] as f64 * spacing[axis]).powi(2));
        let offset = self.offset.map(f64::abs).into_iter().fold(0.0, f64::max);
        of_angle * diagonal.sum::<f64>().sqrt() + 4.0 * f64::from(f32::EPSILON) * offset
    }

    /// The rotation matrix; `None` when the quaternion is none.
    fn rotation(&self) -> Option<Matrix3> {
        let [b, c, d] = self.bcd;
        let w2 = 1.0 - (b * b + c * c + d * d);
        if w2.is_nan() || w2 < -W2_DAMAGE {
            return None;
        }
        let a = if w2 < W2_ROUNDING { 0.0 } else { w2.sqrt() };
        let s = 2.0 / (a * a + b * b + c * c + d * d);
        Some([
            [
                1.0 - s * (c * c + d * d),
                s * (b * c - a * d),
                s * (b * d + a * c),
            ],
            [
                s * (b * c + a * d),
                1.0 - s * (b * b + d * d),
                s * (c * d - a * b),
            ],
            [
                s * (b * d - a * c),
                s * (c * d + a * b),
                1.0 - s * (b * b + c * c),
            ],
        ])
    }

    /// The qform nearest to a grid, with its qfac; `None` when the grid is sheared, so that no
    /// qform places it.
    pub(super) fn of(grid: &Grid) -> Option<(Self, f64)> {
        let m = &grid.world_from_voxel;
        let spacing = grid.spacing_mm().xyz();
        let mut r: Matrix3 = std::array::from_fn(|i| std::array::from_fn(|j| m[i][j] / spacing[j]));
        let det: f64 = (0..3)
            .map(|j| {
                r[0][j]
                    * (r[1][(j + 1) % 3] * r[2][(j + 2) % 3]
                        - r[1][(j + 2) % 3] * r[2][(j + 1) % 3])
            })
            .sum();
        let qfac = if det < 0.0 { -1.0 } else { 1.0 };
        for row in &mut r {
            row[2] *= qfac;
        }
        let qform = Self {
            bcd: quaternion(&r),
            offset: [m[0][3], m[1][3], m[2][3]],
        };
        let back = qform.rotation()?;
        let error = (0..9)
            .map(|i| (back[i / 3][i % 3] - r[i / 3][i % 3]).abs())
            .fold(0.0, f64::max);
        // A sheared or singular grid does not come back (NaN compares false).
        (error < 1e-5).then_some((qform, qfac))
    }
}

/// Vector part of the unit quaternion of a rotation whose scalar part is not negative.
///
/// The largest of the four parts is taken from the diagonal and the others follow from it, so that
/// nothing is divided by a small number (Shepperd 1978).
fn quaternion(r: &Matrix3) -> [f64; 3] {
    let trace = r[0][0] + r[1][1] + r[2][2];
    // Four times the squares of a, b, c, d.
    let squares = [
        1.0 + trace,
        1.0 + 2.0 * r[0][0] - trace,
        1.0 + 2.0 * r[1][1] - trace,
        1.0 + 2.0 * r[2][2] - trace,
    ];
    let largest = (0..4)
        .rev()
        .max_by(|&i, &j| squares[i].total_cmp(&squares[j]))
        .expect("one of four is the largest");
    let s = squares[largest].max(0.0).sqrt();
    let [ab, ac, ad] = [r[2][1] - r[1][2], r[0][2] - r[2][0], r[1][0] - r[0][1]];
    let [bc, bd, cd] = [r[0][1] + r[1][0], r[0][2] + r[2][0], r[1][2] + r[2][1]];
    let parts = match largest {
        0 => [s * s, ab, ac, ad],
        1 => [ab, s * s, bc, bd],
        2 => [ac, bc, s * s, cd],
        _ => [ad, bd, cd, s * s],
    };
    let sign = if parts[0] < 0.0 { -1.0 } else { 1.0 };
    [1, 2, 3].map(|i| sign * parts[i] / (2.0 * s))
}

/// Spacing alone: `x` to the left, the middle of the volume at the origin, as nibabel has it.
fn from_spacing(spacing: [f64; 3], shape: PerAxis<usize>) -> [[f64; 4]; 3] {
    let steps = [-spacing[0], spacing[1], spacing[2]];
    let lengths = shape.xyz();
    std::array::from_fn(|r| {
        let mut row = [0.0; 4];
        row[r] = steps[r];
        row[3] = -steps[r] * (lengths[r] as f64 - 1.0) / 2.0;
        row
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Orientation, Placement};

    #[test]
    fn a_grid_comes_back_from_its_qform_in_every_orientation() {
        let (sin, cos) = (0.28, 0.96);
        let tilted = Grid {
            shape: PerAxis::new(4, 3, 2),
            world_from_voxel: [
                [0.7 * cos, -0.9 * sin, 0.0, 1.0],
                [0.7 * sin, 0.9 * cos, 0.0, -2.0],
                [0.0, 0.0, 5.0, 3.0],
            ],
        };
        for orientation in Orientation::all() {
            let grid = Placement::oriented(tilted, orientation).canonical;
            let (qform, qfac) = Qform::of(&grid).unwrap();
            let [x, y, z] = grid.spacing_mm().xyz();
            let pose = Pose {
                qform: Some(qform),
                sform: None,
            };
            let pixdim = [qfac, x, y, z, 0.0, 0.0, 0.0, 0.0];
            let affine = pose
                .affine(&pixdim, grid.shape, Path::new("a.nii"))
                .unwrap();
            let back = Grid {
                world_from_voxel: affine,
                ..grid
            };
            let distance = grid.corner_distance_mm(&back);
            assert!(distance < 1e-12, "{orientation}: {distance} mm apart");
        }
    }

    #[test]
    fn a_sheared_grid_has_no_qform() {
        let sheared = Grid {
            shape: PerAxis::new(4, 3, 2),
            world_from_voxel: [
                [1.0, 0.0, 0.0, 0.0],
                [0.0, 1.0, 0.2, 0.0],
                [0.0, 0.0, 2.0, 0.0],
            ],
        };
        assert_eq!(Qform::of(&sheared), None, "a tilted gantry is no rotation");
    }

    #[test]
    fn a_half_turn_whose_rounded_quaternion_is_a_little_too_long_is_a_half_turn() {
        let qform = Qform {
            bcd: [0.0, 0.0, 1.000_000_1],
            offset: [0.0; 3],
        };
        let rotation = qform.rotation().unwrap();
        for (i, want) in [-1.0, -1.0, 1.0].into_iter().enumerate() {
            assert!((rotation[i][i] - want).abs() < 1e-12, "{rotation:?}");
        }
        let damaged = Qform {
            bcd: [0.9, 0.9, 0.0],
            ..qform
        };
        assert_eq!(damaged.rotation(), None, "b² + c² = 1.62");
    }
}
