//! Who is at work in a folder of jobs: a claim for each job, on any of many machines.
//!
//! A claim is a file, `claims/N.G`: of job N, or of the folder as a whole (`whole.G`). Its making is
//! exclusive, on network file systems too. Whoever wants a job makes a claim of a number G of its own,
//! and looks for others afterwards: of two that come at once each sees the other, and none goes on.
//! A claim whose maker is [gone](is_alive) is removed on the way. How old a claim is, is told by the
//! same clock as its own: the file system dates both.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use anyhow::anyhow;
use hardslice_volume::{Action, FileError};

use super::claim_record::{ClaimRecord, EVERY, Stands, is_alive};
use crate::bars::{self, wall_time_s};
use crate::folder_lock::Worker;
use crate::stop;

const WHOLE: &str = "whole";

/// What is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// One job.
    Job(usize),
    /// The folder with all that is in it.
    Whole,
}

impl Claimed {
    /// Whether one of them cannot be worked on while another works on the other.
    fn excludes(self, other: Self) -> bool {
        self == other || self == Self::Whole || other == Self::Whole
    }

    fn file_name(self, number: u64) -> String {
        match self {
            Self::Job(id) => format!("{id}.{number}"),
            Self::Whole => format!("{WHOLE}.{number}"),
        }
    }

    fn of_file_name(name: &str) -> Option<(Self, u64)> {
        let (what, number) = name.split_once('.')?;
        let what = match what {
            WHOLE => Self::Whole,
            id => Self::Job(id.parse().ok()?),
        };
        Some((what, number.parse().ok()?))
    }
}

/// The claims in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Claims {
    dir: PathBuf,
}

/// A claim of somebody, as it was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) what: Claimed,
    /// `None` where its maker has not written into it yet.
    pub(crate) record: Option<ClaimRecord>,
    /// When it last gave a sign of life, by the file system's clock.
    pub(crate) changed: SystemTime,
    path: PathBuf,
}

impl Claims {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Claims a job or the folder, until the claim is dropped.
    ///
    /// Fails when another is at work on what it excludes, and says who.
    pub(crate) fn take(&self, what: Claimed) -> anyhow::Result<Claim> {
        fs::create_dir_all(&self.dir).map_err(Action::Write.on(&self.dir))?;
        let numbers = self.listed()?.into_iter();
        let numbers = numbers.filter_map(|(of, number, _)| (of == what).then_some(number));
        let mut number = numbers.max().map_or(1, |last| last + 1);
        let (path, file) = loop {
            let path = self.dir.join(what.file_name(number));
            match File::create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                made => {
                    let file = made.map_err(Action::Write.on(&path))?;
                    break (path, file);
                }
            }
        };
        let claim = Claim::begin(path, file)?;
        let me = Worker::this_process();
        let now = claim.dated()?;
        // The others are listed and not opened: there may be a thousand.
        for other in self.found(|other| other.excludes(what))? {
            if other.path == claim.path {
                continue;
            }
            if is_alive(other.record.as_ref(), other.changed, &me, now) {
                return Err(other.refused(what, now));
            }
            // Somebody else may have removed it just now.
            drop(fs::remove_file(&other.path));
        }
        Ok(claim)
    }

    /// Every claim on what is wanted.
    pub(crate) fn found(
        &self,
        is_wanted: impl Fn(Claimed) -> bool,
    ) -> Result<Vec<Found>, FileError> {
        let mut found = Vec::new();
        for (what, _, path) in self.listed()? {
            if !is_wanted(what) {
                continue;
            }
            // Opened, so that a network file system asks anew.
            let mut bytes = Vec::new();
            let read = File::open(&path).and_then(|mut file| {
                file.read_to_end(&mut bytes)?;
                file.metadata()?.modified()
            });
            match read {
                Ok(changed) => found.push(Found {
                    what,
                    record: ClaimRecord::of_bytes(&bytes),
                    changed,
                    path,
                }),
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(Action::Read.on(&path)(error)),
            }
        }
        Ok(found)
    }

    fn listed(&self) -> Result<Vec<(Claimed, u64, PathBuf)>, FileError> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(Action::List.on(&self.dir))?,
        };
        let mut listed = Vec::new();
        for entry in entries {
            let path = entry.map_err(Action::List.on(&self.dir))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some((what, number)) = name.and_then(Claimed::of_file_name) {
                listed.push((what, number, path));
            }
        }
        Ok(listed)
    }
}

