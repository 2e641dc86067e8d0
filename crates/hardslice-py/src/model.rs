//! A trained model.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;
use hardslice::data::preprocess::ScanSlices;
use hardslice::train::{ComputeDevice, Model as Trained, logits, predict};
use hardslice::volume::{Grid, PerAxis, Placement, Scan, read_scan};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray3, PyReadonlyArray4, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::json;

use crate::failure::in_json;
use crate::work::work;

/// A model that was read from its folder.
#[pyclass(frozen, module = "hardslice._hardslice")]
pub(crate) struct Model {
    /// One call at a time: a net computes with all threads.
    trained: Mutex<Trained>,
}

/// A label map, the axes of its file from the slowest to the fastest, and its shape.
type Predicted<'py> = Bound<'py, PyAny>;

#[pymethods]
impl Model {
    #[new]
    fn new(py: Python<'_>, dir: PathBuf, device: &str) -> PyResult<Self> {
        let device: ComputeDevice = device
            .parse()
            .map_err(|error| PyValueError::new_err(format!("{error}")))?;
        let trained = work(py, None, |_watch| {
            let device = device.open()?;
            Ok(Trained::read(&dir, &device)?)
        })?;
        Ok(Self {
            trained: Mutex::new(trained),
        })
    }

    /// The record of the model as JSON.
    fn record(&self) -> PyResult<String> {
        let trained = self.trained.lock().unwrap_or_else(PoisonError::into_inner);
        let record = &trained.record;
        let organs = record.organ_names().zip(record.outputs());
        let organs = organs.map(|(organ, output)| (organ.as_str(), record.label_value(output)));
        in_json(&json!({
            "organs": organs.collect::<Vec<_>>(),
            "size": record.size,
            "window_hu": record.window_hu,
            "n_channels": record.stack().n_channels(),
            "leaky": record.leaky,
        }))
    }

    /// Predicts voxels `[k, j, i]` with the affine of `(i, j, k)`.
    fn predict_array<'py>(
        &self,
        py: Python<'py>,
        voxels: PyReadonlyArray3<'py, f32>,
        world_from_voxel: [[f64; 4]; 3],
        largest_component: bool,
        flip_averaging: bool,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Predicted<'py>> {
        let shape = voxels.shape();
        let grid = Grid {
            shape: PerAxis::new(shape[0], shape[1], shape[2]),
            world_from_voxel,
        };
        let voxels = voxels.as_slice()?.to_vec();
        let scan = work(py, None, |_watch| {
            let n_odd = voxels.iter().filter(|voxel| !voxel.is_finite()).count();
            if n_odd > 0 {
                return Err(anyhow!(
                    "{n_odd} voxels are NaN or infinite: they are no Hounsfield units; fill what was not \
                     scanned with -1024"
                ));
            }
            Ok(Scan::from_native(Placement::new(grid)?, voxels)?)
        })?;
        self.predict_scan(py, &scan, largest_component, flip_averaging, progress)
    }

    /// Predicts a file, or the series of a folder.
    fn predict_path<'py>(
        &self,
        py: Python<'py>,
        path: PathBuf,
        largest_component: bool,
        flip_averaging: bool,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Predicted<'py>> {
        let scan = work(py, None, |_watch| Ok(read_scan(&path)?))?;
        self.predict_scan(py, &scan, largest_component, flip_averaging, progress)
    }

    /// What the net says of `[n, channels, size, size]`, on its own scale.
    fn logits<'py>(
        &self,
        py: Python<'py>,
        images: PyReadonlyArray4<'py, f32>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let given = images.shape().to_vec();
        let inputs = images.as_slice()?;
        let (values, shape) = work(py, None, |_watch| {
            let trained = self.trained.lock().unwrap_or_else(PoisonError::into_inner);
            let record = &trained.record;
            let (size, n_channels) = (record.size, record.stack().n_channels());
            if given[1..] != [n_channels, size, size] {
                return Err(anyhow::anyhow!(
                    "the batch has the shape {given:?}, wanted [n, {n_channels}, {size}, {size}]"
                ));
            }
            let shape = [given[0], record.organs.len(), size, size];
            Ok((logits(&trained, inputs, given[0]), shape))
        })?;
        Ok(PyArray1::from_vec(py, values).reshape(shape)?.into_any())
    }
}

impl Model {
    fn predict_scan<'py>(
        &self,
        py: Python<'py>,
        scan: &Scan<f32>,
        largest_component: bool,
        flip_averaging: bool,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Predicted<'py>> {
        let labels = work(py, progress, |watch| {
            let trained = self.trained.lock().unwrap_or_else(PoisonError::into_inner);
            let source = ScanSlices::new(&scan.volume, trained.record.preprocessing())?;
            let mut options = trained.record.predict;
            options.largest_component |= largest_component;
            options.flip_averaging |= flip_averaging;
            let n = scan.volume.shape().z as u64;
            let predicted = predict(&trained, &source, &options, &|done| {
                watch.progress("predict", done as u64, n);
            })?;
            Ok(scan.placement.to_native(&predicted.labels)?)
        })?;
        let shape = scan.placement.native.shape.zyx();
        Ok(PyArray1::from_vec(py, labels).reshape(shape)?.into_any())
    }
}
