//! Alone in an output folder, whether or not jobs are written in it.

use crate::folder_lock::FolderLock;
use crate::layout::OutDir;

use super::claim::Claim;
use super::claims::{Claimed, Claims};

/// Holds an output folder as a whole until it is dropped, on every machine that sees its jobs.
#[derive(Debug)]
pub(crate) struct Alone {
    lock: FolderLock,
    claim: Option<Claim>,
}

impl Alone {
    /// Makes the folder where it is missing, and holds it.
    ///
    /// Fails while another program, or a job of the folder, is at work in it.
    pub(crate) fn of(out: &OutDir) -> anyhow::Result<Self> {
        // The claim first: it tells which of several jobs is at work, and where.
        let claim = claim_from_jobs(out)?;
        let lock = FolderLock::of(out.path())?;
        Ok(Self { lock, claim })
    }

    /// Keeps jobs away from now on, though their folder was made only now.
    pub(crate) fn keep_jobs_away(&mut self, out: &OutDir) -> anyhow::Result<()> {
        if self.claim.is_none() {
            self.claim = claim_from_jobs(out)?;
        }
        Ok(())
    }

    /// Says whether the folder is still the one that was held in the beginning.
    ///
    /// Fails as [`FolderLock::check`].
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.lock.check()
    }
}

/// Claims a folder as a whole, where jobs are written in it.
///
/// Fails while one of them, or another command, is at work in it.
pub(crate) fn claim_from_jobs(out: &OutDir) -> anyhow::Result<Option<Claim>> {
    let jobs = out.jobs();
    let claims = Claims::new(jobs.claims());
    let is_there = jobs.path().is_dir();
    is_there.then(|| claims.take(Claimed::Whole)).transpose()
}
