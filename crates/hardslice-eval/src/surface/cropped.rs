//! A mask cut out of its grid, with a border of one voxel that is outside.

use std::ops::Range;

use hardslice_volume::PerAxis;
use rayon::prelude::*;

use crate::mask::{Label, Mask};

/// A mask cut to a box: 1 inside the organ, 0 outside, and one layer of 0 around the box.
///
/// The layer makes every surface closed, also where the organ touches the end of the grid.
#[derive(Debug)]
pub(super) struct Cropped {
    /// Voxels along each axis, the layer included.
    pub(super) shape: PerAxis<usize>,
    voxels: Vec<u8>,
}

impl Cropped {
    /// Cuts a mask to a box that lies on its grid.
    pub(super) fn cut<T: Label>(mask: &Mask<'_, T>, bounds: &PerAxis<Range<usize>>) -> Self {
        let shape = bounds.clone().map(|range| range.len() + 2);
        let mut voxels = vec![0; shape.n_voxels()];
        let inner = shape.n_pixels()..(shape.z - 1) * shape.n_pixels();
        voxels[inner]
            .par_chunks_exact_mut(shape.n_pixels())
            .enumerate()
            .for_each(|(z, plane)| {
                let rows = plane.chunks_exact_mut(shape.x).skip(1);
                for (row, y) in rows.zip(bounds.y.clone()) {
                    let source = &mask.row(bounds.z.start + z, y)[bounds.x.clone()];
                    for (to, from) in row[1..].iter_mut().zip(source) {
                        *to = u8::from(mask.holds(*from));
                    }
                }
            });
        Self { shape, voxels }
    }

    /// One row along `x`, the layer included.
    pub(super) fn row(&self, z: usize, y: usize) -> &[u8] {
        let start = (z * self.shape.y + y) * self.shape.x;
        &self.voxels[start..start + self.shape.x]
    }
}
