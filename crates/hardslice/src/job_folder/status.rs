//! How far the jobs of a folder are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use anyhow::anyhow;
use hardslice_volume::{Action, FileError};
use serde::Serialize;

use super::claim_record::ClaimRecord;
use super::claims::{Claimed, Claims, whole_number};
use super::record::JobsRecord;
use super::table::{Row, read_table};
use crate::layout::OutDir;

/// Lines of a failure that are shown.
const N_LINES: usize = 4;

/// How far the jobs are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Status {
    /// All jobs.
    pub(crate) n: usize,
    pub(crate) n_done: usize,
    pub(crate) running: Vec<Told<Running>>,
    /// Neither at work nor done; the same error would come again, or a cause outside was mended.
    pub(crate) failed: Vec<Told<Failure>>,
    /// Ended without a word: they go on from their last checkpoint when they are run again.
    pub(crate) silent: Vec<Told<Running>>,
    /// Neither done, nor at work, nor failed; those that fell silent included.
    pub(crate) n_missing: usize,
    /// Those of the missing whose need failed: they wait until that is done.
    pub(crate) n_blocked: usize,
    /// Minutes until all that is not done is, by the forecast and as many at a time as now, and no more
    /// than that; absent where nobody is at work.
    pub(crate) minutes_left: Option<f64>,
}

/// Something about a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Told<T> {
    pub(crate) id: usize,
    pub(crate) round: String,
    pub(crate) work: String,
    #[serde(flatten)]
    pub(crate) what: T,
}

/// A job that is, or was, at work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Running {
    /// Absent in the moment in which the job begins.
    #[serde(flatten)]
    pub(crate) claim: Option<ClaimRecord>,
    /// Seconds since its last sign of life.
    pub(crate) silent_s: u64,
}

/// What a job failed with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Failure {
    /// The last lines of it.
    pub(crate) because: String,
}

impl Failure {
    /// `None` where the job does not fail any more.
    fn read(path: &Path) -> Result<Option<Self>, FileError> {
        let because = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(Action::Read.on(path))?,
        };
        let because = last_lines(&String::from_utf8_lossy(&because));
        Ok(Some(Self { because }))
    }
}

impl Status {
    /// Reads the folder that `--write-jobs` made jobs in. `now` is the time.
    ///
    /// Fails where there are no jobs, or a file cannot be read.
    pub(crate) fn read(out: &OutDir, now: SystemTime) -> anyhow::Result<Self> {
        let jobs = out.jobs();
        let record = JobsRecord::read(&jobs)?.ok_or_else(|| {
            anyhow!(
                "no jobs were written in this folder: run, compare or sweep with --write-jobs does \
                 that: {}",
                out.path().display()
            )
        })?;
        let rows = read_table(&jobs.table())?;
        if rows.len() != record.n_jobs {
            return Err(anyhow!(
                "{} jobs were written, and {} are listed: write them again with --write-jobs: {}",
                record.n_jobs,
                rows.len(),
                jobs.table().display()
            ));
        }
        let by_id: BTreeMap<usize, &Row> = rows.iter().map(|row| (row.id, row)).collect();
        let of = |ids: BTreeSet<usize>| -> BTreeSet<usize> {
            ids.into_iter()
                .filter(|id| by_id.contains_key(id))
                .collect()
        };
        let done = of(ids_in(&jobs.all_done())?);
        let mut status = Self {
            n: rows.len(),
            n_done: done.len(),
            running: Vec::new(),
            failed: Vec::new(),
            silent: Vec::new(),
            n_missing: 0,
            n_blocked: 0,
            minutes_left: None,
        };
        let mut at_work = BTreeSet::new();
        for found in Claims::new(jobs.claims()).found(|what| what != Claimed::Whole)? {
            let Claimed::Job(id) = found.what else {
                continue;
            };
            let Some(row) = by_id.get(&id).filter(|_| !done.contains(&id)) else {
                continue;
            };
            let silent = now.duration_since(found.changed).unwrap_or_default();
            let is_alive = found.is_alive(now);
            let told = row.told(Running {
                silent_s: silent.as_secs(),
                claim: found.record,
            });
            // Two may claim a job for a moment: it runs once.
            if is_alive {
                if at_work.insert(id) {
                    status.running.push(told);
                }
            } else {
                status.silent.push(told);
            }
        }
        status.silent.retain(|told| !at_work.contains(&told.id));
        for id in of(ids_in(&jobs.all_failed())?) {
            if done.contains(&id) || at_work.contains(&id) {
                continue;
            }
            if let Some(failure) = Failure::read(&jobs.failed(id))? {
                status.failed.push(by_id[&id].told(failure));
            }
        }
        status.running.sort_by_key(|told| told.id);
        status.silent.sort_by_key(|told| told.id);
        status.n_missing = status.n - status.n_done - status.running.len() - status.failed.len();
        let failed: BTreeSet<usize> = status.failed.iter().map(|told| told.id).collect();
        let waits_for_failed = |row: &&Row| row.needs.is_some_and(|needs| failed.contains(&needs));
        let is_missing = |row: &&Row| {
            let id = row.id;
            !done.contains(&id) && !at_work.contains(&id) && !failed.contains(&id)
        };
        let blocked = rows.iter().filter(is_missing).filter(waits_for_failed);
        status.n_blocked = blocked.count();
        let left = rows.iter().filter(|row| !done.contains(&row.id));
        status.minutes_left = minutes_left(left, &by_id, &done, status.running.len());
        Ok(status)
    }

