//! The rule that no patient and no scan is in two folds.

use std::collections::BTreeMap;

use super::{CaseFacts, Fold, SplitError};
use crate::{CaseId, PatientId};

/// Checks that each case named exists, stands in one fold, and with all scans of its patient.
pub(super) fn check<'a>(
    named: impl IntoIterator<Item = (&'a CaseId, Fold)>,
    cases: &[CaseFacts],
) -> Result<(), SplitError> {
    let facts: BTreeMap<&CaseId, &CaseFacts> = cases.iter().map(|case| (&case.id, case)).collect();
    let mut scans: BTreeMap<&str, (&CaseId, Fold)> = BTreeMap::new();
    let mut folds: BTreeMap<&CaseId, Fold> = BTreeMap::new();
    let mut seen: BTreeMap<&PatientId, (&CaseId, Fold)> = BTreeMap::new();
    for (id, fold) in named {
        let CaseFacts {
            patient,
            voxels_blake3,
            ..
        } = facts
            .get(id)
            .ok_or_else(|| SplitError::UnknownCase { case: id.clone() })?;
        if let Some(first) = folds.insert(id, fold) {
            let (case, first, second) = (id.clone(), first.to_string(), fold.to_string());
            return Err(SplitError::InTwoFolds {
                case,
                first,
                second,
            });
        }
        let (first, its_fold) = *seen.entry(patient).or_insert((id, fold));
        if its_fold != fold {
            return Err(SplitError::PatientParted {
                patient: patient.clone(),
                first: SplitError::placed(first, its_fold),
                second: SplitError::placed(id, fold),
            });
        }
        let (first, its_fold) = *scans.entry(voxels_blake3).or_insert((id, fold));
        if its_fold != fold {
            return Err(SplitError::SameScan {
                first: SplitError::placed(first, its_fold),
                second: SplitError::placed(id, fold),
            });
        }
    }
    Ok(())
}
