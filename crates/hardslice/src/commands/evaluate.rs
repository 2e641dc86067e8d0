//! `hardslice evaluate`: scores of label maps.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::anyhow;
use burn::tensor::Device;
use clap::Args;
use hardslice_data::{CaseId, Organ, OrganMap, bounded_parallel_map};
use hardslice_eval::{CaseScores, Convention, ScoreOptions};
use hardslice_train::TestScore;
use hardslice_view::table::{self, Metric, SummaryRow};

use super::label_args::organ_map;
use crate::bars::{self, Bars};
use crate::layout::provenance_beside;
use crate::named_files::labels_in;
use crate::notes::Notes;
use crate::outputs::{
    file_out, refuse_among_records, refuse_over_inputs, refuse_over_other_tables,
};
use crate::provenance::{MadeOf, check_inputs};
use crate::results::{OfTraining, SCORE_COLUMNS, score_cells, summary_rows, write_score_cells};
use crate::scoring::{Pair, PairReader, Pairs};
use crate::training::Training;
use crate::{Done, causes, provenance};

/// Cases in memory at once, at most: what a case takes is its two label maps, twice over.
const CASES_AT_ONCE: usize = 4;

/// Score label maps against the truth: Dice, HD95, ASSD, NSD, volume difference, per case.
///
/// Give two folders, or two files as the one pair. Files of folders belong together by name; `_seg` and `_gt` at the end of a truth's name do not count, where
/// there is no prediction of just that name. Truth and prediction may be of any format that labels
/// are read from: NIfTI, NRRD, MetaImage, DICOM SEG, a folder with a mask for each structure. Both
/// must lie on one grid, whose axes are perpendicular. Anybody's predictions will do.
///
/// A score that has no value is an empty cell, and `status` says why: `prediction_empty` (Dice 0,
/// a failure), `truth_empty` (Dice 0), `both_empty`, `prediction_missing` (there is none of the
/// case), `not_scored` (the case cannot be read, or its two files do not lie on one grid). Exit
/// status 1 where a case is of the last two kinds.
#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// Folder of the true label maps, or one of them.
    #[arg(long, value_name = "DIR_OR_FILE")]
    truth: PathBuf,
    /// Folder of the predicted label maps, or the one of the same case.
    #[arg(long, value_name = "DIR_OR_FILE")]
    predictions: PathBuf,
    /// Folder of the scans (files, or folders with a DICOM series), named by case, or the scan of the
    /// one pair: needed where
    /// truth and prediction are both DICOM SEG, which lie on the voxels of their scan.
    #[arg(long, value_name = "DIR")]
    scans: Option<PathBuf>,
    /// The table to write.
    #[arg(long, value_name = "FILE.csv", value_parser = file_out(&[".csv"]))]
    out: PathBuf,
    /// An organ and its label values, as kidney=2,3, or the names of its structures, as
    /// `kidney=kidney_left,kidney_right`, or both; each value found in a case when absent.
    #[arg(long = "label", value_name = "ORGAN=LABELS")]
    labels: Vec<String>,
    /// A label value of the truth whose voxels nobody has judged (nnU-Net's `ignore`): they belong to
    /// no organ then, in truth and prediction alike. Repeat it for several.
    #[arg(long, value_name = "VALUE")]
    ignore: Vec<u16>,
    /// Distance at which two surfaces still agree for the NSD.
    #[arg(long, value_name = "MM", default_value_t = 2.0)]
    nsd_tolerance_mm: f64,
    /// How far the corners of two grids may lie apart that are taken for one; what rounding to four
    /// decimals makes of a header when absent.
    #[arg(long, value_name = "MM", value_parser = super::grid_tolerance)]
    grid_tolerance_mm: Option<f64>,
    /// Measure distances as MONAI does instead of as surface-distance does.
    #[arg(long)]
    monai: bool,
}

/// The columns of the table before those of the scores.
const COLUMNS: [&str; 2] = ["case", "organ"];

