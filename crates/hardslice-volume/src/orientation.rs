//! Which way the axes of a file run through the patient.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::PerAxis;

/// A 3 × 3 matrix, rows first.
pub(crate) type Matrix3 = [[f64; 3]; 3];

/// Where one canonical axis comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AxisSource {
    /// The axis of the file: 0, 1 or 2 for its `i`, `j` or `k` (`i` is fastest in the file).
    pub axis: usize,
    /// Whether the file runs the other way.
    pub reversed: bool,
}

/// One of the 48 ways in which a file's axes can run: for each canonical axis `x, y, z` the axis of
/// the file that it comes from, and whether that one is reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Orientation {
    // Invariant: the three axes are 0, 1 and 2 in some order.
    sources_xyz: [AxisSource; 3],
}

/// An affine has no inverse: two voxels would lie at one place.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("the affine {world_from_voxel:?} is singular or holds values that are no numbers")]
pub struct SingularAffine {
    /// The affine's three upper rows.
    pub world_from_voxel: Box<[[f64; 4]; 3]>,
}

impl SingularAffine {
    pub(crate) fn new(world_from_voxel: &[[f64; 4]; 3]) -> Self {
        Self {
            world_from_voxel: Box::new(*world_from_voxel),
        }
    }
}

impl Orientation {
    /// The file's axes already run as the canonical ones do.
    pub const CANONICAL: Self = Self {
        sources_xyz: [
            AxisSource {
                axis: 0,
                reversed: false,
            },
            AxisSource {
                axis: 1,
                reversed: false,
            },
            AxisSource {
                axis: 2,
                reversed: false,
            },
        ],
    };

    /// Where canonical `x`, `y` and `z` come from.
    pub fn sources_xyz(self) -> [AxisSource; 3] {
        self.sources_xyz
    }

    /// Whether the file's axes stand in canonical order, so that reversals alone lead there.
    pub fn keeps_axis_order(self) -> bool {
        self.sources_xyz
            .iter()
            .enumerate()
            .all(|(axis, source)| source.axis == axis)
    }

    /// Which canonical axes run against the file's.
    pub fn reversed(self) -> PerAxis<bool> {
        PerAxis::from_xyz(self.sources_xyz.map(|source| source.reversed))
    }

    /// The way back: for each axis of the file the canonical axis it comes from.
    #[must_use]
    pub fn inverse(self) -> Self {
        let mut sources_xyz = self.sources_xyz;
        for (axis, source) in self.sources_xyz.into_iter().enumerate() {
            sources_xyz[source.axis] = AxisSource {
                axis,
                reversed: source.reversed,
            };
        }
        Self { sources_xyz }
    }

    /// All 48 orientations, in a fixed order.
    pub fn all() -> impl Iterator<Item = Self> {
        const ORDERS: [[usize; 3]; 6] = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        ORDERS.into_iter().flat_map(|order| {
            (0..8_u8).map(move |bits| Self {
                sources_xyz: std::array::from_fn(|i| AxisSource {
                    axis: order[i],
                    reversed: bits >> i & 1 == 1,
                }),
            })
        })
    }

    /// The orientation nearest to an affine, oblique ones included.
    ///
    /// As nibabel's `io_orientation`: the affine without its scales is replaced by the nearest
    /// rotation (polar decomposition), then the file's axes pick, from the one best aligned to the
    /// one worst aligned, the world axis that they are nearest to among those left. Cosines that
    /// differ by less than 10⁻⁶ count as equal; the lower axis then wins, so that rounding in the
    /// header of a scan turned by 45° does not decide.
    ///
    /// # Errors
    ///
    /// [`SingularAffine`] when the affine has no inverse or holds NaN or infinity.
    pub fn nearest(world_from_voxel: &[[f64; 4]; 3]) -> Result<Self, SingularAffine> {
        let is_finite = world_from_voxel.iter().flatten().all(|v| v.is_finite());
        let axes = linear_part(world_from_voxel);
        let nearest = is_finite.then(|| Self::nearest_to_axes(&axes)).flatten();
        nearest.ok_or_else(|| SingularAffine::new(world_from_voxel))
    }

    /// The signed permutation nearest to a matrix whose columns are the file's axes, seen from the
    /// canonical axes; `None` when it has no inverse.
    pub(crate) fn nearest_to_axes(axes: &Matrix3) -> Option<Self> {
        let cosines = nearest_rotation(&without_scales(axes)?)?;
        // Rounded, so that ties are ties.
        let strength = cosines.map(|row| row.map(|v| (v.abs() * 1e6).round()));
        let mut file_axes = [0, 1, 2];
        let best = |f: usize| (0..3).map(|w| strength[w][f]).fold(0.0, f64::max);
        file_axes.sort_by(|&a, &b| best(b).total_cmp(&best(a)));
        let mut sources_xyz: [Option<AxisSource>; 3] = [None; 3];
        for axis in file_axes {
            let free = (0..3).filter(|&w| sources_xyz[w].is_none());
            // `max_by` keeps the last of equals; walked backwards, that is the lowest axis.
            let world = free
                .rev()
                .max_by(|&a, &b| strength[a][axis].total_cmp(&strength[b][axis]))?;
            let reversed = cosines[world][axis] < 0.0;
            sources_xyz[world] = Some(AxisSource { axis, reversed });
        }
        let [Some(x), Some(y), Some(z)] = sources_xyz else {
            return None;
        };
        Some(Self {
            sources_xyz: [x, y, z],
        })
    }
}

