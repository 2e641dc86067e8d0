//! Why an object could not be derived from a series.

use std::path::PathBuf;

use thiserror::Error;

use crate::{FileError, PerAxis};

/// A segmentation or structure set of a series could not be written.
#[derive(Debug, Error)]
pub enum DerivedError {
    /// The labels are those of another series than the one that they should be written for.
    #[error(
        "the labels lie on a grid of {got} voxels, the series on one of {wanted} (x × y × z), or \
        elsewhere: {}", path.display()
    )]
    OtherSeries {
        /// Voxels of the labels, on canonical axes.
        got: PerAxis<usize>,
        /// Voxels of the series, in its own order.
        wanted: PerAxis<usize>,
        /// The file to write.
        path: PathBuf,
    },

    /// A structure that an archive could not tell from others.
    #[error(
        "a DICOM segmentation says what each structure is by a code of a terminology, and `{structure}` \
        was given none: {}", path.display()
    )]
    NoCode {
        /// The structure.
        structure: String,
        /// The file to write.
        path: PathBuf,
    },

    /// DICOM cannot say a name, or not in the letters of the series.
    #[error(
        "`{text}` cannot stand in the DICOM file ({problem}); names of up to 64 letters of ASCII \
        without backslash always can: {}", path.display()
    )]
    Text {
        /// The name.
        text: String,
        /// What is in the way.
        problem: String,
        /// The file to write.
        path: PathBuf,
    },

    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
}
