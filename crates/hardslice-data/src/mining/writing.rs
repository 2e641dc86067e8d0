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

/// Reads a plan of a store's slices: one that a mining left, or one made by hand.
///
/// # Errors
///
/// [`PlanError`] when it cannot be read, names a case or a slice that the store does not have, or makes no
/// sense.
pub fn read_plan(path: &Path, store: &Store) -> Result<Plan, PlanError> {
    let n_slices = |case_idx: usize| store.cases()[case_idx].n_slices;
    Plan::read_csv(path, |case| store.place_of(case), n_slices)
}

impl MinedSlices {
    /// The ledger: a row for each score, in their order, with the slice's weight in `plan`.
    ///
    /// ```
    /// use hardslice_data::balance::Plan;
    /// use hardslice_data::mining::{Decision, MiningOptions, Tau, TauBasis, mine};
    /// # mod example {
    /// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/example_store.rs"));
    /// # }
    /// # let dir = tempfile::tempdir()?;
    /// # let store = example::store(dir.path());
    /// # let organs: Vec<_> = store.all_organs().collect();
    /// # let options = MiningOptions { tau: Tau::Fixed(0.8), ..MiningOptions::default() };
    /// # let scored = example::scored(&store, 0);
    /// # let mined = mine(&store, &organs, scored, &options, &TauBasis::default())?;
    ///
    /// // Patient a's slices, of which slice 4 was found hard.
    /// let rows = mined.ledger(&store, &Plan::default(), 0, "net of yesterday");
    /// assert_eq!(rows.len(), 10);
    /// assert_eq!((rows[4].case.as_str(), rows[4].decision), ("a", Decision::Hard));
    /// assert_eq!(rows[4].reason, "Dice 0.500 is below tau 0.800");
    /// assert_eq!(rows[5].decision, Decision::Easy);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// ```
    /// use hardslice_data::SliceRef;
    /// use hardslice_data::balance::{Plan, PlanEntry, Reason};
    /// use hardslice_data::mining::{MinedSlices, MiningOptions, Tau, TauBasis, ledger, mine};
    /// # mod example {
    /// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/example_store.rs"));
    /// # }
    /// # let dir = tempfile::tempdir()?;
    /// # let store = example::store(dir.path());
    /// # let organs: Vec<_> = store.all_organs().collect();
    /// # let options = MiningOptions { tau: Tau::Fixed(0.8), ..MiningOptions::default() };
    /// # let scored = example::scored(&store, 0);
    /// # let mined = mine(&store, &organs, scored, &options, &TauBasis::default())?;
    ///
    /// let hard = PlanEntry { slice: SliceRef::at(0, 4), weight: 2.0, reason: Reason::Hard };
    /// let out = dir.path().join("mining");
    /// mined.write(&store, &Plan::new([hard])?, 0, "net of yesterday", &out)?;
    /// assert_eq!(ledger::read(&MinedSlices::ledger_path(&out))?[4].weight, 2.0);
    /// let plan = std::fs::read_to_string(MinedSlices::plan_path(&out))?;
    /// assert_eq!(plan, "case,z,weight,reason\na,4,2,hard\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
