//! The part of a scan worth showing.

use std::ops::{Range, RangeInclusive};

use hardslice_volume::components::keep_largest;
use hardslice_volume::{Grid, PerAxis, Volume};

use crate::section::Section;

/// A plane through a scan along its canonical axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plane {
    /// The axial slice at index `z`.
    Axial(usize),
    /// The coronal section at row `y`.
    Coronal(usize),
    /// The sagittal section at column `x`.
    Sagittal(usize),
}

impl Plane {
    /// The plane's place for captions, counted from 1.
    pub fn title(self, shape: PerAxis<usize>) -> String {
        match self {
            Self::Axial(z) => format!("slice {} of {}", z + 1, shape.z),
            Self::Coronal(y) => format!("coronal, row {} of {}", y + 1, shape.y),
            Self::Sagittal(x) => format!("sagittal, column {} of {}", x + 1, shape.x),
        }
    }
}

/// The rows and columns of a scan that its pictures show; all slices belong to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    grid: Grid,
    // Invariant: both ranges lie on the grid.
    y: Range<usize>,
    x: Range<usize>,
}

/// Fat and muscle lie above; air and lung below, also where a scan was clipped at -150 HU.
const BODY_FROM_HU: f32 = -140.0;

/// Slices that the body is looked for in.
const N_PROBED: usize = 16;

/// Air left around the body.
const MARGIN_MM: f64 = 8.0;

impl Frame {
    /// The whole field of view.
    pub fn whole(grid: &Grid) -> Self {
        Self {
            grid: *grid,
            y: 0..grid.shape.y,
            x: 0..grid.shape.x,
        }
    }

    /// The body with a margin of 8 mm, and everything that the masks hold, wherever it lies: a
    /// prediction in the air must stay in the picture. The whole field of view where neither is
    /// found.
    ///
    /// The body is the largest connected part above -140 HU of each of 16 slices; a table that
    /// touches it belongs to it.
    ///
    /// # Panics
    ///
    /// When a mask is not of the scan's size.
    pub fn around_body<T: Copy + Into<f32>>(image: &Volume<T>, masks: &[&[bool]]) -> Self {
        let shape = image.shape();
        let mut extent = Extent::default();
        let slice_shape = PerAxis::new(1, shape.y, shape.x);
        for z in evenly_spaced(shape.z, N_PROBED) {
            let mut body: Vec<bool> = image
                .slice(z)
                .iter()
                .map(|&hu| hu.into() > BODY_FROM_HU)
                .collect();
            keep_largest(&mut body, slice_shape);
            extent.add(&body, slice_shape);
        }
        for mask in masks {
            assert_eq!(mask.len(), shape.n_voxels(), "a mask of {shape} voxels");
            extent.add(mask, shape);
        }
        let spacing_mm = image.grid().spacing_mm();
        let (Some(y), Some(x)) = (extent.y, extent.x) else {
            return Self::whole(image.grid());
        };
        Self {
            grid: *image.grid(),
            y: widened(&y, spacing_mm.y, shape.y),
            x: widened(&x, spacing_mm.x, shape.x),
        }
    }

    /// A square around a row and a column, moved so that it lies on the grid; all rows or columns where
    /// these are fewer.
    pub fn around_place(grid: &Grid, [y, x]: [usize; 2], side_mm: f64) -> Self {
        let spacing_mm = grid.spacing_mm();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float cast saturates, and the side is cut to the grid"
        )]
        let around = |place: usize, spacing_mm: f64, n: usize| {
            let side = ((side_mm / spacing_mm) as usize).clamp(1, n);
            let first = place.saturating_sub(side / 2).min(n - side);
            first..first + side
        };
        Self {
            grid: *grid,
            y: around(y, spacing_mm.y, grid.shape.y),
            x: around(x, spacing_mm.x, grid.shape.x),
        }
    }

    /// Size of a plane within the frame.
    pub fn section(&self, plane: Plane) -> Section {
        let mut grid = self.grid;
        grid.shape.x = self.x.len();
        match plane {
            Plane::Axial(_) => {
                grid.shape.y = self.y.len();
                Section::axial(&grid)
            }
            Plane::Coronal(_) => Section::coronal(&grid),
            Plane::Sagittal(_) => {
                grid.shape.y = self.y.len();
                Section::sagittal(&grid)
            }
        }
    }

    /// The values of a plane within the frame, `[row, column]` as [`Section`] stores them.
    ///
    /// # Panics
    ///
    /// When the plane is not on the grid or `voxels`, `[z, y, x]`, do not fill it.
    pub fn cut<T: Copy>(&self, voxels: &[T], plane: Plane) -> Vec<T> {
        let shape = self.grid.shape;
        let row = |z: usize, y: usize| {
            let start = (z * shape.y + y) * shape.x;
            voxels[start + self.x.start..start + self.x.end]
                .iter()
                .copied()
        };
        match plane {
            Plane::Axial(z) => self.y.clone().flat_map(|y| row(z, y)).collect(),
            Plane::Coronal(y) => (0..shape.z).flat_map(|z| row(z, y)).collect(),
            Plane::Sagittal(x) => {
                let rows = (0..shape.z).flat_map(|z| self.y.clone().map(move |y| (z, y)));
                rows.map(|(z, y)| voxels[(z * shape.y + y) * shape.x + x])
                    .collect()
            }
        }
    }
}

