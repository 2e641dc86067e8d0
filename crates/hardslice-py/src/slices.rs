//! Pixel counts of slices.

use std::path::PathBuf;

use hardslice::data::Organ;
use hardslice::data::mining::SliceScore;
use hardslice::eval::ScoreOptions;
use hardslice::evaluation::Evaluation;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::arrays::{LabelArray, count};
use crate::evaluate::{GivenOrgan, organ_map};
use crate::failure::{exception, in_json};
use crate::work::work;

/// Counts of two arrays, slices along their first axis, as JSON.
#[pyfunction]
pub(crate) fn count_arrays(
    truth: &Bound<'_, PyAny>,
    predicted: &Bound<'_, PyAny>,
    organs: Option<Vec<GivenOrgan>>,
    ignored: Vec<u16>,
) -> PyResult<String> {
    let organs = organ_map(organs).map_err(|error| exception(&error))?;
    let py = truth.py();
    let (truth, predicted) = (LabelArray::of(truth)?, LabelArray::of(predicted)?);
    if truth.shape() != predicted.shape() {
        return Err(PyValueError::new_err("the arrays have different shapes"));
    }
    let (organs, scores) = count(py, &truth, &predicted, organs.as_ref(), &ignored)?;
    in_json(&counts(&organs, &scores))
}

/// Counts of files or folders, as JSON.
#[pyfunction]
#[pyo3(signature = (truth, predictions, scans, grid_tolerance_mm, organs, ignored, progress))]
pub(crate) fn count_paths(
    py: Python<'_>,
    truth: PathBuf,
    predictions: PathBuf,
    scans: Option<PathBuf>,
    grid_tolerance_mm: Option<f64>,
    organs: Option<Vec<GivenOrgan>>,
    ignored: Vec<u16>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let organs = organ_map(organs).map_err(|error| exception(&error))?;
    let counted = work(py, progress, |watch| {
        let evaluation = Evaluation {
            truth: &truth,
            predictions: &predictions,
            scans: scans.as_deref(),
            organs: organs.as_ref(),
            ignored: &ignored,
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
    let failures = counted.failures.iter();
    let failures =
        failures.map(|(case, because)| json!({ "case": case.as_str(), "because": because }));
    in_json(&json!({
        "cases": cases.collect::<Vec<_>>(),
        "failures": failures.collect::<Vec<_>>(),
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
