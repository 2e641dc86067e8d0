//! The jobs of a campaign, numbered.

use super::Trial;
use super::jobs::{Job, Work, waves_of_all};

/// A job among all of its campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planned {
    /// Counted from 1, wave by wave.
    pub(super) id: usize,
    /// 1 or 2.
    pub(super) wave: usize,
    /// The job of wave 1 that must be done before.
    pub(super) needs: Option<usize>,
    pub(super) job: Job,
}

/// All jobs of the trials: first those that need nothing, then those that rest on what the arms of
/// their trial share.
pub(super) fn planned(trials: &[Trial]) -> Vec<Planned> {
    let [first, second] = waves_of_all(trials);
    // The number of the shared job of each trial.
    let mut shared = vec![None; trials.len()];
    for (id, job) in (1..).zip(&first) {
        if job.work == Work::Shared {
            shared[job.trial] = Some(id);
        }
    }
    let n_first = first.len();
    let first = first.into_iter().map(|job| (1, None, job));
    let second = second.into_iter().map(|job| (2, shared[job.trial], job));
    let planned: Vec<Planned> = (1..)
        .zip(first.chain(second))
        .map(|(id, (wave, needs, job))| Planned {
            id,
            wave,
            needs,
            job,
        })
        .collect();
    debug_assert!(
        planned[n_first..].iter().all(|job| job.needs.is_some()),
        "arms are in the second wave because they need what the first one shares"
    );
    planned
}
