//! What can be wrong with a set of labels as a whole.

use std::path::PathBuf;

use thiserror::Error;

/// Labels that are readable, and wrong all the same.
#[derive(Debug, Error)]
pub enum LabelError {
    /// A folder of masks has names but no values.
    #[error(
        "a folder of masks says no label values: list the structures and their values in the \
         label map of the configuration: {}", path.display()
    )]
    NoNames {
        /// The folder.
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

    /// A voxel belongs to two structures of different value.
    #[error(
        "`{first}` and `{second}` overlap in {n_voxels} voxels, but a voxel has one label: {}",
        path.display()
    )]
    Overlap {
        /// The structure that was there first.
        first: String,
        /// The structure that overlaps it.
        second: String,
        /// Voxels in both.
        n_voxels: usize,
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
