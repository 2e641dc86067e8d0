//! Who is at work in a folder of jobs: a claim for each job, on any of many machines.
//!
//! A claim is a file, `claims/N.G`: of job N, or of the folder as a whole (`whole.G`). Its making is
//! exclusive, on network file systems too. Whoever wants a job makes a claim of a number G of its own,
//! and looks for others afterwards: of two that come at once each sees the other, and none goes on.
//! A claim whose maker is [gone](is_alive) is removed on the way. How old a claim is, is told by the
//! same clock as its own: the file system dates both.
//!
//! Whoever is told by an engine to do a job [waits](Claims::take_in_turn) where that leaves it open who
//! has it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use hardslice_volume::{Action, FileError};

use super::claim::{Claim, is_gone};
use super::claim_record::{ClaimRecord, is_alive};
use crate::bars::wall_time_s;
use crate::folder_lock::{State, Worker};
use crate::stop;

/// Of several who come at once none goes on; whoever has a claim for longer does.
const JUST_BEGUN: Duration = Duration::from_secs(5);

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
            id => Self::Job(whole_number(id)?),
        };
        let number = whole_number(number)?;
        Some((what, u64::try_from(number).ok()?))
    }
}

/// A number from 1 as it is written into a file's name, and in no other way.
pub(super) fn whole_number(text: &str) -> Option<usize> {
    let number: usize = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
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
    /// Fails when another is at work on what it excludes, or may be, and says who.
    pub(crate) fn take(&self, what: Claimed) -> anyhow::Result<Claim> {
        self.try_take(what)?
            .map_err(|(other, now)| other.refused(what, now))
    }

    /// As [`Claims::take`], and waits where that cannot be known yet: until a claim of another machine
    /// gives a sign of life, or has given none for three minutes; and where several come at once, each
    /// for another while. `tell` is given a line when it waits.
    pub(crate) fn take_in_turn(&self, what: Claimed, tell: impl Fn(&str)) -> anyhow::Result<Claim> {
        let mut seen: Option<(PathBuf, SystemTime)> = None;
        loop {
            let (other, now) = match self.try_take(what)? {
                Ok(claim) => return Ok(claim),
                Err(refused) => refused,
            };
            let is_same = |(path, _): &(PathBuf, SystemTime)| *path == other.path;
            let first_changed = seen
                .as_ref()
                .filter(|seen| is_same(seen))
                .map(|seen| seen.1);
            if other.is_surely_at_work(first_changed) {
                return Err(other.refused(what, now));
            }
            if first_changed.is_none() {
                if !other.is_of_living_process() {
                    let said = other.refused(what, now);
                    tell(&format!(
                        "waiting for a sign of life, or three minutes without one: {said}"
                    ));
                }
                seen = Some((other.path, other.changed));
            }
            if stop::is_asked() {
                stop::end_as_stopped();
            }
            std::thread::sleep(a_while()?);
        }
    }

    /// A claim, or that of another which is at work, or may be, and the time by the file system's clock.
    fn try_take(&self, what: Claimed) -> anyhow::Result<Result<Claim, (Found, SystemTime)>> {
        fs::create_dir_all(&self.dir).map_err(Action::Write.on(&self.dir))?;
        let numbers = self.listed()?.into_iter();
        let numbers = numbers.filter_map(|(of, number, _)| (of == what).then_some(number));
        // By the clock, so that no number comes again: a name stands for one claim for ever.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole seconds of our age"
        )]
        let now_s = wall_time_s() as u64;
        let last = numbers.max().unwrap_or(0);
        let mut number = last.saturating_add(1).max(now_s);
        let (path, file) = loop {
            let path = self.dir.join(what.file_name(number));
            match File::create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    number = number.checked_add(1).ok_or_else(|| {
                        anyhow!("claims are numbered to the last: delete {}", path.display())
                    })?;
                }
                made => {
                    let file = made.map_err(Action::Write.on(&path))?;
                    break (path, file);
                }
            }
        };
        let (claim, now) = Claim::begin(path, file)?;
        let me = Worker::this_process();
        // The others are listed and not opened: there may be a thousand.
        for other in self.found(|other| other.excludes(what))? {
            if other.path == claim.path() {
                continue;
            }
            if is_alive(other.record.as_ref(), other.changed, &me, now) {
                return Ok(Err((other, now)));
            }
            // Somebody else may have removed it just now.
            drop(fs::remove_file(&other.path));
        }
        Ok(Ok(claim))
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

/// A fifth of a second to a second more, as chance has it.
fn a_while() -> anyhow::Result<Duration> {
    let mut random = [0];
    getrandom::fill(&mut random).context("the system gives no random numbers")?;
    Ok(Duration::from_millis(200 + 4 * u64::from(random[0])))
}

