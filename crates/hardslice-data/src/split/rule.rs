//! Where the test patients come from.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Amount, Lists, SplitError};
use crate::PatientId;

/// Where the test patients come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// Drawn from all patients.
    Random {
        /// How many.
        test: Amount,
    },
    /// The user's own lists, of cases or patients.
    Lists(Lists),
    /// The user's own lists in a table with the columns `case` or `patient`, and `fold`: `test`,
    /// `validation`, `train`, `a` or `b`.
    Table {
        /// The table.
        path: PathBuf,
    },
    /// A fold of nnU-Net's `splits_final.json`.
    ///
    /// Its `val` becomes our *test* set: nnU-Net reports its scores on `val`, and what scores are
    /// reported on must not choose a threshold. Validation is drawn from its `train`. Cases in
    /// neither are left out.
    #[serde(alias = "nnunet")]
    NnUnet {
        /// `splits_final.json`.
        path: PathBuf,
        /// Which fold, from 0.
        fold: usize,
    },
    /// One of k parts of the patients, of equal size but for one: cross-validation runs all k.
    KFold {
        /// How many parts.
        k: usize,
        /// Which one is the test set, from 0.
        fold: usize,
    },
    /// One patient.
    LeaveOneOut {
        /// The patient's name, or the number (from 0) in the order of the names.
        #[serde(deserialize_with = "name_or_number")]
        patient: String,
    },
}

/// A patient's name, or a number in the order of the names, which need not stand in quotation marks.
fn name_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a patient's name, or a number from 0")]
    enum Given {
        Name(String),
        Number(u64),
    }
    Ok(match Given::deserialize(deserializer)? {
        Given::Name(name) => name,
        Given::Number(number) => number.to_string(),
    })
}

impl Rule {
    /// The same rule for every fold of a cross-validation of these patients, in order; `None` for a
    /// rule that has one test set. Together the folds test every patient once.
    pub fn all_folds<'p>(
        &self,
        patients: impl IntoIterator<Item = &'p PatientId>,
    ) -> Option<Vec<Self>> {
        match self {
            Self::KFold { k, .. } => {
                let fold = |fold| Self::KFold { k: *k, fold };
                Some((0..*k).map(fold).collect())
            }
            Self::LeaveOneOut { .. } => {
                let patients: BTreeSet<&PatientId> = patients.into_iter().collect();
                let left_out = |patient: &PatientId| Self::LeaveOneOut {
                    patient: patient.to_string(),
                };
                Some(patients.into_iter().map(left_out).collect())
            }
            Self::Random { .. } | Self::Lists(_) | Self::Table { .. } | Self::NnUnet { .. } => None,
        }
    }

    /// The lists that the rule takes from a file, as they stand there now; `None` for a rule that
    /// reads no file.
    ///
    /// # Errors
    ///
    /// [`SplitError`] when the file cannot be read.
    pub fn lists_of_file(&self) -> Result<Option<Lists>, SplitError> {
        match self {
            Self::Table { path } => Lists::from_table(path).map(Some),
            Self::NnUnet { path, fold } => Lists::from_nnunet(path, *fold).map(Some),
            Self::Random { .. }
            | Self::Lists(_)
            | Self::KFold { .. }
            | Self::LeaveOneOut { .. } => Ok(None),
        }
    }
}
