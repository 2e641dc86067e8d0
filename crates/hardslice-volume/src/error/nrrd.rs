//! What can be wrong with an NRRD header.

use std::path::PathBuf;

use thiserror::Error;

/// An NRRD header is wrong, or says something that is not read here.
#[derive(Debug, Error)]
pub enum NrrdError {
    /// The first line is not NRRD's.
    #[error("not an NRRD file: it does not begin with NRRD000 and a digit: {}", path.display())]
    NotNrrd {
        /// The file.
        path: PathBuf,
    },

    /// The header has no end, or is no text.
    #[error("the NRRD header has no empty line at its end, or is no text: {}", path.display())]
    Endless {
        /// The file.
        path: PathBuf,
    },

    /// A field that is needed is not there.
    #[error("the NRRD header has no field `{field}`: {}", path.display())]
    Missing {
        /// The field.
        field: &'static str,
        /// The file.
        path: PathBuf,
    },

    /// A field says something that is wrong or not read here.
    #[error("the NRRD header says `{field}: {value}`, but {wanted} was wanted: {}", path.display())]
    Field {
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
        /// What could have been read.
        wanted: &'static str,
        /// The file.
        path: PathBuf,
    },

    /// A scan in several layers.
    #[error("{n_layers} values per voxel, but a scan has one: {}", path.display())]
    Layers {
        /// Values per voxel.
        n_layers: usize,
        /// The file.
        path: PathBuf,
    },
}
