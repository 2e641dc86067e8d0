//! Label maps of two folders, or of two files, scored case by case.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::anyhow;
use hardslice_data::mining::{SliceScore, prediction_folders};
use hardslice_data::{CaseId, Organ, OrganMap, bounded_parallel_map};
use hardslice_eval::{CaseScores, ScoreOptions};
use hardslice_train::{Event, Observer, TestScore};
use hardslice_view::table::SummaryRow;

use crate::causes::causes;
use crate::label_doubts::{Doubt, Outside, doubts, seen_in};
use crate::label_maps::Meaning;
use crate::named_files::labels_in;
use crate::notes::Notes;
use crate::results::{OfTraining, summary_rows};
use crate::scoring::{Pair, PairReader, Pairs};
use crate::training::Training;

/// Cases in memory at once, at most: what a case takes is its two label maps, twice over.
const CASES_AT_ONCE: usize = 4;

/// Which label maps are scored, and how.
#[derive(Debug, Clone, Copy)]
pub struct Evaluation<'a> {
    /// Folder of the true label maps, or one of them.
    pub truth: &'a Path,
    /// Folder of the predicted label maps (or a trainer's folder of nnU-Net's, with the validation
    /// predictions of its folds), or the one of the same case.
    pub predictions: &'a Path,
    /// Folder of the scans, or the scan of the one pair: needed where truth and prediction are both
    /// DICOM SEG or RTSTRUCT, which lie on the voxels of their scan.
    pub scans: Option<&'a Path>,
    /// Which label values are which organ.
    pub meaning: Meaning<'a>,
    /// How far the corners of two grids may lie apart, millimetres; `None` for what rounding makes of
    /// a header.
    pub grid_tolerance_mm: Option<f64>,
    /// Convention and tolerance.
    pub options: &'a ScoreOptions,
}

/// Scores of an organ in a case, or why there are none.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatedOrgan {
    /// The case.
    pub case: CaseId,
    /// Absent where it is not known which organs a case has.
    pub organ: Option<Organ>,
    /// The scores.
    pub scores: Result<CaseScores, Unscored>,
}

/// Why a case has no scores at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unscored {
    /// There is no prediction of its name.
    PredictionMissing,
    /// It cannot be read, or its two files do not lie on one grid.
    NotScored,
}

impl Unscored {
    /// The word that stands in tables: `prediction_missing`, `not_scored`.
    pub fn word(self) -> &'static str {
        match self {
            Self::PredictionMissing => "prediction_missing",
            Self::NotScored => "not_scored",
        }
    }
}

/// What an evaluation found.
#[derive(Debug)]
pub struct Evaluated {
    /// A row for each case and organ, in the order of the truth.
    pub rows: Vec<EvaluatedOrgan>,
    /// Cases without scores, and why, in words.
    pub failures: Vec<(CaseId, String)>,
    /// Predictions that no truth asks for.
    pub extra: Vec<PathBuf>,
    pub(crate) notes: Notes,
    outside: Outside,
}

/// The pixel counts of the slices of some cases.
#[derive(Debug, Default)]
pub struct Counted {
    /// The cases, in the order of the truth.
    pub cases: Vec<CountedCase>,
    /// Cases without counts, and why, in words.
    pub failures: Vec<(CaseId, String)>,
    outside: Outside,
}

/// The pixel counts of one case's slices.
#[derive(Debug)]
pub struct CountedCase {
    /// The case.
    pub case: CaseId,
    /// What was counted, by the places of the outputs.
    pub organs: Vec<Organ>,
    /// A score for each slice and organ; every slice is of case 0.
    pub scores: Vec<SliceScore>,
}

impl Evaluated {
    /// What the readers took for granted, in words.
    pub fn notes(&self) -> Vec<String> {
        self.notes.in_words()
    }

