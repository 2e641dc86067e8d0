//! Label maps: which voxel belongs to which structure.

mod names;
mod error;
mod paint;
mod embed;
mod segments;
mod folder;
mod read;

pub use error::LabelError;
pub use names::{LabelNames, LabelNamesError};
pub(crate) use read::placed_on;
pub use read::{read_labels, read_labels_on, read_labels_within};
