//! Padding a batch to a size that halves evenly, and cropping back.

use burn::tensor::Tensor;
use hardslice_kernels::ops::canvas::canvas;

/// Adds zeros below and to the right until height and width are multiples of `multiple`.
pub(super) fn pad_to_multiple(x: Tensor<4>, multiple: usize) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let [height, width] = [height, width].map(|size| size.next_multiple_of(multiple));
    canvas(x, height, width)
}

/// Takes away what [`pad_to_multiple`] added.
pub(super) fn crop(x: Tensor<4>, height: usize, width: usize) -> Tensor<4> {
    canvas(x, height, width)
}
