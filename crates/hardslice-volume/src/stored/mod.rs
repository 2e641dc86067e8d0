//! Numbers as files store them: type, byte order, scale, compression.

mod scalar;
mod gzip;
mod source;
mod voxels;

pub(crate) use scalar::{ByteOrder, Scalar, ScalarType};
pub(crate) use source::{Compression, Source};
pub(crate) use voxels::{Layout, Scale, Voxel, read_slices, read_voxels};
