//! One program at a time in an output folder.

mod note;
mod worker;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use hardslice_data::Share;
use hardslice_volume::Action;
use hardslice_volume::same_file::leads_to;

use note::Note;
pub(crate) use worker::{State, Worker};

/// Holds an output folder until it is dropped, or the process ends however it may: two programs
/// that train the same arm into the same folder would overwrite each other's checkpoints.
#[derive(Debug)]
pub(crate) struct FolderLock {
    dir: PathBuf,
    lock: Lock,
}

/// What holds a folder alone.
#[derive(Debug)]
enum Lock {
    /// The system, which forgets it with the process.
    Locked(File),
    /// A note in it, where the system gives no locks.
    Noted(Note),
}

impl FolderLock {
    /// Makes the folder where it is missing, and holds it.
    ///
    /// Where folders cannot be opened or locked, as on Windows and on some network file systems, a
    /// [note](Note) in the folder says who is at work.
    pub(crate) fn of(dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot write into {}", dir.display()))?;
        let folder = File::open(dir).ok().map(|folder| {
            let locked = folder.try_lock();
            (folder, locked)
        });
        match folder {
            Some((_, Err(TryLockError::WouldBlock))) => Err(anyhow!(
                "another hardslice is at work in this folder: wait until it is done, or name \
                 another one: {}",
                dir.display()
            )),
            Some((folder, Ok(()))) => {
                // Somebody who cannot lock the folder from where he sees it may be at work in it.
                note::refuse_others(dir)?;
                Ok(Self {
                    dir: dir.to_owned(),
                    lock: Lock::Locked(folder),
                })
            }
            Some((_, Err(TryLockError::Error(_)))) | None => Ok(Self {
                dir: dir.to_owned(),
                lock: Lock::Noted(Note::leave(dir)?),
            }),
        }
    }

    /// Says whether the folder is still the one that was held in the beginning: what is written makes
    /// missing folders anew, and would end with a part of the results and no word.
    ///
    /// # Errors
    ///
    /// When the folder was removed, renamed or replaced in the meantime.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let is_there = match &self.lock {
            Lock::Locked(folder) => leads_to(&self.dir, folder).unwrap_or(false),
            Lock::Noted(note) => note.is_there(),
        };
        if is_there {
            return Ok(());
        }
        Err(anyhow!(
            "the folder was removed, renamed or replaced by somebody else while this was at work, so \
             that results are missing in it: run the same command again: {}",
            self.dir.display()
        ))
    }
}

/// Shares an output folder with others that share it, until it is dropped: nobody can hold it alone in
/// the meantime.
#[derive(Debug)]
pub(crate) struct SharedFolder {
    /// The system's lock, where it gives any.
    _locked: Option<File>,
}

impl SharedFolder {
    /// Shares a folder that is there.
    ///
    /// Fails when somebody holds it alone. Where folders cannot be locked, only a note of theirs tells.
    pub(crate) fn of(dir: &Path) -> anyhow::Result<Self> {
        let folder = File::open(dir).ok();
        let locked = folder.map(|folder| (folder.try_lock_shared(), folder));
        let locked = match locked {
            Some((Err(TryLockError::WouldBlock), _)) => {
                return Err(anyhow!(
                    "another hardslice is at work on this folder as a whole: wait until it is done: {}",
                    dir.display()
                ));
            }
            Some((Ok(()), folder)) => Some(folder),
            Some((Err(TryLockError::Error(_)), _)) | None => None,
        };
        note::refuse_others(dir)?;
        Ok(Self { _locked: locked })
    }
}

/// An output folder, held for the whole of a piece of work, or shared by those who do its shares.
#[derive(Debug)]
pub(crate) enum Held {
    Alone(#[expect(dead_code, reason = "held, not asked")] FolderLock),
    Shared(#[expect(dead_code, reason = "held, not asked")] SharedFolder),
}

impl Held {
    /// Makes the folder where it is missing, and holds it.
    ///
    /// Fails when another is at work in it, but for those who do other shares of the same.
    pub(crate) fn of(dir: &Path, share: Option<Share>) -> anyhow::Result<Self> {
        if share.is_none() {
            return Ok(Self::Alone(FolderLock::of(dir)?));
        }
        fs::create_dir_all(dir).with_context(|| format!("cannot write into {}", dir.display()))?;
        Ok(Self::Shared(SharedFolder::of(dir)?))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_removed_or_replaced_is_missed() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let lock = FolderLock::of(&out).unwrap();
        lock.check().unwrap();
        fs::rename(&out, dir.path().join("elsewhere")).unwrap();
        let said = lock.check().unwrap_err().to_string();
        assert!(said.contains("removed, renamed or replaced"), "{said}");
        fs::create_dir(&out).unwrap();
        assert!(lock.check().is_err(), "another of its name is not it");
    }

    #[test]
    fn several_share_a_folder_and_nobody_holds_it_alone_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (SharedFolder::of(dir.path()), SharedFolder::of(dir.path()));
        let shared = (first.unwrap(), second.unwrap());
        assert!(FolderLock::of(dir.path()).is_err(), "it is shared");
        drop(shared);
        let alone = FolderLock::of(dir.path()).unwrap();
        let refused = SharedFolder::of(dir.path()).unwrap_err().to_string();
        assert!(refused.contains("as a whole"), "{refused}");
        drop(alone);
        drop(SharedFolder::of(dir.path()).unwrap());
    }

    #[test]
    fn a_folder_is_held_once_and_free_again_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("new/out");
        let first = FolderLock::of(&out).unwrap();
        let refused = FolderLock::of(&out).unwrap_err().to_string();
        assert!(refused.starts_with("another hardslice"), "{refused}");
        drop(first);
        drop(FolderLock::of(&out).unwrap());
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0, "nothing is left");
    }
}
