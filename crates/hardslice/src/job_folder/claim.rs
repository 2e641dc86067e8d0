//! A claim of this process.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::SystemTime;

use hardslice_volume::Action;

use super::claim_record::{ClaimRecord, EVERY, Stands};
use crate::bars::{self, wall_time_s};
use crate::folder_lock::Worker;
use crate::stop;

/// A claim of this process, with a sign of life every half minute; gone when it is dropped, or when the
/// program is stopped.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    beating: Arc<Beating>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread that gives signs of life shares with the one that works, which never waits for the
/// file system.
#[derive(Debug)]
struct Beating {
    inner: Mutex<Inner>,
    told: Condvar,
}

#[derive(Debug)]
struct Inner {
    stands: Stands,
    /// Whether there is something to tell that should not wait for the next sign of life.
    is_news: bool,
    has_ended: bool,
}

impl Claim {
    /// Writes into the file who claims, and gives the time by the file system's clock.
    pub(super) fn begin(path: PathBuf, file: File) -> anyhow::Result<(Self, SystemTime)> {
        stop::remove_at_end(&path);
        let now = wall_time_s();
        let mut sign = Sign {
            record: ClaimRecord {
                worker: Worker::this_process(),
                begun_s: now,
                beat_s: now,
                stands: Stands::default(),
            },
            file,
        };
        let begun = sign.give().and_then(|()| sign.file.metadata()?.modified());
        let begun = match begun {
            Ok(begun) => begun,
            Err(error) => {
                drop(fs::remove_file(&path));
                stop::keep_at_end(&path);
                return Err(Action::Write.on(&path)(error).into());
            }
        };
        let beating = Arc::new(Beating {
            inner: Mutex::new(Inner {
                stands: Stands::default(),
                is_news: false,
                has_ended: false,
            }),
            told: Condvar::new(),
        });
        let (shared, beside) = (Arc::clone(&beating), path.clone());
        let thread = std::thread::spawn(move || shared.go_on(sign, &beside));
        let claim = Self {
            path,
            beating,
            thread: Some(thread),
        };
        Ok((claim, begun))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Says that a stage begins.
    pub(crate) fn begins(&self, stands: Stands) {
        let mut inner = self.beating.lock();
        inner.stands = stands;
        inner.is_news = true;
        self.beating.told.notify_all();
    }

    /// Says how far the stage is, with the next sign of life.
    pub(crate) fn advanced(&self, step: u64) {
        self.beating.lock().stands.step = step;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.beating.lock().has_ended = true;
        self.beating.told.notify_all();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        // One that cannot be removed is known to be stale by its signs of life.
        drop(fs::remove_file(&self.path));
        stop::keep_at_end(&self.path);
    }
}

impl Beating {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives signs of life until the claim is dropped. Who was asleep for so long that another has
    /// taken the work over finds the claim removed, and ends the program: two must not write into one
    /// folder.
    fn go_on(&self, mut sign: Sign, path: &Path) {
        loop {
            let waits = |inner: &mut Inner| !inner.has_ended && !inner.is_news;
            let waited = self.told.wait_timeout_while(self.lock(), EVERY, waits);
            let mut inner = waited.unwrap_or_else(PoisonError::into_inner).0;
            if inner.has_ended {
                return;
            }
            inner.is_news = false;
            sign.record.stands = inner.stands.clone();
            drop(inner);
            // Opened, so that a network file system asks anew.
            let is_lost = File::open(path).is_err_and(|error| is_gone(&error))
                || sign.give().is_err_and(|error| is_gone(&error));
            if is_lost {
                bars::say(&format!(
                    "stopped: the claim of this work was removed, as another takes over what gives no \
                     sign of life for three minutes: {}",
                    path.display()
                ));
                stop::end_as_stopped();
            }
            // Any other refusal passes, or ends the training when that writes.
        }
    }
}

/// Whether a file was removed, here or, on a network file system, by another machine.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::StaleNetworkFileHandle
    )
}

/// What is written again and again.
#[derive(Debug)]
struct Sign {
    record: ClaimRecord,
    file: File,
}

impl Sign {
    /// Writes over the record where it lies: a claim that was removed is not made anew so.
    fn give(&mut self) -> io::Result<()> {
        self.record.beat_s = wall_time_s();
        let bytes = self.record.to_bytes();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&bytes)?;
        self.file.sync_all()
    }
}
