//! The mean, which all numbers of a comparison are made of.

/// The mean of at least one value.
pub(crate) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len();
    values.sum::<f64>() / n as f64
}
