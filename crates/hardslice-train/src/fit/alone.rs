//! One training at a time in a folder, within this program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

static AT_WORK: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
static OVER: Condvar = Condvar::new();

/// Holds a training's folder until it is dropped.
///
/// Arms that are trained side by side go on from one shared training. Where its checkpoints are gone
/// each of them trains it again: the first does, the others wait and find it done.
#[derive(Debug)]
pub(super) struct Alone {
    dir: PathBuf,
}

impl Alone {
    /// Waits until nobody else trains in the folder.
    pub(super) fn in_folder(dir: &Path) -> Self {
        let mut at_work = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner);
        while !at_work.insert(dir.to_owned()) {
            at_work = OVER.wait(at_work).unwrap_or_else(PoisonError::into_inner);
        }
        Self {
            dir: dir.to_owned(),
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let mut at_work = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner);
        at_work.remove(&self.dir);
        OVER.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_folder_is_held_by_one_and_other_folders_by_others() {
        let (dir, other) = (Path::new("pretrained"), Path::new("baseline"));
        let n_inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _alone = Alone::in_folder(dir);
                    let before = n_inside.fetch_add(1, Ordering::SeqCst);
                    assert_eq!(before, 0, "nobody else is inside");
                    drop(Alone::in_folder(other));
                    n_inside.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
    }
}
