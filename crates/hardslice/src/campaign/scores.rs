//! The scores of a campaign.

use std::collections::BTreeMap;
use std::path::Path;

use hardslice_data::balance::Arm;
use hardslice_data::store::StoredCase;
use hardslice_data::{CaseId, PatientId};
use hardslice_train::TestScore;
use hardslice_volume::FileError;

use crate::results;
use crate::selection_ratios::SweepScore;
use crate::training::Training;

/// One case's scores, and what they were computed for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScoreRow {
    pub(crate) arm: Arm,
    pub(crate) training: Training,
    pub(crate) net: String,
    pub(crate) ratio: f64,
    pub(crate) score: TestScore,
}

impl ScoreRow {
    /// The score as what is told of a sweep is made of.
    pub(crate) fn of_sweep(&self) -> SweepScore<'_> {
        SweepScore {
            arm: self.arm,
            net: &self.net,
            ratio: self.ratio,
            training: self.training,
            score: &self.score,
        }
    }
}

/// Writes `scores.csv`: as a run's, with the columns `net`, `ratio`, `division` and `patient`: all that
/// the verdict is made of. `cases` tell whose scan each is.
///
/// # Panics
///
/// For a score of a case that is none of them.
pub(crate) fn write_scores(
    path: &Path,
    rows: &[ScoreRow],
    cases: &[StoredCase],
    is_leaky: bool,
) -> Result<(), FileError> {
    let patients = cases.iter().map(|case| (&case.id, &case.patient));
    let patients: BTreeMap<&CaseId, &PatientId> = patients.collect();
    let front = |row: &ScoreRow| {
        vec![
            row.score.case.to_string(),
            row.arm.to_string(),
            row.score.organ.to_string(),
            row.training.seed.to_string(),
            row.net.clone(),
            row.ratio.to_string(),
            row.training.split.to_string(),
            patients[&row.score.case].to_string(),
        ]
    };
    results::write_scores(
        path,
        &[
            "case", "arm", "organ", "seed", "net", "ratio", "division", "patient",
        ],
        rows.iter().map(|row| (front(row), &row.score.scores)),
        is_leaky,
    )
}
