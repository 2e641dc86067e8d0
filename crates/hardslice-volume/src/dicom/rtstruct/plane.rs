//! On which slice of a scan a contour lies.

use crate::dicom::stack::off_slice;
use crate::dicom::vector::{dot, lps_to_ras, minus};
use crate::orientation::{inverse, linear_part};
use crate::{PerAxis, Placement};

use super::fill::Polygon;

/// A contour may lie this far off its slice, as a share of the distance of slices, beside what the
/// slices of a scan themselves may be off an even spacing: positions are often written with fewer digits.
const OFF_SLICE: f64 = 0.05;

/// The slices of a scan, in its file's own order: the planes that contours are drawn in.
pub(super) struct SlicePlanes {
    /// Columns along `x`, rows along `y`, slices along `z`.
    pub(super) shape: PerAxis<usize>,
    voxel_from_world: [[f64; 3]; 3],
    origin: [f64; 3],
    spacing_mm: f64,
    /// The place of the file's first voxel among the canonical ones, and the step along each of the
    /// file's axes.
    first: isize,
    steps: [isize; 3],
}

impl SlicePlanes {
    /// The planes of a scan; an error says that it has none.
    pub(super) fn new(placement: &Placement) -> Result<Self, String> {
        let m = &placement.native.world_from_voxel;
        let voxel_from_world = inverse(&linear_part(m));
        let shape = placement.canonical.shape;
        let strides = [1, shape.x, shape.n_pixels()].map(usize::cast_signed);
        let (mut first, mut steps) = (0, [0; 3]);
        let sources = placement.orientation.sources_xyz();
        for ((source, stride), n) in sources.into_iter().zip(strides).zip(shape.xyz()) {
            steps[source.axis] = if source.reversed { -stride } else { stride };
            if source.reversed {
                first += stride * (n.cast_signed() - 1);
            }
        }
        Ok(Self {
            shape: placement.native.shape,
            voxel_from_world: voxel_from_world
                .ok_or_else(|| "the scan's affine is singular".to_owned())?,
            origin: m.map(|row| row[3]),
            spacing_mm: placement.native.spacing_mm().z,
            first,
            steps,
        })
    }

    /// The slice of a contour, and its points in pixels of it. An error says how they are off.
    pub(super) fn polygon(
        &self,
        points_lps: impl Iterator<Item = [f64; 3]>,
    ) -> Result<(usize, Polygon), String> {
        let points = points_lps.map(|point| {
            let from_origin = minus(lps_to_ras(point), self.origin);
            self.voxel_from_world.map(|row| dot(row, from_origin))
        });
        let points: Vec<[f64; 3]> = points.collect();
        let range = |axis: usize| {
            let along = points.iter().map(|point| point[axis]);
            along.fold((f64::MAX, f64::MIN), |(low, high), v| {
                (low.min(v), high.max(v))
            })
        };
        let (low, high) = range(2);
        let slice = f64::midpoint(low, high).round();
        let off = (high - slice).max(slice - low);
        let allowed = off_slice(OFF_SLICE, self.spacing_mm);
        // Not `>`: a distance of NaN is none.
        let is_near = off <= allowed;
        if !is_near {
            return Err(format!(
                "it lies up to {:.3} mm off the nearest slice ({:.3} mm are allowed), at {low:.3} to \
                 {high:.3} slices from the first; contours must be drawn on this scan's own slices",
                off * self.spacing_mm,
                allowed * self.spacing_mm
            ));
        }
        let n_slices = self.shape.z as f64;
        let reaches = |axis: usize, n: usize| {
            let (low, high) = range(axis);
            high > -0.5 && low < n as f64 - 0.5
        };
        if slice < 0.0
            || slice >= n_slices
            || !reaches(0, self.shape.x)
            || !reaches(1, self.shape.y)
        {
            return Err(format!(
                "it lies outside the scan's {} voxels (on slice {slice} of 0 to {})",
                self.shape,
                self.shape.z - 1
            ));
        }
        #[expect(clippy::cast_possible_truncation, reason = "among the slices")]
        #[expect(clippy::cast_sign_loss, reason = "not negative")]
        let slice = slice as usize;
        Ok((slice, points.into_iter().map(|[x, y, _]| [x, y]).collect()))
    }

    /// The place of a pixel (`row · columns + column`) of a slice among the canonical voxels.
    pub(super) fn voxel(&self, slice: usize, pixel: usize) -> usize {
        let ijk = [pixel % self.shape.x, pixel / self.shape.x, slice];
        let steps = self.steps.iter().zip(ijk);
        let along: isize = steps.map(|(step, at)| step * at.cast_signed()).sum();
        (self.first + along).cast_unsigned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grid, Orientation};

    #[test]
    fn a_pixel_is_the_same_voxel_in_all_48_orientations() {
        for orientation in Orientation::all() {
            let mut m = [[0.0; 4]; 3];
            for (world, source) in orientation.sources_xyz().iter().enumerate() {
                m[world][source.axis] = if source.reversed { -2.0 } else { 2.0 };
            }
            let grid = Grid {
                shape: PerAxis::from_xyz([2, 3, 4]),
                world_from_voxel: m,
            };
            let placement = Placement::new(grid).unwrap();
            let planes = SlicePlanes::new(&placement).unwrap();
            let native: Vec<usize> = (0..24).collect();
            let canonical = placement.to_canonical(native).unwrap();
            for (at, &stored) in canonical.voxels().iter().enumerate() {
                assert_eq!(planes.voxel(stored / 6, stored % 6), at, "{orientation}");
            }
        }
    }
}
