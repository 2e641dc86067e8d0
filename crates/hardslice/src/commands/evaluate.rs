//! `hardslice evaluate`: scores of label maps.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use clap::Args;
use hardslice_data::Organ;
use hardslice_data::mining::prediction_folders;
use hardslice_eval::{Convention, ScoreOptions};
use hardslice_view::table::{self, Metric};
use serde_json::json;

use super::label_args::{organ_map, predicted_map};
use crate::bars::Bars;
use crate::done::Done;
use crate::evaluation::{Evaluated, EvaluatedOrgan, Evaluation, Unscored, summary};
use crate::label_maps::Meaning;
use crate::layout::provenance_beside;
use crate::outputs::{
    file_out, refuse_among_records, refuse_over_inputs, refuse_over_other_tables,
};
use crate::provenance;
use crate::provenance::{MadeOf, check_inputs};
use crate::results::{SCORE_COLUMNS, score_cells, write_score_cells};

/// Score label maps against the truth: Dice, HD95, ASSD, NSD, volume difference, per case.
///
/// Give two folders, or two files as the one pair. Files of folders belong together by name; `_seg` and `_gt` at the end of a truth's name do not count, where
/// there is no prediction of just that name. Truth and prediction may be of any format that labels
/// are read from: NIfTI, NRRD, MetaImage, DICOM SEG or RTSTRUCT, a folder with a mask for each
/// structure. Both must lie on one grid, whose axes are perpendicular. Anybody's predictions will do.
///
/// A score that has no value is an empty cell, and `status` says why: `prediction_empty` (Dice 0,
/// a failure), `truth_empty` (Dice 0), `both_empty`, `prediction_missing` (there is none of the
/// case), `not_scored` (the case cannot be read, or its two files do not lie on one grid). Exit
/// status 1 where a case is of the last two kinds, or an organ is in no label map at all, or in none of the
/// truth or of the predictions, which hold values of no organ.
#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// Folder of the true label maps, or one of them.
    #[arg(long, value_name = "DIR_OR_FILE")]
    truth: PathBuf,
    /// Folder of the predicted label maps, or the one of the same case. Of a trainer's folder in
    /// nnU-Net's results the validation predictions of all folds are taken.
    #[arg(long, value_name = "DIR_OR_FILE")]
    predictions: PathBuf,
    /// Folder of the scans (files, or folders with a DICOM series), named by case, or the scan of the
    /// one pair: needed where
    /// truth and prediction are both DICOM SEG or RTSTRUCT, which lie on the voxels of their scan.
    #[arg(long, value_name = "DIR")]
    scans: Option<PathBuf>,
    /// The table to write.
    #[arg(long, value_name = "FILE.csv", value_parser = file_out(&[".csv"]))]
    out: PathBuf,
    /// An organ and its label values, as kidney=2,3, or the names of its structures, as
    /// `kidney=kidney_left,kidney_right`, or both; each value found in a case when absent.
    #[arg(long = "label", value_name = "ORGAN=LABELS")]
    labels: Vec<String>,
    /// The same where the predictions have it otherwise, as liver=255 for masks of 0 and 255; organs that
    /// are not named have the values of --label there, too.
    #[arg(
        long = "prediction-label",
        value_name = "ORGAN=LABELS",
        requires = "labels"
    )]
    prediction_labels: Vec<String>,
    /// A label value of the truth whose voxels nobody has judged (nnU-Net's `ignore`): they belong to
    /// no organ then, in truth and prediction alike. Repeat it for several.
    #[arg(long, value_name = "VALUE")]
    ignore: Vec<u16>,
    /// Distance at which two surfaces still agree for the NSD.
    #[arg(long, value_name = "MM", default_value_t = 2.0, value_parser = super::distance_mm)]
    nsd_tolerance_mm: f64,
    /// How far the corners of two grids may lie apart that are taken for one; what rounding to four
    /// decimals makes of a header when absent.
    #[arg(long, value_name = "MM", value_parser = super::distance_mm)]
    grid_tolerance_mm: Option<f64>,
    /// Measure distances as MONAI does instead of as surface-distance does.
    #[arg(long)]
    monai: bool,
    /// Print JSON for scripts, in place of text.
    #[arg(long)]
    json: bool,
}

/// The columns of the table before those of the scores.
const COLUMNS: [&str; 2] = ["case", "organ"];

