//! Segmentations that are cropped to what they hold, as 3D Slicer writes them.

use crate::orientation::{inverse, linear_part};
use crate::{Grid, PerAxis, same_grid};

/// Where a cropped grid begins among the voxels of the whole one, `[x, y, z]`; `None` when it is no
/// part of it.
///
/// Both grids run along the same axes.
pub(super) fn offset_in(whole: &Grid, part: &Grid, tolerance_mm: f64) -> Option<[usize; 3]> {
    let voxel_from_world = inverse(&linear_part(&whole.world_from_voxel))?;
    let [from, to] = [part, whole].map(|grid| grid.world_mm([0.0; 3]));
    let step_mm: [f64; 3] = std::array::from_fn(|i| from[i] - to[i]);
    let (part_n, whole_n) = (part.shape.xyz(), whole.shape.xyz());
    let mut offset = [0; 3];
    for axis in 0..3 {
        let at: f64 = (0..3).map(|i| voxel_from_world[axis][i] * step_mm[i]).sum();
        offset[axis] = whole_index(at)?;
        if offset[axis] + part_n[axis] > whole_n[axis] {
            return None;
        }
    }
    let begin = whole.world_mm(offset.map(|i| i as f64));
    let mut expected = *part;
    for (row, (of_whole, begin)) in expected
        .world_from_voxel
        .iter_mut()
        .zip(whole.world_from_voxel.iter().zip(begin))
    {
        *row = [of_whole[0], of_whole[1], of_whole[2], begin];
    }
    same_grid(&expected, part, tolerance_mm)
        .ok()
        .map(|()| offset)
}

/// The nearest index to a position; `None` when it is negative or no number.
fn whole_index(at: f64) -> Option<usize> {
    let nearest = at.round();
    if !(0.0..1e15).contains(&nearest) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 10^15")]
    #[expect(clippy::cast_sign_loss, reason = "not negative")]
    let index = nearest as usize;
    Some(index)
}

/// The places of a part's voxels `[z, y, x]`, one after the other, among those of the whole.
pub(super) fn places(
    part: PerAxis<usize>,
    whole: PerAxis<usize>,
    offset: [usize; 3],
) -> impl Iterator<Item = usize> {
    let row = move |z: usize, y: usize| {
        let start = ((z + offset[2]) * whole.y + y + offset[1]) * whole.x + offset[0];
        start..start + part.x
    };
    (0..part.z).flat_map(move |z| (0..part.y).flat_map(move |y| row(z, y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Grid = Grid {
        shape: PerAxis::new(4, 5, 6),
        world_from_voxel: [
            [0.64, -0.48, 0.0, 10.0],
            [0.48, 0.64, 0.0, -20.0],
            [0.0, 0.0, 2.5, 30.0],
        ],
    };

    /// Voxels 3 to 4, 1 to 3 and 2 to 3 of the whole along x, y and z.
    fn part() -> Grid {
        let mut part = WHOLE;
        part.shape = PerAxis::new(2, 3, 2);
        for (row, begin) in part
            .world_from_voxel
            .iter_mut()
            .zip(WHOLE.world_mm([3.0, 1.0, 2.0]))
        {
            row[3] = begin;
        }
        part
    }

    #[test]
    fn a_cropped_grid_finds_its_place() {
        let offset = offset_in(&WHOLE, &part(), 1e-6);
        assert_eq!(offset, Some([3, 1, 2]), "along x, y and z");
        let places: Vec<usize> = places(part().shape, WHOLE.shape, [3, 1, 2]).collect();
        let first_slice = [69, 70, 75, 76, 81, 82];
        assert_eq!(places[..6], first_slice, "(2 · 5 + 1) · 6 + 3 and so on");
        assert_eq!(
            places[6..],
            first_slice.map(|at| at + 30),
            "a slice further"
        );
    }

    #[test]
    fn a_grid_that_reaches_out_or_lies_between_the_voxels_is_no_part() {
        let mut between = part();
        between.world_from_voxel[2][3] += 1.0;
        assert_eq!(offset_in(&WHOLE, &between, 0.01), None, "1 mm off");
        let mut outside = part();
        outside.shape.x = 4;
        assert_eq!(offset_in(&WHOLE, &outside, 0.01), None, "3 + 4 > 6");
        let mut before = part();
        before.world_from_voxel[2][3] -= 7.5;
        assert_eq!(
            offset_in(&WHOLE, &before, 0.01),
            None,
            "begins one slice too early"
        );
    }
}
