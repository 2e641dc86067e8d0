//! Who is at work in a folder, where the file system has no locks.
//!
//! An empty file, whose name says it all: `.hardslice-at-work.PROCESS.SINCE.HOST`. Its making is one
//! step, so that nobody ever sees half a note. Who wants the folder leaves a note first and looks for
//! others afterwards: of two that come at once each sees the other, and none goes on.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::worker::{State, Worker};
use super::{Action, anyhow};

const PREFIX: &str = ".hardslice-at-work.";

/// A note that this process is at work in a folder; gone when it is dropped.
#[derive(Debug)]
pub(super) struct Note {
    path: PathBuf,
}

impl Note {
    /// Leaves a note, unless another process is at work in the folder.
    ///
    /// # Errors
    ///
    /// When one is, or seems to be, with what to do; when the folder cannot be written or listed.
    pub(super) fn leave(dir: &Path) -> anyhow::Result<Self> {
        let me = Worker::this_process();
        let path = dir.join(file_name(&me));
        // A second one in the same process is refused as well.
        match File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(refused(&me, &path));
            }
            made => made.map_err(Action::Write.on(&path))?,
        };
        let note = Self { path };
        refuse_others(dir)?;
        Ok(note)
    }

    /// Whether nobody has removed it, nor the folder.
    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        // One that cannot be removed is known to be stale as soon as this process is over.
        drop(fs::remove_file(&self.path));
    }
}

/// Looks for notes of others, and removes those whose processes are over.
///
/// # Errors
///
/// When another process is, or seems to be, at work in the folder.
pub(super) fn refuse_others(dir: &Path) -> anyhow::Result<()> {
    let me = Worker::this_process();
    for entry in fs::read_dir(dir).map_err(Action::List.on(dir))? {
        let path = entry.map_err(Action::List.on(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        match name.and_then(of_file_name) {
            Some(other) if other == me => {}
            Some(other) if other.state(&me) == State::Over => drop(fs::remove_file(&path)),
            Some(other) => return Err(refused(&other, &path)),
            None => {}
        }
    }
    Ok(())
}

fn refused(other: &Worker, path: &Path) -> anyhow::Error {
    let folder = path.parent().unwrap_or(Path::new("."));
    anyhow!(
        "another hardslice is at work in this folder, process {} on {}: wait until it is done, or name \
         another one: {}; if that process is over (it was killed, or its machine is off), delete {}",
        other.process,
        other.host,
        folder.display(),
        path.display()
    )
}

fn file_name(worker: &Worker) -> String {
    format!(
        "{PREFIX}{}.{}.{}",
        worker.process, worker.since, worker.host
    )
}

fn of_file_name(name: &str) -> Option<Worker> {
    let mut parts = name.strip_prefix(PREFIX)?.splitn(3, '.');
    Some(Worker {
        process: parts.next()?.parse().ok()?,
        since: parts.next()?.to_owned(),
        host: parts.next()?.to_owned(),
    })
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::super::worker::since;
    use super::*;

    fn note_of(worker: &Worker, dir: &Path) -> PathBuf {
        let path = dir.join(file_name(worker));
        fs::write(&path, "").unwrap();
        path
    }

    #[test]
    fn a_folder_with_a_note_is_refused_until_the_note_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let first = Note::leave(dir.path()).unwrap();
        let refused = Note::leave(dir.path()).unwrap_err().to_string();
        assert!(
            refused.contains("another hardslice is at work"),
            "{refused}"
        );
        drop(first);
        drop(Note::leave(dir.path()).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "no note");
    }

    #[test]
    fn a_name_says_who_it_was_and_other_files_are_no_notes() {
        let me = Worker::this_process();
        assert!(!me.since.is_empty(), "{me:?}");
        assert_eq!(of_file_name(&file_name(&me)), Some(me));
        for name in [
            "store.json",
            ".hardslice-at-work.x.1.host",
            ".hardslice-at-work.7",
        ] {
            assert_eq!(of_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_killed_process_blocks_nobody_even_where_its_number_was_given_again() {
        let dir = tempfile::tempdir().unwrap();
        let me = Worker::this_process();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let process = child.id();
        child.wait().unwrap();
        let killed = Worker {
            process,
            ..me.clone()
        };
        let (place, _) = me.since.rsplit_once('-').unwrap();
        // This very process, but begun at another time: the number was given again.
        let reused = Worker {
            since: format!("{place}-1"),
            ..me
        };
        for stale in [killed, reused] {
            let path = note_of(&stale, dir.path());
            drop(Note::leave(dir.path()).unwrap());
            assert!(!path.exists(), "{stale:?} is forgotten");
        }
    }

    #[test]
    fn a_living_process_and_those_of_other_machines_and_containers_are_respected() {
        let dir = tempfile::tempdir().unwrap();
        let me = Worker::this_process();
        let parent = std::os::unix::process::parent_id();
        let living = Worker {
            process: parent,
            since: since(parent).unwrap(),
            ..me.clone()
        };
        let elsewhere = Worker {
            host: "node-7.cluster".to_owned(),
            ..me.clone()
        };
        let (boot, _) = me.since.split_once('-').unwrap();
        let container = Worker {
            since: format!("{boot}-1-1"),
            ..me.clone()
        };
        // Before this machine was last started, or another machine that is called alike.
        let other_boot = Worker {
            since: "000000000000-1-1".to_owned(),
            ..me.clone()
        };
        let unknown = Worker {
            process: 1,
            since: String::new(),
            ..me
        };
        for other in [living, elsewhere, container, other_boot, unknown] {
            let path = note_of(&other, dir.path());
            let refused = Note::leave(dir.path()).unwrap_err().to_string();
            assert!(refused.contains(&other.host), "{refused}");
            assert!(refused.contains(path.to_str().unwrap()), "{refused}");
            assert!(super::refuse_others(dir.path()).is_err(), "with locks, too");
            assert_eq!(
                fs::read_dir(dir.path()).unwrap().count(),
                1,
                "its note alone"
            );
            fs::remove_file(path).unwrap();
        }
    }
}
