//! Batch norm forward and backward, for each channel.

use crate::affine::{Affine, by_block};
use crate::channel_sums::ChannelSums;
use crate::moments::Moments;
use crate::simd::{LANES, Pixel};
use crate::source::NormGradient;

/// What a batch norm's forward pass leaves for its backward pass and for the running statistics.
#[derive(Debug, Clone)]
pub(crate) struct Normed {
    pub(crate) affine: Affine,
    /// By block, for the sums of the backward pass.
    pub(crate) mean: Vec<Pixel>,
    /// `[channels]`.
    pub(crate) means: Vec<f32>,
    pub(crate) vars: Vec<f32>,
    inverse_deviations: Vec<f64>,
    count: f64,
}

impl Normed {
    /// From each block's moments.
    pub(crate) fn new(moments: &[Moments], gamma: &[f32], beta: &[f32], eps: f64) -> Self {
        let lane = |channel: usize| (&moments[channel / LANES], channel % LANES);
        let n = gamma.len();
        let count = moments.first().map_or(0.0, |moments| moments.count);
        let mean = |channel| {
            let (moments, lane) = lane(channel);
            moments.mean[lane]
        };
        let var = |channel| {
            let (moments, lane) = lane(channel);
            moments.squares[lane] / count
        };
        let inverse_deviations: Vec<f64> = (0..n)
            .map(|channel| 1.0 / (var(channel) + eps).sqrt())
            .collect();
        let scale: Vec<f64> = (0..n)
            .map(|channel| f64::from(gamma[channel]) * inverse_deviations[channel])
            .collect();
        let shift = (0..n).map(|channel| f64::from(beta[channel]) - mean(channel) * scale[channel]);
        let means: Vec<f32> = (0..n).map(|channel| rounded(mean(channel))).collect();
        Self {
            affine: Affine::new(
                &scale
                    .iter()
                    .map(|scale| rounded(*scale))
                    .collect::<Vec<_>>(),
                &shift.map(rounded).collect::<Vec<_>>(),
            ),
            mean: by_block(&means),
            means,
            vars: (0..n).map(|channel| rounded(var(channel))).collect(),
            inverse_deviations,
            count,
        }
    }

    /// The gradients of gamma and beta, and how the convolution's gradient follows from that of
    /// the layer.
    ///
    /// With `g` the gradient where the ReLU is open, `h = (x − mean) · r`, `r` the inverse
    /// deviation: `dbeta = Σ g`, `dgamma = Σ g · h` and
    /// `dx = gamma · r · (g − dbeta / n − h · dgamma / n)`.
    pub(crate) fn backward(
        &self,
        gamma: &[f32],
        sums: &[ChannelSums],
    ) -> (Vec<f32>, Vec<f32>, NormGradient) {
        let n = gamma.len();
        let mut d_gamma = vec![0.0; n];
        let mut d_beta = vec![0.0; n];
        let mut coefficients = [vec![0.0; n], vec![0.0; n], vec![0.0; n]];
        for channel in 0..n {
            let sums = &sums[channel / LANES];
            let lane = channel % LANES;
            let (sum, product) = (sums.gradient[lane], sums.product[lane]);
            let inverse = self.inverse_deviations[channel];
            let slope = f64::from(gamma[channel]) * inverse;
            let of_gamma = product * inverse;
            let curve = -slope * inverse * of_gamma / self.count;
            let offset = -slope * sum / self.count - curve * f64::from(self.means[channel]);
            d_gamma[channel] = rounded(of_gamma);
            d_beta[channel] = rounded(sum);
            for (values, value) in coefficients.iter_mut().zip([slope, curve, offset]) {
                values[channel] = rounded(value);
            }
        }
        let [slope, curve, offset] = coefficients.map(|values| by_block(&values));
        (
            d_gamma,
            d_beta,
            NormGradient {
                slope,
                curve,
                offset,
            },
        )
    }
}

/// To single precision.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding is what it is for"
)]
pub(crate) fn rounded(x: f64) -> f32 {
    x as f32
}
