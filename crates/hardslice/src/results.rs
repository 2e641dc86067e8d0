//! `scores.csv`, `summary.json` and the table.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::anyhow;
use hardslice::experiment::Experiment;
use hardslice_data::Organ;
use hardslice_data::mining::ResolvedTau;
use hardslice_data::store::StoredCase;
use hardslice_eval::compare::ArmScore;
use hardslice_eval::{CaseScores, Summary};
use hardslice_train::TestScore;
use hardslice_train::round::RoundOutcome;
use hardslice_view::table::{self, Metric, SummaryRow};
use hardslice_volume::whole_file::{write_json, write_whole, write_whole_bytes};
use hardslice_volume::{Action, FileError};
use serde::Serialize;

use crate::bars;
use crate::layout::OutDir;

/// The mark of every result that rests on a threshold from the test set.
pub(crate) const LEAKY: &str = "LEAKY";

/// What the mark means.
pub(crate) const LEAKY_BECAUSE: &str = "LEAKY: the threshold was taken from the test set, so the test scores of the arms that depend on \
     it are not fair.";

/// `summary.json`.
#[derive(Debug, Serialize)]
struct Report<'a> {
    program: &'a str,
    seed: u64,
    /// Whether the test set was used to set a threshold: the arms `hard`, `random` and
    /// `random_matched` are not fairly scored then.
    leaky: bool,
    arms: BTreeMap<String, BTreeMap<String, BTreeMap<&'a str, Summary>>>,
    mining: BTreeMap<String, Mining>,
}

#[derive(Debug, Serialize)]
struct Mining {
    tau: ResolvedTau,
    n_easy: usize,
    hard_share: Option<f64>,
}

/// Writes the results of all rounds and prints the table.
pub(crate) fn write(
    out: &OutDir,
    experiment: &Experiment,
    rounds: &[(Vec<Organ>, RoundOutcome)],
) -> anyhow::Result<()> {
    let leaky = rounds.iter().any(|(_, round)| round.leaky);
    let scores = arm_scores(rounds);
    let seed = experiment.seed.to_string();
    let row = |(arm, score): &'_ (String, TestScore)| {
        vec![
            score.case.to_string(),
            arm.clone(),
            score.organ.to_string(),
            seed.clone(),
        ]
    };
    write_scores(
        &out.scores(),
        &["case", "arm", "organ", "seed"],
        scores.iter().map(|score| (row(score), &score.1.scores)),
        leaky,
    )?;
    let rows = summary_rows(&scores);
    let mut report = Report {
        program: env!("CARGO_PKG_VERSION"),
        seed: experiment.seed,
        leaky,
        arms: BTreeMap::new(),
        mining: mining(rounds),
    };
    for row in &rows {
        let organs = report.arms.entry(row.arm.clone()).or_default();
        let metrics = organs.entry(row.organ.clone()).or_default();
        metrics.insert(row.metric.key(), row.summary);
    }
    write_json(&out.summary(), &report)?;
    let stamp = if leaky {
        format!("{LEAKY_BECAUSE}\n\n")
    } else {
        String::new()
    };
    let markdown = format!("{stamp}{}", table::to_markdown(&rows));
    let table = out.table();
    write_whole_bytes(&table, markdown.as_bytes()).map_err(Action::Write.on(&table))?;
    let dice: Vec<SummaryRow> = rows
        .into_iter()
        .filter(|row| row.metric == Metric::Dice)
        .collect();
    bars::print(&format!("{stamp}{}", table::to_text(&dice)))?;
    for (organ, mining) in &report.mining {
        bars::print(&format!(
            "{organ}: {} of {} slices of A are hard ({:.1} %), tau {:.3}",
            mining.tau.n_hard,
            mining.tau.n_scored,
            100.0 * mining.hard_share.unwrap_or(0.0),
            mining.tau.value
        ))?;
    }
    Ok(())
}

/// The scores of every arm, arm by arm and organ by organ.
fn arm_scores(rounds: &[(Vec<Organ>, RoundOutcome)]) -> Vec<(String, TestScore)> {
    let mut scores = Vec::new();
    for (_, round) in rounds {
        for (arm, of_arm) in &round.arms {
            scores.extend(of_arm.iter().map(|score| (*arm, score.clone())));
        }
    }
    scores.sort_by_key(|(arm, _)| *arm);
    scores
        .into_iter()
        .map(|(arm, score)| (arm.to_string(), score))
        .collect()
}

fn mining(rounds: &[(Vec<Organ>, RoundOutcome)]) -> BTreeMap<String, Mining> {
    let of_round = |(organs, round): &(Vec<Organ>, RoundOutcome)| {
        let taus = round.taus.iter().flatten().copied();
        let organs = organs.iter().map(Organ::to_string);
        organs.zip(taus).collect::<Vec<_>>()
    };
    rounds
        .iter()
        .flat_map(of_round)
        .map(|(organ, tau)| {
            let n = tau.n_scored;
            let mining = Mining {
                tau,
                n_easy: n - tau.n_hard,
                hard_share: (n > 0).then(|| tau.n_hard as f64 / n as f64),
            };
            (organ, mining)
        })
        .collect()
}

