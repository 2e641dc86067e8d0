//! A file that appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{partial_path, sync_parent};
use crate::same_file::leads_to;

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
/// Dropped before it is [finished](Self::finish), it leaves nothing and the old file as it was. Who
/// begins the same file at the same time waits until this one is in place, so that two programs that
/// write one file never mix their bytes; where files cannot be locked, nobody waits.
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
        Ok(Self {
            file: create_alone(&beside)?,
            beside,
            path: path.to_path_buf(),
            is_finished: false,
        })
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

/// Creates an empty file that nobody else is writing.
fn create_alone(path: &Path) -> io::Result<File> {
    loop {
        // Readable, too: what was written may be hashed. Emptied only when it is held: it may be
        // another's.
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path)?;
        // Where there are no locks, there is no waiting either.
        let is_held = file.lock().is_ok();
        if !is_held || leads_to(path, &file)? {
            if file.metadata()?.len() > 0
                && let Err(error) = file.set_len(0)
            {
                // Else the file that could not be begun would stay.
                drop(fs::remove_file(path));
                return Err(error);
            }
            return Ok(file);
        }
        // While this one waited, the other's file was put into place or removed.
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

    #[cfg(unix)]
    #[test]
    fn who_writes_the_same_file_waits_and_bytes_never_mix() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scores.csv");
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        write_whole(path, |file| {
                            for _ in 0..100 {
                                file.write_all(&[writer; 100])?;
                                file.flush()?;
                            }
                            Ok(())
                        })
                        .unwrap();
                        let read = fs::read(path).unwrap();
                        assert_eq!(read.len(), 10_000, "all of one writer");
                        assert!(read.iter().all(|byte| *byte == read[0]), "and of one only");
                    }
                });
            }
        });
    }

    #[test]
    fn what_a_killed_program_left_beside_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scores.csv");
        fs::write(dir.path().join(".scores.csv.partial"), b"a longer half").unwrap();
        write_whole_bytes(&path, b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole", "nothing of the half");
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "and only that"
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
}
