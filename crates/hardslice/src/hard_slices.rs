//! The hard slices that a command found, from its ledgers.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::anyhow;
use hardslice_data::mining::Decision;
use hardslice_data::mining::ledger::{self, LedgerRow};
use hardslice_data::{CaseId, Organ};

use crate::report::ledgers;

/// The hard rows of all ledgers that `run`, `compare`, `sweep` or `mine` left in a folder, each slice
/// and organ once: the first ledger that holds it. In the order of cases, slices and organs.
///
/// # Errors
///
/// There is no ledger, or one cannot be read.
pub fn hard_slices(dir: &Path, organ: Option<&Organ>) -> anyhow::Result<Vec<LedgerRow>> {
    let ledgers = ledgers(dir)?;
    if ledgers.is_empty() {
        return Err(anyhow!(
            "no slice was scored in {}: it holds no ledger.parquet",
            dir.display()
        ));
    }
    let mut hard: BTreeMap<(CaseId, u32, Organ), LedgerRow> = BTreeMap::new();
    for path in ledgers {
        let rows = ledger::read(&path)?.into_iter().filter(|row| {
            row.decision == Decision::Hard && organ.is_none_or(|organ| *organ == row.organ)
        });
        for row in rows {
            let key = (row.case.clone(), row.z, row.organ.clone());
            hard.entry(key).or_insert(row);
        }
    }
    Ok(hard.into_values().collect())
}
