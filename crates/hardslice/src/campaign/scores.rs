//! The scores of a campaign.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use hardslice_train::TestScore;
use hardslice_volume::whole_file::write_whole;

use crate::results::{SCORE_COLUMNS, score_cells};

/// One case's scores, and what they were computed for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScoreRow {
    pub(crate) arm: String,
    pub(crate) seed: u64,
    pub(crate) net: String,
    pub(crate) ratio: f64,
    pub(crate) score: TestScore,
}

/// Writes `scores.csv`: as a run's, with the columns `net` and `ratio`, and `leaky` where the test
/// set has set a threshold.
pub(crate) fn write_scores(path: &Path, rows: &[ScoreRow], is_leaky: bool) -> io::Result<()> {
    let stamp = is_leaky.then(|| "LEAKY".to_owned());
    write_whole(path, |file| {
        let mut csv = csv::Writer::from_writer(file);
        let front = ["case", "arm", "organ", "seed", "net", "ratio"];
        let columns = front.into_iter().chain(SCORE_COLUMNS).map(str::to_owned);
        csv.write_record(columns.chain(stamp.clone()))?;
        for row in rows {
            let front = [
                row.score.case.clone(),
                row.arm.clone(),
                row.score.organ.clone(),
                row.seed.to_string(),
                row.net.clone(),
                row.ratio.to_string(),
            ];
            let cells = front.into_iter().chain(score_cells(&row.score.scores));
            csv.write_record(cells.chain(stamp.clone()))?;
        }
        csv.flush()
    })
}

/// The Dice of each case, the mean over its seeds; `None` where it has none in some seed.
pub(crate) fn mean_over_seeds<'r>(
    rows: impl Iterator<Item = &'r ScoreRow>,
) -> BTreeMap<&'r str, Option<f64>> {
    let mut of_case: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
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
