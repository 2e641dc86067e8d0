//! Files of text that people made, with whatever program: every encoding in use, tables with every
//! separator.

mod decode;
mod table_file;

use std::fs;
use std::io;
use std::path::Path;

use hardslice_volume::{Action, FileError};
use serde::de::DeserializeOwned;

pub use table_file::{Row, TableError, TableFile};

/// A file's text, and what had to be assumed to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// The text, without a byte order mark.
    pub text: String,
    /// That an encoding was assumed which the file does not name: a name with an umlaut should be
    /// looked at.
    pub note: Option<String>,
}

impl TextFile {
    /// Reads a file of text: UTF-8 or UTF-16, with or without a byte order mark, or else
    /// Windows-1252, which holds Latin-1 and is what spreadsheets write in Western Europe.
    ///
    /// # Errors
    ///
    /// [`FileError`] when the file cannot be read or is no text: it holds control characters, or is
    /// a spreadsheet of its own format.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let bytes = fs::read(path).map_err(Action::Read.on(path))?;
        Self::of(&bytes, path)
    }

    /// As [`TextFile::read`], of bytes that were read.
    pub(crate) fn of(bytes: &[u8], path: &Path) -> Result<Self, FileError> {
        let decoded = decode::decoded(bytes).map_err(Action::Read.on(path))?;
        let note = decoded.assumed.map(|encoding| {
            format!(
                "{} is not UTF-8 and was read as {encoding}: look at names with accents, or save \
                 it as UTF-8",
                path.display()
            )
        });
        Ok(Self {
            text: decoded.text,
            note,
        })
    }
}

/// Reads a value from a file of JSON that somebody else wrote: in any encoding that
/// [`TextFile::read`] knows, with or without a byte order mark.
///
/// # Errors
///
/// [`FileError`] to [read](Action::Read): the file system's refusal, or, with line and column, that
/// the text is no JSON or holds another value.
pub fn read_foreign_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let TextFile { text, .. } = TextFile::read(path)?;
    let value = serde_json::from_str(&text).map_err(io::Error::from);
    value.map_err(Action::Read.on(path))
}
