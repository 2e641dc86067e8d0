//! A campaign as jobs of a queue: `jobs/`.
//!
//! ```text
//! jobs.json       what all jobs have in common: the experiment's hash, the instruction set
//! jobs.csv        the jobs: what each needs, how to run it, which file shows it done
//! commands        the same commands, a line each
//! Snakefile       runs them by Snakemake
//! slurm.sh        hands them to Slurm
//! claims/N.G      who is at work on job N, with a sign of life every half minute
//! done/N          shows that job N is done
//! failed/N        what job N failed with
//! ```
//!
//! An engine that others wrote decides when and where a job runs. What is done is known here alone,
//! from the files of the trainings: engines delete the outputs of jobs that fail, so the file that
//! shows a job done holds nothing, and is written last.

mod alone;
mod claim;
mod claim_record;
mod claims;
mod engines;
mod record;
mod status;
mod table;

pub(crate) use alone::{Alone, claim_from_jobs};
pub(crate) use claim::Claim;
pub(crate) use claim_record::Stands;
pub(crate) use claims::{Claimed, Claims};
pub(crate) use engines::{command_line, write_engines};
pub(crate) use record::JobsRecord;
pub(crate) use status::Status;
pub(crate) use table::{Row, write_table};
