//! The program within the interpreter.

use std::ffi::OsString;

use hardslice::program::main;
use pyo3::prelude::*;

/// Runs the program with its arguments, the first of them its own name, and gives its exit status.
#[pyfunction]
pub(crate) fn program(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| main(arguments))
}
