//! Whose scans they are, where the cohort does not say.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use regex_lite::Regex;
use serde::{Deserialize, Serialize};

use super::draft::{Drafts, named_cases};
use super::{ManifestError, Problem};
use crate::text::TableFile;

/// A regular expression that finds the patient in a case's name: its first group, as
/// `^(p\d+)_` in `p12_baseline`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PatientPattern(Regex);

/// Where the patients of a cohort come from whose layout does not name them.
#[derive(Debug, Clone, PartialEq)]
pub enum PatientRule {
    /// The name of the case holds the patient's.
    Pattern(PatientPattern),
    /// A table with the columns `case` and `patient`.
    Table(PathBuf),
}

impl PatientPattern {
    /// Takes a regular expression.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words: it is none, or has not one group.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let regex = Regex::new(pattern)
            .map_err(|error| format!("`{pattern}` is no regular expression: {error}"))?;
        match regex.captures_len() - 1 {
            1 => Ok(Self(regex)),
            n => Err(format!(
                "`{pattern}` has {n} groups, wanted one, in parentheses: the patient's name, as \
                 ^(p[0-9]+)_"
            )),
        }
    }

    fn patient_of<'c>(&self, case: &'c str) -> Option<&'c str> {
        let found = self.0.captures(case)?.get(1)?.as_str();
        (!found.is_empty()).then_some(found)
    }
}

impl PartialEq for PatientPattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl fmt::Display for PatientPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str())
    }
}

impl TryFrom<String> for PatientPattern {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, String> {
        Self::new(&pattern)
    }
}

impl From<PatientPattern> for String {
    fn from(pattern: PatientPattern) -> Self {
        pattern.to_string()
    }
}

impl PatientRule {
    /// Gives each case its patient; cases without one are problems. Cases keep the names that they
    /// have without the rule: the names that it was written for.
    pub(super) fn apply(&self, drafts: &mut Drafts, cohort: &Path) -> Result<(), ManifestError> {
        if drafts.cases.iter().any(|draft| draft.patient.is_some()) {
            let path = cohort.to_path_buf();
            return Err(ManifestError::TwicePatients { path });
        }
        let cases = named_cases(&drafts.cases);
        match self {
            Self::Pattern(pattern) => {
                for (draft, case) in drafts.cases.iter_mut().zip(cases) {
                    draft.patient = pattern.patient_of(&case).map(str::to_owned);
                    draft.id = Some(case.clone());
                    if draft.patient.is_none() {
                        let why = format!("its name does not match `{pattern}`");
                        drafts.problems.push(Problem::NoPatient { case, why });
                    }
                }
            }
            Self::Table(path) => {
                let mut patients = read_table(path, drafts)?;
                for (draft, case) in drafts.cases.iter_mut().zip(cases) {
                    draft.patient = patients.remove(&case);
                    draft.id = Some(case.clone());
                    if draft.patient.is_none() {
                        let why = format!("no row of {} names it", path.display());
                        drafts.problems.push(Problem::NoPatient { case, why });
                    }
                }
                if let Some(first) = patients.keys().next() {
                    let (n, path) = (patients.len(), path.display());
                    let note = format!(
                        "{n} rows of {path} name no case of the cohort, `{first}` the first"
                    );
                    drafts.notes.push(note);
                }
            }
        }
        Ok(())
    }
}

fn read_table(path: &Path, drafts: &mut Drafts) -> Result<BTreeMap<String, String>, ManifestError> {
    let table = TableFile::read(path)?;
    drafts.notes.extend(table.notes.iter().cloned());
    let column = |names: &[&str], missing: &'static str| {
        table.column(names).ok_or_else(|| ManifestError::Problems {
            path: path.to_path_buf(),
            problems: vec![Problem::MissingColumn { column: missing }],
        })
    };
    let case = column(&["case", "id", "case_id", "name"], "case")?;
    let patient = column(
        &["patient", "patient_id", "subject", "subject_id"],
        "patient",
    )?;
    let mut patients: BTreeMap<String, String> = BTreeMap::new();
    for row in &table.rows {
        let [case, patient] = [case, patient].map(|at| row.cells[at].clone());
        if case.is_empty() || patient.is_empty() {
            let why = format!("line {} of {} is not filled in", row.line, path.display());
            drafts.problems.push(Problem::NoPatient { case, why });
        } else if let Some(other) = patients.insert(case.clone(), patient.clone())
            && other != patient
        {
            let why = format!(
                "line {} of {} says `{patient}`, a line before it `{other}`",
                row.line,
                path.display()
            );
            drafts.problems.push(Problem::NoPatient { case, why });
        }
    }
    Ok(patients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_one_group_and_finds_the_patient() {
        let pattern = PatientPattern::new("^(p[0-9]+)_").unwrap();
        assert_eq!(pattern.patient_of("p12_baseline"), Some("p12"));
        assert_eq!(pattern.patient_of("x12"), None, "no match");
        let empty = PatientPattern::new("^(p?)").unwrap();
        assert_eq!(empty.patient_of("x12"), None, "an empty name is none");
        for (wrong, part) in [
            ("p[0-9]+", "0 groups"),
            ("(a)(b)", "2 groups"),
            ("(", "no regular"),
        ] {
            let message = PatientPattern::new(wrong).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }
}
