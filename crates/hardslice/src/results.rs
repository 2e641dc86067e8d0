//! `scores.csv`, `summary.json` and the table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use hardslice_data::mining::ResolvedTau;
use hardslice_data::store::StoredCase;
use hardslice_data::{CaseId, Organ};
use hardslice_eval::compare::ArmScore;
use hardslice_eval::{CaseScores, Status, Summary};
use hardslice_train::TestScore;
use hardslice_train::round::{FailedArm, NotLearnt, RoundOutcome};
use hardslice_view::table::{self, Metric, SummaryRow};
use hardslice_volume::whole_file::{write_json, write_whole, write_whole_bytes};
use hardslice_volume::{Action, FileError};
use serde::Serialize;

use crate::bars::Bars;
use crate::experiment::Experiment;
use crate::layout::{OutDir, RoundName};
use crate::training::Training;

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
    /// Whether the test set was used to set a threshold: no arm that knows of hard slices is fairly
    /// scored then.
    leaky: bool,
    arms: BTreeMap<String, BTreeMap<String, BTreeMap<&'a str, Summary>>>,
    mining: BTreeMap<String, Mining>,
    /// The nets that had learnt nothing and were not given up, by round: what they predict is that of a
    /// training that failed.
    not_learnt: BTreeMap<String, &'a [NotLearnt]>,
    /// Why an arm has no scores, by round and arm.
    failed: BTreeMap<String, BTreeMap<String, &'a str>>,
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
    bars: &Bars,
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
    let rows = summary_rows(scores.iter().map(|(arm, score)| OfTraining {
        arm,
        training: Training {
            split: experiment.split.division,
            seed: experiment.seed,
        },
        score,
    }));
    let mut report = Report {
        program: env!("CARGO_PKG_VERSION"),
        seed: experiment.seed,
        leaky,
        arms: BTreeMap::new(),
        mining: mining(rounds),
        not_learnt: not_learnt(rounds),
        failed: failed(rounds),
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
    bars.print(&format!("{stamp}{}", table::to_text(&dice)))?;
    for (organ, mining) in &report.mining {
        bars.print(&format!("{organ}: {}", mining.tau))?;
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

fn not_learnt(rounds: &[(Vec<Organ>, RoundOutcome)]) -> BTreeMap<String, &[NotLearnt]> {
    rounds
        .iter()
        .filter(|(_, round)| !round.not_learnt.is_empty())
        .map(|(organs, round)| {
            let name = RoundName::of_organs(organs).to_string();
            (name, round.not_learnt.as_slice())
        })
        .collect()
}

fn failed(rounds: &[(Vec<Organ>, RoundOutcome)]) -> BTreeMap<String, BTreeMap<String, &str>> {
    rounds
        .iter()
        .filter(|(_, round)| !round.failed.is_empty())
        .map(|(organs, round)| {
            let arms = round.failed.iter();
            let arms = arms.map(|FailedArm { arm, because }| (arm.to_string(), because.as_str()));
            (RoundName::of_organs(organs).to_string(), arms.collect())
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
pub(crate) const SCORE_COLUMNS: [&str; 6] = [
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

/// A test score, and what it was computed for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfTraining<'s> {
    pub(crate) arm: &'s str,
    /// Over folds all nets of a seed are one training, in which each case is scored once.
    pub(crate) training: Training,
    pub(crate) score: &'s TestScore,
}

/// A row for each arm, organ and metric, in the order in which arms and organs come first.
pub(crate) fn summary_rows<'s>(
    scores: impl IntoIterator<Item = OfTraining<'s>>,
) -> Vec<SummaryRow> {
    let mut groups: Vec<((&str, &Organ), Trainings<'s>)> = Vec::new();
    for of_training in scores {
        let key = (of_training.arm, &of_training.score.organ);
        let place = groups.iter().position(|(group, _)| *group == key);
        let place = place.unwrap_or_else(|| {
            groups.push((key, Trainings::default()));
            groups.len() - 1
        });
        let (training, score) = (of_training.training, of_training.score);
        groups[place].1.add(training, score);
    }
    let rows = groups.into_iter().flat_map(|((arm, organ), trainings)| {
        Metric::ALL.map(|metric| SummaryRow {
            arm: arm.to_owned(),
            organ: organ.to_string(),
            metric,
            summary: trainings.summary(metric),
            absent_because: trainings.absent_because(metric),
        })
    });
    rows.collect()
}

/// The scores of the trainings of one arm, on the same cases.
#[derive(Debug, Default)]
pub(crate) struct Trainings<'s> {
    /// In the order in which they come first.
    cases: Vec<&'s CaseId>,
    by_training: BTreeMap<Training, BTreeMap<&'s CaseId, &'s CaseScores>>,
}

impl<'s> Trainings<'s> {
    /// Adds a case's scores in one of them.
    pub(crate) fn add(&mut self, training: Training, score: &'s TestScore) {
        let is_known = |scores: &BTreeMap<&CaseId, _>| scores.contains_key(&score.case);
        if !self.by_training.values().any(is_known) {
            self.cases.push(&score.case);
        }
        let of_training = self.by_training.entry(training).or_default();
        of_training.insert(&score.case, &score.scores);
    }

    /// Within each training, then the mean.
    pub(crate) fn summary(&self, metric: Metric) -> Summary {
        let of_training = |scores: &BTreeMap<&CaseId, &CaseScores>| {
            let cases = self.cases.iter();
            cases
                .map(|case| value(scores.get(*case)?, metric))
                .collect()
        };
        let trainings: Vec<Vec<Option<f64>>> = self.by_training.values().map(of_training).collect();
        Summary::over_trainings(&trainings)
    }

    /// Why cases are absent, each by the first training that lacks a value.
    fn absent_because(&self, metric: Metric) -> Vec<(String, usize)> {
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for case in &self.cases {
            let mut of_trainings = self.by_training.values().map(|scores| scores.get(case));
            let lacking = of_trainings
                .find(|scores| scores.is_none_or(|scores| value(scores, metric).is_none()));
            if let Some(scores) = lacking {
                let word = scores.map_or("not_scored", |scores| scores.status.word());
                *reasons.entry(word.to_owned()).or_default() += 1;
            }
        }
        reasons.into_iter().collect()
    }
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

/// A case's Dice as a comparison of arms wants it; `cases` tell whose scan it is. A scan without the
/// organ has none, whatever is predicted in it: were a false positive 0 and none no value, an arm would
/// lose by the first and gain nothing by the second.
///
/// Fails when the case is none of them: patients are the units of a comparison.
pub(crate) fn arm_score(
    cases: &[StoredCase],
    arm: &str,
    training: Training,
    score: &TestScore,
) -> anyhow::Result<ArmScore> {
    let case = cases.iter().find(|case| case.id == score.case);
    let case =
        case.ok_or_else(|| anyhow!("`{}` was scored, but is not in the store", score.case))?;
    let is_there = !matches!(score.scores.status, Status::TruthEmpty | Status::BothEmpty);
    let value = score.scores.dice.filter(|_| is_there);
    Ok(ArmScore {
        arm: arm.to_owned(),
        seed: training.seed,
        split: training.split,
        patient: case.patient.to_string(),
        case: score.case.to_string(),
        value,
        absent_because: value
            .is_none()
            .then(|| score.scores.status.word().to_owned()),
    })
}

/// Writes a document in several forms beside each other: `STEM.ENDING` for each ending, whatever dots
/// the stem has.
pub(crate) fn write_forms(
    stem: &Path,
    forms: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<(), FileError> {
    for (ending, text) in forms {
        let mut path = stem.as_os_str().to_owned();
        path.push(format!(".{ending}"));
        let path = PathBuf::from(path);
        write_whole_bytes(&path, text.as_bytes()).map_err(Action::Write.on(&path))?;
    }
    Ok(())
}
