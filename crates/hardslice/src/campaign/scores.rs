//! The scores of a campaign.

use std::path::Path;

use hardslice_data::balance::Arm;
use hardslice_train::TestScore;
use hardslice_volume::FileError;

use crate::results;

/// One case's scores, and what they were computed for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScoreRow {
    pub(crate) arm: Arm,
    pub(crate) seed: u64,
    pub(crate) net: String,
    pub(crate) ratio: f64,
    pub(crate) score: TestScore,
}

/// Writes `scores.csv`: as a run's, with the columns `net` and `ratio`.
pub(crate) fn write_scores(
    path: &Path,
    rows: &[ScoreRow],
    is_leaky: bool,
) -> Result<(), FileError> {
    let front = |row: &ScoreRow| {
        vec![
            row.score.case.to_string(),
            row.arm.to_string(),
            row.score.organ.to_string(),
            row.seed.to_string(),
            row.net.clone(),
            row.ratio.to_string(),
        ]
    };
    results::write_scores(
        path,
        &["case", "arm", "organ", "seed", "net", "ratio"],
        rows.iter().map(|row| (front(row), &row.score.scores)),
        is_leaky,
    )
}
