//! What can be wrong with a store.

use std::path::PathBuf;

use hardslice_volume::FileError;
use thiserror::Error;

use crate::CaseId;

/// A store could not be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The folder holds no store, or one whose making was stopped.
    #[error(
        "no finished store: `store.json` is missing in {} (run `prepare` again: it goes on where \
         it was stopped, or says what the audit found)", dir.display()
    )]
    Unfinished {
        /// The folder.
        dir: PathBuf,
    },

    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),

    /// `store.json` is not what this version writes.
    #[error("not a store of this version: {}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Where it departs.
        source: serde_json::Error,
    },

    /// Another version of the program made the store.
    #[error(
        "the store has format {found}, this program reads format {wanted}: run `prepare` again \
         ({})", path.display()
    )]
    Version {
        /// Format found.
        found: u32,
        /// Format wanted.
        wanted: u32,
        /// The file.
        path: PathBuf,
    },

    /// A file of slices is not as long as its record says.
    #[error("{found} bytes found, {wanted} wanted: {}", path.display())]
    Length {
        /// Bytes found.
        found: u64,
        /// Bytes wanted.
        wanted: u64,
        /// The file.
        path: PathBuf,
    },

    /// A file of slices has another type or shape than its record says.
    #[error("the array is `{found}`, wanted `{wanted}`: {}", path.display())]
    Header {
        /// Header found, as text.
        found: String,
        /// Header wanted, as text.
        wanted: String,
        /// The file.
        path: PathBuf,
    },

    /// A file of slices has changed since it was written.
    #[error(
        "the content has changed since it was prepared (blake3 {found}, recorded {wanted}): {}",
        path.display()
    )]
    Changed {
        /// Hash found.
        found: String,
        /// Hash recorded.
        wanted: String,
        /// The file.
        path: PathBuf,
    },

    /// A record contradicts itself.
    #[error("case `{case}`: {what} in {}", path.display())]
    Contradiction {
        /// The case.
        case: CaseId,
        /// What does not fit.
        what: String,
        /// The file.
        path: PathBuf,
    },

    /// The options of a record make no store.
    #[error("{what}: {}", path.display())]
    RecordOptions {
        /// What is wrong with them.
        what: String,
        /// The file.
        path: PathBuf,
    },

    /// Options that make no store.
    #[error("{what}")]
    Options {
        /// What is wrong with them.
        what: String,
    },

    /// A finished store would become another one.
    #[error("the prepared cohort there is another one: {what}: {}", dir.display())]
    Other {
        /// What differs.
        what: String,
        /// The folder.
        dir: PathBuf,
    },

    /// No scan of the cohort could be prepared.
    #[error("none of the {n_cases} scans could be prepared; the first: {first}")]
    NothingPrepared {
        /// Scans tried.
        n_cases: usize,
        /// What was wrong with the first one.
        first: String,
    },
}
