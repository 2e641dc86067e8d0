//! `hardslice evaluate`: scores of label maps.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::anyhow;
use burn::tensor::Device;
use clap::Args;
use hardslice_data::{CaseId, Organ, OrganMap, bounded_parallel_map};
use hardslice_eval::{Convention, Mask, ScoreOptions, score_masks};
use hardslice_train::TestScore;
use hardslice_view::table::{self, Metric, SummaryRow};
use hardslice_volume::{default_tolerance_mm, read_nifti_labels, same_grid};

use super::label_args::organ_map_of_values;
use super::predict::{NamedScan, nifti_files};
use crate::bars::{self, Bars};
use crate::provenance::named_out;
use crate::results::{OfTraining, summary_rows, write_scores};
use crate::{Done, causes, provenance};

/// Cases in memory at once, at most: what a case takes is its two label maps, twice over.
const CASES_AT_ONCE: usize = 4;

/// Score label maps against the truth: Dice, HD95, ASSD, NSD, volume difference, per case.
///
/// Files belong together by name; `_seg` and `_gt` at the end of a truth's name do not count. Both
/// must lie on one grid. Anybody's predictions will do.
///
/// A score that has no value is an empty cell, and `status` says why: `prediction_empty` (Dice 0,
/// a failure), `truth_empty` (Dice 0), `both_empty`.
#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// Folder of the true label maps.
    #[arg(long, value_name = "DIR")]
    truth: PathBuf,
    /// Folder of the predicted label maps.
    #[arg(long, value_name = "DIR")]
    predictions: PathBuf,
    /// The table to write.
    #[arg(long, value_name = "FILE.csv", value_parser = named_out())]
    out: PathBuf,
    /// An organ and its label values, as kidney=2,3; each value found in the truth when absent.
    #[arg(long = "label", value_name = "ORGAN=VALUES")]
    labels: Vec<String>,
    /// Distance at which two surfaces still agree for the NSD.
    #[arg(long, value_name = "MM", default_value_t = 2.0)]
    nsd_tolerance_mm: f64,
    /// Measure distances as MONAI does instead of as surface-distance does.
    #[arg(long)]
    monai: bool,
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
        let organs = organ_map_of_values(&self.labels)?;
        let predictions = nifti_files(&self.predictions)?;
        let truths = nifti_files(&self.truth)?;
        let bars = Bars::new();
        bars.begin("evaluate", truths.len() as u64, 0);
        let n_done = AtomicU64::new(0);
        let n_at_once = CASES_AT_ONCE.min(rayon::current_num_threads());
        let outcomes = bounded_parallel_map(&truths, n_at_once, |truth| {
            let case = case_name(truth);
            let is_its = |scan: &&NamedScan| scan.name == case || scan.name == truth.name;
            let scored = predictions.iter().find(is_its).map_or_else(
                || Err(anyhow!("it has no prediction of its name")),
                |predicted| score_pair(truth, predicted, organs.as_ref(), &options),
            );
            bars.advance(1 + n_done.fetch_add(1, Ordering::Relaxed));
            scored.map_err(|error| (case, error))
        });
        bars.end();
        let (mut scores, mut n_failed) = (Vec::new(), 0);
        for outcome in outcomes {
            match outcome {
                Ok(scored) => scores.extend(scored),
                Err((case, error)) => {
                    n_failed += 1;
                    bars.line(&format!("not scored: {case}: {}", causes(error.as_ref())));
                }
            }
        }
        if scores.is_empty() {
            return Err(anyhow!(
                "nothing was scored: no label map of {} has a prediction of the same name and on \
                 the same grid in {}",
                self.truth.display(),
                self.predictions.display()
            ));
        }
        let front = |score: &TestScore| vec![score.case.to_string(), score.organ.to_string()];
        let rows = scores.iter().map(|score| (front(score), &score.scores));
        write_scores(&self.out, &["case", "organ"], rows, false)?;
        let inputs = [self.truth.as_path(), &self.predictions];
        provenance::of_command(
            &self.out,
            "evaluate",
            &(&options, &self.labels),
            &inputs,
            &Device::flex(),
        )?;
        print_summary(scores)?;
        Ok(if n_failed == 0 {
            Done::Clean
        } else {
            Done::Findings
        })
    }
}

/// A truth's name without what marks it as one.
fn case_name(truth: &NamedScan) -> String {
    let mut endings = ["_seg", "_gt"].iter();
    let bare = endings.find_map(|ending| truth.name.strip_suffix(ending));
    bare.unwrap_or(&truth.name).to_owned()
}

fn score_pair(
    truth: &NamedScan,
    predicted: &NamedScan,
    organs: Option<&OrganMap>,
    options: &ScoreOptions,
) -> anyhow::Result<Vec<TestScore>> {
    let case = CaseId::new(case_name(truth))?;
    let (truth, predicted) = (
        read_nifti_labels(&truth.path)?.volume,
        read_nifti_labels(&predicted.path)?.volume,
    );
    same_grid(
        truth.grid(),
        predicted.grid(),
        default_tolerance_mm(truth.grid()),
    )?;
    let organs = organs
        .cloned()
        .map_or_else(|| organs_found(truth.voxels()), Ok)?;
    let table = organs.store_values();
    let mapped = |labels: Vec<u16>| -> Vec<u8> {
        let values = labels.iter().map(|label| table[usize::from(*label)]);
        values.collect()
    };
    let (spacing_mm, shape) = (truth.grid().spacing_mm(), truth.shape());
    let (truth, predicted) = (mapped(truth.into_voxels()), mapped(predicted.into_voxels()));
    let scored = organs.organs().enumerate().map(|(organ_idx, organ)| {
        let value = organs.store_value(organ_idx);
        let truth = Mask::new(&truth, value, shape)?;
        let predicted = Mask::new(&predicted, value, shape)?;
        Ok(TestScore {
            case: case.clone(),
            organ: organ.clone(),
            scores: score_masks(&truth, &predicted, spacing_mm, options)?,
        })
    });
    scored.collect()
}

/// An organ for each value of a label map.
fn organs_found(labels: &[u16]) -> anyhow::Result<OrganMap> {
    let values: BTreeSet<u16> = labels.iter().copied().filter(|value| *value > 0).collect();
    let named = values
        .into_iter()
        .map(|value| Ok((Organ::new(format!("label_{value}"))?, vec![value])));
    Ok(OrganMap::new(named.collect::<anyhow::Result<Vec<_>>>()?)?)
}

fn print_summary(scores: Vec<TestScore>) -> std::io::Result<()> {
    let scores: Vec<(String, TestScore)> = scores
        .into_iter()
        .map(|score| ("predictions".to_owned(), score))
        .collect();
    let rows: Vec<SummaryRow> = summary_rows(scores.iter().map(|(arm, score)| OfTraining {
        arm,
        seed: 0,
        score,
    }));
    let shown = [Metric::Dice, Metric::Hd95, Metric::Nsd];
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|row| shown.contains(&row.metric))
        .collect();
    bars::print(&table::to_text(&rows))
}
