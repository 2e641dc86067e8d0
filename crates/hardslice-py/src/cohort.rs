//! What is wrong with a cohort.

use std::path::PathBuf;

use hardslice::data::audit::{AuditOptions, audit as audit_of};
use hardslice::data::manifest::{ReadOptions, read_with};
use pyo3::prelude::*;
use serde_json::json;

use crate::evaluate::{GivenOrgan, organ_map};
use crate::failure::in_json;
use crate::work::work;

/// An audit as JSON: `rows` and the cases.
#[pyfunction]
pub(crate) fn audit(
    py: Python<'_>,
    cohort: PathBuf,
    organs: Option<Vec<GivenOrgan>>,
    grid_tolerance_mm: Option<f64>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let organs = organ_map(organs)?;
    let report = work(py, progress, |watch| {
        let options = ReadOptions {
            organs: organs.as_ref(),
            ..ReadOptions::default()
        };
        let manifest = read_with(&cohort, &options)?;
        let options = AuditOptions {
            grid_tolerance_mm,
            ..AuditOptions::default()
        };
        Ok(audit_of(&manifest, &options, &|progress| {
            watch.progress("audit", progress.n_over as u64, progress.n_cases as u64);
        }))
    })?;
    let cases = report.cases.iter().map(|case| case.case.as_str());
    in_json(&json!({
        "rows": report.rows().collect::<Vec<_>>(),
        "cases": cases.collect::<Vec<_>>(),
    }))
}