impl std::fmt::Display for Orientation {
    /// Writes the file's axis codes as nibabel's `aff2axcodes` does: `LPS` for a file whose first
    /// axis runs to the left, its second to the back, its third to the head.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for axis in 0..3 {
            for (world, source) in self.sources_xyz.iter().enumerate() {
                if source.axis == axis {
                    f.write_str(
                        [["R", "L"], ["A", "P"], ["S", "I"]][world][usize::from(source.reversed)],
                    )?;
                }
            }
        }
        Ok(())
    }
}

/// The 3 × 3 part of an affine.
pub(crate) fn linear_part(affine: &[[f64; 4]; 3]) -> Matrix3 {
    affine.map(|[a, b, c, _]| [a, b, c])
}

/// The inverse; `None` when the determinant is lost in the rounding of the entries.
pub(crate) fn inverse(m: &Matrix3) -> Option<Matrix3> {
    let cofactor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let det: f64 = (0..3).map(|c| m[0][c] * cofactor(0, c)).sum();
    let column = |c: usize| (0..3).map(|r| m[r][c].powi(2)).sum::<f64>().sqrt();
    let scale: f64 = (0..3).map(column).product();
    (det.is_finite() && det.abs() > 1e-9 * scale)
        .then(|| std::array::from_fn(|r| std::array::from_fn(|c| cofactor(c, r) / det)))
}

/// The matrix product `a · b`.
pub(crate) fn product(a: &Matrix3, b: &Matrix3) -> Matrix3 {
    a.map(|row| std::array::from_fn(|c| (0..3).map(|k| row[k] * b[k][c]).sum()))
}

/// The matrix with columns of length one; `None` when one of them has no length.
fn without_scales(m: &Matrix3) -> Option<Matrix3> {
    let lengths: [f64; 3] =
        std::array::from_fn(|c| (0..3).map(|r| m[r][c].powi(2)).sum::<f64>().sqrt());
    lengths
        .iter()
        .all(|l| l.is_normal())
        .then(|| m.map(|row| std::array::from_fn(|c| row[c] / lengths[c])))
}

/// The orthogonal factor of the polar decomposition, by Newton's iteration
/// `X ← (X + X⁻ᵀ) / 2` (Higham 1986), which converges quadratically for every regular matrix.
fn nearest_rotation(m: &Matrix3) -> Option<Matrix3> {
    let mut x = *m;
    for _ in 0..60 {
        let inv = inverse(&x)?;
        let next: Matrix3 =
            std::array::from_fn(|r| std::array::from_fn(|c| f64::midpoint(x[r][c], inv[c][r])));
        let moved = (0..9)
            .map(|i| (next[i / 3][i % 3] - x[i / 3][i % 3]).abs())
            .fold(0.0, f64::max);
        x = next;
        if moved < 1e-14 {
            break;
        }
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An affine whose file axes run as `orientation` says, with unequal spacing and a small tilt.
    fn affine_of(orientation: Orientation) -> [[f64; 4]; 3] {
        let mut m = [[0.0; 4]; 3];
        for (world, source) in orientation.sources_xyz().iter().enumerate() {
            let sign = if source.reversed { -1.0 } else { 1.0 };
            m[world][source.axis] = sign * [0.7, 0.9, 5.0][source.axis];
            m[(world + 1) % 3][source.axis] += 0.05;
            m[world][3] = 10.0 * world as f64;
        }
        m
    }

    #[test]
    fn every_orientation_is_found_back_from_a_tilted_affine() {
        let mut codes = std::collections::BTreeSet::new();
        for orientation in Orientation::all() {
            assert_eq!(
                Orientation::nearest(&affine_of(orientation)),
                Ok(orientation),
                "{orientation}"
            );
            codes.insert(orientation.to_string());
        }
        assert_eq!(codes.len(), 48, "each has its own name");
    }

    #[test]
    fn a_turn_by_45_degrees_keeps_the_axis_order_whatever_the_rounding() {
        let half = std::f64::consts::FRAC_1_SQRT_2;
        for noise in [-1e-8, 0.0, 1e-8] {
            let affine = [
                [half + noise, -half, 0.0, 0.0],
                [half, half + noise, 0.0, 0.0],
                [0.0, 0.0, 1.0, 0.0],
            ];
            let got = Orientation::nearest(&affine);
            assert_eq!(got, Ok(Orientation::CANONICAL), "noise {noise}");
        }
    }

    #[test]
    fn a_flat_affine_and_one_of_nan_are_refused() {
        let flat = [
            [1.0, 2.0, 0.0, 0.0],
            [1.0, 2.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0],
        ];
        let err = Orientation::nearest(&flat).unwrap_err();
        assert!(err.to_string().contains("is singular"), "{err}");
        let mut nan = affine_of(Orientation::CANONICAL);
        nan[1][3] = f64::NAN;
        assert!(
            Orientation::nearest(&nan).is_err(),
            "an offset of NaN places nothing"
        );
        let mut zero = affine_of(Orientation::CANONICAL);
        for row in &mut zero {
            row[1] = 0.0;
        }
        assert!(Orientation::nearest(&zero).is_err(), "a column of zeros");
    }
}
