//! The user's own folds.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::SplitError;
use crate::text::{TableFile, read_foreign_json};

/// Names of cases, or of patients for all their scans.
///
/// What is left open is drawn: validation from the training patients where `validation` is empty,
/// A and B from `train` where both are empty. An empty `train` with empty A and B is everybody who
/// is on no other list; else who is on no list is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lists {
    /// Tested on.
    pub test: Vec<String>,
    /// Held out of training.
    pub validation: Vec<String>,
    /// To be divided into A and B.
    pub train: Vec<String>,
    /// Mined.
    pub a: Vec<String>,
    /// Trained on from the start.
    pub b: Vec<String>,
}

impl Lists {
    /// Reads a table with the columns `case` or `patient` (the case where both are given), and
    /// `fold`. Other columns are not looked at, so that the cohort's own table can hold the folds.
    ///
    /// # Errors
    ///
    /// [`SplitError`] when it cannot be read, lacks a column, holds an unknown fold or a row without
    /// a name.
    pub fn from_table(path: &Path) -> Result<Self, SplitError> {
        let misfit = |what: String| SplitError::Table {
            what,
            path: path.to_path_buf(),
        };
        let table = TableFile::read(path)?;
        let case = table.column(&["case", "id", "case_id", "name"]);
        let patient = table.column(&["patient", "patient_id", "subject", "subject_id"]);
        if case.or(patient).is_none() {
            return Err(misfit("no column `case` or `patient`".to_owned()));
        }
        let fold = table.column(&["fold", "split"]);
        let fold = fold.ok_or_else(|| misfit("no column `fold`".to_owned()))?;
        let mut lists = Self::default();
        for row in &table.rows {
            let filled = |at: &usize| !row.cells[*at].is_empty();
            // A cohort's table may leave the case's name to the patient's.
            let name = case.filter(filled).or(patient.filter(filled));
            let name = name.ok_or_else(|| misfit(format!("line {}: no name", row.line)))?;
            let list = lists.list_named(&row.cells[fold]).ok_or_else(|| {
                misfit(format!(
                    "line {}: the fold is `{}`, wanted test, validation, train, a or b",
                    row.line, row.cells[fold]
                ))
            })?;
            list.push(row.cells[name].clone());
        }
        Ok(lists)
    }

    /// Reads one fold of nnU-Net's `splits_final.json`; its `val` is the test set.
    ///
    /// # Errors
    ///
    /// [`SplitError`] when it cannot be read or has no such fold.
    pub fn from_nnunet(path: &Path, fold: usize) -> Result<Self, SplitError> {
        #[derive(Deserialize)]
        struct NnUnetFold {
            train: Vec<String>,
            val: Vec<String>,
        }
        let mut folds: Vec<NnUnetFold> = read_foreign_json(path)?;
        let n_folds = folds.len();
        if fold >= n_folds {
            let what = path.display().to_string();
            return Err(SplitError::NoSuchFold {
                fold,
                n_folds,
                what,
            });
        }
        let NnUnetFold { train, val } = folds.swap_remove(fold);
        Ok(Self {
            test: val,
            train,
            ..Self::default()
        })
    }

    /// Each list with its name.
    pub(super) fn named(&self) -> [(&'static str, &Vec<String>); 5] {
        [
            ("test", &self.test),
            ("validation", &self.validation),
            ("train", &self.train),
            ("a", &self.a),
            ("b", &self.b),
        ]
    }

    fn list_named(&mut self, fold: &str) -> Option<&mut Vec<String>> {
        match fold.to_lowercase().as_str() {
            "test" => Some(&mut self.test),
            "validation" | "val" => Some(&mut self.validation),
            "train" | "training" => Some(&mut self.train),
            "a" => Some(&mut self.a),
            "b" => Some(&mut self.b),
            _ => None,
        }
    }
}
