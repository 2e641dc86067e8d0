//! 2D U-Net: encoder, decoder, skip connections.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use hardslice_kernels::ops::conv_transpose2x2::conv_transpose2x2;
use hardslice_kernels::ops::conv1x1::conv1x1;
use hardslice_kernels::ops::fork::fork_features;
use hardslice_kernels::ops::max_pool::max_pool2x2;
use hardslice_kernels::{Features, Precision};

use super::conv_block::Conv;
use super::{ConvBlock, ForwardContext, Initial, NetConfig};

/// Resolutions: the input's, and four halvings.
const N_LEVELS: usize = 5;

/// 2D U-Net: five levels of two 3x3 convolutions, 2x2 max pool down, 2x2 transposed convolution up,
/// skips by concatenation, a 1x1 convolution at the end.
///
/// Channels are `width · [1, 2, 4, 8, 16]`, with `width` 64 in the paper.
///
/// # Sources
///
/// O. Ronneberger, P. Fischer and T. Brox (2015), "U-Net". Theirs has valid padding and crops the
/// skips; ours has same padding, as is usual since.
#[derive(Module, Debug)]
pub struct UNet {
    /// The way down, finest level first.
    pub down: Vec<DoubleConv>,
    /// Upsampling, coarsest level first.
    pub up: Vec<Conv>,
    /// The way up, coarsest level first.
    pub dec: Vec<DoubleConv>,
    /// One plane of logits for each organ.
    pub out: Conv,
    #[module(skip)]
    pub(super) precision: Precision,
}

/// Two [`ConvBlock`]s.
#[derive(Module, Debug)]
pub struct DoubleConv {
    /// Reads the level's input.
    pub first: ConvBlock,
    /// Reads the first one's output.
    pub second: ConvBlock,
}

impl UNet {
    pub(super) fn new(config: &NetConfig, n_organs: usize, initial: &Initial<'_>) -> Self {
        let channels: [usize; N_LEVELS] = std::array::from_fn(|level| config.width << level);
        let double = |name: String, n_in, n_out| DoubleConv {
            first: ConvBlock::new(&format!("{name}.first"), n_in, n_out, config.norm, initial),
            second: ConvBlock::new(
                &format!("{name}.second"),
                n_out,
                n_out,
                config.norm,
                initial,
            ),
        };
        let down = (0..N_LEVELS).map(|level| {
            let n_in = if level == 0 {
                config.n_channels()
            } else {
                channels[level - 1]
            };
            double(format!("down.{level}"), n_in, channels[level])
        });
        let up = (0..N_LEVELS - 1).map(|step| {
            let level = N_LEVELS - 2 - step;
            upsampling(
                &format!("up.{step}.weight"),
                channels[level + 1],
                channels[level],
                initial,
            )
        });
        let dec = (0..N_LEVELS - 1).map(|step| {
            let level = N_LEVELS - 2 - step;
            double(format!("dec.{step}"), 2 * channels[level], channels[level])
        });
        Self {
            down: down.collect(),
            up: up.collect(),
            dec: dec.collect(),
            out: Conv::new("out.weight", [config.width, n_organs, 1], initial)
                .biased(config.prior_bias(), initial),
            precision: config.dtype.precision(),
        }
    }

    /// Height and width must be multiples of this.
    pub(crate) fn size_multiple(&self) -> usize {
        1 << (self.down.len() - 1)
    }

    pub(super) fn forward(&self, x: Tensor<4>, ctx: &mut ForwardContext) -> Tensor<4> {
        let mut skips = Vec::new();
        let mut x = Features::from_planar_in(x, self.precision);
        for (level, block) in self.down.iter().enumerate() {
            if level > 0 {
                x = max_pool2x2(&x);
            }
            let [deeper, skip] = fork_features(block.forward(&x, None, ctx));
            x = deeper;
            skips.push(skip);
        }
        skips.pop();
        for ((up, block), skip) in self.up.iter().zip(&self.dec).zip(skips.into_iter().rev()) {
            let raised = conv_transpose2x2(&x, up.weight.val(), up.bias());
            x = block.forward(&raised, Some(&skip), ctx);
        }
        conv1x1(&x, self.out.weight.val(), self.out.bias())
    }

    pub(super) fn blocks_mut(&mut self) -> impl Iterator<Item = &mut ConvBlock> {
        let levels = self.down.iter_mut().chain(&mut self.dec);
        levels.flat_map(|level| [&mut level.first, &mut level.second])
    }
}

impl DoubleConv {
    fn forward(&self, x: &Features, skip: Option<&Features>, ctx: &mut ForwardContext) -> Features {
        let x = self.first.forward(x, skip, ctx);
        self.second.forward(&x, None, ctx)
    }
}

/// A 2x2 transposed convolution with stride 2: each output pixel is made of `n_in` values.
fn upsampling(name: &str, n_in: usize, n_out: usize, initial: &Initial<'_>) -> Conv {
    let weight: Param<Tensor<4>> = initial.he(name, [n_in, n_out, 2, 2], n_in);
    Conv {
        weight,
        bias: Some(initial.constant(0.0, n_out)),
    }
}
