//! Masks without the air around them.

use hardslice_volume::PerAxis;

use super::occupancy::extent;

/// Voxels kept around what the masks hold, so that every surface stays within the grid.
const MARGIN: usize = 2;

/// Masks of one scan, cut to the box that holds them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cropped {
    /// The scan's voxel that is the box's first.
    pub first: PerAxis<usize>,
    /// Voxels of the box along each axis.
    pub shape: PerAxis<usize>,
    /// The masks within the box, `[z, y, x]`.
    pub masks: Vec<Vec<bool>>,
}

/// Cuts masks `[z, y, x]` to the box of all of them and two voxels around it; `None` where all are
/// empty. Distances within a scan of a thousand slices then take the memory of an organ.
///
/// # Panics
///
/// When a mask does not fill `shape`.
pub fn crop(masks: &[&[bool]], shape: PerAxis<usize>) -> Option<Cropped> {
    let mut ends: Option<[[usize; 2]; 3]> = None;
    for mask in masks {
        assert_eq!(mask.len(), shape.n_voxels(), "a mask of {shape} voxels");
        let Some(extent) = extent(mask, shape) else {
            continue;
        };
        let here = extent.map(|side| [*side.start(), *side.end()]);
        let joined = ends.get_or_insert(here);
        for (end, here) in joined.iter_mut().zip(here) {
            *end = [end[0].min(here[0]), end[1].max(here[1])];
        }
    }
    let ends = ends?;
    let [z, y, x] = [0, 1, 2].map(|axis| {
        let [first, last] = ends[axis];
        first.saturating_sub(MARGIN)..(last + 1 + MARGIN).min(shape.zyx()[axis])
    });
    let cut = |mask: &&[bool]| -> Vec<bool> {
        let rows = z.clone().flat_map(|z| y.clone().map(move |y| (z, y)));
        let row = |(z, y): (usize, usize)| {
            let start = (z * shape.y + y) * shape.x;
            mask[start + x.start..start + x.end].iter().copied()
        };
        rows.flat_map(row).collect()
    };
    Some(Cropped {
        first: PerAxis::new(z.start, y.start, x.start),
        shape: PerAxis::new(z.len(), y.len(), x.len()),
        masks: masks.iter().map(cut).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_one_scan_are_cut_to_one_box_with_a_margin() {
        let shape = PerAxis::new(10, 20, 30);
        let mut masks = [vec![false; 6000], vec![false; 6000], vec![false; 6000]];
        masks[0][(4 * 20 + 8) * 30 + 12] = true;
        masks[1][(5 * 20 + 19) * 30 + 13] = true;
        let masks = masks.each_ref().map(Vec::as_slice);
        let cropped = crop(&masks, shape).unwrap();
        assert_eq!(
            cropped.shape,
            PerAxis::new(6, 14, 6),
            "two voxels, cut at the border"
        );
        let places: Vec<Option<usize>> = cropped
            .masks
            .iter()
            .map(|mask| mask.iter().position(|inside| *inside))
            .collect();
        assert_eq!(
            places,
            [
                Some((2 * 14 + 2) * 6 + 2),
                Some((3 * 14 + 13) * 6 + 3),
                None
            ]
        );
        assert_eq!(crop(&[&[false; 6000]], shape), None, "nothing to keep");
    }
}