impl Found {
    /// Whether its maker is at work still.
    pub(crate) fn is_alive(&self, now: SystemTime) -> bool {
        let me = Worker::this_process();
        is_alive(self.record.as_ref(), self.changed, &me, now)
    }

    /// Whether its maker is a process of this machine that is at work.
    fn is_of_living_process(&self) -> bool {
        let me = Worker::this_process();
        let state = self.record.as_ref().map(|record| record.worker.state(&me));
        state == Some(State::Alive)
    }

    /// Whether its maker holds it and is at work, and does not only look for others: a process of this
    /// machine has had it for a while; any other gave a sign of life since the claim was first seen.
    fn is_surely_at_work(&self, first_changed: Option<SystemTime>) -> bool {
        let has_moved = first_changed.is_some_and(|first| self.changed != first);
        let has_it_for_s = |record: &ClaimRecord| wall_time_s() - record.begun_s;
        let has_just_begun = self
            .record
            .as_ref()
            .is_none_or(|record| (0.0..JUST_BEGUN.as_secs_f64()).contains(&has_it_for_s(record)));
        has_moved || self.is_of_living_process() && !has_just_begun
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::claim_record::{GONE_AFTER, Stands};
    use super::*;

    fn claims() -> (tempfile::TempDir, Claims) {
        let dir = tempfile::tempdir().unwrap();
        let claims = Claims::new(dir.path().join("claims"));
        (dir, claims)
    }

    /// A claim of a process of another machine, whose clock is decades ahead, silent for so long.
    fn left_elsewhere(claims: &Claims, name: &str, silent: Duration) -> PathBuf {
        fs::create_dir_all(&claims.dir).unwrap();
        let record = ClaimRecord {
            worker: Worker {
                host: "node-7.cluster".to_owned(),
                ..Worker::this_process()
            },
            begun_s: 4e9,
            beat_s: 4e9,
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
    fn of_several_who_come_at_once_one_gets_the_job_and_the_others_are_told() {
        for _ in 0..3 {
            let (_dir, claims) = claims();
            let start = std::sync::Barrier::new(4);
            let (refused, taken) = std::thread::scope(|scope| {
                let come = || {
                    start.wait();
                    claims.take_in_turn(Claimed::Job(1), |_| {})
                };
                let all: Vec<_> = (0..4).map(|_| scope.spawn(come)).collect();
                let all = all.into_iter().map(|thread| thread.join().unwrap());
                // Nobody who has it lets go of it before all have been told.
                let (taken, refused): (Vec<_>, Vec<_>) = all.partition(Result::is_ok);
                (refused, taken)
            });
            assert_eq!(taken.len(), 1, "{refused:?}");
            for refused in refused {
                let said = refused.unwrap_err().to_string();
                assert!(said.contains("job 1 is being done by another"), "{said}");
            }
        }
    }

    #[test]
    fn whoever_comes_waits_until_a_claim_of_another_machine_moves_or_is_silent_for_three_minutes() {
        let (_dir, claims) = claims();
        let told = std::sync::atomic::AtomicUsize::new(0);
        let tell = |said: &str| {
            assert!(said.contains("node-7.cluster"), "{said}");
            told.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        };
        // Killed: three seconds later it has been silent for long enough.
        let path = left_elsewhere(
            &claims,
            "1.1",
            GONE_AFTER.saturating_sub(Duration::from_secs(3)),
        );
        drop(claims.take_in_turn(Claimed::Job(1), tell).unwrap());
        assert!(!path.exists(), "taken over");
        assert_eq!(told.load(std::sync::atomic::Ordering::SeqCst), 1, "once");
        // At work: it gives a sign of life meanwhile.
        let path = left_elsewhere(&claims, "1.1", Duration::from_secs(20));
        let refused = std::thread::scope(|scope| {
            let waits = scope.spawn(|| claims.take_in_turn(Claimed::Job(1), tell));
            std::thread::sleep(Duration::from_secs(2));
            left_elsewhere(&claims, "1.1", Duration::ZERO);
            waits.join().unwrap()
        });
        let said = refused.unwrap_err().to_string();
        assert!(said.contains("job 1 is being done by another"), "{said}");
        assert!(path.exists(), "its claim stands");
    }

    #[test]
    fn other_files_are_no_claims() {
        for name in [
            "1", "1.", ".1", "x.1", "1.x", "whole", ".nfs0001", "1.1.1", "+1.1", "1.+1", "01.1",
            "0.1",
        ] {
            assert_eq!(Claimed::of_file_name(name), None, "{name}");
        }
        for what in [Claimed::Job(12), Claimed::Whole] {
            assert_eq!(Claimed::of_file_name(&what.file_name(3)), Some((what, 3)));
        }
    }
}
