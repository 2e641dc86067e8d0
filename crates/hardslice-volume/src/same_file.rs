//! Whether two names lead to one file.
//!
//! Names are no evidence: a file may be spelt otherwise, be linked, have a second name (a hard link),
//! or have been put into the place of another.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Whether both paths lead to one file or folder; `false` where one leads nowhere.
#[cfg(unix)]
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|found| identity_of(&found));
    matches!((identity(a), identity(b)), (Ok(a), Ok(b)) if a == b)
}

/// Whether both paths lead to one file or folder; `false` where one leads nowhere.
#[cfg(not(unix))]
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// Whether a path still leads to a file or folder that was opened there.
///
/// # Errors
///
/// The file system's refusal, but for a path that leads nowhere.
#[cfg(unix)]
pub fn leads_to(path: &Path, opened: &File) -> io::Result<bool> {
    let opened = identity_of(&opened.metadata()?);
    match fs::metadata(path) {
        Ok(found) => Ok(identity_of(&found) == opened),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a path still leads to a file or folder that was opened there: what is open is not renamed
/// or removed here.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn leads_to(path: &Path, _opened: &File) -> io::Result<bool> {
    Ok(path.exists())
}

/// Device and inode.
#[cfg(unix)]
fn identity_of(found: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}