    /// Whether nothing more comes of itself: all is done, has failed, or waits for what has.
    pub(crate) fn is_over(&self) -> bool {
        self.running.is_empty() && self.n_missing == self.n_blocked
    }

    /// Whether all jobs are done.
    pub(crate) fn is_done(&self) -> bool {
        self.n_done == self.n
    }
}

impl Row {
    fn told<T>(&self, what: T) -> Told<T> {
        Told {
            id: self.id,
            round: self.round.clone(),
            work: self.work.clone(),
            what,
        }
    }
}

/// The bound of Graham for jobs that are taken as soon as somebody is free: what `left` takes shared
/// among `n_at_once`, and of the longest chain of jobs what that does not hold yet.
fn minutes_left<'r>(
    left: impl Iterator<Item = &'r Row>,
    by_id: &BTreeMap<usize, &Row>,
    done: &BTreeSet<usize>,
    n_at_once: usize,
) -> Option<f64> {
    let (mut all, mut longest_chain) = (0.0, 0.0_f64);
    for row in left {
        let needs = row.needs.filter(|needs| !done.contains(needs));
        let before = needs.map_or(0, |needs| by_id[&needs].minutes);
        all += row.minutes as f64;
        longest_chain = longest_chain.max((before + row.minutes) as f64);
    }
    let n = n_at_once as f64;
    (n_at_once > 0).then(|| all / n + (1.0 - 1.0 / n) * longest_chain)
}

/// The numbers that files in a folder are named by; none where it is missing.
fn ids_in(dir: &Path) -> Result<BTreeSet<usize>, FileError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.map_err(Action::List.on(dir))?,
    };
    let mut ids = BTreeSet::new();
    for entry in entries {
        let name = entry.map_err(Action::List.on(dir))?.file_name();
        ids.extend(name.to_str().and_then(whole_number));
    }
    Ok(ids)
}

/// The last lines, without what a terminal would take for a command.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let last = lines[lines.len().saturating_sub(N_LINES)..].join("\n");
    let shown = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    last.chars().map(shown).collect()
}