/// Whether a file was removed, here or, on a network file system, by another machine.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::StaleNetworkFileHandle
    )
}

impl Found {
    /// Whether its maker is at work still.
    pub(crate) fn is_alive(&self, now: SystemTime) -> bool {
        let me = Worker::this_process();
        is_alive(self.record.as_ref(), self.changed, &me, now)
    }

    fn refused(&self, wanted: Claimed, now: SystemTime) -> anyhow::Error {
        let who = match &self.record {
            Some(ClaimRecord { worker, .. }) => {
                format!("process {} on {}", worker.process, worker.host)
            }
            None => "a process that has just begun".to_owned(),
        };
        let silent = now.duration_since(self.changed).unwrap_or_default();
        let heard = format!("{who}, last heard of {} s ago", silent.as_secs());
        let path = self.path.display();
        match (self.what, wanted) {
            (Claimed::Whole, _) => anyhow!(
                "another hardslice is at work on this folder as a whole ({heard}): wait until it is \
                 done: {path}"
            ),
            (Claimed::Job(id), Claimed::Job(_)) => {
                anyhow!("job {id} is being done by another hardslice ({heard}): {path}")
            }
            (Claimed::Job(id), Claimed::Whole) => anyhow!(
                "job {id} of this folder is at work ({heard}), and perhaps others: wait until they are \
                 done, or stop them; `hardslice status` tells of all: {path}"
            ),
        }
    }
}

/// A claim of this process, with a sign of life every half minute; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    beating: Arc<Beating>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread that gives signs of life shares with the one that works.
#[derive(Debug)]
struct Beating {
    inner: Mutex<Inner>,
    ended: Condvar,
}

#[derive(Debug)]
struct Inner {
    record: ClaimRecord,
    file: File,
    has_ended: bool,
}

impl Claim {
    fn begin(path: PathBuf, file: File) -> anyhow::Result<Self> {
        let now = wall_time_s();
        let record = ClaimRecord {
            worker: Worker::this_process(),
            begun_s: now,
            beat_s: now,
            stands: Stands::default(),
        };
        let mut inner = Inner {
            record,
            file,
            has_ended: false,
        };
        if let Err(error) = inner.beat() {
            drop(fs::remove_file(&path));
            return Err(Action::Write.on(&path)(error).into());
        }
        let beating = Arc::new(Beating {
            inner: Mutex::new(inner),
            ended: Condvar::new(),
        });
        let (shared, beside) = (Arc::clone(&beating), path.clone());
        let thread = std::thread::spawn(move || shared.go_on(&beside));
        Ok(Self {
            path,
            beating,
            thread: Some(thread),
        })
    }

    /// When the file system dated its last sign of life: now, right after it was taken.
    fn dated(&self) -> Result<SystemTime, FileError> {
        let inner = self.beating.lock();
        let dated = inner.file.metadata().and_then(|about| about.modified());
        dated.map_err(Action::Read.on(&self.path))
    }

    /// Says how far the work is, with the next sign of life.
    pub(crate) fn stands(&self, change: impl FnOnce(&mut Stands)) {
        change(&mut self.beating.lock().record.stands);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.beating.lock().has_ended = true;
        self.beating.ended.notify_all();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        // One that cannot be removed is known to be stale by its signs of life.
        drop(fs::remove_file(&self.path));
    }
}

impl Beating {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives signs of life until the claim is dropped. Who was asleep for so long that another has
    /// taken the work over finds the claim removed, and ends the program: two must not write into one
    /// folder.
    fn go_on(&self, path: &Path) {
        let mut inner = self.lock();
        loop {
            inner = wait(&self.ended, inner, EVERY);
            if inner.has_ended {
                return;
            }
            let is_lost = path.metadata().is_err_and(|error| is_gone(&error))
                || inner.beat().is_err_and(|error| is_gone(&error));
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

/// Waits so long, or until told.
fn wait<'g>(
    told: &Condvar,
    guard: std::sync::MutexGuard<'g, Inner>,
    time: Duration,
) -> std::sync::MutexGuard<'g, Inner> {
    let waited = told.wait_timeout_while(guard, time, |inner| !inner.has_ended);
    waited.unwrap_or_else(PoisonError::into_inner).0
}

impl Inner {
    /// Writes over the record where it lies: a claim that was removed is not made anew so.
    fn beat(&mut self) -> io::Result<()> {
        self.record.beat_s = wall_time_s();
        let bytes = self.record.to_bytes();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&bytes)?;
        self.file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::super::claim_record::GONE_AFTER;
    use super::*;

