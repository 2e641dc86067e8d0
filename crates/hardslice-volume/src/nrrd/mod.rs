//! NRRD and Slicer's `.seg.nrrd`: attached (`.nrrd`) and detached (`.nhdr`) headers, `raw` and
//! `gzip` data.
//!
//! Only what medical software writes is read: three spatial axes in one of the spaces
//! `right-anterior-superior`, `left-anterior-superior` or `left-posterior-superior`, and at most
//! one further axis, along which the layers of a segmentation lie.
//!
//! # Sources
//!
//! - G. Kindlmann, "Definition of NRRD File Format",
//!   <https://teem.sourceforge.net/nrrd/format.html>.
//! - 3D Slicer, "Segmentations" (`SegmentN_Name`, `_LabelValue`, `_Layer`), and the files
//!   that Slicer 5 writes (`_Extent`, `_Color`, `_Tags`, `Segmentation_...`).

mod header;
mod space;
mod segments;
mod slicer;
mod read;
mod write;

pub use crate::error::NrrdError;
pub use read::read_nrrd_scan;

pub(crate) use read::{nrrd_data_file, read_nrrd_header, read_nrrd_labels};
pub(crate) use segments::Segment;
pub(crate) use write::{write, write_segments};
