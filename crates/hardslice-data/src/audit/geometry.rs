//! What is odd about where the voxels lie.

use hardslice_volume::{Grid, PerAxis};

use super::finding::{Finding, Kind, error, warning};

/// Slice spacing that the protocol was made for, millimetres.
const SLICE_SPACING_MM: [f64; 2] = [0.45, 5.0];
/// Largest pixel of an abdominal CT, millimetres: a field of view of 768 mm on 512 pixels.
const LARGEST_PIXEL_MM: f64 = 1.5;
/// Most that one side of a pixel may be longer than the other.
const LARGEST_ASPECT: f64 = 1.2;
/// Fewest slices that show more than a part of an organ.
const FEWEST_SLICES: usize = 10;
/// Largest angle between the slices and the body's axial plane, degrees. A tilted gantry stays
/// below 30, but what a net saw upright it knows less well from there.
const LARGEST_TILT_DEG: f64 = 20.0;

/// Slack for spacings that went through `f32`, millimetres.
const ROUNDING_MM: f64 = 1e-3;

pub(super) fn findings(grid: &Grid) -> Vec<Finding> {
    let PerAxis { z, y, x } = grid.spacing_mm();
    let mut findings = Vec::new();
    let [least, most] = SLICE_SPACING_MM;
    if z < least - ROUNDING_MM || z > most + ROUNDING_MM {
        findings.push(warning(
            Kind::SliceSpacing,
            format!("slices are {z:.3} mm apart, expected {least} to {most} mm"),
            "check the header; slices far apart change an organ from one to the next, and a net \
             trained on nearer ones does worse on them",
        ));
    }
    if x.max(y) > LARGEST_PIXEL_MM + ROUNDING_MM || x.max(y) > LARGEST_ASPECT * x.min(y) {
        findings.push(warning(
            Kind::PixelSpacing,
            format!(
                "pixels are {x:.3} × {y:.3} mm, expected squares of at most {LARGEST_PIXEL_MM} mm"
            ),
            "check the header, or whether the scan was resampled; take the original where there is \
             one",
        ));
    }
    let n_slices = grid.shape.z;
    if n_slices < FEWEST_SLICES {
        findings.push(warning(
            Kind::FewSlices,
            format!("{n_slices} slices, expected at least {FEWEST_SLICES}"),
            "check whether the series is whole; its scores say little about an organ",
        ));
    }
    findings.extend(orientation(grid));
    if let Err(sheared) = grid.measured_spacing_mm() {
        findings.push(error(
            Kind::Sheared,
            sheared.to_string(),
            "where that is accepted, the scan can be trained on, but not tested on: its scores in \
             millimetres would be wrong",
        ));
    }
    findings
}

