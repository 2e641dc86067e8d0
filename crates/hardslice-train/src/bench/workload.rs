//! What is measured: a net of a fixed size, in training or prediction.

use serde::Serialize;

use super::BenchError;
use crate::config::TrainConfig;
use crate::net::{Dtype, NetConfig, NetKind};

/// How large a workload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// As the preset `laptop`: width 16, slices of 128 pixels.
    A,
    /// As the preset `workstation`: width 32, slices of 256 pixels.
    B,
    /// The paper's width, 64, on slices of 256 pixels.
    C,
}

/// Which half of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Training steps.
    Train,
    /// Predictions, norms folded into the convolutions.
    Infer,
}

/// A net of a fixed size, in training or prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// Which net.
    pub net: NetKind,
    /// How large.
    pub size: Size,
    /// Training or prediction.
    pub mode: Mode,
    /// How activations are stored.
    pub dtype: Dtype,
}

/// How large a workload is, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Dimensions {
    /// Channels of the first layer.
    pub width: usize,
    /// Rows and columns of a slice.
    pub pixels: usize,
    /// Slices in a batch.
    pub batch: usize,
}

impl Size {
    const ALL: [Self; 3] = [Self::A, Self::B, Self::C];

    /// Its name in options and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::C => "c",
        }
    }
}

impl Mode {
    /// Its name in options and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Infer => "infer",
        }
    }
}

impl Workload {
    /// Its net's name in options and results.
    pub fn net_name(self) -> &'static str {
        match self.net {
            NetKind::UNet => "unet",
            NetKind::Fcn8s => "fcn",
        }
    }

    /// Its size in numbers.
    ///
    /// # Errors
    ///
    /// [`BenchError::NoSuchSize`] for an FCN of size c.
    pub fn dimensions(self) -> Result<Dimensions, BenchError> {
        dimensions(self.net, self.size).ok_or_else(|| BenchError::NoSuchSize {
            net: self.net_name(),
            size: self.size.name(),
            possible: Size::ALL
                .into_iter()
                .filter(|size| dimensions(self.net, *size).is_some())
                .map(Size::name)
                .collect(),
        })
    }

    /// Operations a second that the processor reaches at most with such numbers, on all threads of
    /// the current pool; `None` where it has no instruction for them.
    pub(super) fn peak_flops(self) -> Option<f64> {
        match self.dtype {
            Dtype::F32 => Some(hardslice_kernels::peak_flops()),
            Dtype::Bf16 => hardslice_kernels::peak_flops_bf16(),
        }
    }

    /// The net, with batch norm; without dropout, so that its losses can be compared.
    pub(super) fn net_config(self) -> Result<NetConfig, BenchError> {
        Ok(NetConfig {
            kind: self.net,
            width: self.dimensions()?.width,
            dropout: 0.0,
            dtype: self.dtype,
            ..NetConfig::default()
        })
    }

    /// A training of `steps` steps at one learning rate.
    pub(super) fn train_config(self, steps: u64) -> Result<TrainConfig, BenchError> {
        Ok(TrainConfig {
            steps,
            batch: self.dimensions()?.batch,
            lr0: learning_rate(self.net),
            power: 0.0,
            ..TrainConfig::default()
        })
    }
}

/// Small enough that twenty steps stay comparable with another program's: rounding alone moves the
/// losses of an FCN a hundred times as far apart as those of a U-Net.
fn learning_rate(net: NetKind) -> f64 {
    match net {
        NetKind::UNet => 0.01,
        NetKind::Fcn8s => 0.0005,
    }
}

fn dimensions(net: NetKind, size: Size) -> Option<Dimensions> {
    let (width, pixels, batch) = match (net, size) {
        (NetKind::UNet, Size::A) => (16, 128, 16),
        (NetKind::UNet, Size::B) => (32, 256, 4),
        (NetKind::UNet, Size::C) => (64, 256, 2),
        (NetKind::Fcn8s, Size::A) => (16, 128, 8),
        (NetKind::Fcn8s, Size::B) => (32, 256, 2),
        (NetKind::Fcn8s, Size::C) => return None,
    };
    Some(Dimensions {
        width,
        pixels,
        batch,
    })
}