/// The row `y` whose coronal section holds most of a mask `[z, y, x]`, the first of equals; the
/// middle row for an empty mask.
pub fn fullest_row(mask: &[bool], shape: PerAxis<usize>) -> usize {
    let mut n_inside = vec![0_usize; shape.y];
    for (i, _) in mask.iter().enumerate().filter(|(_, inside)| **inside) {
        n_inside[i / shape.x % shape.y] += 1;
    }
    let most = n_inside.iter().copied().max().filter(|most| *most > 0);
    most.and_then(|most| n_inside.iter().position(|n| *n == most))
        .unwrap_or(shape.y / 2)
}

/// `n_wanted` of `n` positions, in the middles of equal parts.
pub fn evenly_spaced(n: usize, n_wanted: usize) -> Vec<usize> {
    let n_wanted = n_wanted.min(n);
    (0..n_wanted)
        .map(|i| (2 * i + 1) * n / (2 * n_wanted))
        .collect()
}

/// Rows and columns that a mask reaches.
#[derive(Debug, Default)]
struct Extent {
    y: Option<RangeInclusive<usize>>,
    x: Option<RangeInclusive<usize>>,
}

impl Extent {
    fn add(&mut self, mask: &[bool], shape: PerAxis<usize>) {
        let joined = |range: &Option<RangeInclusive<usize>>, low: usize, high: usize| match range {
            Some(range) => Some(low.min(*range.start())..=high.max(*range.end())),
            None => Some(low..=high),
        };
        for (i, row) in mask.chunks_exact(shape.x.max(1)).enumerate() {
            let first = row.iter().position(|inside| *inside);
            let last = row.iter().rposition(|inside| *inside);
            if let (Some(first), Some(last)) = (first, last) {
                self.y = joined(&self.y, i % shape.y, i % shape.y);
                self.x = joined(&self.x, first, last);
            }
        }
    }
}

