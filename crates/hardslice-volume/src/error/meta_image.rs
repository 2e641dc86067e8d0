//! What can be wrong with a MetaImage header.

use std::path::PathBuf;

use thiserror::Error;

/// A MetaImage header is wrong, or says something that is not read here.
#[derive(Debug, Error)]
pub enum MetaImageError {
    /// The header has no end, or is no text.
    #[error(
        "not a MetaImage file: no line `ElementDataFile = ...` ends its header: {}", path.display()
    )]
    Endless {
        /// The file.
        path: PathBuf,
    },

    /// A line that is none of a header's.
    #[error("the MetaImage header has a line `{line}`, but `Field = value` was wanted: {}", path.display())]
    Line {
        /// The line, or its beginning.
        line: String,
        /// The file.
        path: PathBuf,
    },

    /// A field that is needed is not there.
    #[error("the MetaImage header has no field `{field}`: {}", path.display())]
    Missing {
        /// The field.
        field: &'static str,
        /// The file.
        path: PathBuf,
    },

    /// A field says something that is wrong or not read here.
    #[error("the MetaImage header says `{field} = {value}`, but {wanted} was wanted: {}", path.display())]
    Field {
        /// The field.
        field: String,
        /// What it says.
        value: String,
        /// What could have been read.
        wanted: &'static str,
        /// The file.
        path: PathBuf,
    },

    /// Two fields of one meaning contradict each other.
    #[error(
        "the MetaImage header says both `{first} = {first_value}` and `{second} = \
         {second_value}`: {}", path.display()
    )]
    Contradiction {
        /// One field.
        first: String,
        /// What it says.
        first_value: String,
        /// The other.
        second: String,
        /// What that says.
        second_value: String,
        /// The file.
        path: PathBuf,
    },
}
