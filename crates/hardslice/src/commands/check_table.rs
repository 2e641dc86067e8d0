//! `hardslice check-table`: whether the statistics of a table can be true.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use hardslice_eval::reported::{Denominator, Implausibility, implausibilities};
use serde_json::json;

use crate::bars::Bars;
use crate::done::Done;
use crate::reported_table::{Reported, ReportedTable};

/// Tell which rows of a table of statistics cannot be true, whatever the values behind them.
///
/// The table (commas, semicolons or tabs) has a header and columns for the mean, the standard
/// deviation, the least and the greatest value and n, in any usual spelling: mean, average, SD, std,
/// min, max, n, cases, "mean ± sd", range; also several groups, as `dice_mean`, `dice_sd`,
/// `hd95_mean`, ... What a row lacks is not checked.
///
/// Each row is held to what arithmetic demands: the mean lies between min and max, and no nearer to
/// one of them than n values allow; the SD is at most what mean, min, max and n allow (Bhatia and
/// Davis 2000) and at least what min and max alone make at that n; values lie within the limits of
/// the score; with --step, sums of counts are whole (the GRIM and GRIMMER tests). A row is found
/// fault with only if no rounding of its printed digits makes it possible. A row without findings
/// may still be wrong.
///
/// Exit status 1 when a row cannot be true.
#[derive(Debug, Args)]
pub(crate) struct CheckTable {
    /// The table.
    #[arg(value_name = "FILE.csv")]
    table: PathBuf,
    /// Number of values behind each row, where the table has no column for it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    n: Option<u32>,
    /// What the variance was divided by. `either` finds fault only with what neither allows.
    #[arg(long, value_enum, default_value_t = SdArg::Either)]
    sd: SdArg,
    /// What the values can be: from 0 to 1, from 0 to 100 per cent, or anything. `auto` takes
    /// columns and rows that name Dice, Jaccard, NSD, precision or recall for such scores, and for per
    /// cent where most of their numbers are above 1.
    #[arg(long, value_enum, default_value_t = ScaleArg::Auto)]
    scale: ScaleArg,
    /// What every value is a multiple of, for the sums of counts: 1 for whole numbers, 100 for yes
    /// and no in per cent.
    #[arg(long, value_name = "STEP")]
    step: Option<f64>,
    /// Print JSON for scripts, in place of text.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SdArg {
    Either,
    /// n - 1.
    Sample,
    /// n.
    Population,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScaleArg {
    Auto,
    Unit,
    Percent,
    Any,
}

impl CheckTable {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        if let Some(step) = self.step {
            ensure!(
                step.is_finite() && step > 0.0,
                "--step {step}: a step above 0 is wanted"
            );
        }
        let ReportedTable {
            mut rows,
            mut notes,
        } = ReportedTable::read(&self.table)?;
        self.fill_in(&mut rows, &mut notes);
        for note in &notes {
            bars.tell(&format!("note: {note}"));
        }
        let found = rows.iter().map(|row| implausibilities(&row.statistics));
        let found: Vec<Vec<Implausibility>> = found.collect();
        let n_impossible = found.iter().filter(|found| !found.is_empty()).count();
        if self.json {
            bars.print(&as_json(&rows, &found)?)?;
        } else {
            for (row, found) in rows.iter().zip(&found) {
                for one in found {
                    bars.print(&format!("{}: {}.", place(row), one.sentence))?;
                }
            }
            let n_rows = match rows.len() {
                1 => "1 row".to_owned(),
                n => format!("{n} rows"),
            };
            bars.print(&format!("{n_impossible} of {n_rows} cannot be true"))?;
        }
        Ok(if n_impossible == 0 {
            Done::Clean
        } else {
            Done::Findings
        })
    }

