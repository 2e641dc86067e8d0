//! The options of commands whose trainings can be jobs of a queue.

use clap::Args;

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct JobArgs {
    /// Prepare store and folds, write the trainings as jobs for a cluster into DIR/jobs, and stop.
    /// DIR/jobs/README has the commands for Snakemake and Slurm; when all jobs are done, the same
    /// command without this option opens the test set and reports. A job has as many cores as
    /// --threads says, or all of this machine.
    #[arg(long, conflicts_with = "job")]
    pub(crate) write_jobs: bool,
    /// Do one of the jobs that --write-jobs wrote, by its number, and stop; one that is done ends at
    /// once. Several can be done at the same time, on any machine that sees DIR.
    #[arg(long, value_name = "N")]
    pub(crate) job: Option<usize>,
}
