//! FCN-8s on VGG-16, a fully convolutional network.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use hardslice_data::random::Stream;
use hardslice_kernels::ops::added::added;
use hardslice_kernels::ops::conv_bias::conv_bias;
use hardslice_kernels::ops::conv_transpose_bilinear::conv_transpose_bilinear;
use hardslice_kernels::ops::conv1x1::conv1x1;
use hardslice_kernels::ops::fork::fork_features;
use hardslice_kernels::ops::max_pool::max_pool2x2;
use hardslice_kernels::ops::scaled::scaled;
use hardslice_kernels::{Features, PackedWeight, Precision};

use super::conv_block::Conv;
use super::{ConvBlock, ForwardContext, Initial, NetConfig};

/// Convolutions in each of VGG-16's five blocks, and their channels in units of the width.
const BLOCKS: [(usize, usize); 5] = [(2, 1), (2, 2), (3, 4), (3, 8), (3, 8)];

/// Channels of fc6 and fc7 in units of the width: 4096 at width 64.
const FULLY_CONNECTED: usize = 64;

/// FCN-8s: VGG-16's 13 convolutions, fc6 (7x7) and fc7 (1x1) as convolutions with dropout, scores
/// from fc7, pool4 and pool3 summed on the way up, all upsampled by transposed convolutions that
/// start out bilinear and are trained.
///
/// # Sources
///
/// - K. Simonyan and A. Zisserman (2014), "Very Deep Convolutional Networks": configuration D.
/// - J. Long, E. Shelhamer and T. Darrell (2015), "Fully Convolutional Networks for Semantic
///   Segmentation". They pad the first layer by 100 pixels and crop; ours has same padding. They
///   start the scores at zero; ours start from He's weights.
#[derive(Module, Debug)]
pub struct Fcn8s {
    /// VGG-16's five blocks of 3x3 convolutions.
    pub blocks: Vec<Vec<ConvBlock>>,
    /// 7x7.
    pub fc6: Conv,
    /// 1x1.
    pub fc7: Conv,
    /// Scores at 1/32 of the resolution.
    pub score_fc7: Conv,
    /// Scores at 1/16.
    pub score_pool4: Conv,
    /// Scores at 1/8.
    pub score_pool3: Conv,
    /// From 1/32 to 1/16.
    pub upscore_fc7: Param<Tensor<4>>,
    /// From 1/16 to 1/8.
    pub upscore_pool4: Param<Tensor<4>>,
    /// From 1/8 to the full resolution.
    pub upscore_pool3: Param<Tensor<4>>,
    /// Share of fc6's and fc7's activations dropped in training.
    #[module(skip)]
    pub dropout: f64,
    #[module(skip)]
    pub(super) precision: Precision,
    /// Where fc6's and fc7's weights are kept once they do not change any more.
    #[module(skip)]
    kept: Option<[PackedWeight; 2]>,
}

impl Fcn8s {
    /// Height and width must be multiples of this: five halvings.
    pub(crate) const SIZE_MULTIPLE: usize = 32;

    pub(super) fn new(config: &NetConfig, n_organs: usize, initial: &Initial<'_>) -> Self {
        let width = config.width;
        let mut n_in = config.n_channels();
        let mut blocks = Vec::new();
        for (block_idx, (n_convs, widths)) in BLOCKS.into_iter().enumerate() {
            let mut block = Vec::new();
            for conv_idx in 0..n_convs {
                let name = format!("blocks.{block_idx}.{conv_idx}");
                block.push(ConvBlock::new(
                    &name,
                    n_in,
                    widths * width,
                    config.norm,
                    initial,
                ));
                n_in = widths * width;
            }
            blocks.push(block);
        }
        let n_fc = FULLY_CONNECTED * width;
        let score = |name, n_in| Conv::new(name, [n_in, n_organs, 1], initial);
        Self {
            blocks,
            fc6: Conv::new("fc6.weight", [n_in, n_fc, 7], initial),
            fc7: Conv::new("fc7.weight", [n_fc, n_fc, 1], initial),
            score_fc7: score("score_fc7.weight", n_fc),
            score_pool4: score("score_pool4.weight", BLOCKS[3].1 * width),
            // Nearest to the output: what is added here is upsampled once.
            score_pool3: score("score_pool3.weight", BLOCKS[2].1 * width)
                .biased(config.prior_bias(), initial),
            upscore_fc7: initial.bilinear(n_organs, 2),
            upscore_pool4: initial.bilinear(n_organs, 2),
            upscore_pool3: initial.bilinear(n_organs, 8),
            dropout: config.dropout,
            precision: config.dtype.precision(),
            kept: None,
        }
    }

    /// The weights do not change any more.
    pub(super) fn keep_weights(&mut self) {
        self.kept = Some(Default::default());
    }

    pub(super) fn forward(&self, x: Tensor<4>, ctx: &mut ForwardContext) -> Tensor<4> {
        let mut x = Features::from_planar_in(x, self.precision);
        let mut pools = Vec::new();
        for block in &self.blocks {
            for conv in block {
                x = conv.forward(&x, None, ctx);
            }
            let [deeper, scored] = fork_features(max_pool2x2(&x));
            x = deeper;
            pools.push(scored);
        }
        for (place, fc) in [&self.fc6, &self.fc7].into_iter().enumerate() {
            let kept = self.kept.as_ref().map(|kept| &kept[place]);
            x = conv_bias(&x, fc.weight.val(), fc.bias(), true, kept);
            x = drop_at_random(x, self.dropout, ctx);
        }
        let score = |x: &Features, conv: &Conv| conv1x1(x, conv.weight.val(), conv.bias());
        let at_32 = score(&x, &self.score_fc7);
        let at_16 = added(
            conv_transpose_bilinear(at_32, self.upscore_fc7.val(), 2),
            score(&pools[3], &self.score_pool4),
        );
        let at_8 = added(
            conv_transpose_bilinear(at_16, self.upscore_pool4.val(), 2),
            score(&pools[2], &self.score_pool3),
        );
        conv_transpose_bilinear(at_8, self.upscore_pool3.val(), 8)
    }

    pub(super) fn blocks_mut(&mut self) -> impl Iterator<Item = &mut ConvBlock> {
        self.blocks.iter_mut().flatten()
    }
}

/// In training sets a share of the values to zero and scales the others up; nothing at prediction.
fn drop_at_random(x: Features, share: f64, ctx: &mut ForwardContext) -> Features {
    let Some(stream) = ctx.dropout().filter(|_| share > 0.0) else {
        return x;
    };
    let (shape, precision) = (x.shape(), x.precision());
    let x = x.into_planar();
    let mask = dropout_mask(stream, share, shape.iter().product());
    let mask = Tensor::<4>::from_data(TensorData::new(mask, shape), &x.device());
    Features::from_planar_in(scaled(x, mask), precision)
}

fn dropout_mask(stream: &mut Stream, share: f64, n: usize) -> Vec<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "activations are f32")]
    let kept = (1.0 / (1.0 - share)) as f32;
    (0..n)
        .map(|_| if stream.uniform() < share { 0.0 } else { kept })
        .collect()
}
