//! A prepared cohort: its records. Slices are seen through `NumPy`'s own maps of its files.

use std::path::PathBuf;

use hardslice::data::store::Store;
use pyo3::prelude::*;
use serde_json::json;

use crate::failure::in_json;
use crate::work::work;

/// Opens a store, checks type, shape and length of every file (and, with `verify`, their hashes), and
/// gives its record as JSON.
#[pyfunction]
pub(crate) fn open_store(py: Python<'_>, dir: PathBuf, verify: bool) -> PyResult<String> {
    let store = work(py, None, |_watch| {
        let opened = if verify {
            Store::open_verified(&dir)
        } else {
            Store::open(&dir)
        };
        Ok(opened?)
    })?;
    let cases = store.cases().iter().map(|case| {
        json!({
            "id": case.id.as_str(),
            "patient": case.patient.as_str(),
            "n_slices": case.n_slices,
            "spacing_mm": case.spacing_mm.zyx(),
            "organs_annotated": case.organs_annotated,
            "has_labels": case.has_labels(),
            "image": case.source.image,
            "labels": case.source.labels,
        })
    });
    in_json(&json!({
        "size": store.size(),
        "window_hu": store.options().window_hu,
        "organs": store.organs().organs().collect::<Vec<_>>(),
        "content_hash": store.content_hash(),
        "cases": cases.collect::<Vec<_>>(),
    }))
}
