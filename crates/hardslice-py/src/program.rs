//! The program within the interpreter.

use std::ffi::OsString;
use std::path::PathBuf;

use hardslice::program::main_of_package;
use pyo3::prelude::*;

/// Runs the program with its arguments, the first of them its own name, and gives its exit status.
/// `package` is the folder of this Python package.
#[pyfunction]
pub(crate) fn program(py: Python<'_>, arguments: Vec<OsString>, package: PathBuf) -> u8 {
    py.detach(|| main_of_package(arguments, Some(&package)))
}