/// Seconds since 1970 as `2026-11-29 15:04 UTC`.
fn time(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds of our age")]
    let time = jiff::Timestamp::from_second(seconds as i64);
    time.map_or_else(
        |_out_of_range| "an unknown time".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

impl fmt::Display for Told<Running> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {} ({} {})", self.id, self.round, self.work)?;
        let Some(claim) = &self.what.claim else {
            return f.write_str(": just begun");
        };
        let (worker, stands) = (&claim.worker, &claim.stands);
        write!(
            f,
            " on {}, process {}, since {}",
            worker.host,
            worker.process,
            time(claim.begun_s)
        )?;
        if !stands.stage.is_empty() {
            write!(f, ": {} {}/{}", stands.stage, stands.step, stands.n_steps)?;
        }
        write!(f, ", last heard of {} s ago", self.what.silent_s)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            n,
            n_done,
            n_missing,
            ..
        } = self;
        let (n_running, n_failed) = (self.running.len(), self.failed.len());
        write!(
            f,
            "{n} jobs: {n_done} done, {n_running} running, {n_failed} failed, {n_missing} missing"
        )?;
        for told in &self.running {
            write!(f, "\nrunning: {told}")?;
        }
        for told in &self.silent {
            write!(f, "\nended without a word: {told}")?;
        }
        for told in &self.failed {
            let because = told.what.because.replace('\n', "\n    ");
            write!(
                f,
                "\nfailed: job {} ({} {})\n    {because}",
                told.id, told.round, told.work
            )?;
        }
        match self.minutes_left {
            Some(minutes) => write!(
                f,
                "\nat most about {minutes:.0} min left, by the forecast and as many at a time as now"
            ),
            None if self.is_done() => f.write_str(
                "\nall are done: the command without --write-jobs opens the test set and reports",
            ),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::engines::write_engines;
    use super::super::table::write_table;
    use super::*;

    fn row(id: usize) -> Row {
        Row {
            id,
            wave: 1 + usize::from(id > 2_000),
            needs: (id > 2_000).then_some(1 + id % 2_000),
            round: format!("seed-{}/liver", id % 2_000),
            work: "hard".to_owned(),
            steps: 1000,
            cores: 4,
            memory_mb: 2000,
            minutes: 60,
            instructions: "avx2+fma".to_owned(),
            done: format!("done/{id}"),
            command: format!("/usr/bin/hardslice compare x.toml --out d --seeds 1,2, --job {id}"),
        }
    }

    #[test]
    fn what_is_left_takes_no_longer_than_it_is_said() {
        // Hours of jobs, each its need and what it takes, two at a time: by hand.
        let rows = |hours: &[(Option<usize>, u64)]| -> Vec<Row> {
            let rows = hours.iter().zip(1..);
            rows.map(|((needs, hours), id)| Row {
                needs: *needs,
                minutes: 60 * hours,
                ..row(id)
            })
            .collect()
        };
        let is_said = |hours: f64, of: &[(Option<usize>, u64)], done: &[usize]| {
            let rows = rows(of);
            let by_id = rows.iter().map(|row| (row.id, row)).collect();
            let done = done.iter().copied().collect();
            let left = rows
                .iter()
                .filter(|row| !BTreeSet::contains(&done, &row.id));
            let said = minutes_left(left, &by_id, &done, 2).unwrap() / 60.0;
            assert!((said - hours).abs() < 1e-9, "{said} and not {hours}");
        };
        // Four alike: two hours, and half of the last one more by the bound.
        is_said(2.5, &[(None, 1); 4], &[]);
        // A long one at the end: hour 1 in twos, then three hours alone: 4.
        is_said(4.0, &[(None, 1), (None, 1), (None, 3)], &[]);
        // One after the other: 2, though two could work.
        is_said(2.0, &[(None, 1), (Some(1), 1)], &[]);
        is_said(1.0, &[(None, 1), (Some(1), 1)], &[1]);
    }

    #[test]
    fn the_books_of_ten_thousand_jobs_are_kept_in_seconds() {
        let dir = tempfile::tempdir().unwrap();
        let out = OutDir::new(dir.path());
        let jobs = out.jobs();
        let begun = Instant::now();
        let rows: Vec<Row> = (1..=10_000).map(row).collect();
        write_table(&jobs.table(), &rows).unwrap();
        write_engines(
            &jobs,
            &rows,
            &["hardslice".to_owned(), "compare".to_owned()],
        )
        .unwrap();
        let record = JobsRecord {
            program: "0".to_owned(),
            campaign_blake3: "abc".to_owned(),
            instructions: "avx2+fma".to_owned(),
            is_fixed: true,
            n_jobs: rows.len(),
        };
        record.write(&jobs).unwrap();
        let claims = Claims::new(jobs.claims());
        // A thousand at work at a time: each claims, works and is done.
        let held: Vec<_> = (9_001..=10_000)
            .map(|id| (id, claims.take(Claimed::Job(id)).unwrap()))
            .collect();
        for id in 1..9_000 {
            fs::write(jobs.done(id), "").unwrap();
        }
        // Two claim a job for a moment, until one gives way.
        let its_claims = fs::read_dir(jobs.claims())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let is_of_job =
            |path: &std::path::PathBuf| path.file_stem().is_some_and(|stem| stem == "9001");
        let first = its_claims.into_iter().find(is_of_job).unwrap();
        let second = first.with_extension("99");
        fs::copy(&first, &second).unwrap();
        // What a terminal would obey, and what is no text.
        fs::write(jobs.failed(9_000), b"a\nb\x1b[2J\nc\xff\nd\ne\n").unwrap();
        #[expect(clippy::disallowed_methods, reason = "files are dated by it")]
        let now = SystemTime::now();
        let status = Status::read(&out, now).unwrap();
        assert_eq!(
            (status.n, status.n_done, status.running.len()),
            (10_000, 8_999, 1_000)
        );
        let because = &status.failed[0].what.because;
        assert_eq!(because, "b\u{fffd}[2J\nc\u{fffd}\nd\ne", "the last");
        assert_eq!(status.n_missing, 0);
        // 1001 jobs of an hour, a thousand at a time: two hours at most, and a little by the bound.
        let minutes = status.minutes_left.unwrap();
        assert!((120.0..120.1).contains(&minutes), "{minutes}");
        assert_eq!(status.to_string().lines().count(), 1 + 1_000 + 5 + 1);
        drop(held);
        fs::remove_file(second).unwrap();
        let taken = begun.elapsed();
        assert!(taken < Duration::from_secs(20), "{taken:?}");
        let read = Instant::now();
        let status = Status::read(&out, now).unwrap();
        assert_eq!(status.n_missing, 1_000);
        assert!(
            read.elapsed() < Duration::from_secs(2),
            "{:?}",
            read.elapsed()
        );
    }
}
