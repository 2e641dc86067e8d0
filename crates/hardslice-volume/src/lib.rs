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
mod stored;
mod file_kind;
mod read_scan;

pub mod nifti;
pub mod nrrd;
pub mod dicom;
pub mod labels;
pub mod components;
pub mod plane;
pub mod whole_file;

pub use axes::PerAxis;
pub use error::{ReadError, WriteError};
pub use grid::Grid;
pub use grid_mismatch::{GridMismatch, default_tolerance_mm, same_grid};
pub use labels::{LabelError, LabelNames, LabelNamesError, read_labels, read_labels_within};
pub use nifti::{NiftiError, read_nifti_labels, read_nifti_scan, write_label_map, write_scan};
pub use nrrd::{NrrdError, read_nrrd_scan};
pub use orientation::{AxisSource, Orientation, SingularAffine};
pub use placement::{Placement, Scan};
pub use read_scan::{read_scan, read_scan_series};
pub use volume::{Volume, VoxelCount};
