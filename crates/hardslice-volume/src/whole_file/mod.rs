//! Files and folders that appear whole or not at all.

mod file;
mod folder;
mod json;
mod sealed;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::{Action, FileError};

pub use file::{WholeFile, write_whole, write_whole_bytes};
pub use folder::write_whole_folder;
pub use json::{read_json, read_json_if_there, write_json};
pub use sealed::{read_sealed, read_sealed_if_there, sealed, unsealed, write_sealed};

/// What was read; `None` where there is no such file.
fn if_there<T>(read: Result<T, FileError>) -> Result<Option<T>, FileError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file that may not be there.
///
/// # Errors
///
/// [`FileError`] when it is there and cannot be removed.
pub fn remove_if_there(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Action::Remove.on(path)),
    }
}

/// Removes what a program that was killed was writing in a folder: files `.NAME.partial`. Nobody else
/// may be writing there.
///
/// Where a file is written again its part is overwritten; this is for those that are not.
///
/// # Errors
///
/// [`FileError`] when the folder cannot be listed, or a part not be removed.
pub fn remove_parts(dir: &Path) -> Result<(), FileError> {
    for entry in fs::read_dir(dir).map_err(Action::List.on(dir))? {
        let entry = entry.map_err(Action::List.on(dir))?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let path = entry.path();
        if name.starts_with(b".") && name.ends_with(b".partial") && path.is_file() {
            fs::remove_file(&path).map_err(Action::Remove.on(&path))?;
        }
    }
    Ok(())
}

/// Where what is to stand at a path is written first: `.NAME.partial`.
fn partial_path(path: &Path) -> io::Result<PathBuf> {
    hidden_beside(path, "partial")
}

/// `.NAME.ENDING`, beside a path.
fn hidden_beside(path: &Path, ending: &str) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path to write names no file",
        )
    })?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(".");
    beside.push(ending);
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
