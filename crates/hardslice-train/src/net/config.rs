//! Which net, how wide, with or without a norm.

use serde::{Deserialize, Serialize};

/// Which net.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetKind {
    /// 2D U-Net.
    #[serde(rename = "unet")]
    UNet,
    /// FCN-8s on VGG-16.
    #[serde(rename = "fcn8s")]
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

/// What a net is made of. The number of organs comes with the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetConfig {
    /// `unet` or `fcn8s`.
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
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            kind: NetKind::UNet,
            width: 16,
            norm: NormKind::Batch,
            context: 0,
            dropout: 0.5,
        }
    }
}

impl NetConfig {
    /// Input channels: the slice and its neighbours.
    pub fn n_channels(&self) -> usize {
        1 + 2 * self.context
    }

    /// The net's name in tables.
    pub fn name(&self) -> &'static str {
        match self.kind {
            NetKind::UNet => "unet",
            NetKind::Fcn8s => "fcn8s",
        }
    }
}