    /// What the arguments say of all rows, and what is assumed of them.
    fn fill_in(&self, rows: &mut [Reported], notes: &mut Vec<String>) {
        let denominator = match self.sd {
            SdArg::Either => None,
            SdArg::Sample => Some(Denominator::Sample),
            SdArg::Population => Some(Denominator::Population),
        };
        let limits = self.limits(rows, notes);
        for (row, limits) in rows.iter_mut().zip(limits) {
            let statistics = &mut row.statistics;
            statistics.n = statistics.n.or(self.n.map(|n| n as usize));
            statistics.denominator = denominator;
            statistics.step = self.step;
            statistics.limits = limits;
        }
        let n_without = rows.iter().filter(|row| row.statistics.n.is_none()).count();
        if n_without > 0 {
            notes.push(format!(
                "{n_without} of {} rows have no n: what depends on it is not checked, or only for \
                 the n that allows most; --n gives it",
                rows.len()
            ));
        }
    }

    /// The limits of each row's score.
    fn limits(&self, rows: &[Reported], notes: &mut Vec<String>) -> Vec<Option<[f64; 2]>> {
        let all = |limits| vec![limits; rows.len()];
        match self.scale {
            ScaleArg::Any => return all(None),
            ScaleArg::Unit => return all(Some(UNIT)),
            ScaleArg::Percent => return all(Some(PERCENT)),
            ScaleArg::Auto => {}
        }
        let scores: Vec<Option<String>> = rows.iter().map(bounded_score).collect();
        // How many numbers of a score are above 1, of how many.
        let mut above: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
        for (row, score) in rows.iter().zip(&scores) {
            let Some(score) = score else {
                continue;
            };
            let statistics = &row.statistics;
            let numbers = [&statistics.mean, &statistics.min, &statistics.max];
            let [n_above, n] = above.entry(score).or_default();
            for number in numbers.into_iter().flatten() {
                *n += 1;
                *n_above += usize::from(number.low() > 1.0);
            }
        }
        let is_percent = |score: &str| {
            let [n_above, n] = above[score];
            2 * n_above > n
        };
        for score in above.keys() {
            let scale = if is_percent(score) {
                "0 to 100 per cent"
            } else {
                "0 to 1"
            };
            notes.push(format!(
                "`{score}` is taken for a score from {scale} (--scale)"
            ));
        }
        if above.is_empty() {
            notes.push("no limits of the score are known (--scale unit, percent)".to_owned());
        }
        let limits = scores.iter().map(|score| {
            let score = score.as_deref()?;
            Some(if is_percent(score) { PERCENT } else { UNIT })
        });
        limits.collect()
    }
}

const UNIT: [f64; 2] = [0.0, 1.0];
const PERCENT: [f64; 2] = [0.0, 100.0];

/// The word by which a row is known to be of a score that lies between 0 and 1. A group of columns with a
/// name says what its numbers are; a row's label may be that of a method, as `Dice loss`.
fn bounded_score(row: &Reported) -> Option<String> {
    let words = if row.group.is_empty() {
        &row.label
    } else {
        &row.group
    };
    let words = words.to_lowercase();
    // Of a method: `Dice loss`.
    if words.contains("loss") {
        return None;
    }
    let mut words = words.split(|c: char| !c.is_alphanumeric());
    let scores = [
        "dice",
        "dsc",
        "iou",
        "jaccard",
        "nsd",
        "precision",
        "recall",
        "sensitivity",
        "specificity",
        "accuracy",
        "auc",
    ];
    let found = words.find(|word| scores.contains(word));
    found.map(str::to_owned)
}

/// Where a row stands and whose it is.
/// Every row with what is wrong with it.
fn as_json(rows: &[Reported], found: &[Vec<Implausibility>]) -> serde_json::Result<String> {
    let rows = rows.iter().zip(found).map(|(row, found)| {
        let findings = found.iter().map(|one| &one.sentence);
        json!({
            "line": row.line,
            "label": row.label,
            "group": row.group,
            "is_possible": found.is_empty(),
            "findings": findings.collect::<Vec<_>>(),
        })
    });
    serde_json::to_string_pretty(&rows.collect::<Vec<_>>())
}

fn place(row: &Reported) -> String {
    let parts = [row.label.as_str(), row.group.as_str()];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    let parts: Vec<&str> = parts.collect();
    if parts.is_empty() {
        format!("line {}", row.line)
    } else {
        format!("line {} ({})", row.line, parts.join(", "))
    }
}
