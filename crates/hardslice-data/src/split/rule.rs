//! Where the test patients come from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Amount, Lists};

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
        patient: String,
    },
}
