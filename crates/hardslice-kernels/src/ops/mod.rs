//! The operations that nets are built from, a file each.
//!
//! A file holds what nets call (`max_pool::max_pool2x2`), the operation on the CPU and its gradient,
//! and the same in Burn's own operations (`max_pool::fallback`): for devices without own kernels,
//! and as the oracle of the tests. Names, arguments and shapes are the same.
//!
//! Each operation is an extension of Burn's CPU backend and of its autodiff, and one node of the
//! graph. Between operations a tensor holds a convolution's output; a batch norm and ReLU after it
//! stand in the `PendingNorm` beside it, and the tensor's gradient is that of the activations
//! *after* them. No operation but these sees such a tensor.
//!
//! Shapes are checked once, in what nets call: a mismatch is a mistake in a net's code, not in its
//! input, and panics.

pub mod conv_norm_relu;
pub mod conv_bias;
pub mod conv1x1;
pub mod conv_transpose2x2;
pub mod conv_transpose_bilinear;
pub mod max_pool;
pub mod fork;
pub mod added;
pub mod scaled;
pub mod fold_norm;
pub mod canvas;
pub mod plane_sums;
pub mod overlap_sums;
pub mod pixel_loss_sums;
pub mod sgd_step;
pub mod sum_of_squares;
