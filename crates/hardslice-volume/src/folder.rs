//! What a folder holds, by one rule for all who list one.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Action, Ending, FileError};

/// The files and folders in a folder, in the order of their names; hidden ones are left out.
///
/// Hidden is what begins with a full stop: `.DS_Store`, and the `._liver.nii.gz` that macOS leaves
/// beside `liver.nii.gz`. Links are followed. Whatever else cannot be handed over is an error that
/// names it, so that nothing is left out without a word. Empty where the folder is.
///
/// ```
/// use hardslice_volume::folder::visible_entries;
///
/// let dir = tempfile::tempdir()?;
/// for name in ["b.nii", "a.nii", "._a.nii", ".DS_Store"] {
///     std::fs::write(dir.path().join(name), "")?;
/// }
/// let entries = visible_entries(dir.path())?;
/// assert_eq!(entries, ["a.nii", "b.nii"].map(|name| dir.path().join(name)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`FileError`]: the folder cannot be listed; or, with the entry's path, a link leads nowhere, a
/// name is not UTF-8, or an entry is neither a file nor a folder.
pub fn visible_entries(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let paths = visible_paths(dir)?;
    for path in &paths {
        if let Some(problem) = problem(path) {
            return Err(Action::Read.on(path)(problem));
        }
    }
    Ok(paths)
}

/// As [`visible_entries`], whatever they are: for those who tell apart themselves what can be read.
///
/// # Errors
///
/// [`FileError`]: the folder cannot be listed.
pub fn visible_paths(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut paths = all_paths(dir)?;
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default();
        !name.as_encoded_bytes().starts_with(b".")
    });
    Ok(paths)
}

/// As [`visible_paths`], hidden ones too: for those who look for what was left behind.
pub(crate) fn all_paths(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(Action::List.on(dir))? {
        paths.push(entry.map_err(Action::List.on(dir))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The hidden files in a folder that an interrupted transfer left, each with the file that it was to
/// become and that is not there: rsync writes `IM11.dcm` as `.IM11.dcm.Xy12Zw` until it is whole.
///
/// Neither macOS's `._IM11.dcm` nor what is hidden by intent (`.IM11.dcm`) is one.
///
/// # Errors
///
/// Where the folder cannot be listed.
pub fn interrupted_transfers(dir: &Path) -> Result<Vec<(PathBuf, PathBuf)>, FileError> {
    let left = all_paths(dir)?.into_iter().filter_map(|path| {
        let whole = whole_of_left_over(&path)?;
        let is_one = path.is_file() && !whole.exists();
        is_one.then_some((path, whole))
    });
    Ok(left.collect())
}

/// The file that a hidden one was to become, by its name; `None` where it is not called as one that a
/// transfer left.
pub(crate) fn whole_of_left_over(path: &Path) -> Option<PathBuf> {
    let shown = path.file_name()?.to_str()?.strip_prefix('.')?;
    let (whole, behind) = shown.rsplit_once('.')?;
    let is_no_number = behind.contains(|c: char| c.is_ascii_alphabetic());
    let is_no_ending = Ending::split(shown).1.is_none();
    let is_named = !whole.is_empty() && !whole.starts_with('_');
    (is_named && is_no_number && is_no_ending).then(|| path.with_file_name(whole))
}

/// The first of `paths` that is neither a file nor a folder, as an error that says why: a link that
/// leads nowhere, a pipe. `None` where there is none.
pub fn unreachable_among(paths: &[PathBuf]) -> Option<FileError> {
    let mut lost = paths
        .iter()
        .filter(|path| !path.is_file() && !path.is_dir());
    lost.find_map(|path| Some(Action::Read.on(path)(problem(path)?)))
}

/// All files below a folder, hidden ones left out, folder by folder in the order of their names.
///
/// Linked folders are entered, each folder once, so that a circle of links ends.
///
/// # Errors
///
/// As [`visible_entries`].
pub fn files_below(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    let mut entered = BTreeSet::new();
    collect(dir, &mut entered, &mut files)?;
    Ok(files)
}

fn collect(
    dir: &Path,
    entered: &mut BTreeSet<PathBuf>,
    files: &mut Vec<PathBuf>,
) -> Result<(), FileError> {
    if !entered.insert(fs::canonicalize(dir).map_err(Action::List.on(dir))?) {
        return Ok(());
    }
    for path in visible_entries(dir)? {
        if path.is_dir() {
            collect(&path, entered, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Why an entry cannot be handed over.
///
/// Not `NotFound` for a link that leads nowhere: the entry is there, and callers take a missing
/// file for no error at all.
fn problem(path: &Path) -> Option<io::Error> {
    let refused = |reason: String| Some(io::Error::new(io::ErrorKind::InvalidData, reason));
    if path.file_name().is_none_or(|name| name.to_str().is_none()) {
        return refused("the name is not UTF-8; rename the file".into());
    }
    match fs::metadata(path) {
        Ok(data) if data.is_file() || data.is_dir() => None,
        Ok(_) => refused("it is neither a file nor a folder (a pipe, a socket, a device)".into()),
        Err(err) => match fs::read_link(path) {
            Ok(to) => refused(format!(
                "it is a link to {}, which cannot be reached ({err}); repair or remove it",
                to.display()
            )),
            Err(_) => Some(err),
        },
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    fn refusal(dir: &Path) -> String {
        let err = visible_entries(dir).expect_err("something is wrong with an entry");
        assert!(!err.is_missing(), "{err:?}");
        format!("{err}: {}", err.source)
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named_with_its_target() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/no/such/scan.nii", dir.path().join("a.nii")).unwrap();
        let text = refusal(dir.path());
        assert!(
            text.contains("a.nii: it is a link to /no/such/scan.nii"),
            "{text}"
        );
        symlink(dir.path().join("b"), dir.path().join("b")).unwrap();
        fs::remove_file(dir.path().join("a.nii")).unwrap();
        assert!(
            refusal(dir.path()).contains("cannot be reached"),
            "a link to itself"
        );
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let name = OsStr::from_bytes(b"M\xfcller.nii");
        fs::write(dir.path().join(name), "").unwrap();
        let text = refusal(dir.path());
        assert!(text.contains("ller.nii: the name is not UTF-8"), "{text}");
    }

    #[test]
    fn what_is_no_file_is_named_and_never_opened() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("scan.nii");
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        let text = refusal(dir.path());
        assert!(
            text.contains("scan.nii: it is neither a file nor a folder"),
            "{text}"
        );
    }

    #[test]
    fn hidden_entries_are_left_out_whatever_is_wrong_with_them() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/no/such/file", dir.path().join(".link")).unwrap();
        fs::write(dir.path().join(OsStr::from_bytes(b"._\xff")), "").unwrap();
        assert!(
            visible_entries(dir.path()).unwrap().is_empty(),
            "all hidden"
        );
    }

    #[test]
    fn linked_folders_are_entered_once() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("1.dcm"), "").unwrap();
        symlink(elsewhere.path(), dir.path().join("series")).unwrap();
        symlink(dir.path(), elsewhere.path().join("circle")).unwrap();
        symlink(elsewhere.path(), dir.path().join("twice")).unwrap();
        let files = files_below(dir.path()).unwrap();
        assert_eq!(
            files,
            [dir.path().join("series/1.dcm")],
            "once, and the circle ends"
        );
    }
}
