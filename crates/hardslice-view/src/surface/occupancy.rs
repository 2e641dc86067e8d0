//! How much of each cell of a coarse grid a mask fills.

use std::ops::RangeInclusive;

use hardslice_volume::PerAxis;

/// Reach of the smoothing as a multiple of the cell or, if that is larger, of the voxel: wide enough
/// that the steps between slices vanish, narrow enough that a ball of ten cells loses one per cent.
const REACH: f64 = 1.5;

/// Levels between 0 (outside) and 1 (inside) on a grid of equal cells around a mask.
#[derive(Debug)]
pub(super) struct Occupancy {
    /// `[z, y, x]`.
    pub(super) levels: Vec<f32>,
    /// Samples along each axis.
    pub(super) shape: PerAxis<usize>,
    /// Place of the first sample in millimetres from the centre of the mask's first voxel.
    pub(super) first_mm: PerAxis<f64>,
}

impl Occupancy {
    /// Samples a mask every `cell_mm` with a triangle filter; `None` for an empty mask.
    pub(super) fn of_mask(
        mask: &[bool],
        shape: PerAxis<usize>,
        spacing_mm: PerAxis<f64>,
        cell_mm: f64,
    ) -> Option<Self> {
        let extent = extent(mask, shape)?;
        let [z, y, x] = [0, 1, 2].map(|axis| {
            Samples::along(
                extent[axis].clone(),
                shape.zyx()[axis],
                spacing_mm.zyx()[axis],
                cell_mm,
            )
        });
        let mut rows = vec![0.0_f32; z.span() * y.span() * x.n()];
        for (i, row) in rows.chunks_exact_mut(x.n()).enumerate() {
            let (from_z, from_y) = (z.low + i / y.span(), y.low + i % y.span());
            let start = (from_z * shape.y + from_y) * shape.x;
            let voxels = &mask[start..start + shape.x];
            for (level, shares) in row.iter_mut().zip(&x.shares) {
                let inside = shares.iter().filter(|(from, _)| voxels[*from]);
                *level = inside.map(|(_, share)| share).sum();
            }
        }
        let planes = y.gather(&rows, x.n(), z.span());
        let levels = z.gather(&planes, y.n() * x.n(), 1);
        Some(Self {
            levels,
            shape: PerAxis::new(z.n(), y.n(), x.n()),
            first_mm: PerAxis::new(z.first_mm, y.first_mm, x.first_mm),
        })
    }
}

/// The samples along one axis and what each takes from the voxels.
struct Samples {
    /// First voxel that is needed.
    low: usize,
    /// Last voxel that is needed.
    high: usize,
    first_mm: f64,
    /// For each sample the voxels under its triangle and their shares; what lies beyond the grid
    /// counts as outside.
    shares: Vec<Vec<(usize, f32)>>,
}

impl Samples {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "voxel numbers are checked to lie on the grid before they become indices"
    )]
    fn along(extent: RangeInclusive<usize>, n: usize, spacing_mm: f64, cell_mm: f64) -> Self {
        let reach = REACH * cell_mm.max(spacing_mm);
        let (low, high) = (*extent.start(), *extent.end());
        let first_mm = low as f64 * spacing_mm - reach - cell_mm;
        let length_mm = (high - low) as f64 * spacing_mm + 2.0 * (reach + cell_mm);
        let n_samples = (length_mm / cell_mm).ceil() as usize + 1;
        let share = |sample: usize| {
            let at = first_mm + sample as f64 * cell_mm;
            let from = ((at - reach) / spacing_mm).ceil() as i64;
            let to = ((at + reach) / spacing_mm).floor() as i64;
            let weight =
                |voxel: i64| (1.0 - (voxel as f64 * spacing_mm - at).abs() / reach).max(0.0);
            let sum: f64 = (from..=to).map(weight).sum();
            let within = (from..=to).filter(|voxel| (0..n as i64).contains(voxel));
            within
                .filter(|voxel| extent.contains(&(*voxel as usize)))
                .map(|voxel| (voxel as usize, (weight(voxel) / sum) as f32))
                .collect()
        };
        Self {
            low,
            high,
            first_mm,
            shares: (0..n_samples).map(share).collect(),
        }
    }

    fn n(&self) -> usize {
        self.shares.len()
    }

    /// Voxels that are needed.
    fn span(&self) -> usize {
        self.high - self.low + 1
    }

    /// Turns `[outer, span, inner]` into `[outer, n, inner]`.
    fn gather(&self, values: &[f32], inner: usize, outer: usize) -> Vec<f32> {
        let mut gathered = vec![0.0; outer * self.n() * inner];
        for (i, row) in gathered.chunks_exact_mut(inner).enumerate() {
            let (block, sample) = (i / self.n(), i % self.n());
            for (from, share) in &self.shares[sample] {
                let start = (block * self.span() + from - self.low) * inner;
                for (sum, value) in row.iter_mut().zip(&values[start..start + inner]) {
                    *sum += share * value;
                }
            }
        }
        gathered
    }
}

/// First and last voxel of a mask along `z`, `y` and `x`.
pub(super) fn extent(mask: &[bool], shape: PerAxis<usize>) -> Option<[RangeInclusive<usize>; 3]> {
    let mut ends: Option<[[usize; 2]; 3]> = None;
    for (i, row) in mask.chunks_exact(shape.x.max(1)).enumerate() {
        let (Some(first), Some(last)) = (
            row.iter().position(|inside| *inside),
            row.iter().rposition(|inside| *inside),
        ) else {
            continue;
        };
        let (z, y) = (i / shape.y, i % shape.y);
        let found = ends.get_or_insert([[z, z], [y, y], [first, last]]);
        for (end, here) in found.iter_mut().zip([[z, z], [y, y], [first, last]]) {
            *end = [end[0].min(here[0]), end[1].max(here[1])];
        }
    }
    ends.map(|ends| ends.map(|[first, last]| first..=last))
}
