//! What all jobs of a folder have in common: `jobs.json`.

use hardslice_volume::FileError;
use hardslice_volume::whole_file::{read_json_if_there, write_json};
use serde::{Deserialize, Serialize};

use crate::layout::JobsDir;

/// What all jobs have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobsRecord {
    /// The program's version.
    pub(crate) program: String,
    /// Hash of all that decides which jobs there are and what they leave: the command, the experiment,
    /// the cohort.
    pub(crate) campaign_blake3: String,
    /// What all jobs compute on.
    pub(crate) instructions: String,
    /// Whether the experiment says so; else it is what the machine has that the jobs were written on.
    pub(crate) is_fixed: bool,
    /// How many there are, counted from 1.
    pub(crate) n_jobs: usize,
}

impl JobsRecord {
    /// `None` where no jobs were written.
    pub(crate) fn read(jobs: &JobsDir) -> Result<Option<Self>, FileError> {
        read_json_if_there(&jobs.record())
    }

    pub(crate) fn write(&self, jobs: &JobsDir) -> Result<(), FileError> {
        write_json(&jobs.record(), self)
    }
}
