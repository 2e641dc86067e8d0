//! Mining: from scored slices to hard ones.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::ledger::{self, LedgerError, LedgerRow};
use super::triage::Findings;
use super::verdict::{Verdict, hard_slices};
use super::{MiningOptions, ResolvedTau, ScoredSlice, TauBasis, TauError, TauWarning};
use crate::balance::{HardSlices, Plan, PlanError};
use crate::store::Store;
use crate::{Organ, OutputIdx, StoreOrgan};

/// What a mining found.
#[derive(Debug, Clone, PartialEq)]
pub struct MinedSlices {
    /// The scored slices, as they were given.
    pub scored: Vec<ScoredSlice>,
    /// Which of them are hard, in the same order.
    pub verdicts: Vec<Verdict>,
    /// The threshold of each organ, in the order of the outputs.
    pub taus: Vec<ResolvedTau>,
    /// Which of the hard slices look wrong or redundant.
    pub findings: Findings,
    /// What policies go by: the hard slices without those that are excluded.
    pub hard: HardSlices,
    /// Thresholds that take suspiciously little or much.
    pub warnings: Vec<(Organ, TauWarning)>,
    pub(super) organs: Vec<StoreOrgan>,
    pub(super) options: MiningOptions,
}

/// Finds the hard slices among scored ones: resolves a threshold for each organ, judges every score
/// by it, and looks through the hard slices.
///
/// `organs` are what was scored, in the order of the outputs. Scores may come from a net or from
/// another program ([`ExternalPredictions`](super::ExternalPredictions)), in any order; what is given
/// back is in theirs.
///
/// # Errors
///
/// [`TauError`] when what a threshold is based on is missing.
///
/// # Panics
///
/// When a score's output is beyond `organs`, or its slice beyond the store.
pub fn mine(
    store: &Store,
    organs: &[StoreOrgan],
    scored: Vec<ScoredSlice>,
    options: &MiningOptions,
    basis: &TauBasis<'_>,
) -> Result<MinedSlices, TauError> {
    let mut taus = Vec::new();
    let mut warnings = Vec::new();
    for output in OutputIdx::first(organs.len()) {
        let organ = store.organ(organs[output.idx()]);
        let of_organ = scored.iter().filter(|slice| slice.score.output == output);
        let dice: Vec<Option<f64>> = of_organ
            .map(|slice| slice.score.dice(options.min_false_positive_px))
            .collect();
        let tau = options.tau.resolve(organ, &dice, &basis.of(output))?;
        warnings.extend(tau.warning().map(|warning| (organ.clone(), warning)));
        taus.push(tau);
    }
    let judge = |slice: &ScoredSlice| {
        let tau = &taus[slice.score.output.idx()];
        Verdict::of(slice.score, tau, options.min_false_positive_px)
    };
    let verdicts: Vec<Verdict> = scored.iter().map(judge).collect();
    let findings = Findings::of(store, organs, &verdicts, &scored);
    let hard = hard_slices(&verdicts).without(findings.excluded(options.exclude));
    Ok(MinedSlices {
        scored,
        verdicts,
        taus,
        findings,
        hard,
        warnings,
        organs: organs.to_vec(),
        options: *options,
    })
}

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
    /// Whether a threshold was taken from the test set.
    pub fn is_leaky(&self) -> bool {
        self.taus.iter().any(|tau| tau.leaky)
    }

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
        plan.write_csv(&Self::plan_path(dir), case_name)?;
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
