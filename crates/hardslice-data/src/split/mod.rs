//! Which patients are for testing, for validation, for pre-training (B) and for mining (A).
//!
//! ```text
//! all patients ── test
//!             └── training ── validation
//!                         └── B | A      B: the fraction `ratio`, as like the whole as can be
//! ```
//!
//! Everything is drawn by patient: two scans of one patient never part. The same patients, options
//! and seed give the same split; the order of the manifest does not matter.

mod amount;
mod change;
mod draw;
mod error;
mod facts;
mod fold;
mod folds;
mod lists;
mod making;
mod organs;
mod report;
mod rule;

use std::fs;
use std::io;
use std::path::Path;

use hardslice_volume::Action;
use hardslice_volume::whole_file::write_whole_bytes;
use serde::{Deserialize, Serialize};

pub use amount::Amount;
pub use error::SplitError;
pub use facts::{CaseFacts, facts, listed_facts};
pub use fold::Fold;
pub use lists::Lists;
pub use report::{BalanceReport, GroupReport, OrganShare, wasserstein};
pub use rule::Rule;

use crate::{CaseId, SettingError};

/// How to split a cohort.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitOptions {
    /// Where the test patients come from.
    pub rule: Rule,
    /// How many of the other patients are kept for validation, where the rule does not say.
    pub validation: Amount,
    /// Selection ratio r in (0, 1]: the fraction of the remaining patients that goes to B, where
    /// the rule does not say. 1 leaves A empty.
    pub ratio: f64,
    /// Seed of everything drawn.
    pub seed: u64,
    /// How many divisions into A and B are compared.
    pub n_candidates: usize,
    /// Which of several divisions of the same training patients into A and B: test and validation
    /// patients are the same for all. 0 where one is made.
    #[serde(skip_serializing_if = "is_0")]
    pub division: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_0(division: &u64) -> bool {
    *division == 0
}

impl Default for SplitOptions {
    /// A fifth for testing, a tenth of the rest for validation, r = 0.5, the best of 2000.
    fn default() -> Self {
        Self {
            rule: Rule::Random {
                test: Amount::Share(0.2),
            },
            validation: Amount::Share(0.1),
            ratio: 0.5,
            seed: 0,
            n_candidates: 2000,
            division: 0,
        }
    }
}

impl SplitOptions {
    /// Checks that every setting is in its range, whatever the cohort.
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), SettingError> {
        let is_no_share = |amount: Amount| amount.of(1).is_none();
        let of_test = match self.rule {
            Rule::Random { test } => is_no_share(test),
            _ => false,
        };
        SettingError::check(
            "split",
            [
                (!self.has_ratio(), "ratio must be above 0 and at most 1"),
                (
                    is_no_share(self.validation),
                    "validation must be a number of patients (4) or a share of them below 1 (0.1)",
                ),
                (
                    of_test,
                    "rule must have a number of test patients (40) or a share of them below 1 (0.2)",
                ),
                (self.n_candidates == 0, "n_candidates must be 1 at least"),
            ],
        )
    }

    fn has_ratio(&self) -> bool {
        self.ratio > 0.0 && self.ratio <= 1.0
    }
}

/// A cohort's folds. Each case stands in one of the lists, in the order of the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Read once, at the end.
    pub test: Vec<CaseId>,
    /// Held out of every arm.
    pub validation: Vec<CaseId>,
    /// Mined for hard slices.
    pub a: Vec<CaseId>,
    /// Trained on from the start.
    pub b: Vec<CaseId>,
    /// In no fold: no labels, no organ annotated, or not on the user's lists.
    pub left_out: Vec<CaseId>,
    /// What was asked for.
    pub options: SplitOptions,
    /// What the file of the rule said, for a rule that reads one: a table or `splits_final.json` that
    /// was changed is another split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lists: Option<Lists>,
    /// How like A and B are to the training set that they came from.
    pub balance: BalanceReport,
    /// What a person should know: an organ that nobody in a fold is annotated for, names on a list
    /// that were left out.
    pub warnings: Vec<String>,
    /// Content hash of the store that was split.
    pub store_blake3: String,
}

impl Split {
    /// Splits the cases of a store.
    ///
    /// # Errors
    ///
    /// [`SplitError`] when the rule asks for what the cohort cannot give, names cases that do not
    /// exist or parts the scans of a patient.
    pub fn make(
        cases: &[CaseFacts],
        options: &SplitOptions,
        store_blake3: &str,
    ) -> Result<Self, SplitError> {
        making::make(cases, options, store_blake3)
    }

    /// What has changed since the split was made: cases, options, and what the file of the rule says.
    /// Empty when the same would be made again.
    ///
    /// # Errors
    ///
    /// [`SplitError`] when the file of the rule cannot be read.
    pub fn changes(
        &self,
        cases: &[CaseFacts],
        options: &SplitOptions,
        store_blake3: &str,
    ) -> Result<Vec<String>, SplitError> {
        change::changes(self, cases, options, store_blake3)
    }

    /// The cases of a fold, in the order of the store.
    pub fn cases(&self, fold: Fold) -> &[CaseId] {
        match fold {
            Fold::Test => &self.test,
            Fold::Validation => &self.validation,
            Fold::A => &self.a,
            Fold::B => &self.b,
        }
    }

    /// The fold of a case; `None` when it was left out.
    pub fn fold_of(&self, case: &CaseId) -> Option<Fold> {
        Fold::ALL
            .into_iter()
            .find(|fold| self.cases(*fold).contains(case))
    }

    /// Writes the split as JSON, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`SplitError::File`] when the file system refuses, or the rule's path is not UTF-8.
    pub fn save(&self, path: &Path) -> Result<(), SplitError> {
        let json = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        let written = json.and_then(|mut json| {
            json.push(b'\n');
            write_whole_bytes(path, &json)
        });
        Ok(written.map_err(Action::Write.on(path))?)
    }

    /// Reads a split and checks it: no case in two folds, no patient parted, no case that the store
    /// lacks.
    ///
    /// # Errors
    ///
    /// [`SplitError`] when it cannot be read or does not fit these cases.
    pub fn load(path: &Path, cases: &[CaseFacts]) -> Result<Self, SplitError> {
        let split = Self::read(path)?;
        folds::check(split.named(), cases)?;
        Ok(split)
    }

    /// Reads a split as it stands in its file, whatever cohort it is of.
    ///
    /// # Errors
    ///
    /// [`SplitError`] when it cannot be read, or is a file of another kind.
    pub fn read(path: &Path) -> Result<Self, SplitError> {
        let bytes = fs::read(path).map_err(Action::Read.on(path))?;
        serde_json::from_slice(&bytes).map_err(|why| SplitError::NoSplit {
            path: path.to_path_buf(),
            why,
        })
    }

    /// Every case that is in a fold.
    fn named(&self) -> impl Iterator<Item = (&CaseId, Fold)> {
        let of_fold = |fold| self.cases(fold).iter().map(move |id| (id, fold));
        Fold::ALL.into_iter().flat_map(of_fold)
    }
}
