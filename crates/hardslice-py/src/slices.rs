//! Pixel counts of slices.

use std::path::PathBuf;

use hardslice::data::mining::SliceScore;
use hardslice::data::{Organ, OrganMap};
use hardslice::eval::ScoreOptions;
use hardslice::evaluation::Evaluation;
use hardslice::label_maps::{LabelMaps, LabelValue};
use hardslice::volume::PerAxis;
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::arrays::{Job, of_one_shape, on_both};
use crate::evaluate::{GivenOrgan, failures_in_json, organ_map};
use crate::failure::in_json;
use crate::work::work;

/// Counts of two arrays, slices along their first axis, as JSON.
#[pyfunction]
pub(crate) fn count_arrays(
    truth: &Bound<'_, PyAny>,
    predicted: &Bound<'_, PyAny>,
    organs: Option<Vec<GivenOrgan>>,
    ignored: Vec<u16>,
) -> PyResult<String> {
    let counting = Counting {
        organs: organ_map(organs)?,
        ignored,
    };
    let arrays = of_one_shape(truth, predicted)?;
    // Counts of pixels know no distances.
    let spacing_mm = PerAxis::new(1.0, 1.0, 1.0);
    let (organs, scores) = on_both(truth.py(), &arrays, spacing_mm, &counting)?;
    in_json(&counts(&organs, &scores))
}

struct Counting {
    organs: Option<OrganMap>,
    ignored: Vec<u16>,
}

impl Job for Counting {
    type Made = (Vec<Organ>, Vec<SliceScore>);

    fn of<T: LabelValue>(&self, maps: &LabelMaps<'_, T>) -> anyhow::Result<Self::Made> {
        maps.count_slices(self.organs.as_ref(), &self.ignored)
    }
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
    let organs = organ_map(organs)?;
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
    in_json(&json!({
        "cases": cases.collect::<Vec<_>>(),
        "failures": failures_in_json(&counted.failures),
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
