//! The exact Euclidean distance transform, with unequal spacing.
//!
//! Separable: first along `x`, then the lower envelope of parabolas along `y`, both for whole
//! planes; along `z` only where a distance is asked for, from the nearest plane outwards and no
//! further than the best distance so far. Steps between voxels are kept as integers and become
//! millimetres last, `√((n_z·s_z)² + (n_y·s_y)² + (n_x·s_x)²)`, as in `scipy.ndimage`'s
//! `distance_transform_edt`, so that distances agree to the last bits.
//!
//! # Sources
//!
//! - P. F. Felzenszwalb and D. P. Huttenlocher (2012), "Distance transforms of sampled functions",
//!   Theory of Computing 8, 415–428.

use hardslice_volume::PerAxis;
use rayon::prelude::*;

use super::elements::Elements;
use crate::mask::{Label, Mask};
use crate::survey::{ScoreError, check_spacing};

/// The distance from any voxel of a grid to the nearest voxel of a set.
#[derive(Debug)]
pub struct DistanceField {
    shape: PerAxis<usize>,
    spacing_mm: PerAxis<f64>,
    // For each voxel, the steps to the nearest voxel of the set in the same plane.
    in_plane: Vec<Steps>,
}

/// Voxels to walk, without their sign, along `y` and `x`.
#[derive(Debug, Clone, Copy)]
struct Steps {
    y: u16,
    x: u16,
}

/// The plane holds no voxel of the set. No axis is long enough for this many steps.
const NOWHERE: Steps = Steps {
    y: u16::MAX,
    x: u16::MAX,
};

impl DistanceField {
    /// Prepares the distances to the voxels of a mask.
    ///
    /// Takes four bytes for each voxel of the grid.
    ///
    /// ```
    /// use hardslice_eval::{DistanceField, Mask};
    /// use hardslice_volume::PerAxis;
    ///
    /// let mut organ = [false; 27];
    /// organ[0] = true;
    /// let organ = Mask::new(&organ, true, PerAxis::new(3, 3, 3))?;
    /// let field = DistanceField::to_mask(&organ, PerAxis::new(4.0, 1.0, 1.5))?;
    /// // Two steps along z, none along y, and two along x: √(8² + 3²) mm.
    /// assert_eq!(field.distance_mm(PerAxis::new(2, 0, 2)), Some(73.0_f64.sqrt()));
    /// # Ok::<(), hardslice_eval::ScoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScoreError::Spacing`] when the spacing is not finite and above 0 along every axis.
    pub fn to_mask<T: Label>(
        mask: &Mask<'_, T>,
        spacing_mm: PerAxis<f64>,
    ) -> Result<Self, ScoreError> {
        check_spacing(spacing_mm)?;
        let elements = Elements::collect(mask.shape(), |z, y, codes| {
            for (code, voxel) in codes.iter_mut().zip(mask.row(z, y)) {
                *code = u8::from(mask.holds(*voxel));
            }
        });
        Ok(Self::to_elements(&elements, spacing_mm))
    }

    /// Prepares the distances to points of a grid, with a spacing that was checked.
    pub(super) fn to_elements(elements: &Elements, spacing_mm: PerAxis<f64>) -> Self {
        let shape = elements.shape;
        let mut in_plane = vec![NOWHERE; shape.n_voxels()];
        in_plane
            .par_chunks_mut(shape.n_pixels().max(1))
            .enumerate()
            .for_each_init(
                || PlaneTransform::new(shape, spacing_mm),
                |transform, (z, plane)| transform.fill(elements, z, plane),
            );
        Self {
            shape,
            spacing_mm,
            in_plane,
        }
    }

    /// Distance in millimetres from a voxel to the nearest voxel of the set, 0 inside the set.
    ///
    /// `None` when the set is empty.
    ///
    /// # Panics
    ///
    /// When the voxel is not on the grid.
    pub fn distance_mm(&self, voxel: PerAxis<usize>) -> Option<f64> {
        let PerAxis { z, y, x } = voxel;
        let pixel = y * self.shape.x + x;
        let mut nearest = self.squared_mm2(z, 0, pixel);
        let furthest = z.max(self.shape.z - 1 - z);
        for n_steps in 1..=furthest {
            if (n_steps as f64 * self.spacing_mm.z).powi(2) >= nearest {
                break;
            }
            if n_steps <= z {
                nearest = nearest.min(self.squared_mm2(z - n_steps, n_steps, pixel));
            }
            if z + n_steps < self.shape.z {
                nearest = nearest.min(self.squared_mm2(z + n_steps, n_steps, pixel));
            }
        }
        nearest.is_finite().then(|| nearest.sqrt())
    }

