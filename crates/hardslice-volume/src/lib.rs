//! A scan in space: grids, orientation, Hounsfield units, NIfTI, DICOM, resampling, components.
//!
//! Past this crate everything lies on canonical axes (RAS+, stored `[z, y, x]`), in Hounsfield
//! units and in millimetres.

mod axes;
mod grid;
mod volume;
mod orientation;
mod reorder;
mod placement;
mod grid_mismatch;
mod error;

pub mod dicom;
pub mod labels;
pub mod whole_file;

pub use axes::PerAxis;
pub use error::{ReadError, WriteError};
pub use grid::Grid;
pub use grid_mismatch::{GridMismatch, default_tolerance_mm, same_grid};
pub use labels::{LabelNames, LabelNamesError};
pub use orientation::{AxisSource, Orientation, SingularAffine};
pub use placement::{Placement, Scan};
pub use volume::{Volume, VoxelCount};
