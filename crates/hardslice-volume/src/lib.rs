//! A scan in space: grids, orientation, Hounsfield units, NIfTI, DICOM, resampling, components.
//!
//! Past this crate everything lies on canonical axes (RAS+, stored `[z, y, x]`), in Hounsfield
//! units and in millimetres.

mod axes;
mod grid;
mod volume;

pub mod whole_file;

pub use axes::PerAxis;
pub use grid::Grid;
pub use volume::{Volume, VoxelCount};