/// Writes a table of scores: columns that say what was scored, then [`SCORE_COLUMNS`]; absent scores
/// are empty. A leaky threshold adds a column that says so in every row.
pub(crate) fn write_scores<'s>(
    path: &Path,
    columns: &[&str],
    rows: impl Iterator<Item = (Vec<String>, &'s CaseScores)>,
    leaky: bool,
) -> Result<(), FileError> {
    let rows = rows.map(|(front, scores)| (front, score_cells(scores)));
    write_score_cells(path, columns, rows, leaky)
}

/// As [`write_scores`], of rows of which some may have no scores at all.
pub(crate) fn write_score_cells(
    path: &Path,
    columns: &[&str],
    rows: impl Iterator<Item = (Vec<String>, [String; 6])>,
    leaky: bool,
) -> Result<(), FileError> {
    let stamp = leaky.then(|| LEAKY.to_owned());
    let written = write_whole(path, |file| {
        let mut csv = csv::Writer::from_writer(file);
        let columns = columns.iter().chain(&SCORE_COLUMNS);
        csv.write_record(
            columns
                .map(|column| (*column).to_owned())
                .chain(stamp.clone()),
        )?;
        for (front, cells) in rows {
            let cells = front.into_iter().chain(cells);
            csv.write_record(cells.chain(stamp.clone()))?;
        }
        csv.flush()
    });
    written.map_err(Action::Write.on(path))
}

/// Columns of a case's scores, as in every table of scores.
const SCORE_COLUMNS: [&str; 6] = [
    "dice",
    "hd95_mm",
    "assd_mm",
    "nsd",
    "volume_difference_ml",
    "status",
];

/// The cells of [`SCORE_COLUMNS`].
pub(crate) fn score_cells(scores: &CaseScores) -> [String; 6] {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    [
        number(scores.dice),
        number(scores.hd95_mm),
        number(scores.assd_mm),
        number(scores.nsd),
        number(scores.volume_difference_ml),
        scores.status.word().to_owned(),
    ]
}

/// A row for each arm, organ and metric.
pub(crate) fn summary_rows(scores: &[(String, TestScore)]) -> Vec<SummaryRow> {
    let mut groups: Vec<((&str, &str), Vec<&CaseScores>)> = Vec::new();
    for (arm, score) in scores {
        let key = (arm.as_str(), score.organ.as_str());
        match groups.iter_mut().find(|(group, _)| *group == key) {
            Some((_, members)) => members.push(&score.scores),
            None => groups.push((key, vec![&score.scores])),
        }
    }
    let rows = groups.into_iter().flat_map(|((arm, organ), members)| {
        Metric::ALL.map(|metric| SummaryRow {
            arm: arm.to_owned(),
            organ: organ.to_owned(),
            metric,
            summary: Summary::of(members.iter().map(|scores| value(scores, metric))),
            absent_because: absent_because(&members, metric),
        })
    });
    rows.collect()
}

fn value(scores: &CaseScores, metric: Metric) -> Option<f64> {
    match metric {
        Metric::Dice => scores.dice,
        Metric::Hd95 => scores.hd95_mm,
        Metric::Assd => scores.assd_mm,
        Metric::Nsd => scores.nsd,
        Metric::VolumeDifference => scores.volume_difference_ml,
    }
}

fn absent_because(members: &[&CaseScores], metric: Metric) -> Vec<(String, usize)> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for scores in members
        .iter()
        .filter(|scores| value(scores, metric).is_none())
    {
        *reasons.entry(scores.status.word().to_owned()).or_default() += 1;
    }
    reasons.into_iter().collect()
}

/// A case's Dice as a comparison of arms wants it; `cases` tell whose scan it is.
///
/// Fails when the case is none of them: patients are the units of a comparison.
pub(crate) fn arm_score(
    cases: &[StoredCase],
    arm: &str,
    seed: u64,
    score: &TestScore,
) -> anyhow::Result<ArmScore> {
    let case = cases.iter().find(|case| case.id == score.case);
    let case =
        case.ok_or_else(|| anyhow!("`{}` was scored, but is not in the store", score.case))?;
    let value = score.scores.dice;
    Ok(ArmScore {
        arm: arm.to_owned(),
        seed,
        patient: case.patient.to_string(),
        case: score.case.to_string(),
        value,
        absent_because: value
            .is_none()
            .then(|| score.scores.status.word().to_owned()),
    })
}

/// Writes a document in several forms beside each other: `STEM.ENDING` for each ending.
pub(crate) fn write_forms(
    stem: &Path,
    forms: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<(), FileError> {
    for (ending, text) in forms {
        let path = stem.with_extension(ending);
        write_whole_bytes(&path, text.as_bytes()).map_err(Action::Write.on(&path))?;
    }
    Ok(())
}
