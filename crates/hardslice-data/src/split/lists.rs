//! The user's own folds.

use std::fs::File;
use std::path::Path;

use hardslice_volume::Action;
use hardslice_volume::whole_file::read_json;
use serde::{Deserialize, Serialize};

use super::SplitError;

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
    /// [`SplitError`] when it cannot be read, lacks a column or holds an unknown fold.
    pub fn from_table(path: &Path) -> Result<Self, SplitError> {
        let broken = |source| SplitError::Csv {
            path: path.to_path_buf(),
            source,
        };
        let misfit = |what: String| SplitError::Table {
            what,
            path: path.to_path_buf(),
        };
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(File::open(path).map_err(Action::Read.on(path))?);
        let header = reader.headers().map_err(broken)?.clone();
        let column = |names: &[&str]| {
            header.iter().position(|cell| {
                let cell = cell.trim_start_matches('\u{feff}').to_lowercase();
                names.contains(&cell.as_str())
            })
        };
        let name = column(&["case", "id", "case_id"]).or(column(&["patient", "patient_id"]));
        let name = name.ok_or_else(|| misfit("no column `case` or `patient`".to_owned()))?;
        let fold = column(&["fold", "split"]);
        let fold = fold.ok_or_else(|| misfit("no column `fold`".to_owned()))?;
        let mut lists = Self::default();
        for record in reader.records() {
            let record = record.map_err(broken)?;
            let cell = |at: usize| &record[at];
            let line = line_of(&record);
            let list = lists.list_named(cell(fold)).ok_or_else(|| {
                misfit(format!(
                    "line {line}: the fold is `{}`, wanted test, validation, train, a or b",
                    cell(fold)
                ))
            })?;
            list.push(cell(name).to_owned());
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
        let mut folds: Vec<NnUnetFold> = read_json(path)?;
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

fn line_of(record: &csv::StringRecord) -> u64 {
    let position = record.position();
    position
        .expect("a row that was read has its place in the file")
        .line()
}
