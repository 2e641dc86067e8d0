//! The layout of `jobs/`: a campaign as jobs of a queue, and what is known of each.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder of a campaign's jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobsDir(PathBuf);

impl JobsDir {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What all jobs have in common; written last, so that without it there are no jobs.
    pub(crate) fn record(&self) -> PathBuf {
        self.0.join("jobs.json")
    }

    /// The jobs, a row each.
    pub(crate) fn table(&self) -> PathBuf {
        self.0.join("jobs.csv")
    }

    /// The commands of the jobs, a line each: that of job 1 is the first.
    pub(crate) fn commands(&self) -> PathBuf {
        self.0.join("commands")
    }

    pub(crate) fn snakefile(&self) -> PathBuf {
        self.0.join("Snakefile")
    }

    pub(crate) fn slurm(&self) -> PathBuf {
        self.0.join("slurm.sh")
    }

    pub(crate) fn readme(&self) -> PathBuf {
        self.0.join("README")
    }

    /// Who is at work.
    pub(crate) fn claims(&self) -> PathBuf {
        self.0.join("claims")
    }

    /// Folder of the files that show jobs done.
    pub(crate) fn all_done(&self) -> PathBuf {
        self.0.join("done")
    }

    /// Shows that a job is done, and holds nothing.
    pub(crate) fn done(&self, id: usize) -> PathBuf {
        self.all_done().join(id.to_string())
    }

    /// Folder of what jobs failed with.
    pub(crate) fn all_failed(&self) -> PathBuf {
        self.0.join("failed")
    }

    /// What a job failed with when it was last run.
    pub(crate) fn failed(&self, id: usize) -> PathBuf {
        self.all_failed().join(id.to_string())
    }

    /// The time by the file system's clock, which dates claims; `None` where nothing can be written.
    pub(crate) fn time_of_file_system(&self) -> Option<SystemTime> {
        let path = self.claims().join(format!(".clock.{}", std::process::id()));
        let made = File::create(&path).and_then(|file| file.metadata()?.modified());
        drop(fs::remove_file(&path));
        made.ok()
    }

    /// Folder of what jobs say, where the engine keeps it there.
    pub(crate) fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }
}