    /// What is odd about the label values of organs.
    pub fn doubts(&self) -> Vec<Doubt> {
        let rows = self.rows.iter();
        let seen =
            rows.filter_map(|row| Some((row.organ.as_ref()?, row.scores.ok()?.status.into())));
        doubts(seen, &self.outside)
    }
}

impl Counted {
    /// What is odd about the label values of organs.
    pub fn doubts(&self) -> Vec<Doubt> {
        let cases = self.cases.iter();
        let seen = cases.flat_map(|case| seen_in(&case.organs, &case.scores));
        doubts(seen, &self.outside)
    }
}

impl Evaluation<'_> {
    /// Scores every case; one that cannot be scored does not stop the others.
    ///
    /// # Errors
    ///
    /// A path does not exist, one is a file and the other a folder, two files are called alike, there
    /// are no labels, or not a single case could be scored.
    pub fn score(&self, observer: &dyn Observer) -> anyhow::Result<Evaluated> {
        let reader = self.reader();
        let pairs = self.pairs()?;
        let mut evaluated = rows(&pairs, &reader, observer);
        if evaluated.rows.iter().all(|row| row.scores.is_err()) {
            let (case, because) = &evaluated.failures[0];
            return Err(anyhow!(
                "nothing was scored of {} with {}; the first, {case}: {because}",
                self.truth.display(),
                self.predictions.display()
            ));
        }
        let extra = pairs.extra.into_iter().map(|file| file.path);
        evaluated.extra = extra.collect();
        Ok(evaluated)
    }

    /// Counts the pixels of every slice of every case, on the scan's own grid and from the feet up; one
    /// case that cannot be read does not stop the others. [`Evaluation::options`] is passed over.
    ///
    /// # Errors
    ///
    /// As [`Evaluation::score`].
    pub fn count_slices(&self, observer: &dyn Observer) -> anyhow::Result<Counted> {
        let reader = self.reader();
        let pairs = self.pairs()?;
        let outcomes = each_pair(&pairs, "score slices", observer, |pair| {
            reader.read_pair(pair, |maps| {
                maps.count_slices(self.meaning.organs, self.meaning.ignored)
            })
        });
        let mut counted = Counted::default();
        for (pair, outcome) in pairs.pairs.iter().zip(outcomes) {
            match outcome {
                Ok(read) => {
                    let (organs, scores) = read.made;
                    counted.outside.add(read.outside);
                    counted.cases.push(CountedCase {
                        case: pair.case.clone(),
                        organs,
                        scores,
                    });
                }
                Err(error) => {
                    let because = causes(error.as_ref());
                    counted.failures.push((pair.case.clone(), because));
                }
            }
        }
        Ok(counted)
    }

    fn reader(&self) -> PairReader<'_> {
        PairReader {
            meaning: self.meaning,
            grid_tolerance_mm: self.grid_tolerance_mm,
            options: self.options,
        }
    }

    /// The pairs of two folders, or the one of two files; one at least.
    fn pairs(&self) -> anyhow::Result<Pairs> {
        let (truth, predictions) = (self.truth, self.predictions);
        for path in [truth, predictions].into_iter().chain(self.scans) {
            if !path.exists() {
                return Err(anyhow!("there is no file or folder {}", path.display()));
            }
        }
        let pairs = match (truth.is_dir(), predictions.is_dir()) {
            (true, true) => {
                let scans = match self.scans {
                    Some(dir) if dir.is_dir() => labels_in(dir)?,
                    Some(file) => {
                        return Err(anyhow!(
                            "--scans is the file {}, and the label maps are those of folders: name \
                             the folder of their scans",
                            file.display()
                        ));
                    }
                    None => Vec::new(),
                };
                let mut predicted = Vec::new();
                for folder in prediction_folders(predictions)? {
                    predicted.extend(labels_in(&folder)?);
                }
                Pairs::by_name(labels_in(truth)?, &predicted, &scans)?
            }
            (false, false) => Pairs::one(truth, predictions, self.scans)?,
            (is_dir, _) => {
                let (file, folder) = if is_dir {
                    (predictions, truth)
                } else {
                    (truth, predictions)
                };
                return Err(anyhow!(
                    "{} is a file and {} a folder: give two folders, whose files belong together by \
                     name, or two files",
                    file.display(),
                    folder.display()
                ));
            }
        };
        if pairs.pairs.is_empty() {
            return Err(anyhow!("there are no labels in {}", truth.display()));
        }
        Ok(pairs)
    }
}

