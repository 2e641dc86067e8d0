//! Label maps in `NumPy`'s arrays, seen without copying.

use anyhow::anyhow;
use hardslice::label_maps::{LabelMaps, LabelValue};
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

        /// Does a job with two arrays of one shape; without a copy where they are of one type.
        pub(crate) fn on_both<J: Job>(
            py: Python<'_>,
            [truth, predicted]: &[LabelArray<'_>; 2],
            spacing_mm: PerAxis<f64>,
            job: &J,
        ) -> PyResult<J::Made> {
            let shape = truth.shape();
            match (truth, predicted) {
                $((LabelArray::$name(truth), LabelArray::$name(predicted)) => {
                    let (truth, predicted) = (truth.as_slice()?, predicted.as_slice()?);
                    let maps = LabelMaps { truth, predicted, shape, spacing_mm };
                    work(py, None, |_watch| job.of(&maps))
                }),*
                _ => {
                    let truth = truth.widened().map_err(|error| exception(&error))?;
                    let predicted = predicted.widened().map_err(|error| exception(&error))?;
                    let (truth, predicted) = (&*truth, &*predicted);
                    let maps = LabelMaps { truth, predicted, shape, spacing_mm };
                    work(py, None, |_watch| job.of(&maps))
                }
            }
        }
    };
}

label_arrays!(U8: u8, I8: i8, U16: u16, I16: i16, U32: u32, I32: i32, U64: u64, I64: i64);

/// Two arrays that must be of one shape.
pub(crate) fn of_one_shape<'py>(
    truth: &Bound<'py, PyAny>,
    predicted: &Bound<'py, PyAny>,
) -> PyResult<[LabelArray<'py>; 2]> {
    let arrays = [LabelArray::of(truth)?, LabelArray::of(predicted)?];
    if arrays[0].shape() != arrays[1].shape() {
        return Err(PyValueError::new_err("the arrays have different shapes"));
    }
    Ok(arrays)
}

/// What is made of two label maps, whatever their type.
pub(crate) trait Job: Sync {
    /// What comes of it.
    type Made: Send;

    /// Does it.
    fn of<T: LabelValue>(&self, maps: &LabelMaps<'_, T>) -> anyhow::Result<Self::Made>;
}