    /// Squared distance to the set's voxels in plane `z`, that many steps away.
    fn squared_mm2(&self, z: usize, n_steps_z: usize, pixel: usize) -> f64 {
        let steps = self.in_plane[z * self.shape.n_pixels() + pixel];
        if steps.x == NOWHERE.x {
            return f64::INFINITY;
        }
        let along_z = n_steps_z as f64 * self.spacing_mm.z;
        let along_y = f64::from(steps.y) * self.spacing_mm.y;
        let along_x = f64::from(steps.x) * self.spacing_mm.x;
        along_z * along_z + along_y * along_y + along_x * along_x
    }
}

/// Working memory to transform one plane after the other.
#[derive(Debug)]
struct PlaneTransform {
    shape: PerAxis<usize>,
    spacing_mm: PerAxis<f64>,
    // `1 / (2 n)` for `n` rows between two parabolas.
    half_inverse: Vec<f64>,
    // Rows that hold points, and for each of them the steps along x to the nearest point.
    rows: Vec<usize>,
    steps_x: Vec<u16>,
    envelope: Vec<Parabola>,
}

/// One parabola of a lower envelope.
#[derive(Debug, Clone, Copy)]
struct Parabola {
    /// Row of its apex.
    row: usize,
    /// Steps along x from the apex to the nearest point.
    steps_x: u16,
    /// `(steps_x · s_x / s_y)² + row²`, its height at row 0, in squared rows.
    height: f64,
    /// Where it becomes the lowest, in rows.
    from: f64,
}

impl PlaneTransform {
    fn new(shape: PerAxis<usize>, spacing_mm: PerAxis<f64>) -> Self {
        Self {
            shape,
            spacing_mm,
            half_inverse: (0..shape.y).map(|n| 0.5 / n as f64).collect(),
            rows: Vec::with_capacity(shape.y),
            steps_x: Vec::with_capacity(shape.n_pixels()),
            envelope: Vec::with_capacity(shape.y),
        }
    }

    /// Writes the steps to the nearest point in plane `z`; leaves a plane without points as it is.
    fn fill(&mut self, elements: &Elements, z: usize, plane: &mut [Steps]) {
        self.rows.clear();
        self.steps_x.clear();
        for y in 0..self.shape.y {
            let xs = elements.xs(z, y);
            if !xs.is_empty() {
                self.rows.push(y);
                push_steps(xs, self.shape.x, &mut self.steps_x);
            }
        }
        if self.rows.is_empty() {
            return;
        }
        for x in 0..self.shape.x {
            self.build_envelope(x);
            self.write_column(x, plane);
        }
    }

    fn build_envelope(&mut self, x: usize) {
        let scale = self.spacing_mm.x / self.spacing_mm.y;
        self.envelope.clear();
        for (row_idx, &row) in self.rows.iter().enumerate() {
            let steps_x = self.steps_x[row_idx * self.shape.x + x];
            let height = (f64::from(steps_x) * scale).powi(2) + (row as f64).powi(2);
            let mut from = f64::NEG_INFINITY;
            while let Some(last) = self.envelope.last() {
                // Where the parabola that starts at `row` falls below the last one.
                from = (height - last.height) * self.half_inverse[row - last.row];
                if from > last.from {
                    break;
                }
                self.envelope.pop();
                from = f64::NEG_INFINITY;
            }
            self.envelope.push(Parabola {
                row,
                steps_x,
                height,
                from,
            });
        }
    }

    fn write_column(&self, x: usize, plane: &mut [Steps]) {
        let mut y = 0;
        for (idx, parabola) in self.envelope.iter().enumerate() {
            let next = self.envelope.get(idx + 1);
            let end = next.map_or(self.shape.y, |next| first_row_from(next.from, self.shape.y));
            while y < end {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "`Mask` refuses axes longer than 16 bits can number"
                )]
                let steps_y = y.abs_diff(parabola.row) as u16;
                plane[y * self.shape.x + x] = Steps {
                    y: steps_y,
                    x: parabola.steps_x,
                };
                y += 1;
            }
        }
    }
}

/// First of `n` rows at or past a place in rows, `n` when there is none.
fn first_row_from(place: f64, n: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place before row 0 or past the last row saturates, then is clamped"
    )]
    let whole = place as usize;
    // `f64::ceil` is a call into the C library where the build targets any x86-64.
    let row = if (whole as f64) < place {
        whole + 1
    } else {
        whole
    };
    row.min(n)
}

