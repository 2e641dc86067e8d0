//! DICOM data sets: read from files as they are found, not only as the standard wants them.
//!
//! The parser is our own, because files in use break what the `dicom-object` crate (0.10) takes for
//! granted: sequences with VR UN, whose content is in implicit little endian (PS3.5 6.2.2); missing
//! preambles, meta groups and group lengths; padding behind the data. And because no value is given
//! more memory than the file has bytes for it, whatever its length field says. What is read takes
//! some ten times the file's size at most (a file of nothing but empty elements), usually its size.
//!
//! # Sources
//!
//! PS3.5 6.2 (VRs), 7.1 (elements), 7.5 (sequences), A.4 (fragments); PS3.10 7.1 (meta
//! information).

mod element;
mod encoding;
mod file;
mod input;
mod parser;
mod writing;

pub(super) use super::data_set_error::DataSetError;
pub(super) use element::{DataSet, Element, Value};
pub(crate) use file::begins_like_dicom;
pub(super) use file::{Keep, LONGEST_START, open, starts_like_dicom};
pub(super) use writing::Syntax;
