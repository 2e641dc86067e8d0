//! Pixel counts of slices.

use std::path::PathBuf;

use hardslice::data::Organ;
use hardslice::data::mining::SliceScore;
use hardslice::eval::ScoreOptions;
use hardslice::evaluation::Evaluation;
use hardslice::label_doubts::{Outside, doubts, seen_in};
use hardslice::label_maps::{LabelMaps, LabelValue};
use hardslice::volume::PerAxis;
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::arrays::{Job, of_one_shape, on_both};
use crate::evaluate::{GivenLabels, KnownLabels, failures_in_json, of_values};
use crate::failure::in_json;
use crate::work::work;

/// Counts of two arrays, slices along their first axis, as JSON.
#[pyfunction]
pub(crate) fn count_arrays(
    truth: &Bound<'_, PyAny>,
    predicted: &Bound<'_, PyAny>,
    labels: GivenLabels,
) -> PyResult<String> {
    let counting = Counting(labels.known()?);
    let arrays = of_one_shape(truth, predicted)?;
    // Counts of pixels know no distances.
    let spacing_mm = PerAxis::new(1.0, 1.0, 1.0);
    let ((organs, scores), outside) = on_both(truth.py(), &arrays, spacing_mm, &counting)?;
    let doubts = doubts(seen_in(&organs, &scores), &outside);
    in_json(&json!({ "counts": counts(&organs, &scores), "doubts": of_values(&doubts) }))
}

struct Counting(KnownLabels);

impl Job for Counting {
    type Made = ((Vec<Organ>, Vec<SliceScore>), Outside);

    fn of<T: LabelValue>(&self, maps: &LabelMaps<'_, T>) -> anyhow::Result<Self::Made> {
        let meaning = self.0.meaning();
        maps.with_one_meaning(&meaning, |maps| {
            maps.count_slices(meaning.organs, meaning.ignored)
        })
    }
}

/// Counts of files or folders, as JSON.
#[pyfunction]
#[pyo3(signature = (truth, predictions, scans, grid_tolerance_mm, labels, progress))]
pub(crate) fn count_paths(
    py: Python<'_>,
    truth: PathBuf,
    predictions: PathBuf,
    scans: Option<PathBuf>,
    grid_tolerance_mm: Option<f64>,
    labels: GivenLabels,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let labels = labels.known()?;
    let counted = work(py, progress, |watch| {
        let evaluation = Evaluation {
            truth: &truth,
            predictions: &predictions,
            scans: scans.as_deref(),
            meaning: labels.meaning(),
            grid_tolerance_mm,
            options: &ScoreOptions::default(),
        };
        evaluation.count_slices(watch.as_ref())
    })?;
    let cases = counted.cases.iter();
    let cases = cases.map(|case| {
        let counts = counts(&case.organs, &case.scores);
        json!({ "case": case.case.as_str(), "counts": counts })
    });
    in_json(&json!({
        "cases": cases.collect::<Vec<_>>(),
        "failures": failures_in_json(&counted.failures),
        "doubts": of_values(&counted.doubts()),
    }))
}

/// `z, organ, truth_px, predicted_px, shared_px` of each score.
fn counts(organs: &[Organ], scores: &[SliceScore]) -> Value {
    let rows = scores.iter().map(|score| {
        json!([
            score.slice.z,
            organs[score.output.idx()].as_str(),
            score.n_truth,
            score.n_predicted,
            score.n_shared,
        ])
    });
    Value::Array(rows.collect())
}
