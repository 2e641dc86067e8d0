//! A scan in space: grids, orientation, Hounsfield units, NIfTI, NRRD, MetaImage, DICOM, resampling,
//! components.
//!
//! Past this crate everything lies on canonical axes (RAS+, stored `[z, y, x]`), in Hounsfield
//! units and in millimetres.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use hardslice_volume::{LabelNames, read_labels, read_scan};
//!
//! let scan = read_scan(Path::new("patient_17/ct.nii.gz"))?;
//! let labels = read_labels(Path::new("patient_17/liver.seg.nrrd"), &scan, &LabelNames::default())?;
//! assert_eq!(scan.volume.grid(), labels.volume.grid());
//! # Ok::<(), hardslice_volume::ReadError>(())
//! ```

mod axes;
mod grid;
mod volume;
mod orientation;
mod reorder;
mod placement;
mod grid_mismatch;
mod file_error;
mod note;
mod ending;
mod label_names;
mod label_error;
mod canvas;
mod scalar;
mod error;
mod native;
mod deflate;
mod stored;
mod file_kind;
mod parts;
mod structure;
mod read_scan;
mod write_volume;
mod slices;

pub mod folder;
pub mod nifti;
pub mod nrrd;
pub mod meta_image;
pub mod dicom;
pub mod labels;
pub mod components;
pub mod plane;
pub mod same_file;
pub mod spelling;
pub mod whole_file;

pub use axes::PerAxis;
pub use ending::Ending;
pub use error::{MetaImageError, NiftiError, NrrdError, ReadError, WriteError};
pub use file_error::{Action, FileError};
pub use grid::{Grid, ShearedGrid};
pub use grid_mismatch::{GridMismatch, default_tolerance_mm, same_grid};
pub use label_error::LabelError;
pub use label_names::{LabelNames, LabelNamesError};
pub use labels::{LabelsInfo, describe_labels, read_labels, read_labels_on, read_labels_within};
pub use meta_image::read_meta_image_scan;
pub use nifti::{read_nifti_labels, read_nifti_scan};
pub use note::{ContourNote, Note};
pub use nrrd::read_nrrd_scan;
pub use orientation::{AxisSource, Orientation, SingularAffine};
pub use parts::volume_files;
pub use placement::{Placement, Reference, Scan};
pub use read_scan::{read_scan, read_scan_series};
pub use slices::Slices;
pub use structure::{Anatomy, Code, Side, Structure};
pub use volume::{Volume, VoxelCount};
pub use write_volume::{files_written, write_label_map, write_scan, write_structures};
