//! `hardslice status`: how far the jobs of a campaign are.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use clap::Args;

use crate::bars::{Bars, wall_time_s};
use crate::done::Done;
use crate::job_folder;
use crate::layout::OutDir;
use crate::stop;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);

/// Tell how far the jobs are that `run`, `compare` or `sweep` wrote with --write-jobs.
///
/// How many are done; which are running, on which machine, since when and at which step; which failed,
/// with the last lines of why; how many are missing; and how long it takes at most, by the forecast. It
/// works on any machine that sees the folder. What is at work is told by the file system's clock, which
/// an empty file shows that is gone at once; this machine's is taken where none can be made.
///
/// Its exit status is 1 where a job failed.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The folder that the jobs write into: their --out.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Look again every five seconds, until all are done or all that is left has failed.
    #[arg(long)]
    watch: bool,
    /// For programs: one object, and with --watch one a line.
    #[arg(long)]
    json: bool,
}

fn wall_time() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs_f64(wall_time_s())
}

impl Status {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let out = OutDir::new(&self.dir);
        if self.watch {
            stop::end_at_once();
        }
        let clears = self.watch && !self.json && io::stdout().is_terminal();
        loop {
            let now = out.jobs().time_of_file_system();
            let now = now.unwrap_or_else(wall_time);
            let status = job_folder::Status::read(&out, now)?;
            let text = if self.json {
                serde_json::to_string(&status)?
            } else {
                status.to_string()
            };
            // To the upper left corner of an empty screen.
            let clear = if clears { "\x1b[2J\x1b[H" } else { "" };
            let is_read = bars.is_read(&format!("{clear}{text}"))?;
            if !self.watch || !is_read || status.is_over() {
                return Ok(if status.failed.is_empty() {
                    Done::Clean
                } else {
                    Done::Findings
                });
            }
            sleep(EVERY);
        }
    }
}
