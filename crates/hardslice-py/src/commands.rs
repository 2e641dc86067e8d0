//! Commands of the program that Python runs, with a callback in place of a terminal.

use std::ffi::OsString;
use std::sync::Arc;

use hardslice::host::Host;
use hardslice::program::run_for;
use pyo3::prelude::*;

use crate::work::{Watch, work};

/// Runs `phantom`, `prepare`, `run`, `compare`, `sweep` or `report` with the arguments of the command line,
/// the first of them the program's name. Gives whether all is well.
#[pyfunction]
pub(crate) fn command(
    py: Python<'_>,
    arguments: Vec<OsString>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<bool> {
    work(py, progress, |watch: &Arc<Watch>| {
        let host: Arc<dyn Host> = Arc::<Watch>::clone(watch);
        run_for(host, arguments)
    })
}
