//! One program at a time in an output folder.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use anyhow::{Context, anyhow};

/// Holds an output folder until it is dropped, or the process ends however it may: two programs
/// that train the same arm into the same folder would overwrite each other's checkpoints.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _folder: Option<File>,
}

impl FolderLock {
    /// Makes the folder where it is missing, and holds it.
    ///
    /// Where folders cannot be opened or locked, as on Windows and on some network file systems,
    /// nothing is held.
    pub(crate) fn of(dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot write into {}", dir.display()))?;
        let folder = File::open(dir).ok();
        if let Some(Err(TryLockError::WouldBlock)) = folder.as_ref().map(File::try_lock) {
            return Err(anyhow!(
                "another hardslice is at work in this folder: wait until it is done, or take \
                 another --out: {}",
                dir.display()
            ));
        }
        Ok(Self { _folder: folder })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_once_and_free_again_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("new/out");
        let first = FolderLock::of(&out).unwrap();
        let refused = FolderLock::of(&out).unwrap_err().to_string();
        assert!(refused.starts_with("another hardslice"), "{refused}");
        drop(first);
        drop(FolderLock::of(&out).unwrap());
    }
}
