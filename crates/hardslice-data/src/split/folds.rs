//! The four folds, and the rule that no patient is in two of them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CaseFacts, SplitError};
use crate::{CaseId, PatientId};

/// A part of the cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// Read once, at the end.
    Test,
    /// Held out of every arm.
    Validation,
    /// Mined for hard slices.
    A,
    /// Trained on from the start.
    B,
}

impl Fold {
    /// All folds.
    pub const ALL: [Self; 4] = [Self::Test, Self::Validation, Self::A, Self::B];
}

impl fmt::Display for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Test => "test",
            Self::Validation => "validation",
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// Checks that each case named exists, stands in one fold, and with all scans of its patient.
pub(super) fn check<'a>(
    named: impl IntoIterator<Item = (&'a CaseId, Fold)>,
    cases: &[CaseFacts],
) -> Result<(), SplitError> {
    let patients: BTreeMap<&CaseId, &PatientId> =
        cases.iter().map(|case| (&case.id, &case.patient)).collect();
    let mut folds: BTreeMap<&CaseId, Fold> = BTreeMap::new();
    let mut seen: BTreeMap<&PatientId, (&CaseId, Fold)> = BTreeMap::new();
    for (id, fold) in named {
        let patient = patients
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
                patient: (*patient).clone(),
                first: SplitError::placed(first, its_fold),
                second: SplitError::placed(id, fold),
            });
        }
    }
    Ok(())
}
