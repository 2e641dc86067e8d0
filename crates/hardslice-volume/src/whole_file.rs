//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

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
    let beside = partial_path(path)?;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let written = write_synced(&beside, write).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to report; a file that cannot be removed is overwritten later.
        drop(fs::remove_file(&beside));
        return written;
    }
    sync_parent(path)
}

/// Writes bytes as [`write_whole`] does.
///
/// # Errors
///
/// As [`write_whole`].
pub fn write_whole_bytes(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(path, |file| file.write_all(bytes))
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

fn write_synced(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    write(&mut file)?;
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()
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
}