/// A row for each organ and metric, in the order in which organs come first, of what was scored.
pub fn summary(rows: &[EvaluatedOrgan]) -> Vec<SummaryRow> {
    let scored = rows.iter().filter_map(|row| {
        let score = TestScore {
            case: row.case.clone(),
            organ: row.organ.clone()?,
            scores: *row.scores.as_ref().ok()?,
        };
        Some(score)
    });
    let scored: Vec<TestScore> = scored.collect();
    summary_rows(scored.iter().map(|score| OfTraining {
        arm: "predictions",
        training: Training::default(),
        score,
    }))
}

/// Does something with each pair, some at a time, in the order of the truth.
fn each_pair<R: Send>(
    pairs: &Pairs,
    stage: &str,
    observer: &dyn Observer,
    done_with: impl Fn(&Pair) -> R + Sync,
) -> Vec<R> {
    let n = pairs.pairs.len() as u64;
    observer.notify(&Event::Started { stage, n, done: 0 });
    let n_done = AtomicU64::new(0);
    let n_at_once = CASES_AT_ONCE.min(rayon::current_num_threads());
    let outcomes = bounded_parallel_map(&pairs.pairs, n_at_once, |pair| {
        let outcome = done_with(pair);
        let done = 1 + n_done.fetch_add(1, Ordering::Relaxed);
        observer.notify(&Event::Advanced { done });
        outcome
    });
    observer.notify(&Event::Finished);
    outcomes
}

/// The rows of all cases, in the order of the truth.
fn rows(pairs: &Pairs, reader: &PairReader<'_>, observer: &dyn Observer) -> Evaluated {
    let outcomes = each_pair(pairs, "evaluate", observer, |pair| reader.score(pair));
    let mut evaluated = Evaluated {
        rows: Vec::new(),
        failures: Vec::new(),
        extra: Vec::new(),
        notes: Notes::default(),
        outside: Outside::default(),
    };
    for (pair, outcome) in pairs.pairs.iter().zip(outcomes) {
        match outcome {
            Ok(scored) => {
                evaluated.notes.add(&scored.notes);
                evaluated.outside.add(scored.outside);
                let rows = scored.made.into_iter();
                evaluated
                    .rows
                    .extend(rows.map(|(organ, scores)| EvaluatedOrgan {
                        case: pair.case.clone(),
                        organ: Some(organ),
                        scores: Ok(scores),
                    }));
            }
            Err(error) => {
                let why = if pair.predicted.is_some() {
                    Unscored::NotScored
                } else {
                    Unscored::PredictionMissing
                };
                let because = causes(error.as_ref());
                evaluated.failures.push((pair.case.clone(), because));
                evaluated.rows.extend(unscored(pair, why, reader));
            }
        }
    }
    evaluated
}

/// The rows of a case without scores: one for each organ that it would have been scored for; one
/// without an organ where that is not known.
fn unscored(pair: &Pair, why: Unscored, reader: &PairReader<'_>) -> Vec<EvaluatedOrgan> {
    let organs = match reader.meaning.organs.map(OrganMap::organs) {
        Some(organs) => organs.cloned().collect(),
        None => reader.organs_of_truth(pair),
    };
    let row = |organ: Option<Organ>| EvaluatedOrgan {
        case: pair.case.clone(),
        organ,
        scores: Err(why),
    };
    if organs.is_empty() {
        return vec![row(None)];
    }
    organs.into_iter().map(|organ| row(Some(organ))).collect()
}
