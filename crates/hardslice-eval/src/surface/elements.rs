//! Where a surface runs: a sparse list of elements, row by row.

use hardslice_volume::PerAxis;
use rayon::prelude::*;

use super::cropped::Cropped;
use super::neighbour_codes;

/// Points of a grid, sorted by `z`, `y`, `x`, each with a code other than 0.
///
/// For surfels the grid is that of the voxels' corners and the code is the neighbour code; for
/// border voxels and plain masks it is that of the voxels and the code is 1.
#[derive(Debug)]
pub(super) struct Elements {
    /// Grid the points lie on.
    pub(super) shape: PerAxis<usize>,
    // Row `z * shape.y + y` holds the points `row_starts[row]..row_starts[row + 1]`.
    row_starts: Vec<usize>,
    xs: Vec<u16>,
    codes: Vec<u8>,
}

impl Elements {
    /// Surfels at the corners between voxels inside and outside.
    pub(super) fn surfels(mask: &Cropped) -> Self {
        let shape = mask.shape.map(|n| n - 1);
        Self::collect(shape, |z, y, codes| {
            neighbour_codes::surfel_row(mask, z, y, codes);
        })
    }

    /// Voxels inside with at least one of their six neighbours outside.
    pub(super) fn border_voxels(mask: &Cropped) -> Self {
        let shape = mask.shape.map(|n| n - 2);
        Self::collect(shape, |z, y, codes| {
            neighbour_codes::border_row(mask, z, y, codes);
        })
    }

    /// Gathers the points whose code, written by `fill_row(z, y, codes)`, is not 0.
    pub(super) fn collect(
        shape: PerAxis<usize>,
        fill_row: impl Fn(usize, usize, &mut [u8]) + Sync,
    ) -> Self {
        let slices: Vec<Slice> = (0..shape.z)
            .into_par_iter()
            .map(|z| {
                let mut slice = Slice::default();
                let mut codes = vec![0; shape.x];
                for y in 0..shape.y {
                    fill_row(z, y, &mut codes);
                    slice.push_row(&codes);
                }
                slice
            })
            .collect();
        Self::join(shape, &slices)
    }

    fn join(shape: PerAxis<usize>, slices: &[Slice]) -> Self {
        let n_points = slices.iter().map(|slice| slice.xs.len()).sum();
        let mut joined = Self {
            shape,
            row_starts: Vec::with_capacity(shape.z * shape.y + 1),
            xs: Vec::with_capacity(n_points),
            codes: Vec::with_capacity(n_points),
        };
        joined.row_starts.push(0);
        for slice in slices {
            let before = joined.xs.len();
            joined
                .row_starts
                .extend(slice.row_ends.iter().map(|end| before + end));
            joined.xs.extend_from_slice(&slice.xs);
            joined.codes.extend_from_slice(&slice.codes);
        }
        joined
    }

    /// Where the points of one row lie along `x`, ascending.
    pub(super) fn xs(&self, z: usize, y: usize) -> &[u16] {
        let row = z * self.shape.y + y;
        &self.xs[self.row_starts[row]..self.row_starts[row + 1]]
    }

    /// The points of one row: position along `x` and code.
    pub(super) fn row(&self, z: usize, y: usize) -> impl Iterator<Item = (usize, u8)> {
        let row = z * self.shape.y + y;
        let points = self.row_starts[row]..self.row_starts[row + 1];
        let (xs, codes) = (&self.xs[points.clone()], &self.codes[points]);
        xs.iter()
            .zip(codes)
            .map(|(x, code)| (usize::from(*x), *code))
    }
}

/// The points of one slice.
#[derive(Debug, Default)]
struct Slice {
    row_ends: Vec<usize>,
    xs: Vec<u16>,
    codes: Vec<u8>,
}

impl Slice {
    fn push_row(&mut self, codes: &[u8]) {
        // Surfaces are sparse: most groups of 16 codes hold no point and are passed over at once.
        const GROUP: usize = 16;
        for (group_idx, group) in codes.chunks(GROUP).enumerate() {
            if group.iter().fold(0, |any, code| any | code) == 0 {
                continue;
            }
            for (idx, code) in group.iter().enumerate().filter(|(_, code)| **code != 0) {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "`Mask` refuses axes longer than 16 bits can number"
                )]
                self.xs.push((group_idx * GROUP + idx) as u16);
                self.codes.push(*code);
            }
        }
        self.row_ends.push(self.xs.len());
    }
}
