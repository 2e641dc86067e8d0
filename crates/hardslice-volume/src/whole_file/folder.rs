//! A folder that appears whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{hidden_beside, partial_path, sync_parent};

/// Fills a folder beside its destination, syncs its files and renames it into place.
///
/// A reader sees the whole folder or none. A folder that is already there is replaced: it is renamed
/// to `.NAME.before` and removed when the new one is in place, and brought back where that fails. A
/// program that is killed in between leaves it under that name, and the next call brings it back
/// first.
///
/// # Errors
///
/// What `fill` returns, or the file system's refusal; the old folder stays then.
pub fn write_whole_folder(
    path: &Path,
    fill: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let beside = partial_path(path)?;
    let before = hidden_beside(path, "before")?;
    if before.exists() {
        if path.exists() {
            fs::remove_dir_all(&before)?;
        } else {
            fs::rename(&before, path)?;
        }
    }
    if beside.exists() {
        fs::remove_dir_all(&beside)?;
    }
    fs::create_dir_all(&beside)?;
    let filled = fill(&beside).and_then(|()| {
        for entry in fs::read_dir(&beside)? {
            File::open(entry?.path())?.sync_all()?;
        }
        replace(path, &beside, &before)
    });
    if filled.is_err() {
        // The first error is the one to report; a folder that cannot be removed is replaced later.
        drop(fs::remove_dir_all(&beside));
        return filled;
    }
    sync_parent(path)
}

/// Puts the folder `new` into the place of `path`, whose old content is kept as `before` until then.
fn replace(path: &Path, new: &Path, before: &Path) -> io::Result<()> {
    let has_old = path.exists();
    if has_old {
        fs::rename(path, before)?;
    }
    if let Err(error) = fs::rename(new, path) {
        if has_old {
            // What cannot be brought back now is brought back by the next call.
            drop(fs::rename(before, path));
        }
        return Err(error);
    }
    if has_old {
        fs::remove_dir_all(before)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_folder_that_was_set_aside_when_the_program_was_killed_is_brought_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model");
        write_whole_folder(&path, |dir| fs::write(dir.join("a"), "old")).unwrap();
        fs::rename(&path, dir.path().join(".model.before")).unwrap();
        let failed = write_whole_folder(&path, |_| Err(io::Error::other("disk full")));
        assert_eq!(failed.unwrap_err().to_string(), "disk full", "the cause");
        assert_eq!(fs::read(path.join("a")).unwrap(), b"old", "the old one");
        fs::create_dir(dir.path().join(".model.before")).unwrap();
        write_whole_folder(&path, |dir| fs::write(dir.join("b"), "new")).unwrap();
        assert!(path.join("b").exists(), "the new one");
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "and only that"
        );
    }

    #[test]
    fn a_new_folder_that_cannot_be_put_into_place_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model");
        write_whole_folder(&path, |dir| fs::write(dir.join("a"), "old")).unwrap();
        let (new, before) = (dir.path().join("gone"), dir.path().join(".model.before"));
        let failed = replace(&path, &new, &before);
        assert!(failed.is_err(), "there is nothing to put there");
        assert_eq!(fs::read(path.join("a")).unwrap(), b"old", "the old one");
    }
}
