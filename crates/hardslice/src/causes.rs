//! Errors in words, with their causes.

use std::error::Error;

use hardslice_volume::dicom::DerivedError;
use hardslice_volume::{Action, FileError, WriteError};

/// An error with its causes, one a line, each said once.
///
/// ```
/// use std::path::Path;
///
/// use hardslice::causes::causes;
/// use hardslice::volume::read_scan;
///
/// let refused = read_scan(Path::new("nowhere.nii.gz")).unwrap_err();
/// assert!(causes(&refused).contains("nowhere.nii.gz"));
/// ```
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str("\n  because: ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

/// Whether the file system refused to take a file: on a full disk there is nothing to go on with.
pub(crate) fn is_refused_writing(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_volume = match cause.downcast_ref::<WriteError>() {
            Some(WriteError::File(file)) => Some(file),
            _ => None,
        };
        let of_dicom = match cause.downcast_ref::<DerivedError>() {
            Some(DerivedError::File(file)) => Some(file),
            _ => None,
        };
        let file = cause.downcast_ref::<FileError>();
        let file = file.or(of_volume).or(of_dicom);
        file.is_some_and(|file| file.action == Action::Write)
    })
}
