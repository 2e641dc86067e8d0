//! Padding a batch to a size that halves evenly, and cropping back.

use burn::tensor::Tensor;

/// Adds zeros below and to the right until height and width are multiples of `multiple`.
pub(super) fn pad_to_multiple(x: Tensor<4>, multiple: usize) -> Tensor<4> {
    let [n, channels, height, width] = x.dims();
    let [below, right] = [height, width].map(|size| size.next_multiple_of(multiple) - size);
    let device = x.device();
    let x = match below {
        0 => x,
        _ => Tensor::cat(
            vec![x, Tensor::zeros([n, channels, below, width], &device)],
            2,
        ),
    };
    match right {
        0 => x,
        _ => Tensor::cat(
            vec![
                x,
                Tensor::zeros([n, channels, height + below, right], &device),
            ],
            3,
        ),
    }
}

/// Takes away what [`pad_to_multiple`] added.
pub(super) fn crop(x: Tensor<4>, height: usize, width: usize) -> Tensor<4> {
    let [n, channels, padded_height, padded_width] = x.dims();
    if (padded_height, padded_width) == (height, width) {
        return x;
    }
    x.slice([0..n, 0..channels, 0..height, 0..width])
}