/// First to last position with the margin, within `0..n`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and the range is cut to the grid"
)]
fn widened(range: &RangeInclusive<usize>, spacing_mm: f64, n: usize) -> Range<usize> {
    let margin = ((MARGIN_MM / spacing_mm).ceil() as usize).min(n);
    range.start().saturating_sub(margin)..(range.end() + 1 + margin).min(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two slices of 40 × 60 voxels of 2 × 1 mm: air, a body in rows 10 to 19 and columns 20 to 39,
    /// a table in row 2.
    fn scan() -> Volume<i16> {
        let shape = PerAxis::new(2, 40, 60);
        let grid = Grid {
            shape,
            world_from_voxel: [
                [1.0, 0.0, 0.0, 0.0],
                [0.0, 2.0, 0.0, 0.0],
                [0.0, 0.0, 5.0, 0.0],
            ],
        };
        let hu = (0..shape.n_voxels()).map(|i| {
            let (y, x) = (i / 60 % 40, i % 60);
            let is_body = (10..20).contains(&y) && (20..40).contains(&x);
            if is_body || y == 2 { 40 } else { -1000 }
        });
        Volume::new(grid, hu.collect()).unwrap()
    }

    #[test]
    fn a_frame_around_a_place_has_its_side_and_stays_on_the_grid() {
        let grid = Grid {
            shape: PerAxis::new(1, 200, 300),
            ..*scan().grid()
        };
        let at_the_corner = Frame::around_place(&grid, [3, 290], 120.0);
        assert_eq!(
            (at_the_corner.y, at_the_corner.x),
            (0..60, 180..300),
            "rows of 2 mm, columns of 1 mm"
        );
        let in_the_middle = Frame::around_place(&grid, [100, 150], 120.0);
        assert_eq!((in_the_middle.y, in_the_middle.x), (70..130, 90..210));
        let whole = Frame::around_place(&grid, [0, 0], 1e9);
        assert_eq!(whole, Frame::whole(&grid));
    }

    #[test]
    fn a_sagittal_plane_has_a_row_for_each_slice_and_a_column_for_each_row() {
        let frame = Frame::whole(scan().grid());
        let places: Vec<usize> = (0..scan().shape().n_voxels()).collect();
        let cut = frame.cut(&places, Plane::Sagittal(7));
        assert_eq!((cut[0], cut[1], cut[40]), (7, 67, 40 * 60 + 7));
        let section = frame.section(Plane::Sagittal(7));
        assert_eq!([section.n_rows, section.n_columns], [2, 40]);
        assert!((section.row_mm - 5.0).abs() < 1e-12 && (section.column_mm - 2.0).abs() < 1e-12);
    }

    #[test]
    fn the_frame_holds_the_body_with_its_margin_and_not_the_table() {
        let frame = Frame::around_body(&scan(), &[]);
        assert_eq!(
            (frame.y.clone(), frame.x.clone()),
            (6..24, 12..48),
            "4 rows, 8 columns of air"
        );
        let section = frame.section(Plane::Axial(0));
        assert_eq!(
            (section.n_rows, section.n_columns),
            (18, 36),
            "size of an axial slice"
        );
        let section = frame.section(Plane::Coronal(12));
        assert_eq!(
            (section.n_rows, section.n_columns),
            (2, 36),
            "size of a coronal section"
        );
    }

    #[test]
    fn a_prediction_in_the_air_stays_in_the_frame() {
        let image = scan();
        let mut mask = vec![false; image.shape().n_voxels()];
        mask[39 * 60 + 59] = true;
        let frame = Frame::around_body(&image, &[&mask]);
        assert_eq!((frame.y, frame.x), (6..40, 12..60), "up to the corner");
    }

    #[test]
    fn cuts_hold_the_voxels_of_the_frame_in_their_order() {
        let image = scan();
        let frame = Frame::around_body(&image, &[]);
        let places: Vec<usize> = (0..image.shape().n_voxels()).collect();
        let axial = frame.cut(&places, Plane::Axial(1));
        assert_eq!(
            axial.len(),
            frame.section(Plane::Axial(1)).n_pixels(),
            "all of the slice"
        );
        assert_eq!(
            axial[..2],
            [2400 + 6 * 60 + 12, 2400 + 6 * 60 + 13],
            "row 6 from column 12"
        );
        let coronal = frame.cut(&places, Plane::Coronal(7));
        assert_eq!(
            (coronal[0], coronal[36]),
            (7 * 60 + 12, 2400 + 7 * 60 + 12),
            "feet first"
        );
    }

    #[test]
    fn without_a_body_everything_is_shown() {
        let air = scan().map(|_| -1000_i16);
        let frame = Frame::around_body(&air, &[&vec![false; air.shape().n_voxels()]]);
        assert_eq!(frame, Frame::whole(air.grid()), "the field of view");
    }

    #[test]
    fn evenly_spaced_slices_lie_in_the_middles_of_equal_parts() {
        assert_eq!(evenly_spaced(100, 4), [12, 37, 62, 87], "quarters of 25");
        assert_eq!(evenly_spaced(2, 5), [0, 1], "never more than there are");
        assert_eq!(evenly_spaced(0, 5), [0; 0], "none of nothing");
    }

    #[test]
    fn the_fullest_row_is_the_one_with_most_of_the_mask() {
        let shape = PerAxis::new(6, 20, 30);
        let inside = |i: usize| {
            let y = i / shape.x % shape.y;
            (y == 4 && i.is_multiple_of(7)) || y == 11
        };
        let mask: Vec<bool> = (0..shape.n_voxels()).map(inside).collect();
        assert_eq!(fullest_row(&mask, shape), 11, "row 11 is full");
        assert_eq!(
            fullest_row(&vec![false; mask.len()], shape),
            10,
            "the middle where empty"
        );
    }
}
