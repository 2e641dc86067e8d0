//! Numbers as files store them: type, byte order, scale, compression.

mod gzip;
mod source;
mod voxels;

pub(crate) use source::{Compression, Source};
pub(crate) use voxels::{Layout, Scale, Voxel, read_slices, read_voxels};
