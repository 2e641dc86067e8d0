//! Batch norm: its parameters and its statistics.

use burn::tensor::Tensor;

/// The parameters of a batch norm over `(n, y, x)`.
///
/// `y = gamma · (x − mean) / sqrt(var + eps) + beta`, for each channel.
#[derive(Debug, Clone)]
pub struct Norm {
    /// Scale, `[channels]`.
    pub gamma: Tensor<1>,
    /// Shift, `[channels]`.
    pub beta: Tensor<1>,
    /// Added to the variance (PyTorch's default is 1e-5).
    pub eps: f64,
}

/// What a batch norm saw in one batch. Detached: no gradient flows through it.
#[derive(Debug, Clone)]
pub struct BatchStatistics {
    /// Mean over `(n, y, x)`, `[channels]`.
    pub mean: Tensor<1>,
    /// Biased variance over `(n, y, x)`, `[channels]`; times `n / (n − 1)` it is the unbiased one
    /// that PyTorch keeps as running variance.
    pub var_biased: Tensor<1>,
    /// Values per channel: `n · y · x`.
    pub n: usize,
}
