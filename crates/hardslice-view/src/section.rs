//! A plane cut through a scan, and how it hangs on the light box.
//!
//! This is the only place that turns voxels towards the viewer.

use hardslice_volume::Grid;

use crate::picture::Size;

/// Size of one plane cut through a scan along its canonical axes.
///
/// Values of a section are stored as the canonical axes (RAS+) give them: rows from the back to the
/// front (axial) or from the feet to the head (coronal), columns from the patient's left to the
/// right. A light box shows the section in the radiological convention instead, as if the viewer
/// stood at the foot of the bed or in front of the patient: front or head up, patient's right on
/// the viewer's left. [`Section::hung`] turns one into the other:
///
/// ```text
///       stored [row, column]                 hung
///
///   row 0 = back, column 0 = left       front or head up
///
///        L  ...  R                         R  ...  L
///     P  a  b  c                        A  f  e  d
///     A  d  e  f                        P  c  b  a
/// ```
///
/// Both directions are reversed at once, so hanging is half a turn: the values in reverse order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Section {
    /// Voxels from the bottom of the light box to its top.
    pub n_rows: usize,
    /// Voxels from the viewer's right to the left.
    pub n_columns: usize,
    /// Distance between rows in millimetres.
    pub row_mm: f64,
    /// Distance between columns in millimetres.
    pub column_mm: f64,
}

impl Section {
    /// Columns and rows, the size of the section as it hangs.
    pub fn size(&self) -> Size {
        Size::new(self.n_columns, self.n_rows)
    }

    /// The axial slices of a grid, `[y, x]`.
    pub fn axial(grid: &Grid) -> Self {
        let spacing_mm = grid.spacing_mm();
        Self {
            n_rows: grid.shape.y,
            n_columns: grid.shape.x,
            row_mm: spacing_mm.y,
            column_mm: spacing_mm.x,
        }
    }

    /// The coronal sections of a grid, `[z, x]`.
    pub fn coronal(grid: &Grid) -> Self {
        let spacing_mm = grid.spacing_mm();
        Self {
            n_rows: grid.shape.z,
            n_columns: grid.shape.x,
            row_mm: spacing_mm.z,
            column_mm: spacing_mm.x,
        }
    }

    /// The sagittal sections of a grid, `[z, y]`: hung, the front is at the viewer's left.
    pub fn sagittal(grid: &Grid) -> Self {
        let spacing_mm = grid.spacing_mm();
        Self {
            n_rows: grid.shape.z,
            n_columns: grid.shape.y,
            row_mm: spacing_mm.z,
            column_mm: spacing_mm.y,
        }
    }

    /// Pixels of the section.
    pub fn n_pixels(&self) -> usize {
        self.n_rows * self.n_columns
    }

    /// Width of the section in millimetres, edge to edge.
    pub fn width_mm(&self) -> f64 {
        self.n_columns as f64 * self.column_mm
    }

    /// Height of the section in millimetres, edge to edge.
    pub fn height_mm(&self) -> f64 {
        self.n_rows as f64 * self.row_mm
    }

    /// The values as a radiologist hangs them: top row first, patient's right at the viewer's left.
    pub fn hung<T: Copy>(stored: &[T]) -> Vec<T> {
        stored.iter().rev().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use hardslice_volume::PerAxis;

    use super::*;

    #[test]
    fn the_front_hangs_at_the_top_and_the_right_at_the_left() {
        // Stored [y, x] in RAS+: x grows to the right, y to the front.
        let stored = ["back left", "back right", "front left", "front right"];
        let hung = Section::hung(&stored);
        assert_eq!(
            hung,
            ["front right", "front left", "back right", "back left"],
            "2 × 2, top row first"
        );
    }

    #[test]
    fn an_oblique_grid_gives_its_spacing_to_the_sections() {
        let grid = Grid {
            shape: PerAxis::new(4, 3, 2),
            world_from_voxel: [
                [0.8 * 0.7, -0.6 * 0.9, 0.0, 1.0],
                [0.6 * 0.7, 0.8 * 0.9, 0.0, 2.0],
                [0.0, 0.0, 5.0, 3.0],
            ],
        };
        let (axial, coronal) = (Section::axial(&grid), Section::coronal(&grid));
        assert_eq!(
            [axial.n_rows, axial.n_columns],
            [3, 2],
            "axial rows and columns"
        );
        assert_eq!(
            [coronal.n_rows, coronal.n_columns],
            [4, 2],
            "coronal rows and columns"
        );
        assert!((axial.height_mm() - 2.7).abs() < 1e-12, "3 rows of 0.9 mm");
        assert!(
            (axial.width_mm() - 1.4).abs() < 1e-12,
            "2 columns of 0.7 mm"
        );
        assert!(
            (coronal.height_mm() - 20.0).abs() < 1e-12,
            "4 slices of 5 mm"
        );
    }
}
