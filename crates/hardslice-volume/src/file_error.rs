//! What the file system refused, and for which file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// What was tried with a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A file's bytes, or what they should say.
    Read,
    /// A file, or a folder with its files.
    Write,
    /// The entries of a folder.
    List,
    /// A file or a folder with all that is in it.
    Remove,
}

impl Action {
    /// For `map_err`: the file system's refusal with what was tried and where.
    ///
    /// ```
    /// use std::fs;
    /// use std::path::Path;
    ///
    /// use hardslice_volume::{Action, FileError};
    ///
    /// fn bytes_of(path: &Path) -> Result<Vec<u8>, FileError> {
    ///     fs::read(path).map_err(Action::Read.on(path))
    /// }
    ///
    /// let refused = bytes_of(Path::new("/no/such/file")).unwrap_err();
    /// assert_eq!(refused.to_string(), "cannot read /no/such/file");
    /// assert!(refused.is_missing());
    /// ```
    pub fn on(self, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        let path = path.to_path_buf();
        move |source| FileError {
            action: self,
            path,
            source,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::List => "list",
            Self::Remove => "remove",
        })
    }
}

/// A file or folder could not be read, written, listed or removed.
///
/// The error of every library here for this: an enum of errors takes it in with
/// `#[error(transparent)] File(#[from] FileError)`, so that `?` does the rest.
#[derive(Debug, Error)]
#[error("cannot {action} {}", path.display())]
pub struct FileError {
    /// What was tried.
    pub action: Action,
    /// With which file or folder.
    pub path: PathBuf,
    /// The file system's reason; for JSON, also that the text is none or says something else than
    /// was wanted, with line and column.
    pub source: io::Error,
}

impl FileError {
    /// Whether there is no such file, which is often no error at all.
    pub fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}
