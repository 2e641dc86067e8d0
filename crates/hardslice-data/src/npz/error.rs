//! What can be wrong with an archive of probabilities.

use std::io;
use std::path::{Path, PathBuf};

use hardslice_volume::{FileError, PerAxis};
use thiserror::Error;

/// An archive whose probabilities cannot be read.
#[derive(Debug, Error)]
pub enum NpzError {
    /// It cannot be opened or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no archive, or a broken one.
    #[error(
        "it is no archive that numpy.savez could have written, or only a part of one (a copy that \
         broke off, a full disk?): write it again: {}", path.display()
    )]
    Archive {
        /// What the archive lacks.
        source: rawzip::Error,
        /// The file.
        path: PathBuf,
    },
    /// The array is packed in a way that `numpy` does not pack.
    #[error(
        "the array `{array}` is packed by method {method} of zip archives, wanted 0 or 8, as numpy.savez \
         and numpy.savez_compressed do: {}", path.display()
    )]
    Method {
        /// The array.
        array: String,
        /// The method's number.
        method: u16,
        /// The file.
        path: PathBuf,
    },
    /// It has no array of the name.
    #[error(
        "it holds {found}, and no array `probabilities` (or `softmax`): {}", path.display()
    )]
    NoArray {
        /// The names of what it holds.
        found: String,
        /// The file.
        path: PathBuf,
    },
    /// The array's header is none.
    #[error("the array `{array}` has no header as numpy writes it: {}", path.display())]
    Header {
        /// The array.
        array: String,
        /// The file.
        path: PathBuf,
    },
    /// The array holds no numbers that probabilities could be.
    #[error(
        "the array `{array}` is of type `{found}`, wanted float16, float32 or float64: {}",
        path.display()
    )]
    Element {
        /// The array.
        array: String,
        /// `numpy`'s name of its type.
        found: String,
        /// The file.
        path: PathBuf,
    },
    /// The array's first axis is the fastest.
    #[error(
        "the array `{array}` is in the order of Fortran: save numpy.ascontiguousarray of it: {}",
        path.display()
    )]
    Fortran {
        /// The array.
        array: String,
        /// The file.
        path: PathBuf,
    },
    /// The array is of another grid.
    #[error(
        "the array `{array}` has the shape {found:?}, and its label map {}: wanted (classes, {}, {}, \
         {}). nnU-Net 1 wrote probabilities of a part of the scan; predict with nnU-Net 2: {}",
        .wanted, .wanted.z, .wanted.y, .wanted.x, path.display()
    )]
    Shape {
        /// The array.
        array: String,
        /// Its shape.
        found: Vec<usize>,
        /// Of the label map, slowest axis first.
        wanted: PerAxis<usize>,
        /// The file.
        path: PathBuf,
    },
    /// The array is shorter or longer than its header says.
    #[error(
        "the array `{array}` ends {}: it was not written to its end, or changed since: {}",
        if *is_short { "too early" } else { "later than its header says" }, path.display()
    )]
    Length {
        /// The array.
        array: String,
        /// Whether elements are missing.
        is_short: bool,
        /// The file.
        path: PathBuf,
    },
    /// What is stored is not what was written.
    #[error("the array `{array}` is damaged: write it again: {}", path.display())]
    Damaged {
        /// The array.
        array: String,
        /// What the archive says.
        source: io::Error,
        /// The file.
        path: PathBuf,
    },
    /// A value is no probability.
    #[error(
        "the probability of class {class} is {value} at (z, y, x) = {at:?} of the array `{array}`, wanted \
         0 to 1: {}", path.display()
    )]
    Value {
        /// The array.
        array: String,
        /// What it is.
        value: f32,
        /// Of which class.
        class: usize,
        /// Where.
        at: [usize; 3],
        /// The file.
        path: PathBuf,
    },
    /// The probabilities of a voxel are not those of one of the classes.
    #[error(
        "the probabilities sum to {sum} at (z, y, x) = {at:?} of the array `{array}`, wanted 1: they are \
         logits, or of regions that overlap (nnU-Net's region-based training), which are not read: {}",
        path.display()
    )]
    Sum {
        /// The array.
        array: String,
        /// Their sum.
        sum: f32,
        /// Where.
        at: [usize; 3],
        /// The file.
        path: PathBuf,
    },
}

impl NpzError {
    /// An archive's error where the array `array` was read.
    pub(super) fn within(source: io::Error, array: &str, path: &Path) -> Self {
        let (array, path) = (array.to_owned(), path.to_owned());
        match source.kind() {
            io::ErrorKind::UnexpectedEof => Self::Length {
                array,
                is_short: true,
                path,
            },
            _ => Self::Damaged {
                array,
                source,
                path,
            },
        }
    }
}
