//! The scores of a campaign.

use std::collections::BTreeMap;
use std::path::Path;

use hardslice_data::CaseId;
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

/// The Dice of each case, the mean over its seeds; `None` where it has none in some seed.
pub(crate) fn mean_over_seeds<'r>(
    rows: impl Iterator<Item = &'r ScoreRow>,
) -> BTreeMap<&'r CaseId, Option<f64>> {
    let mut of_case: BTreeMap<&CaseId, Vec<Option<f64>>> = BTreeMap::new();
    for row in rows {
        let values = of_case.entry(&row.score.case).or_default();
        values.push(row.score.scores.dice);
    }
    let mean = |values: Vec<Option<f64>>| {
        let n = values.len() as f64;
        let all: Option<Vec<f64>> = values.into_iter().collect();
        all.map(|values| values.iter().sum::<f64>() / n)
    };
    of_case
        .into_iter()
        .map(|(case, values)| (case, mean(values)))
        .collect()
}
