//! What can be wrong with a set of labels as a whole.

use std::path::PathBuf;

use thiserror::Error;

/// Labels that are readable, and wrong all the same.
#[derive(Debug, Error)]
pub enum LabelError {
    /// A folder of masks has names but no values.
    #[error(
        "a folder of masks says no label values: list the structures of each organ, as `kidney = \
         [\"kidney_left\", \"kidney_right\"]` among the `labels` of the cohort or as \
         --label kidney=kidney_left,kidney_right: {}", path.display()
    )]
    NoNames {
        /// The folder.
        path: PathBuf,
    },

    /// The masks lie in a folder within the folder given.
    #[error(
        "the folder holds no masks, but {} does: give that as the labels: {}", inner.display(),
        path.display()
    )]
    MasksDeeper {
        /// The folder that holds masks.
        inner: PathBuf,
        /// The folder given.
        path: PathBuf,
    },

    /// None of the structures wanted is there.
    #[error("none of the structures {wanted} is there; found: {found}: {}", path.display())]
    NoStructure {
        /// The structures that the label map of the configuration names.
        wanted: String,
        /// The structures of the file or folder.
        found: String,
        /// The file or folder.
        path: PathBuf,
    },

    /// Two masks of one structure.
    #[error(
        "two files hold the structure `{name}`; keep one: {}, {}", first.display(), second.display()
    )]
    TwoMasks {
        /// The structure.
        name: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },

    /// A structure is there only as part of a file.
    #[error(
        "`{name}` is there only as what looks like a copy that was interrupted; finish it, or take \
         it away: {}", path.display()
    )]
    Interrupted {
        /// The structure.
        name: String,
        /// What is there of it.
        path: PathBuf,
    },

    /// More structures than labels can tell apart.
    #[error("more than 65535 structures: {}", path.display())]
    TooMany {
        /// The file or folder.
        path: PathBuf,
    },

    /// A segment lies in a layer that the file does not have.
    #[error("segment `{name}` lies in layer {layer}, the file has {n_layers}: {}", path.display())]
    Layer {
        /// The segment.
        name: String,
        /// Its layer.
        layer: usize,
        /// Layers of the file.
        n_layers: usize,
        /// The file.
        path: PathBuf,
    },
}
