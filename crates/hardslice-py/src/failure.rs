//! Errors of the crates as exceptions.

use std::any::Any;
use std::io;

use hardslice::causes::causes;
use pyo3::exceptions::{
    PyFileExistsError, PyFileNotFoundError, PyOSError, PyPermissionError, PyRuntimeError,
    PyValueError,
};
use pyo3::{PyErr, PyResult};
use serde::Serialize;

/// An error as the exception that suits it, with the whole chain of causes as its message: what the
/// operating system refused is an `OSError`, everything else bad input, a `ValueError`.
pub(crate) fn exception(error: &anyhow::Error) -> PyErr {
    let message = causes(error.as_ref());
    let refused = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<io::Error>());
    match refused.map(io::Error::kind) {
        Some(io::ErrorKind::NotFound) => PyFileNotFoundError::new_err(message),
        Some(io::ErrorKind::PermissionDenied) => PyPermissionError::new_err(message),
        Some(io::ErrorKind::AlreadyExists) => PyFileExistsError::new_err(message),
        // What a decoder makes of a file's content is no refusal of the system.
        Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) | None => {
            PyValueError::new_err(message)
        }
        Some(_) => PyOSError::new_err(message),
    }
}

/// A panic as an exception: something in hardslice is not as it must be.
pub(crate) fn broken(payload: &(dyn Any + Send)) -> PyErr {
    let said = payload.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| payload.downcast_ref::<&str>().copied());
    PyRuntimeError::new_err(format!(
        "a fault in hardslice itself, please report it: {}",
        said.unwrap_or("a panic without a message")
    ))
}

/// A result as JSON, whose fields are those of the files.
pub(crate) fn in_json<T: Serialize>(result: &T) -> PyResult<String> {
    serde_json::to_string(result).map_err(|error| exception(&error.into()))
}
