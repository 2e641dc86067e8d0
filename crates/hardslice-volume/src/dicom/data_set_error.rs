//! Why bytes are no data set.

use std::io;

use dicom_core::Tag;
use thiserror::Error;

/// A file is no DICOM data set, or breaks off.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataSetError {
    /// The file system or the decompressor refused.
    #[error("reading broke off")]
    Io(#[from] io::Error),

    /// The file ends within an element.
    #[error("the file ends within element {tag}: {wanted} bytes were announced, {found} are there")]
    Truncated {
        /// The element.
        tag: Tag,
        /// Its length.
        wanted: u64,
        /// Bytes that were there.
        found: u64,
    },

    /// The file ends within the tag or the length of an element.
    #[error("the file ends after {at} bytes, within the head of an element")]
    HeadTruncated {
        /// Where.
        at: u64,
    },

    /// An element is longer than the sequence or item around it.
    #[error("element {tag} of {length} bytes is longer than the item it lies in")]
    TooLong {
        /// The element.
        tag: Tag,
        /// Its length.
        length: u64,
    },

    /// Something else than an item stands in a sequence.
    #[error("{found} stands in sequence {tag}, where an item was wanted")]
    NoItem {
        /// The sequence.
        tag: Tag,
        /// What stands there.
        found: Tag,
    },

    /// Sequences within sequences without end.
    #[error("sequence {tag} lies {depth} sequences deep")]
    TooDeep {
        /// The sequence.
        tag: Tag,
        /// How deep.
        depth: usize,
    },
}
