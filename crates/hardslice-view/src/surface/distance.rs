//! How far a surface lies from another mask's.

use hardslice_eval::{DistanceField, Mask, ScoreError};
use hardslice_volume::PerAxis;

use super::Surface;

/// A mask on the grid that a surface was made on.
#[derive(Debug, Clone, Copy)]
pub struct SurfaceMasks<'a> {
    /// The mask that is measured to, `[z, y, x]`.
    pub truth: &'a [bool],
    /// Voxels along each axis.
    pub shape: PerAxis<usize>,
    /// Their spacing.
    pub spacing_mm: PerAxis<f64>,
}

/// Distance of each vertex to the truth's surface in millimetres: above 0 outside of the truth, so
/// where too much was predicted, below 0 inside. `None` when the truth is empty or fills the grid.
///
/// Between voxels the exact distances of [`DistanceField`] are interpolated, and its border is taken
/// to lie midway between a voxel inside and one outside.
///
/// # Errors
///
/// [`ScoreError`] when the truth does not fill its shape or the spacing is not above 0.
pub fn signed_distances_mm(
    surface: &Surface,
    masks: &SurfaceMasks<'_>,
) -> Result<Option<Vec<f32>>, ScoreError> {
    let field = |value: bool| {
        let mask = Mask::new(masks.truth, value, masks.shape)?;
        DistanceField::to_mask(&mask, masks.spacing_mm)
    };
    let (to_inside, to_outside) = (field(true)?, field(false)?);
    let signed = |voxel: PerAxis<usize>| {
        let outside = to_inside.distance_mm(voxel)?;
        Some(outside - to_outside.distance_mm(voxel)?)
    };
    let vertices = surface.vertices_mm.iter().zip(surface.normals());
    let distances = vertices.map(|(vertex, normal)| {
        let between = interpolated(masks, *vertex, &signed)?;
        let step: f64 = masks
            .spacing_mm
            .zyx()
            .into_iter()
            .zip([normal[2], normal[1], normal[0]])
            .map(|(spacing, along)| (spacing * f64::from(along)).powi(2))
            .sum();
        Some(from_border(between, step.sqrt()))
    });
    Ok(distances.collect())
}

/// From one voxel inside to the next outside the difference of both fields grows from minus to plus
/// one step, twice as fast as the distance to the border between them; further out as fast.
#[expect(clippy::cast_possible_truncation, reason = "a distance to be coloured")]
fn from_border(between: f64, step_mm: f64) -> f32 {
    let away = (between.abs() / 2.0).max(between.abs() - step_mm / 2.0);
    away.copysign(between) as f32
}

/// Linear between the eight voxels around a place; places beyond the grid take its border.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the grid before it becomes an index"
)]
fn interpolated(
    masks: &SurfaceMasks<'_>,
    [x, y, z]: [f32; 3],
    value: &dyn Fn(PerAxis<usize>) -> Option<f64>,
) -> Option<f64> {
    let mut corners = [(0, 0, 0.0); 3];
    let axes = masks.shape.zyx().into_iter().zip(masks.spacing_mm.zyx());
    for ((corner, (n, spacing)), at) in corners.iter_mut().zip(axes).zip([z, y, x]) {
        let at = (f64::from(at) / spacing).clamp(0.0, n.saturating_sub(1) as f64);
        let low = at.floor() as usize;
        *corner = (low, (low + 1).min(n - 1), at - low as f64);
    }
    let mut sum = 0.0;
    for choice in 0..8_u8 {
        let mut weight = 1.0;
        let mut voxel = [0; 3];
        for (axis, (low, high, share)) in corners.iter().enumerate() {
            let is_high = choice >> axis & 1 == 1;
            voxel[axis] = if is_high { *high } else { *low };
            weight *= if is_high { *share } else { 1.0 - share };
        }
        if weight > 0.0 {
            let [z, y, x] = voxel;
            sum += weight * value(PerAxis::new(z, y, x))?;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::super::mesh::tests::ball;
    use super::*;

    #[test]
    fn a_shifted_ball_lies_outside_on_one_side_and_inside_on_the_other() {
        let shape = PerAxis::new(44, 80, 90);
        let spacing_mm = PerAxis::new(2.0, 1.0, 1.0);
        let (centre, radius_mm) = ([40.0, 40.0, 44.0], 25.0);
        let at = |x_mm: f64| PerAxis::new(44.0, 40.0, x_mm);
        let truth = ball(shape, spacing_mm, at(40.0), radius_mm);
        let shifted = ball(shape, spacing_mm, at(46.0), radius_mm);
        let surface = Surface::of_mask(&shifted, shape, spacing_mm, 2.0);
        let masks = SurfaceMasks {
            truth: &truth,
            shape,
            spacing_mm,
        };
        let distances = signed_distances_mm(&surface, &masks).unwrap().unwrap();
        let (mut least, mut greatest) = (0.0_f32, 0.0_f32);
        for (vertex, distance) in surface.vertices_mm.iter().zip(distances) {
            let squared = (0..3).map(|axis| (f64::from(vertex[axis]) - centre[axis]).powi(2));
            let wanted = squared.sum::<f64>().sqrt() - radius_mm;
            let error = (f64::from(distance) - wanted).abs();
            assert!(error < 1.0, "{distance} mm at {vertex:?}, wanted {wanted}");
            (least, greatest) = (least.min(distance), greatest.max(distance));
        }
        assert!(
            (least + 6.0).abs() < 0.6 && (greatest - 6.0).abs() < 0.6,
            "{least} to {greatest}"
        );
    }

    #[test]
    fn a_surface_lies_on_its_own_mask() {
        let shape = PerAxis::new(30, 50, 50);
        let spacing_mm = PerAxis::new(3.0, 1.0, 1.0);
        let truth = ball(shape, spacing_mm, PerAxis::new(43.0, 25.0, 25.0), 18.0);
        let surface = Surface::of_mask(&truth, shape, spacing_mm, 1.5);
        let masks = SurfaceMasks {
            truth: &truth,
            shape,
            spacing_mm,
        };
        let distances = signed_distances_mm(&surface, &masks).unwrap().unwrap();
        let mean =
            distances.iter().map(|d| f64::from(d.abs())).sum::<f64>() / distances.len() as f64;
        assert!(mean < 0.4, "{mean} mm on average");
    }

    #[test]
    fn an_empty_truth_has_no_distance() {
        let shape = PerAxis::new(10, 10, 10);
        let spacing_mm = PerAxis::new(1.0, 1.0, 1.0);
        let mask = ball(shape, spacing_mm, PerAxis::new(5.0, 5.0, 5.0), 4.0);
        let surface = Surface::of_mask(&mask, shape, spacing_mm, 1.0);
        let masks = SurfaceMasks {
            truth: &[false; 1000],
            shape,
            spacing_mm,
        };
        assert_eq!(
            signed_distances_mm(&surface, &masks).unwrap(),
            None,
            "nowhere"
        );
    }
}
