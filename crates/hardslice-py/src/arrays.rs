//! Label maps in `NumPy`'s arrays, seen without copying.

use anyhow::anyhow;
use hardslice::data::mining::SliceScore;
use hardslice::data::{Organ, OrganMap};
use hardslice::eval::{CaseScores, ScoreOptions};
use hardslice::label_maps::LabelMaps;
use hardslice::volume::PerAxis;
use numpy::{PyReadonlyArray3, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::failure::exception;
use crate::work::work;

macro_rules! label_arrays {
    ($($name:ident: $integer:ty),*) => {
        /// A label map of one of `NumPy`'s integer types.
        pub(crate) enum LabelArray<'py> {
            $(#[doc = stringify!($integer)] $name(PyReadonlyArray3<'py, $integer>)),*
        }

        impl<'py> LabelArray<'py> {
            /// Fails where the array is of another type, or not in the order of C.
            pub(crate) fn of(array: &Bound<'py, PyAny>) -> PyResult<Self> {
                $(if let Ok(found) = array.extract::<PyReadonlyArray3<'py, $integer>>() {
                    if !found.is_c_contiguous() {
                        return Err(PyValueError::new_err("the array is not in the order of C"));
                    }
                    return Ok(Self::$name(found));
                })*
                Err(PyTypeError::new_err("wanted a three-dimensional array of integers"))
            }

            /// Voxels along each axis.
            pub(crate) fn shape(&self) -> PerAxis<usize> {
                let shape = match self { $(Self::$name(array) => array.shape()),* };
                PerAxis::new(shape[0], shape[1], shape[2])
            }

            /// A copy in the widest type.
            fn widened(&self) -> anyhow::Result<Vec<i64>> {
                #[expect(clippy::allow_attributes, reason = "not of every type")]
                #[allow(clippy::useless_conversion, reason = "the same for i64")]
                match self {
                    $(Self::$name(array) => {
                        let values = array.as_slice()?.iter();
                        values
                            .map(|value| i64::try_from(*value).map_err(|_| {
                                anyhow!("a label map holds the value {value}, wanted 0 to 65535")
                            }))
                            .collect()
                    }),*
                }
            }
        }

        /// Counts the pixels of the slices of two arrays of one shape, along their first axis.
        pub(crate) fn count(
            py: Python<'_>,
            truth: &LabelArray<'_>,
            predicted: &LabelArray<'_>,
            organs: Option<&OrganMap>,
            ignored: &[u16],
        ) -> PyResult<(Vec<Organ>, Vec<SliceScore>)> {
            let shape = truth.shape();
            // Counts of pixels know no distances.
            let spacing_mm = PerAxis::new(1.0, 1.0, 1.0);
            match (truth, predicted) {
                $((LabelArray::$name(truth), LabelArray::$name(predicted)) => {
                    let (truth, predicted) = (truth.as_slice()?, predicted.as_slice()?);
                    let maps = LabelMaps { truth, predicted, shape, spacing_mm };
                    work(py, None, |_watch| maps.count_slices(organs, ignored))
                }),*
                _ => {
                    let truth = truth.widened().map_err(|error| exception(&error))?;
                    let predicted = predicted.widened().map_err(|error| exception(&error))?;
                    let (truth, predicted) = (&*truth, &*predicted);
                    let maps = LabelMaps { truth, predicted, shape, spacing_mm };
                    work(py, None, |_watch| maps.count_slices(organs, ignored))
                }
            }
        }

        /// Scores two arrays of one shape; without a copy where they are of one type.
        pub(crate) fn score(
            py: Python<'_>,
            truth: &LabelArray<'_>,
            predicted: &LabelArray<'_>,
            by: &By<'_>,
        ) -> PyResult<Vec<(Organ, CaseScores)>> {
            let shape = truth.shape();
            match (truth, predicted) {
                $((LabelArray::$name(truth), LabelArray::$name(predicted)) => {
                    let maps = LabelMaps {
                        truth: truth.as_slice()?,
                        predicted: predicted.as_slice()?,
                        shape,
                        spacing_mm: by.spacing_mm,
                    };
                    work(py, None, |_watch| maps.score(by.organs, by.ignored, &by.options))
                }),*
                _ => {
                    let truth = truth.widened().map_err(|error| exception(&error))?;
                    let predicted = predicted.widened().map_err(|error| exception(&error))?;
                    let maps = LabelMaps {
                        truth: &truth,
                        predicted: &predicted,
                        shape,
                        spacing_mm: by.spacing_mm,
                    };
                    work(py, None, |_watch| maps.score(by.organs, by.ignored, &by.options))
                }
            }
        }
    };
}

label_arrays!(U8: u8, I8: i8, U16: u16, I16: i16, U32: u32, I32: i32, U64: u64, I64: i64);

/// What is scored of two arrays, and how.
pub(crate) struct By<'a> {
    /// Along the array's axes.
    pub(crate) spacing_mm: PerAxis<f64>,
    /// Each value found where absent.
    pub(crate) organs: Option<&'a OrganMap>,
    /// Values of the truth that nobody has judged.
    pub(crate) ignored: &'a [u16],
    /// Convention and tolerance.
    pub(crate) options: ScoreOptions,
}
