//! A campaign as jobs for a queue, written.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, anyhow};
use hardslice_train::arithmetic;
use hardslice_volume::whole_file::remove_if_there;
use hardslice_volume::{Action, FileError};

use super::forecast::{Speed, speeds};
use super::planned::{Planned, planned};
use super::{Campaign, Trial};
use crate::job_folder::{Alone, JobsRecord, Row, command_line, write_engines, write_table};

/// What jobs are written from.
#[derive(Debug)]
pub(crate) struct JobsOrigin {
    /// The command that reports when all are done; with `--job N` it does one.
    pub(crate) command: Vec<String>,
    /// Hash of all that decides the jobs: the command, the experiment, the cohort.
    pub(crate) campaign_blake3: String,
}

/// Room beside what a few steps take: the loader's batches, slices that are scored, the store's
/// records, 10⁶ bytes.
const ROOM_MB: f64 = 500.0;

impl Campaign<'_> {
    /// Writes the jobs of the trials, whose store and splits are made. Those that are done stay so.
    pub(crate) fn write_jobs(
        &self,
        lock: &mut Alone,
        trials: &[Trial],
        origin: &JobsOrigin,
    ) -> anyhow::Result<()> {
        let jobs = self.out.jobs();
        fs::create_dir_all(jobs.path()).map_err(Action::Write.on(jobs.path()))?;
        lock.keep_jobs_away(&self.out)?;
        let planned = planned(trials);
        let record = JobsRecord {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            campaign_blake3: origin.campaign_blake3.clone(),
            instructions: arithmetic(self.device),
            is_fixed: self.experiment.instructions.is_some(),
            n_jobs: planned.len(),
        };
        let before = JobsRecord::read(&jobs)?;
        let is_same = |before: &JobsRecord| before.campaign_blake3 == record.campaign_blake3;
        if !before.as_ref().is_some_and(is_same) {
            // What was done and failed is that of other jobs, whose numbers say nothing here: gone before
            // the record that says whose it was.
            remove_folder_if_there(&jobs.all_done())?;
            remove_folder_if_there(&jobs.all_failed())?;
            remove_if_there(&jobs.record())?;
        }
        let n_cores = (rayon::current_num_threads() / self.jobs).max(1);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_cores)
            .build()?;
        self.bars
            .tell("measuring a few steps, as one job takes them");
        let speeds = pool.install(|| speeds(trials, self.device))?;
        let row = |planned: &Planned| -> anyhow::Result<Row> {
            let Planned {
                id,
                wave,
                needs,
                job,
            } = *planned;
            let speed = speeds[job.trial].of(job.work);
            let mut command = origin.command.clone();
            command.extend(["--threads".to_owned(), n_cores.to_string()]);
            command.extend(["--job".to_owned(), id.to_string()]);
            Ok(Row {
                id,
                wave,
                needs,
                round: trials[job.trial].name.to_string(),
                work: job.work.name().to_owned(),
                steps: job.n_steps,
                cores: n_cores,
                memory_mb: memory_mb(speed)?,
                minutes: minutes(speed, job.n_steps),
                instructions: record.instructions.clone(),
                done: format!("done/{id}"),
                command: command_line(&command)?,
            })
        };
        let rows = planned
            .iter()
            .map(row)
            .collect::<anyhow::Result<Vec<_>>>()?;
        write_table(&jobs.table(), &rows)?;
        write_engines(&jobs, &rows, &origin.command)?;
        record.write(&jobs)?;
        if !record.is_fixed {
            self.bars.tell(&format!(
                "note: the jobs compute on {}, as the machine does on which they were first written, and a \
                 machine without it refuses them; where machines differ, name a set that all have: --instructions avx2+fma",
                record.instructions
            ));
        }
        self.bars.print(&format!(
            "{} jobs: {} says how they are run",
            rows.len(),
            jobs.readme().display()
        ))
    }
}

/// The forecast and half as much, for validation, mining and all else that is not a step; and five
/// minutes to begin in.
fn minutes(speed: &Speed, n_steps: u64) -> u64 {
    let minutes = 1.5 * speed.seconds_a_step * n_steps as f64 / 60.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "minutes are not negative, and a forecast of more than 2^64 stays the largest"
    )]
    let minutes = minutes.ceil() as u64;
    minutes.saturating_add(5)
}

/// What a few steps took and a quarter more, and [`ROOM_MB`], in whole hundreds.
fn memory_mb(speed: &Speed) -> anyhow::Result<u64> {
    let peak = speed.memory_mb.ok_or_else(|| {
        anyhow!(
            "how much memory a job takes is measured, and this system does not tell it: write the \
             jobs on Linux"
        )
    })?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no machine has 2^64 megabytes, and none is negative"
    )]
    let hundreds = ((1.25 * peak + ROOM_MB) / 100.0).ceil() as u64;
    Ok(100 * hundreds)
}

fn remove_folder_if_there(dir: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Action::Remove.on(dir)),
    }
}

/// The program and its arguments up to the options that commands have of their own. Paths are absolute:
/// an engine runs jobs in any folder.
pub(crate) fn command_for_jobs(
    name: &str,
    experiment: &Path,
    out: &Path,
) -> anyhow::Result<Vec<String>> {
    let absolute = |path: &Path| -> anyhow::Result<String> {
        let path = std::path::absolute(path).with_context(|| path.display().to_string())?;
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| {
            anyhow!(
                "the list of jobs is text, and this path is not UTF-8: {}",
                path.display()
            )
        })
    };
    let program = std::env::current_exe()?;
    let file_name = program.file_name().and_then(|name| name.to_str());
    // Within Python, whose package brings the program under its own name.
    let program = if file_name.is_some_and(|name| name.starts_with("python")) {
        "hardslice".to_owned()
    } else {
        absolute(&program)?
    };
    Ok(vec![
        program,
        name.to_owned(),
        absolute(experiment)?,
        "--out".to_owned(),
        absolute(out)?,
    ])
}
