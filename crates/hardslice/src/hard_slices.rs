//! The hard slices that a command found, from its ledgers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::anyhow;
use hardslice_data::mining::Decision;
use hardslice_data::mining::ledger::{self, LedgerRow};
use hardslice_data::{CaseId, Organ};

use crate::report::ledgers;

/// The hard rows of all ledgers that `run`, `compare`, `sweep` or `mine` left in a folder, each slice
/// and organ once: the first ledger in which it is hard. In the order of cases, slices and organs.
///
/// # Errors
///
/// There is no ledger, one cannot be read, or none has a slice of the organ.
pub fn hard_slices(dir: &Path, organ: Option<&Organ>) -> anyhow::Result<Vec<LedgerRow>> {
    let ledgers = ledgers(dir)?;
    if ledgers.is_empty() {
        return Err(anyhow!(
            "no slice was scored in {}: it holds no ledger.parquet",
            dir.display()
        ));
    }
    let mut hard: BTreeMap<(CaseId, u32, Organ), LedgerRow> = BTreeMap::new();
    let mut scored = BTreeSet::new();
    for path in ledgers {
        for row in ledger::read(&path)? {
            if !scored.contains(&row.organ) {
                scored.insert(row.organ.clone());
            }
            if row.decision != Decision::Hard || organ.is_some_and(|organ| *organ != row.organ) {
                continue;
            }
            let key = (row.case.clone(), row.z, row.organ.clone());
            hard.entry(key).or_insert(row);
        }
    }
    if let Some(organ) = organ {
        check_scored(organ, &scored)?;
    }
    Ok(hard.into_values().collect())
}

/// Refuses an organ of which nothing was scored.
pub(crate) fn check_scored(organ: &Organ, scored: &BTreeSet<Organ>) -> anyhow::Result<()> {
    if scored.contains(organ) {
        return Ok(());
    }
    let there: Vec<&str> = scored.iter().map(Organ::as_str).collect();
    Err(anyhow!(
        "nothing was scored of `{organ}` here: there is {}",
        there.join(", ")
    ))
}