impl Evaluate {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let options = ScoreOptions {
            nsd_tolerance_mm: self.nsd_tolerance_mm,
            convention: if self.monai {
                Convention::Monai
            } else {
                Convention::SurfaceDistance
            },
        };
        let organs = organ_map(&self.labels)?;
        let predicted_organs = predicted_map(organs.as_ref(), &self.prediction_labels)?;
        let inputs = [&self.truth, &self.predictions];
        let read = inputs.into_iter().chain(&self.scans).cloned();
        refuse_over_inputs([self.out.clone(), provenance_beside(&self.out)?], read)?;
        refuse_among_records(&self.out)?;
        let header: Vec<&str> = COLUMNS.into_iter().chain(SCORE_COLUMNS).collect();
        refuse_over_other_tables(&self.out, &header.join(","))?;
        let predictions = if self.predictions.is_dir() {
            prediction_folders(&self.predictions)?
        } else {
            vec![self.predictions.clone()]
        };
        let hashed = std::iter::once(&self.truth).chain(&predictions);
        let hashed: Vec<&Path> = hashed.map(PathBuf::as_path).collect();
        check_inputs(&hashed)?;
        let evaluation = Evaluation {
            truth: &self.truth,
            predictions: &self.predictions,
            scans: self.scans.as_deref(),
            meaning: Meaning {
                organs: organs.as_ref(),
                predicted_organs: predicted_organs.as_ref(),
                ignored: &self.ignore,
            },
            grid_tolerance_mm: self.grid_tolerance_mm,
            options: &options,
        };
        let evaluated = evaluation.score(bars)?;
        for (case, because) in &evaluated.failures {
            bars.line(&format!("not scored: {case}: {because}"));
        }
        tell_extra(&evaluated.extra, bars);
        evaluated.notes.tell(bars);
        let doubts = evaluated.doubts();
        let Evaluated { rows, notes, .. } = evaluated;
        self.write_table(&rows)?;
        let settings = (
            &options,
            &self.labels,
            &self.prediction_labels,
            &self.ignore,
            self.grid_tolerance_mm,
        );
        let made_of = MadeOf {
            command: "evaluate",
            settings: &settings,
            inputs: &hashed,
            notes: &notes,
        };
        provenance::of_command(&self.out, &made_of, &Device::flex())?;
        if self.json {
            bars.print(&as_json(&rows)?)?;
        } else {
            print_summary(&rows, bars)?;
        }
        for doubt in &doubts {
            bars.line(&format!("warning: {doubt}"));
        }
        let all_scored = rows.iter().all(|row| row.scores.is_ok());
        Ok(if all_scored && doubts.is_empty() {
            Done::Clean
        } else {
            Done::Findings
        })
    }

    /// Leaves a row for each case and organ.
    fn write_table(&self, rows: &[EvaluatedOrgan]) -> anyhow::Result<()> {
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
        Ok(write_score_cells(&self.out, &COLUMNS, cells, false)?)
    }
}

/// Names the predictions that no truth asks for.
fn tell_extra(extra: &[PathBuf], bars: &Bars) {
    if extra.is_empty() {
        return;
    }
    let names: Vec<String> = extra
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    bars.tell(&format!(
        "note: {} predictions have no truth of their name and are not scored: {}",
        names.len(),
        names.join(", ")
    ));
}

/// Means and spread of every score, and the cases that have none.
fn as_json(rows: &[EvaluatedOrgan]) -> serde_json::Result<String> {
    let summary = summary(rows);
    let summary = summary.iter().map(|row| {
        let mut summary = json!(row.summary);
        summary["organ"] = json!(row.organ);
        summary["metric"] = json!(row.metric.key());
        summary
    });
    let unscored = rows
        .iter()
        .filter_map(|row| Some((row, row.scores.as_ref().err()?)));
    let unscored = unscored
        .map(|(row, why)| json!({ "case": row.case, "organ": row.organ, "because": why.word() }));
    serde_json::to_string_pretty(&json!({
        "summary": summary.collect::<Vec<_>>(),
        "not_scored": unscored.collect::<Vec<_>>(),
    }))
}

fn print_summary(rows: &[EvaluatedOrgan], bars: &Bars) -> anyhow::Result<()> {
    let summary = summary(rows);
    let shown = [Metric::Dice, Metric::Hd95, Metric::Nsd];
    let summary: Vec<_> = summary
        .into_iter()
        .filter(|row| shown.contains(&row.metric))
        .collect();
    bars.print(&table::to_text(&summary))?;
    for (why, what) in [
        (Unscored::PredictionMissing, "have no prediction"),
        (Unscored::NotScored, "could not be scored"),
    ] {
        let of_kind = rows.iter().filter(|row| row.scores == Err(why));
        let mut cases: Vec<&str> = of_kind.map(|row| row.case.as_str()).collect();
        cases.dedup();
        if !cases.is_empty() {
            bars.print(&format!(
                "{} cases {what} and are in no mean: {}",
                cases.len(),
                cases.join(", ")
            ))?;
        }
    }
    Ok(())
}
