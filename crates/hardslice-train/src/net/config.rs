//! Hyper-parameters of a net: which architecture, how wide, with or without a norm.

use hardslice_data::SettingError;
use hardslice_kernels::Precision;
use serde::{Deserialize, Serialize};

/// Which net.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetKind {
    /// 2D U-Net.
    #[serde(rename = "unet")]
    UNet,
    /// FCN-8s on VGG-16.
    #[serde(rename = "fcn8s", alias = "fcn")]
    Fcn8s,
}

/// Which norm follows each 3x3 convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormKind {
    /// Batch norm; running statistics at prediction.
    Batch,
    /// None, as in the papers; each convolution has a bias.
    None,
}

/// In which precision activations and their gradients are stored. All sums, and the weights, are
/// single precision either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dtype {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits: half the memory, and faster. On a CPU; other devices take 32 bits all the same.
    Bf16,
}

impl Dtype {
    /// Its name in options and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }

    pub(super) fn precision(self) -> Precision {
        match self {
            Self::F32 => Precision::F32,
            Self::Bf16 => Precision::Bf16,
        }
    }
}

/// Slices to either side that a net can be asked to see.
const MOST_CONTEXT: usize = 1000;

/// What a net is made of. The number of organs comes with the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetConfig {
    /// `unet` or `fcn8s` (`fcn` is the same).
    pub kind: NetKind,
    /// Channels of the first layer; 64 in both papers.
    pub width: usize,
    /// `batch` or `none`.
    pub norm: NormKind,
    /// Neighbouring slices on either side that the net sees beside the slice itself (2.5D); 0 in
    /// the paper.
    pub context: usize,
    /// Share of fc6's and fc7's activations dropped in training; FCN-8s only.
    pub dropout: f64,
    /// `f32` or `bf16`.
    pub dtype: Dtype,
    /// The probability that a new net gives every pixel of every organ before its first step, by the
    /// bias of its last layer: about the share of an organ's pixels. 0.5 for a bias of 0, as in the
    /// papers. With it a net has first to unlearn half of all pixels, and what that does to its weights
    /// keeps small organs from being learnt for hundreds of steps.
    ///
    /// After T.-Y. Lin et al. (2017), "Focal Loss for Dense Object Detection", section 3.3.
    pub prior_prob: f64,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            kind: NetKind::UNet,
            width: 16,
            norm: NormKind::Batch,
            context: 0,
            dropout: 0.5,
            dtype: Dtype::F32,
            prior_prob: 0.01,
        }
    }
}

impl NetConfig {
    /// Input channels: the slice and its neighbours.
    pub fn n_channels(&self) -> usize {
        1 + 2 * self.context
    }

    /// The bias of the last layer before the first step.
    pub(super) fn prior_bias(&self) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
        let bias = (self.prior_prob / (1.0 - self.prior_prob)).ln() as f32;
        bias
    }

    /// Checks that there can be such a net; `table` is where it is set.
    ///
    /// # Errors
    ///
    /// [`SettingError`]: what must hold.
    pub fn check(&self, table: &'static str) -> Result<(), SettingError> {
        let settings = [
            (self.width == 0, "width must be 1 at least"),
            (
                !(0.0..1.0).contains(&self.dropout),
                "dropout must be from 0 to below 1",
            ),
            (
                !(self.prior_prob > 0.0 && self.prior_prob < 1.0),
                "prior_prob must be above 0 and below 1",
            ),
            (
                self.context > MOST_CONTEXT,
                "context must be 1000 at most: no scan has so many slices to either side",
            ),
        ];
        SettingError::check(table, settings)
    }

    /// Weights of the largest layer and of the first one, which no file of this net's has fewer of.
    pub(crate) fn n_weights_at_least(&self) -> usize {
        // In units of the squared width: the bottom of the U, from 16 to 16 widths, and fc6, from 8 to
        // 64 widths.
        let largest = match self.kind {
            NetKind::UNet => 9 * 16 * 16,
            NetKind::Fcn8s => 49 * 8 * 64,
        };
        let first = self.width.saturating_mul(9 * self.n_channels());
        let largest = self
            .width
            .saturating_mul(self.width)
            .saturating_mul(largest);
        largest.saturating_add(first)
    }

    /// The net's name in tables.
    pub fn name(&self) -> &'static str {
        match self.kind {
            NetKind::UNet => "unet",
            NetKind::Fcn8s => "fcn8s",
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::super::Net;
    use super::*;

    #[test]
    fn the_layer_nearest_to_the_output_begins_at_the_prior() {
        for (kind, prior_prob, wanted) in [
            (NetKind::UNet, 0.01, -4.595_12),
            (NetKind::Fcn8s, 0.01, -4.595_12),
            // The papers' start.
            (NetKind::UNet, 0.5, 0.0),
        ] {
            let config = NetConfig {
                kind,
                width: 1,
                prior_prob,
                ..NetConfig::default()
            };
            let bias = match Net::new(&config, 2, 0, &Device::flex()) {
                Net::UNet(net) => net.out.bias(),
                Net::Fcn8s(net) => net.score_pool3.bias(),
            };
            let found: Vec<f32> = bias.into_data().iter().collect();
            assert_eq!(found.len(), 2, "one for each organ");
            let is_near = |bias: &f32| (bias - wanted).abs() < 1e-4;
            assert!(found.iter().all(is_near), "{kind:?}: {found:?}");
        }
    }
}