/// Appends, for each voxel of a row of `n` voxels, the steps to the nearest of the points `xs`.
///
/// `xs` ascends and is not empty.
fn push_steps(xs: &[u16], n: usize, steps: &mut Vec<u16>) {
    let start = steps.len();
    steps.resize(start + n, 0);
    let row = &mut steps[start..];
    let (first, last) = (usize::from(xs[0]), usize::from(xs[xs.len() - 1]));
    for (x, step) in (0..first).zip((1..=xs[0]).rev()) {
        row[x] = step;
    }
    for (step, x) in (1..).zip(last + 1..n) {
        row[x] = step;
    }
    for pair in xs.windows(2) {
        let middle = pair[0].midpoint(pair[1]);
        for (step, x) in (1..).zip(pair[0] + 1..=middle) {
            row[usize::from(x)] = step;
        }
        for (step, x) in (1..).zip((middle + 1..pair[1]).rev()) {
            row[usize::from(x)] = step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every distance, found by asking every voxel of the set.
    fn brute_force(voxels: &[bool], shape: PerAxis<usize>, spacing: PerAxis<f64>) -> Vec<f64> {
        let at = |i: usize| [i / shape.n_pixels(), i / shape.x % shape.y, i % shape.x];
        let inside: Vec<[usize; 3]> = voxels
            .iter()
            .enumerate()
            .filter(|(_, v)| **v)
            .map(|(i, _)| at(i))
            .collect();
        let spacing = spacing.zyx();
        let distance = |a: [usize; 3], b: [usize; 3]| {
            (0..3)
                .map(|i| (a[i].abs_diff(b[i]) as f64 * spacing[i]).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        (0..voxels.len())
            .map(|i| {
                inside
                    .iter()
                    .map(|b| distance(at(i), *b))
                    .fold(f64::INFINITY, f64::min)
            })
            .collect()
    }

    fn check(voxels: &[bool], shape: PerAxis<usize>, spacing: PerAxis<f64>) {
        let mask = Mask::new(voxels, true, shape).unwrap();
        let field = DistanceField::to_mask(&mask, spacing).unwrap();
        for (i, want) in brute_force(voxels, shape, spacing).into_iter().enumerate() {
            let voxel = PerAxis::new(i / shape.n_pixels(), i / shape.x % shape.y, i % shape.x);
            let got = field.distance_mm(voxel).unwrap();
            assert!(
                (got - want).abs() <= 1e-12 * want,
                "{got} mm at {voxel:?}, expected {want}"
            );
        }
    }

    #[test]
    fn every_set_of_voxels_on_a_tiny_grid_agrees_with_brute_force() {
        let shape = PerAxis::new(2, 3, 2);
        for bits in 1..1_u32 << shape.n_voxels() {
            let voxels: Vec<bool> = (0..shape.n_voxels()).map(|i| bits >> i & 1 == 1).collect();
            check(&voxels, shape, PerAxis::new(5.0, 0.7, 1.3));
        }
    }

    #[test]
    fn sparse_and_dense_sets_with_unequal_spacing_agree_with_brute_force() {
        let shape = PerAxis::new(7, 13, 11);
        for (seed, one_in) in [(1_u64, 2), (2, 7), (3, 60), (4, 400), (5, 1000)] {
            let mut state = seed;
            let mut voxels: Vec<bool> = (0..shape.n_voxels())
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    (state >> 33) % one_in == 0
                })
                .collect();
            voxels[500] = true;
            for spacing in [[3.0, 0.8, 0.8], [0.45, 0.9, 2.5], [1.0, 1.0, 1.0]] {
                check(
                    &voxels,
                    shape,
                    PerAxis::new(spacing[0], spacing[1], spacing[2]),
                );
            }
        }
    }

    #[test]
    fn an_empty_set_has_no_distance() {
        let shape = PerAxis::new(1, 2, 2);
        let mask = Mask::new(&[false; 4], true, shape).unwrap();
        let field = DistanceField::to_mask(&mask, PerAxis::new(1.0, 1.0, 1.0)).unwrap();
        assert_eq!(
            field.distance_mm(PerAxis::new(0, 1, 1)),
            None,
            "nothing to be near to"
        );
    }

    #[test]
    fn a_spacing_of_zero_is_refused() {
        let mask = Mask::new(&[true], true, PerAxis::new(1, 1, 1)).unwrap();
        let refused = DistanceField::to_mask(&mask, PerAxis::new(3.0, 0.0, 1.0)).unwrap_err();
        assert!(refused.to_string().contains("1 × 0 × 3 mm"), "{refused}");
    }
}
