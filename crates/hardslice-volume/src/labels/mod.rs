//! Label maps: which voxel belongs to which structure.

mod embed;
mod target;
mod label_file;
mod segments;
mod folder;
mod describe;
mod read;

pub use crate::label_error::LabelError;
pub use crate::label_names::{LabelNames, LabelNamesError};
pub use describe::{LabelsInfo, describe_labels};
pub use read::{read_labels, read_labels_on, read_labels_within};
pub(crate) use target::placed_on;
