//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::file_error::{Action, FileError};

/// Writes a file beside its destination, syncs it to disk and renames it into place.
///
/// A reader sees the old file or the new one, never a part. Missing parent folders are made. When
/// `write` fails the half-written file is removed and the old one stays. The name of the file
/// beside is fixed (`.NAME.partial`), so that what a killed program left is overwritten by the
/// next attempt instead of piling up.
///
/// # Errors
///
/// What `write` returns, or the file system's refusal (no space, no permission).
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut whole = WholeFile::create(path)?;
    let mut buffered = BufWriter::with_capacity(1 << 20, whole.file.try_clone()?);
    write(&mut buffered)?;
    buffered
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    whole.finish()
}

/// A file that is written piece by piece beside its destination, as [`write_whole`] does it.
///
/// Dropped before it is [finished](Self::finish), it leaves nothing and the old file as it was.
#[derive(Debug)]
pub struct WholeFile {
    /// The file beside the destination.
    pub file: File,
    beside: PathBuf,
    path: PathBuf,
    is_finished: bool,
}

impl WholeFile {
    /// Makes the file beside the destination, and missing parent folders.
    ///
    /// # Errors
    ///
    /// The file system's refusal.
    pub fn create(path: &Path) -> io::Result<Self> {
        let beside = partial_path(path)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // Readable, too: what was written may be hashed.
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        Ok(Self {
            file: options.open(&beside)?,
            beside,
            path: path.to_path_buf(),
            is_finished: false,
        })
    }

    /// Where the file stands as long as it is not finished.
    pub fn beside(&self) -> &Path {
        &self.beside
    }

    /// Syncs the file to disk and renames it into place.
    ///
    /// # Errors
    ///
    /// The file system's refusal; the old file stays.
    pub fn finish(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.beside, &self.path)?;
        self.is_finished = true;
        sync_parent(&self.path)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if !self.is_finished {
            // A file that cannot be removed is overwritten later.
            drop(fs::remove_file(&self.beside));
        }
    }
}

/// Writes bytes as [`write_whole`] does.
///
/// # Errors
///
/// As [`write_whole`].
pub fn write_whole_bytes(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(path, |file| file.write_all(bytes))
}

/// Writes a value as JSON, indented by two spaces and without a line end behind it, as
/// [`write_whole`] does.
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
    match read_json(path) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Fills a folder beside its destination, syncs its files and renames it into place.
///
/// A reader sees the whole folder or none. A folder that is already there is replaced: between its
/// removal and the rename there is none.
///
/// # Errors
///
/// What `fill` returns, or the file system's refusal.
pub fn write_whole_folder(
    path: &Path,
    fill: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let beside = partial_path(path)?;
    if beside.exists() {
        fs::remove_dir_all(&beside)?;
    }
    fs::create_dir_all(&beside)?;
    let filled = fill(&beside).and_then(|()| {
        for entry in fs::read_dir(&beside)? {
            File::open(entry?.path())?.sync_all()?;
        }
        if path.exists() {
            fs::remove_dir_all(path)?;
        }
        fs::rename(&beside, path)
    });
    if filled.is_err() {
        // The first error is the one to report; a folder that cannot be removed is replaced later.
        drop(fs::remove_dir_all(&beside));
        return filled;
    }
    sync_parent(path)
}

fn partial_path(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path to write names no file",
        )
    })?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(".partial");
    Ok(path.with_file_name(beside))
}

/// Makes the rename itself survive a power cut. Only Unix lets a folder be synced.
fn sync_parent(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scores.csv");
        write_whole_bytes(&path, b"old").unwrap();
        let failed = write_whole(&path, |file| {
            file.write_all(b"half of the new")?;
            Err(io::Error::other("disk full"))
        });
        assert_eq!(
            failed.unwrap_err().to_string(),
            "disk full",
            "the cause is kept"
        );
        assert_eq!(fs::read(&path).unwrap(), b"old", "the old file stays");
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_filled_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model");
        write_whole_folder(&path, |dir| fs::write(dir.join("a"), "old")).unwrap();
        let failed = write_whole_folder(&path, |dir| {
            fs::write(dir.join("a"), "new")?;
            Err(io::Error::other("disk full"))
        });
        assert_eq!(
            failed.unwrap_err().to_string(),
            "disk full",
            "the cause is kept"
        );
        assert_eq!(
            fs::read(path.join("a")).unwrap(),
            b"old",
            "the old folder stays"
        );
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        write_whole_folder(&path, |dir| fs::write(dir.join("b"), "new")).unwrap();
        assert!(
            !path.join("a").exists() && path.join("b").exists(),
            "replaced as a whole"
        );
    }

    #[test]
    fn missing_folders_are_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/c.txt");
        write_whole_bytes(&path, b"x").unwrap();
        assert_eq!(
            fs::read(&path).unwrap(),
            b"x",
            "written through two new folders"
        );
    }

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