    fn claims() -> (tempfile::TempDir, Claims) {
        let dir = tempfile::tempdir().unwrap();
        let claims = Claims::new(dir.path().join("claims"));
        (dir, claims)
    }

    /// A claim of a process of another machine, silent for so long.
    fn left_elsewhere(claims: &Claims, name: &str, silent: Duration) -> PathBuf {
        fs::create_dir_all(&claims.dir).unwrap();
        let record = ClaimRecord {
            worker: Worker {
                host: "node-7.cluster".to_owned(),
                ..Worker::this_process()
            },
            begun_s: 0.0,
            beat_s: 0.0,
            stands: Stands::default(),
        };
        let path = claims.dir.join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(&record.to_bytes()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "files are dated by it")]
        let now = SystemTime::now();
        file.set_modified(now - silent).unwrap();
        path
    }

    fn n_claims(claims: &Claims) -> usize {
        fs::read_dir(&claims.dir).unwrap().count()
    }

    #[test]
    fn jobs_are_claimed_side_by_side_and_each_by_one() {
        let (_dir, claims) = claims();
        let first = claims.take(Claimed::Job(1)).unwrap();
        let second = claims.take(Claimed::Job(2)).unwrap();
        let said = claims.take(Claimed::Job(1)).unwrap_err().to_string();
        assert!(said.contains("job 1 is being done by another"), "{said}");
        let said = claims.take(Claimed::Whole).unwrap_err().to_string();
        assert!(
            said.contains("is at work") && said.contains("status"),
            "{said}"
        );
        drop((first, second));
        let whole = claims.take(Claimed::Whole).unwrap();
        for what in [Claimed::Job(3), Claimed::Whole] {
            let said = claims.take(what).unwrap_err().to_string();
            assert!(said.contains("as a whole"), "{said}");
        }
        drop(whole);
        assert_eq!(n_claims(&claims), 0, "nothing is left");
    }

    #[test]
    fn a_claim_of_another_machine_holds_until_it_is_silent_for_three_minutes() {
        for name in ["1.1", "1.7", "whole.1"] {
            let (_dir, claims) = claims();
            let path = left_elsewhere(&claims, name, Duration::from_secs(160));
            let said = claims.take(Claimed::Job(1)).unwrap_err().to_string();
            assert!(
                said.contains("on node-7.cluster, last heard of 16"),
                "{said}"
            );
            assert_eq!(n_claims(&claims), 1, "its claim alone");
            fs::remove_file(path).unwrap();
            let path = left_elsewhere(&claims, name, GONE_AFTER + Duration::from_secs(1));
            let claim = claims.take(Claimed::Job(1)).unwrap();
            assert!(!path.exists(), "{name} is taken over");
            drop(claim);
        }
    }

    #[test]
    fn a_claim_of_an_ended_process_of_this_machine_is_taken_over_at_once() {
        let (_dir, claims) = claims();
        let path = left_elsewhere(&claims, "4.1", Duration::ZERO);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let process = child.id();
        child.wait().unwrap();
        let record = ClaimRecord {
            worker: Worker {
                process,
                ..Worker::this_process()
            },
            begun_s: 0.0,
            beat_s: 0.0,
            stands: Stands::default(),
        };
        fs::write(&path, record.to_bytes()).unwrap();
        drop(claims.take(Claimed::Job(4)).unwrap());
        assert!(!path.exists(), "it is forgotten");
    }

    #[test]
    fn of_many_who_want_one_job_at_once_never_two_get_it() {
        let (_dir, claims) = claims();
        left_elsewhere(&claims, "1.1", GONE_AFTER * 2);
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        if let Ok(claim) = claims.take(Claimed::Job(1)) {
                            let before = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                            assert_eq!(before, 0, "another holds it");
                            std::thread::yield_now();
                            inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                            drop(claim);
                        }
                    }
                });
            }
        });
        drop(claims.take(Claimed::Job(1)).unwrap());
    }

    #[test]
    fn other_files_are_no_claims() {
        for name in ["1", "1.", ".1", "x.1", "1.x", "whole", ".nfs0001", "1.1.1"] {
            assert_eq!(Claimed::of_file_name(name), None, "{name}");
        }
        for what in [Claimed::Job(12), Claimed::Whole] {
            assert_eq!(Claimed::of_file_name(&what.file_name(3)), Some((what, 3)));
        }
    }
}
