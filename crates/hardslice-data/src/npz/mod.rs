//! Probabilities of classes as nnU-Net keeps them: an array `[classes, z, y, x]` in an `.npz` archive.
//!
//! `numpy.savez` and `numpy.savez_compressed` write a zip archive with a `.npy` file for each array. It
//! is read class by class, so that only one class of a scan is in memory, and every value is checked:
//! it is a probability, and those of a voxel sum to 1.

mod error;
mod header;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::DeflateDecoder;
use hardslice_volume::{Action, PerAxis};
use rawzip::{CompressionMethod, ErrorKind, RECOMMENDED_BUFFER_SIZE, ZipArchive};

pub use error::NpzError;
use header::{Element, Header, NoHeader};

/// The arrays that are looked for: nnU-Net 2 writes the first, nnU-Net 1 the second.
const ARRAYS: [&str; 2] = ["probabilities", "softmax"];

/// How far a probability may lie outside 0 to 1, and the sum of a voxel's from 1: sums of float16.
const TOLERANCE: f32 = 0.02;

/// A class whose probabilities are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Its place among the classes.
    pub index: usize,
    /// How many there are.
    pub n: usize,
    /// Voxels along the array's axes.
    pub shape: PerAxis<usize>,
}

/// Reads the probabilities of a scan and hands them over class by class: the class, and its
/// probabilities `[z, y, x]`. Gives how many classes there are.
///
/// `shapes` are those that the scan can have; the file must have one of them.
///
/// ```no_run
/// use hardslice_data::npz::each_class;
/// use hardslice_volume::PerAxis;
///
/// let mut highest = 0.0;
/// let shape = PerAxis::new(120, 512, 512);
/// let n_classes = each_class("case_01.npz".as_ref(), &[shape], |class, probabilities| {
///     if class.index == 1 {
///         highest = probabilities.iter().copied().fold(0.0, f32::max);
///     }
/// })?;
/// # Ok::<(), hardslice_data::npz::NpzError>(())
/// ```
///
/// # Errors
///
/// [`NpzError`]: the file cannot be read, is no such archive, holds no such array, one of another shape
/// or type, a value that is no probability, or some that do not sum to 1. What was handed over before
/// an error means nothing.
pub fn each_class(
    path: &Path,
    shapes: &[PerAxis<usize>],
    mut take: impl FnMut(Class, Vec<f32>),
) -> Result<usize, NpzError> {
    let file = File::open(path).map_err(Action::Read.on(path))?;
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_file(file, &mut buffer).map_err(|error| in_zip(error, path))?;
    let mut entries = archive.entries(&mut buffer);
    let (mut found, mut names) = (None, Vec::new());
    while let Some(entry) = entries.next_entry().map_err(|error| in_zip(error, path))? {
        let name = String::from_utf8_lossy(entry.file_path().as_ref()).into_owned();
        if let Some(array) = ARRAYS.iter().find(|array| name == format!("{array}.npy")) {
            found = Some((*array, entry.wayfinder(), entry.compression_method()));
            break;
        }
        if names.len() < 5 {
            names.push(name);
        }
    }
    let Some((array, wayfinder, method)) = found else {
        return Err(NpzError::NoArray {
            found: if names.is_empty() {
                "nothing".to_owned()
            } else {
                names.join(", ")
            },
            path: path.to_owned(),
        });
    };
    let entry = archive
        .get_entry(wayfinder)
        .map_err(|error| in_zip(error, path))?;
    let packed = entry.reader();
    let bytes: Box<dyn Read + '_> = match method {
        CompressionMethod::STORE => Box::new(packed),
        CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(BufReader::new(packed))),
        method => {
            return Err(NpzError::Method {
                array: array.to_owned(),
                method: method.as_u16(),
                path: path.to_owned(),
            });
        }
    };
    let bytes = BufReader::new(entry.verifying_reader(bytes));
    let mut classes = Classes::open(bytes, array, shapes, path)?;
    let shape = classes.shape;
    let mut sums = vec![0.0; shape.n_voxels()];
    for index in 0..classes.n {
        let probabilities = classes.next(index)?;
        for (sum, probability) in sums.iter_mut().zip(&probabilities) {
            *sum += probability;
        }
        let n = classes.n;
        take(Class { index, n, shape }, probabilities);
    }
    classes.finish()?;
    // Not `> TOLERANCE`, which no NaN is.
    let is_one = |sum: &f32| (sum - 1.0).abs() <= TOLERANCE;
    match sums.iter().position(|sum| !is_one(sum)) {
        None => Ok(classes.n),
        Some(voxel) => Err(NpzError::Sum {
            array: array.to_owned(),
            sum: sums[voxel],
            at: place(voxel, shape),
            path: path.to_owned(),
        }),
    }
}