/// A row of the table.
struct Row {
    case: CaseId,
    /// Absent where it is not known which organs a case has.
    organ: Option<Organ>,
    scores: Result<CaseScores, Unscored>,
}

/// Why a case has no scores at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unscored {
    PredictionMissing,
    NotScored,
}

impl Unscored {
    fn word(self) -> &'static str {
        match self {
            Self::PredictionMissing => "prediction_missing",
            Self::NotScored => "not_scored",
        }
    }
}

impl Evaluate {
    pub(crate) fn run(self) -> anyhow::Result<Done> {
        let options = ScoreOptions {
            nsd_tolerance_mm: self.nsd_tolerance_mm,
            convention: if self.monai {
                Convention::Monai
            } else {
                Convention::SurfaceDistance
            },
        };
        let organs = organ_map(&self.labels)?;
        let inputs = [&self.truth, &self.predictions];
        let read = inputs.into_iter().chain(&self.scans).cloned();
        refuse_over_inputs([self.out.clone(), provenance_beside(&self.out)?], read)?;
        refuse_among_records(&self.out)?;
        let header: Vec<&str> = COLUMNS.into_iter().chain(SCORE_COLUMNS).collect();
        refuse_over_other_tables(&self.out, &header.join(","))?;
        check_inputs(&inputs.map(PathBuf::as_path))?;
        let reader = PairReader {
            organs: organs.as_ref(),
            ignored: &self.ignore,
            grid_tolerance_mm: self.grid_tolerance_mm,
            options: &options,
        };
        let pairs = self.pairs()?;
        let bars = Bars::new();
        if pairs.pairs.is_empty() {
            return Err(anyhow!("there are no labels in {}", self.truth.display()));
        }
        tell_extra(&pairs, &bars);
        let (rows, notes) = rows(&pairs, &reader, &bars);
        notes.tell(&bars);
        if rows.iter().all(|row| row.scores.is_err()) {
            return Err(anyhow!(
                "nothing was scored: no label map of {} has a prediction of the same name and on \
                 the same grid in {}",
                self.truth.display(),
                self.predictions.display()
            ));
        }
        let cells = rows.iter().map(|row| {
            let organ = row.organ.as_ref().map_or(String::new(), Organ::to_string);
            let without = |why: Unscored| {
                let mut cells: [String; 6] = Default::default();
                why.word().clone_into(&mut cells[5]);
                cells
            };
            let cells = row
                .scores
                .as_ref()
                .map_or_else(|why| without(*why), score_cells);
            (vec![row.case.to_string(), organ], cells)
        });
        write_score_cells(&self.out, &COLUMNS, cells, false)?;
        let settings = (&options, &self.labels, &self.ignore, self.grid_tolerance_mm);
        let made_of = MadeOf {
            command: "evaluate",
            settings: &settings,
            inputs: &inputs.map(PathBuf::as_path),
            notes: &notes,
        };
        provenance::of_command(&self.out, &made_of, &Device::flex())?;
        print_summary(&rows)?;
        Ok(if rows.iter().all(|row| row.scores.is_ok()) {
            Done::Clean
        } else {
            Done::Findings
        })
    }
}

