//! The nets: 2D U-Net and FCN-8s on VGG-16, each with its width and norm as parameters.
//!
//! A net is written once, on the operations of `hardslice-kernels`, and runs on every device. It
//! takes slices scaled to [0, 1], `[n, 1 + 2 · context, y, x]`, and gives one logit plane per organ,
//! `[n, organs, y, x]`, of the same size: what a net needs beyond a slice's border is zero, the
//! value of air.

mod config;
mod conv_block;
mod fcn8s;
mod frame;
mod initial;
mod forward_context;
mod unet;

use burn::module::{Module, ModuleMapper, ModuleVisitor};
use burn::tensor::{Device, Tensor};
use hardslice_kernels::Precision;

pub use config::{Dtype, NetConfig, NetKind, NormKind};
pub use conv_block::{BatchNorm, ConvBlock};
pub use fcn8s::Fcn8s;
pub use forward_context::ForwardContext;
pub use initial::Initial;
pub use unet::UNet;

use crate::device::{named, on_sharing_thread};
use frame::{crop, pad_to_multiple};

/// A net that segments slices.
#[expect(
    clippy::large_enum_variant,
    reason = "one net at a time, never in a collection"
)]
#[derive(Debug, Clone)]
pub enum Net {
    /// Ronneberger et al. (2015), with same padding.
    UNet(UNet),
    /// Long et al. (2015), on VGG-16.
    Fcn8s(Fcn8s),
}

impl Net {
    /// Builds a net with He-initialised weights, each parameter from a random stream of its name.
    pub fn new(config: &NetConfig, n_organs: usize, seed: u64, device: &Device) -> Self {
        let initial = Initial { seed, device };
        match config.kind {
            NetKind::UNet => Self::UNet(UNet::new(config, n_organs, &initial)),
            NetKind::Fcn8s => Self::Fcn8s(Fcn8s::new(config, n_organs, &initial)),
        }
    }

    /// Whose arithmetic the net is computed with: that of its device, without what its precision has
    /// no use for ([`hardslice_kernels::instruction_set_for`]). Checkpoints record it.
    ///
    /// The same inputs give the same bytes where this is the same, on a CPU.
    pub fn arithmetic(&self) -> String {
        let instruction_set = hardslice_kernels::instruction_set_for(self.precision());
        named(&self.device(), instruction_set)
    }

    /// Runs the net.
    ///
    /// # Shapes
    ///
    /// `x`: `[n, channels, y, x]` of any `y` and `x`; gives logits `[n, organs, y, x]`.
    pub fn forward(&self, x: Tensor<4>, ctx: &mut ForwardContext) -> Tensor<4> {
        let device = x.device();
        on_sharing_thread(&device, || self.forward_here(x, ctx))
    }

    fn forward_here(&self, x: Tensor<4>, ctx: &mut ForwardContext) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let logits = match self {
            Self::UNet(net) => net.forward(pad_to_multiple(x, net.size_multiple()), ctx),
            Self::Fcn8s(net) => net.forward(pad_to_multiple(x, Fcn8s::SIZE_MULTIPLE), ctx),
        };
        crop(logits, height, width)
    }

    /// Takes the batch statistics of a training pass into the running ones.
    ///
    /// # Panics
    ///
    /// When the pass was not a training pass of this net.
    pub fn absorb_statistics(&mut self, ctx: ForwardContext) {
        let blocks = self.blocks_mut().into_iter();
        let norms: Vec<_> = blocks.filter_map(|block| block.norm.as_mut()).collect();
        let statistics = ctx.into_statistics();
        assert_eq!(
            norms.len(),
            statistics.len(),
            "one set of statistics for each norm"
        );
        for (norm, seen) in norms.into_iter().zip(statistics) {
            norm.absorb(&seen);
        }
    }

    /// Visits every parameter in a fixed order.
    pub fn visit(&self, visitor: &mut impl ModuleVisitor) {
        match self {
            Self::UNet(net) => net.visit(visitor),
            Self::Fcn8s(net) => net.visit(visitor),
        }
    }

    /// Maps every parameter in the order of [`Net::visit`].
    #[must_use]
    pub fn map(self, mapper: &mut impl ModuleMapper) -> Self {
        match self {
            Self::UNet(net) => Self::UNet(net.map(mapper)),
            Self::Fcn8s(net) => Self::Fcn8s(net.map(mapper)),
        }
    }

    #[must_use]
    fn without_gradients(&self) -> Self {
        match self {
            Self::UNet(net) => Self::UNet(net.valid()),
            Self::Fcn8s(net) => Self::Fcn8s(net.valid()),
        }
    }

    /// The same net to predict with: without gradients, its norms folded into the convolutions.
    ///
    /// It gives the same predictions and cannot be trained on.
    #[must_use]
    pub fn for_prediction(&self) -> Self {
        let mut net = self.without_gradients();
        net.blocks_mut().into_iter().for_each(ConvBlock::fold_norm);
        if let Self::Fcn8s(net) = &mut net {
            net.keep_weights();
        }
        net
    }

    /// Each 3x3 convolution with its norm, in the order in which they run.
    fn blocks_mut(&mut self) -> Vec<&mut ConvBlock> {
        match self {
            Self::UNet(net) => net.blocks_mut().collect(),
            Self::Fcn8s(net) => net.blocks_mut().collect(),
        }
    }

    /// Where the net computes, without autodiff.
    pub fn device(&self) -> Device {
        let devices = match self {
            Self::UNet(net) => net.devices(),
            Self::Fcn8s(net) => net.devices(),
        };
        // That of all its parameters.
        devices[0].clone().without_autodiff()
    }

    /// In which precision its activations are stored on a CPU.
    pub fn precision(&self) -> Precision {
        match self {
            Self::UNet(net) => net.precision,
            Self::Fcn8s(net) => net.precision,
        }
    }

    /// How many numbers are trained.
    pub fn n_parameters(&self) -> usize {
        match self {
            Self::UNet(net) => net.num_params(),
            Self::Fcn8s(net) => net.num_params(),
        }
    }
}
