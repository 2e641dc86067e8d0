//! Sums over planes, in a fixed order.

use burn::tensor::Tensor;

/// Sums each plane: `[n, c, y, x]` to `[n, c]`.
///
/// Differentiable. An empty plane sums to 0.
pub fn plane_sums(x: Tensor<4>) -> Tensor<2> {
    let [n, c, height, width] = x.dims();
    x.reshape([n, c, height * width]).sum_dim(2).reshape([n, c])
}