impl Evaluate {
    /// The pairs of two folders, or the one of two files.
    fn pairs(&self) -> anyhow::Result<Pairs> {
        let (truth, predictions) = (&self.truth, &self.predictions);
        for path in [truth, predictions].into_iter().chain(&self.scans) {
            if !path.exists() {
                return Err(anyhow!("there is no file or folder {}", path.display()));
            }
        }
        match (truth.is_dir(), predictions.is_dir()) {
            (true, true) => {
                let scans = match &self.scans {
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
                Pairs::by_name(labels_in(truth)?, &labels_in(predictions)?, &scans)
            }
            (false, false) => Pairs::one(truth, predictions, self.scans.as_deref()),
            (is_dir, _) => {
                let (file, folder) = if is_dir {
                    (predictions, truth)
                } else {
                    (truth, predictions)
                };
                Err(anyhow!(
                    "{} is a file and {} a folder: give two folders, whose files belong together by \
                     name, or two files",
                    file.display(),
                    folder.display()
                ))
            }
        }
    }
}

/// The rows of all cases, in the order of the truth.
fn rows(pairs: &Pairs, reader: &PairReader<'_>, bars: &Bars) -> (Vec<Row>, Notes) {
    bars.begin("evaluate", pairs.pairs.len() as u64, 0);
    let n_done = AtomicU64::new(0);
    let n_at_once = CASES_AT_ONCE.min(rayon::current_num_threads());
    let outcomes = bounded_parallel_map(&pairs.pairs, n_at_once, |pair| {
        let scored = reader.score(pair);
        bars.advance(1 + n_done.fetch_add(1, Ordering::Relaxed));
        scored
    });
    bars.end();
    let (mut rows, mut notes) = (Vec::new(), Notes::default());
    for (pair, outcome) in pairs.pairs.iter().zip(outcomes) {
        match outcome {
            Ok(scored) => {
                notes.add(&scored.notes);
                rows.extend(scored.organs.into_iter().map(|(organ, scores)| Row {
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
                bars.line(&format!(
                    "not scored: {}: {}",
                    pair.case,
                    causes(error.as_ref())
                ));
                rows.extend(unscored(pair, why, reader));
            }
        }
    }
    (rows, notes)
}

/// The rows of a case without scores: one for each organ that it would have been scored for; one
/// without an organ where that is not known.
fn unscored(pair: &Pair, why: Unscored, reader: &PairReader<'_>) -> Vec<Row> {
    let organs = match reader.organs.map(OrganMap::organs) {
        Some(organs) => organs.cloned().collect(),
        None => reader.organs_of_truth(pair),
    };
    let row = |organ: Option<Organ>| Row {
        case: pair.case.clone(),
        organ,
        scores: Err(why),
    };
    if organs.is_empty() {
        return vec![row(None)];
    }
    organs.into_iter().map(|organ| row(Some(organ))).collect()
}

/// Names the predictions that no truth asks for.
fn tell_extra(pairs: &Pairs, bars: &Bars) {
    if pairs.extra.is_empty() {
        return;
    }
    let names: Vec<String> = pairs
        .extra
        .iter()
        .filter_map(|file| Some(file.path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    bars.line(&format!(
        "note: {} predictions have no truth of their name and are not scored: {}",
        names.len(),
        names.join(", ")
    ));
}

fn print_summary(rows: &[Row]) -> anyhow::Result<()> {
    let scored = rows.iter().filter_map(|row| {
        let score = TestScore {
            case: row.case.clone(),
            organ: row.organ.clone()?,
            scores: *row.scores.as_ref().ok()?,
        };
        Some(score)
    });
    let scored: Vec<TestScore> = scored.collect();
    let summary: Vec<SummaryRow> = summary_rows(scored.iter().map(|score| OfTraining {
        arm: "predictions",
        training: Training::default(),
        score,
    }));
    let shown = [Metric::Dice, Metric::Hd95, Metric::Nsd];
    let summary: Vec<_> = summary
        .into_iter()
        .filter(|row| shown.contains(&row.metric))
        .collect();
    bars::print(&table::to_text(&summary))?;
    for (why, what) in [
        (Unscored::PredictionMissing, "have no prediction"),
        (Unscored::NotScored, "could not be scored"),
    ] {
        let of_kind = rows.iter().filter(|row| row.scores == Err(why));
        let mut cases: Vec<&str> = of_kind.map(|row| row.case.as_str()).collect();
        cases.dedup();
        if !cases.is_empty() {
            bars::print(&format!(
                "{} cases {what} and are in no mean: {}",
                cases.len(),
                cases.join(", ")
            ))?;
        }
    }
    Ok(())
}
