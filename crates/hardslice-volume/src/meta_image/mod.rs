//! MetaImage: `.mha`, and `.mhd` with its voxels in a file of their own, as ITK and SimpleITK write
//! them.
//!
//! Volumes of three axes and one number a voxel are read, in any integer type of up to 64 bits,
//! `float` or `double`, either byte order, plain or compressed (`CompressedData`), from the file
//! itself (`LOCAL`), from another one, or from a `LIST` of slices.
//!
//! # Conventions
//!
//! - World axes are LPS, as ITK has them, whatever `AnatomicalOrientation` says (ITK does not read
//!   it either). `TransformMatrix` (or `Rotation`, `Orientation`) gives the direction of one axis of
//!   the file after the other, `Offset` (or `Position`, `Origin`) the centre of the first voxel.
//! - `ElementSpacing` is the distance between voxels; where it is missing, `ElementSize`.
//!
//! # Sources
//!
//! - MetaIO, <https://itk.org/Wiki/ITK/MetaIO/Documentation>, and its source (`metaImage.cxx`).
//! - SimpleITK 2.5, against which the golden files are made.

mod header;
mod data;
mod read;
mod write;

pub use crate::error::MetaImageError;
pub use read::read_meta_image_scan;

pub(crate) use read::{meta_image_data_files, read_meta_image_grid, read_meta_image_label_voxels};
pub(crate) use write::{data_file_name, write_attached, write_detached};
