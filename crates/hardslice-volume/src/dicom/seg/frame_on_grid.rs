//! On which voxels of a grid the pixels of a frame lie.

use crate::dicom::frame::FramePlace;
use crate::dicom::pixel_format::PixelFormat;
use crate::dicom::stack::off_slice;
use crate::dicom::vector::{lps_to_ras, scaled};
use crate::orientation::{inverse, linear_part};
use crate::{Grid, PerAxis};

/// A pixel may lie this far off its voxel, as a share of the voxel along each axis: positions in
/// segmentations are often written with fewer digits than in the scan.
const OFF_VOXEL: f64 = 0.02;

/// The pixels of a frame as voxels: where the first lies, and one whole step for each direction.
#[derive(Debug)]
pub(super) struct FrameOnGrid {
    first: [i64; 3],
    per_column: [i64; 3],
    per_row: [i64; 3],
    columns: usize,
    shape: PerAxis<usize>,
}

impl FrameOnGrid {
    /// Finds the voxels; an error says how far the pixels lie from any.
    ///
    /// The frame may run along the grid's axes in any order and direction, and cover a part of the
    /// grid only.
    pub(super) fn new(
        place: &FramePlace,
        format: &PixelFormat,
        grid: &Grid,
    ) -> Result<Self, String> {
        let voxel_from_world = inverse(&linear_part(&grid.world_from_voxel))
            .ok_or_else(|| "the scan's affine is singular".to_owned())?;
        let turned =
            |v: [f64; 3]| voxel_from_world.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);
        let position = lps_to_ras(place.position);
        let from_origin =
            std::array::from_fn(|axis| position[axis] - grid.world_from_voxel[axis][3]);
        let first = turned(from_origin);
        let column_step = turned(lps_to_ras(scaled(place.along_row, place.column_spacing_mm)));
        let row_step = turned(lps_to_ras(scaled(place.along_column, place.row_spacing_mm)));
        let on_grid = Self {
            first: first.map(nearest),
            per_column: column_step.map(nearest),
            per_row: row_step.map(nearest),
            columns: format.columns,
            shape: grid.shape,
        };
        // Of the axis that is none of a row's and none of a column's.
        let spacing_mm = grid.spacing_mm().xyz();
        let allowed: [f64; 3] = std::array::from_fn(|axis| {
            if on_grid.per_column[axis] == 0 && on_grid.per_row[axis] == 0 {
                off_slice(OFF_VOXEL, spacing_mm[axis])
            } else {
                OFF_VOXEL
            }
        });
        let last = [format.columns - 1, format.rows - 1];
        for (column, row) in [(0, 0), (last[0], 0), (0, last[1]), (last[0], last[1])] {
            let whole = on_grid.index(column, row);
            for axis in 0..3 {
                let exact =
                    first[axis] + column as f64 * column_step[axis] + row as f64 * row_step[axis];
                let off = (exact - whole[axis] as f64).abs();

                if off.is_nan() || off > allowed[axis] {
                    return Err(format!(
                        "pixel ({column}, {row}) is {off:.3} voxels from the nearest voxel along \
                         {}, {:.2} are allowed; resample the segmentation to the scan first",
                        ["x", "y", "z"][axis],
                        allowed[axis]
                    ));
                }
            }
        }
        let is_step = |step: [i64; 3]| step.map(i64::abs).iter().sum::<i64>() == 1;
        if !is_step(on_grid.per_column) || !is_step(on_grid.per_row) {
            return Err(format!(
                "its pixels step by {column_step:.3?} and {row_step:.3?} voxels (x, y, z) instead \
                 of one"
            ));
        }
        Ok(on_grid)
    }

    /// The voxel index `[x, y, z]` of a pixel, which may lie outside the grid.
    fn index(&self, column: usize, row: usize) -> [i64; 3] {
        let (column, row) = (column.cast_signed() as i64, row.cast_signed() as i64);
        std::array::from_fn(|axis| {
            self.first[axis] + column * self.per_column[axis] + row * self.per_row[axis]
        })
    }

    /// The place of a pixel among the grid's voxels `[z, y, x]`.
    pub(super) fn voxel(&self, pixel: usize) -> Result<usize, String> {
        let index = self.index(pixel % self.columns, pixel / self.columns);
        let [x, y, z] = index.map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        if x < self.shape.x && y < self.shape.y && z < self.shape.z {
            return Ok((z * self.shape.y + y) * self.shape.x + x);
        }
        Err(format!(
            "it marks voxel {index:?} (x, y, z), which is outside the scan's {} voxels",
            self.shape
        ))
    }
}

fn nearest(v: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, and is checked against `v`"
    )]
    let whole = v.round() as i64;
    whole
}
