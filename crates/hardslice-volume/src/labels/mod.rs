//! Label maps: which voxel belongs to which structure.

mod names;

pub use names::{LabelNames, LabelNamesError};
