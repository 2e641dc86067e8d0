//! The user's own folds.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CaseFacts, SplitError};
use crate::text::{TableFile, read_foreign_json};

/// The columns of a table that name a case, and those that name a patient.
const CASE: [&str; 4] = ["case", "id", "case_id", "name"];
const PATIENT: [&str; 4] = ["patient", "patient_id", "subject", "subject_id"];

/// Names of cases, or of patients for all their scans.
///
/// What is left open is drawn: A and B from `train` where both are empty, and then validation from the
/// training patients where `validation` is empty. An empty `train` with empty A and B is everybody who
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
        let (case, patient) = (table.column(&CASE), table.column(&PATIENT));
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

    /// Checks that a table of folds gives each case the patient that the cohort gives it: which scans
    /// must not part would not be known otherwise.
    ///
    /// # Errors
    ///
    /// [`SplitError`] when the table cannot be read or contradicts the cohort.
    pub(super) fn check_patients(path: &Path, cases: &[CaseFacts]) -> Result<(), SplitError> {
        let table = TableFile::read(path)?;
        let (Some(case), Some(patient)) = (table.column(&CASE), table.column(&PATIENT)) else {
            return Ok(());
        };
        for row in &table.rows {
            let (name, of_table) = (&row.cells[case], &row.cells[patient]);
            let mut of_name = cases.iter().filter(|facts| facts.id.as_str() == name);
            let of_cohort = of_name.next().map(|facts| facts.patient.as_str());
            match of_cohort {
                Some(of_cohort) if !of_table.is_empty() && of_cohort != of_table => {
                    return Err(SplitError::Table {
                        what: format!(
                            "line {}: the case `{name}` is of the patient `{of_table}` here and of \
                             `{of_cohort}` in the cohort: correct the one that is wrong, or leave \
                             the column `patient` out of this table",
                            row.line
                        ),
                        path: path.to_path_buf(),
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads one fold of nnU-Net's `splits_final.json`; its `val` is the test set.
    ///
    /// # Errors
    ///
    /// [`SplitError`] when it cannot be read, is no list of folds, has no such fold, or when the fold
    /// has other lists than `train` and `val`, which nobody would follow.
    pub fn from_nnunet(path: &Path, fold: usize) -> Result<Self, SplitError> {
        let misfit = |what: String| SplitError::Table {
            what,
            path: path.to_path_buf(),
        };
        let folds: Value = read_foreign_json(path)?;
        let Value::Array(mut folds) = folds else {
            return Err(misfit(format!(
                "the file holds {}, wanted nnU-Net's list of folds, [{{\"train\": [...], \"val\": \
                 [...]}}, ...]",
                kind_of(&folds)
            )));
        };
        let n_folds = folds.len();
        if fold >= n_folds {
            let what = path.display().to_string();
            return Err(SplitError::NoSuchFold {
                fold,
                n_folds,
                what,
            });
        }
        let Value::Object(mut lists) = folds.swap_remove(fold) else {
            return Err(misfit(format!(
                "fold {fold} is no pair of lists, wanted {{\"train\": [...], \"val\": [...]}}"
            )));
        };
        let mut taken = |key: &str| {
            let list = lists.remove(key);
            let list = list.ok_or_else(|| misfit(format!("fold {fold} has no list `{key}`")))?;
            let found = kind_of(&list);
            serde_json::from_value::<Vec<String>>(list).map_err(|why| {
                misfit(format!(
                    "`{key}` of fold {fold} is {found}, wanted a list of names of cases: {why}"
                ))
            })
        };
        let (train, test) = (taken("train")?, taken("val")?);
        if let Some((other, _)) = lists.iter().next() {
            return Err(misfit(format!(
                "fold {fold} has `{other}` beside `train` and `val`, and nnU-Net's rule knows no such \
                 list: take it out, or give the folds as a table with the columns `case` and `fold` \
                 (test, validation, train) and rule = {{ table = {{ path = ... }} }}"
            )));
        }
        Ok(Self {
            test,
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

/// What a JSON value is, in words.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing (null)",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list of something else",
        Value::Object(_) => "an object",
    }
}