fn orientation(grid: &Grid) -> Option<Finding> {
    let PerAxis { z, y, x } = grid.spacing_mm();
    let m = &grid.world_from_voxel;
    let tilt_deg = (m[2][2] / z).clamp(-1.0, 1.0).acos().to_degrees();
    if tilt_deg > LARGEST_TILT_DEG {
        return Some(warning(
            Kind::Orientation,
            format!("slices are tilted {tilt_deg:.1}° against the axial plane"),
            "resample the scan to axial slices, or look whether its affine is right: slices are \
             taken as they lie",
        ));
    }
    // Slices lie where the spacing is widest: along another axis they were not taken axially. Where rows
    // and columns are as wide as each other, the pixels are coarse.
    let is_elsewhere = y.max(x) > 2.0 * z && y.max(x) > 1.5 * y.min(x);
    is_elsewhere.then(|| {
        let plane = if y > x { "coronal" } else { "sagittal" };
        warning(
            Kind::Orientation,
            format!(
                "the scan was taken in {plane} slices ({x:.3} × {y:.3} × {z:.3} mm along x, y, z)"
            ),
            "its axial slices are coarse; take the axial series where there is one",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turned by `tilt_deg` about x.
    fn grid(shape: PerAxis<usize>, spacing_mm: PerAxis<f64>, tilt_deg: f64) -> Grid {
        let (sin, cos) = tilt_deg.to_radians().sin_cos();
        let PerAxis { z, y, x } = spacing_mm;
        Grid {
            shape,
            world_from_voxel: [
                [x, 0.0, 0.0, 1.0],
                [0.0, y * cos, -z * sin, 2.0],
                [0.0, y * sin, z * cos, 3.0],
            ],
        }
    }

    fn kinds(shape: PerAxis<usize>, spacing_mm: PerAxis<f64>, tilt_deg: f64) -> Vec<Kind> {
        findings(&grid(shape, spacing_mm, tilt_deg))
            .iter()
            .map(|found| found.kind)
            .collect()
    }

    #[test]
    fn only_odd_spacings_are_found() {
        let shape = PerAxis::new(40, 512, 512);
        let at = |z, y, x| kinds(shape, PerAxis::new(z, y, x), 10.0);
        assert!(at(5.0, 0.8, 0.8).is_empty(), "5 mm");
        assert!(
            at(f64::from(0.45_f32), 0.8, 0.8).is_empty(),
            "0.45 mm in f32"
        );
        assert_eq!(at(6.0, 0.8, 0.8), [Kind::SliceSpacing], "6 mm");
        assert_eq!(at(0.3, 0.4, 0.4), [Kind::SliceSpacing], "0.3 mm");
        assert_eq!(at(3.0, 3.0, 3.0), [Kind::PixelSpacing], "3 mm isotropic");
        assert_eq!(at(3.0, 0.9, 0.7), [Kind::PixelSpacing], "not square");
        assert_eq!(
            at(0.8, 5.0, 0.8),
            [Kind::PixelSpacing, Kind::Orientation],
            "coronal"
        );
        assert_eq!(at(2.4, 7.7, 7.7), [Kind::PixelSpacing], "coarse, and axial");
    }

    #[test]
    fn axes_that_are_not_perpendicular_are_errors_whichever_two_they_are() {
        let upright = grid(PerAxis::new(40, 9, 9), PerAxis::new(2.5, 0.8, 0.8), 10.0);
        let column = |grid: &Grid, axis: usize| grid.world_from_voxel.map(|row| row[axis]);
        let spacing = upright.spacing_mm().xyz();
        for (along, into) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
            for (degrees, kinds) in [
                (0.05_f64, vec![]),
                (0.2, vec![Kind::Sheared]),
                (-12.0, vec![Kind::Sheared]),
            ] {
                for flip in [1.0, -1.0] {
                    let mut sheared = upright;
                    let (from, to) = (column(&upright, into), column(&upright, along));
                    let share = degrees.to_radians().sin() * spacing[along] / spacing[into];
                    let keep = degrees.to_radians().cos();
                    for (world, row) in sheared.world_from_voxel.iter_mut().enumerate() {
                        row[along] = flip * (keep * to[world] + share * from[world]);
                    }
                    let found = findings(&sheared);
                    let found = found.iter().map(|found| found.kind);
                    let found: Vec<Kind> = found.filter(|kind| *kind == Kind::Sheared).collect();
                    assert_eq!(found, kinds, "axis {along} into {into}, {degrees}°, {flip}");
                }
            }
        }
    }

    #[test]
    fn few_slices_and_a_strong_tilt_are_found() {
        let spacing = PerAxis::new(2.5, 0.8, 0.8);
        assert_eq!(
            kinds(PerAxis::new(3, 9, 9), spacing, 0.0),
            [Kind::FewSlices],
            "three slices"
        );
        let tilted = findings(&grid(PerAxis::new(30, 9, 9), spacing, 30.0));
        assert_eq!(tilted.len(), 1, "{tilted:?}");
        assert!(tilted[0].message.contains("tilted 30.0°"), "{}", tilted[0]);
    }
}
