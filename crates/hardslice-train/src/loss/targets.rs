//! What is true of a batch, and of which of it that is known.

use burn::tensor::Tensor;
use hardslice_kernels::ops::plane_sums::plane_sums;

/// What is true of a batch, and of which of it that is known.
#[derive(Debug, Clone)]
pub struct Targets {
    /// `[n, organs, y, x]`, 1 on the organ and 0 off it.
    pub organs: Tensor<4>,
    /// `[n, organs]`, 1 where the organ is annotated in the slice's patient, 0 where it is not.
    pub annotated: Tensor<2>,
    /// `[n, 1, y, x]`, 1 where the truth of a pixel is known, 0 where the pixel is to be ignored;
    /// `None` where every pixel counts.
    pub valid: Option<Tensor<4>>,
}

impl Targets {
    /// How many pixels count, over all annotated planes of the batch, `[1]`.
    pub(super) fn n_pixels(&self) -> Tensor<1> {
        let [_, _, height, width] = self.organs.dims();
        match &self.valid {
            Some(valid) => (plane_sums(valid.clone()) * self.annotated.clone()).sum(),
            None => self
                .annotated
                .clone()
                .sum()
                .mul_scalar((height * width) as f64),
        }
    }
}