fn in_zip(source: rawzip::Error, path: &Path) -> NpzError {
    let is_of_system = matches!(source.kind(), ErrorKind::IO(error) if error.kind() != io::ErrorKind::UnexpectedEof);
    match source.into_kind() {
        ErrorKind::IO(error) if is_of_system => NpzError::File(Action::Read.on(path)(error)),
        kind => NpzError::Archive {
            source: kind.into(),
            path: path.to_owned(),
        },
    }
}

/// The place `(z, y, x)` of a voxel.
fn place(voxel: usize, shape: PerAxis<usize>) -> [usize; 3] {
    let n = shape.n_pixels();
    [voxel / n, voxel % n / shape.x, voxel % shape.x]
}

/// An array that is read class by class.
struct Classes<'a, R> {
    entry: R,
    array: &'static str,
    path: &'a Path,
    element: Element,
    shape: PerAxis<usize>,
    /// Classes.
    n: usize,
}

impl<'a, R: Read> Classes<'a, R> {
    fn open(
        mut entry: R,
        array: &'static str,
        shapes: &[PerAxis<usize>],
        path: &'a Path,
    ) -> Result<Self, NpzError> {
        let header = Header::read(&mut entry).map_err(|no_header| match no_header {
            NoHeader::Read(source) => NpzError::within(source, array, path),
            NoHeader::Invalid => NpzError::Header {
                array: array.to_owned(),
                path: path.to_owned(),
            },
        })?;
        let element = Element::of_descr(&header.descr).ok_or_else(|| NpzError::Element {
            array: array.to_owned(),
            found: header.descr.clone(),
            path: path.to_owned(),
        })?;
        if header.is_fortran {
            return Err(NpzError::Fortran {
                array: array.to_owned(),
                path: path.to_owned(),
            });
        }
        match header.shape.as_slice() {
            &[n, z, y, x] if n > 0 && shapes.contains(&PerAxis::new(z, y, x)) => Ok(Self {
                entry,
                array,
                path,
                element,
                shape: PerAxis::new(z, y, x),
                n,
            }),
            _ => Err(NpzError::Shape {
                array: array.to_owned(),
                found: header.shape,
                wanted: shapes.first().copied().unwrap_or(PerAxis::new(0, 0, 0)),
                path: path.to_owned(),
            }),
        }
    }

    /// The probabilities of the next class, which is `class`.
    fn next(&mut self, class: usize) -> Result<Vec<f32>, NpzError> {
        /// Elements that are read at once.
        const AT_ONCE: usize = 1 << 16;
        let n_voxels = self.shape.n_voxels();
        let mut probabilities = Vec::with_capacity(n_voxels);
        let mut bytes = vec![0; AT_ONCE * self.element.n_bytes()];
        while probabilities.len() < n_voxels {
            let n = AT_ONCE.min(n_voxels - probabilities.len());
            let bytes = &mut bytes[..n * self.element.n_bytes()];
            let read = self.entry.read_exact(bytes);
            read.map_err(|source| NpzError::within(source, self.array, self.path))?;
            append(&mut probabilities, bytes, self.element);
        }
        let is_probability = |value: &f32| (-TOLERANCE..=1.0 + TOLERANCE).contains(value);
        match probabilities
            .iter()
            .position(|value| !is_probability(value))
        {
            None => Ok(probabilities),
            Some(voxel) => Err(NpzError::Value {
                array: self.array.to_owned(),
                value: probabilities[voxel],
                class,
                at: place(voxel, self.shape),
                path: self.path.to_owned(),
            }),
        }
    }

    /// Sees that the array ends here, and that its check sum is right.
    fn finish(&mut self) -> Result<(), NpzError> {
        let read = self.entry.read(&mut [0]);
        match read.map_err(|source| NpzError::within(source, self.array, self.path))? {
            0 => Ok(()),
            _ => Err(NpzError::Length {
                array: self.array.to_owned(),
                is_short: false,
                path: self.path.to_owned(),
            }),
        }
    }
}

fn append(values: &mut Vec<f32>, bytes: &[u8], element: Element) {
    match element {
        Element::F16 => {
            let (elements, _) = bytes.as_chunks();
            values.extend(
                elements
                    .iter()
                    .map(|bytes| half::f16::from_le_bytes(*bytes).to_f32()),
            );
        }
        Element::F32 => {
            let (elements, _) = bytes.as_chunks();
            values.extend(elements.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        }
        Element::F64 => {
            let (elements, _) = bytes.as_chunks();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "24 bits tell probabilities apart"
            )]
            let single = |bytes: &[u8; 8]| f64::from_le_bytes(*bytes) as f32;
            values.extend(elements.iter().map(single));
        }
    }
}
