//! What a mining leaves on disk: the plan and the ledger.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::MinedSlices;
use super::ledger::{self, LedgerError, LedgerRow};
use crate::balance::{Plan, PlanError};
use crate::store::Store;

/// What a mining left cannot be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl MinedSlices {
    /// The ledger: a row for each score, in their order, with the slice's weight in `plan`.
    ///
    /// `scored_by` is the hash of what scored: a model's weights, or the files of predictions.
    pub fn ledger(
        &self,
        store: &Store,
        plan: &Plan,
        round: u32,
        scored_by: &str,
    ) -> Vec<LedgerRow> {
        ledger::rows(self, store, plan, round, scored_by)
    }

    /// Writes `plan.csv` and `ledger.parquet` into a folder.
    ///
    /// # Errors
    ///
    /// [`WriteError`] when a file cannot be written.
    pub fn write(
        &self,
        store: &Store,
        plan: &Plan,
        round: u32,
        scored_by: &str,
        dir: &Path,
    ) -> Result<(), WriteError> {
        let case_name = |case_idx: u32| store.cases()[case_idx as usize].id.to_string();
        plan.write_csv(&Self::plan_path(dir), self.is_leaky(), case_name)?;
        let rows = self.ledger(store, plan, round, scored_by);
        Ok(ledger::write(&Self::ledger_path(dir), &rows)?)
    }

    /// Where [`write`](Self::write) puts the plan.
    pub fn plan_path(dir: &Path) -> PathBuf {
        dir.join("plan.csv")
    }

    /// Where [`write`](Self::write) puts the ledger.
    pub fn ledger_path(dir: &Path) -> PathBuf {
        dir.join("ledger.parquet")
    }
}
