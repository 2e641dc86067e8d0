//! Values as files of JSON.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{if_there, write_whole_bytes};
use crate::file_error::{Action, FileError};

/// Writes a value as JSON, indented by two spaces and without a line end behind it, as
/// [`write_whole`](super::write_whole) does.
///
/// ```
/// use hardslice_volume::whole_file::{read_json, write_json};
///
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("split.json");
/// write_json(&path, &[("a", 1), ("b", 2)])?;
/// let read: Vec<(String, u32)> = read_json(&path)?;
/// assert_eq!(read, [("a".to_owned(), 1), ("b".to_owned(), 2)]);
/// # Ok::<(), hardslice_volume::FileError>(())
/// ```
///
/// # Errors
///
/// [`FileError`] to [write](Action::Write): the file system's refusal, or what has no JSON form (a
/// path that is not UTF-8, a map whose keys are no text).
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let json = serde_json::to_vec_pretty(value).map_err(io::Error::from);
    json.and_then(|json| write_whole_bytes(path, &json))
        .map_err(Action::Write.on(path))
}

/// Reads a value from a file of JSON.
///
/// # Errors
///
/// [`FileError`] to [read](Action::Read): the file system's refusal, or, with line and column, that
/// the text is no JSON or holds another value.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let bytes = fs::read(path).map_err(Action::Read.on(path))?;
    let value = serde_json::from_slice(&bytes).map_err(io::Error::from);
    value.map_err(Action::Read.on(path))
}

/// Reads a value from a file of JSON as [`read_json`] does; `None` where there is no such file.
///
/// ```
/// use hardslice_volume::whole_file::{read_json_if_there, write_json};
///
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("finished.json");
/// assert_eq!(read_json_if_there::<u32>(&path)?, None);
/// write_json(&path, &12)?;
/// assert_eq!(read_json_if_there::<u32>(&path)?, Some(12));
/// # Ok::<(), hardslice_volume::FileError>(())
/// ```
///
/// # Errors
///
/// As [`read_json`], but for the missing file: one that is there and cannot be read is not taken for
/// absent.
pub fn read_json_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    if_there(read_json(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_reads_back_as_it_was_written_and_keeps_every_digit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/scores.json");
        let scores = vec![0.1 + 0.2, 1.0 / 3.0, 5e-324];
        write_json(&path, &scores).unwrap();
        assert_eq!(read_json::<Vec<f64>>(&path).unwrap(), scores, "bit by bit");
        assert!(fs::read(&path).unwrap().ends_with(b"\n]"), "no line end");
    }

    #[test]
    fn broken_json_is_refused_with_the_path_and_the_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("split.json");
        let missing = read_json::<Vec<u8>>(&path).unwrap_err();
        assert!(missing.is_missing(), "{missing:?}");
        fs::write(&path, "[1,\n 2,").unwrap();
        let broken = read_json::<Vec<u8>>(&path).unwrap_err();
        assert!(!broken.is_missing(), "{broken:?}");
        assert!(broken.to_string().ends_with("split.json"), "{broken}");
        let reason = broken.source.to_string();
        assert!(reason.contains("line 2 column 3"), "{reason}");
        fs::write(&path, "{\"a\": 1}").unwrap();
        let other = read_json::<Vec<u8>>(&path).unwrap_err().source.to_string();
        assert!(other.contains("expected a sequence"), "{other}");
    }

    #[test]
    fn what_has_no_json_form_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        write_json(&path, &1).unwrap();
        let keys = std::collections::BTreeMap::from([([1, 2], 3)]);
        let refused = write_json(&path, &keys).unwrap_err();
        assert_eq!(refused.action, Action::Write, "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"1", "the old file stays");
    }
}
