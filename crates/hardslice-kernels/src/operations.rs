//! The operations that nets are built from.
//!
//! Shapes are checked here, once: a mismatch is a mistake in a net's code, not in its input, and
//! panics.

use burn::backend::{Dispatch, DispatchTensor};
use burn::tensor::Tensor;

use crate::extension::{BiasedConv, Kernels, NormedConv};
use crate::features::{Blocked, Form, has_kernels};
use crate::layer::Layer;
use crate::simd::LANES;
use crate::stored::Precision;
use crate::{BatchStatistics, Features, KeptWeight, Norm, fallback};

/// 3x3 convolution, batch norm with the batch's own statistics, and ReLU, as one operation.
///
/// Same padding, stride 1, no bias (the norm would take it out again). Where `skip` is given, the
/// convolution reads both as if they were concatenated along the channels, `skip` first:
/// PyTorch's `conv(torch.cat([skip, x], 1))`, without the copy.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `skip`: `[n, s, y, x]`, `weight`: `[out, s + c, 3, 3]`; gives
/// `[n, out, y, x]` and statistics of `[out]`.
///
/// # Panics
///
/// When the shapes do not fit each other.
///
/// # Sources
///
/// - S. Ioffe and C. Szegedy (2015), "Batch Normalization".
pub fn conv3x3_norm_relu(
    x: &Features,
    skip: Option<&Features>,
    weight: Tensor<4>,
    norm: &Norm,
) -> (Features, BatchStatistics) {
    check_conv3x3(x, skip, &weight);
    let n_out = weight.dims()[0];
    let Some(inputs) = ConvInputs::new(x, skip) else {
        return fallback::conv3x3_norm_relu(x, skip, weight, norm);
    };
    let device = weight.device();
    let [n, _, height, width] = x.shape();
    let (blocks, normed) = <Dispatch as Kernels>::conv_norm(
        inputs.skip,
        inputs.x,
        weight.into_dispatch(),
        norm.gamma.clone().into_dispatch(),
        norm.beta.clone().into_dispatch(),
        NormedConv {
            layers: inputs.layers,
            eps: norm.eps,
            precision: x.precision(),
        },
    );
    let constant = |values: &[f32]| Tensor::from_floats(values, &device);
    let statistics = BatchStatistics {
        mean: constant(&normed.means),
        var_biased: constant(&normed.vars),
        n: n * height * width,
    };
    (
        Features::from_blocks(Tensor::from_dispatch(blocks), n_out, Some(normed)),
        statistics,
    )
}

/// 3x3 convolution, bias and, where `relu` is set, ReLU.
///
/// For nets without a norm, and for prediction with the norm folded into `weight` and `bias`
/// ([`crate::fold_norm`]). Padding, stride and `skip` as in [`conv3x3_norm_relu`].
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `skip`: `[n, s, y, x]`, `weight`: `[out, s + c, 3, 3]`, `bias`: `[out]`;
/// gives `[n, out, y, x]`.
///
/// # Panics
///
/// When the shapes do not fit each other.
pub fn conv3x3_bias(
    x: &Features,
    skip: Option<&Features>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    relu: bool,
) -> Features {
    check_conv3x3(x, skip, &weight);
    let Some(inputs) = ConvInputs::new(x, skip) else {
        return fallback::conv3x3_bias(x, skip, weight, bias, relu);
    };
    inputs.conv_bias(weight, bias, relu, None)
}

/// 2x2 max pool with stride 2; the last row or column of an odd size takes no part.
///
/// The gradient goes to the first of equal maxima, in reading order.
///
/// # Shapes
///
/// `[n, c, y, x]` to `[n, c, floor(y / 2), floor(x / 2)]`.
pub fn max_pool2x2(x: &Features) -> Features {
    let Some(Blocked { blocks, layer }) = x.blocks() else {
        return fallback::max_pool2x2(x);
    };
    let channels = layer.channels;
    let out = <Dispatch as Kernels>::max_pool(blocks.into_dispatch(), layer);
    Features::from_blocks(Tensor::from_dispatch(out), channels, None)
}

/// 2x2 transposed convolution with stride 2: each pixel becomes a block of 2x2.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `weight`: `[c, out, 2, 2]`, `bias`: `[out]`; gives `[n, out, 2y, 2x]`.
///
/// # Panics
///
/// When the shapes do not fit each other.
pub fn conv_transpose2x2(x: &Features, weight: Tensor<4>, bias: Tensor<1>) -> Features {
    let [n_in, n_out, height, width] = weight.dims();
    assert_eq!(
        [n_in, height, width],
        [x.channels(), 2, 2],
        "weight of a 2x2 transposed conv"
    );
    let Some(Blocked { blocks, layer }) = x.blocks() else {
        return fallback::conv_transpose2x2(x, weight, bias);
    };
    let out = <Dispatch as Kernels>::up_conv(
        blocks.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        layer,
    );
    Features::from_blocks(Tensor::from_dispatch(out), n_out, None)
}

/// 1x1 convolution and bias, given as planes: the logits of a net.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `weight`: `[out, c, 1, 1]`, `bias`: `[out]`; gives `[n, out, y, x]`.
///
/// # Panics
///
/// When the shapes do not fit each other.
pub fn conv1x1(x: &Features, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    let [_, n_in, height, width] = weight.dims();
    assert_eq!(
        [n_in, height, width],
        [x.channels(), 1, 1],
        "weight of a 1x1 conv"
    );
    let Some(Blocked { blocks, layer }) = x.blocks() else {
        return fallback::conv1x1(x, weight, bias);
    };
    Tensor::from_dispatch(<Dispatch as Kernels>::head(
        blocks.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        layer,
    ))
}

/// Convolution with an odd kernel of any size, bias and, where `relu` is set, ReLU.
///
/// Same padding, stride 1. FCN's fc6 (7x7) and fc7 (1x1). A net that only predicts gives a place to
/// keep the weight as the kernel reads it.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `weight`: `[out, c, k, k]` with an odd `k`, `bias`: `[out]`; gives
/// `[n, out, y, x]`.
///
/// # Panics
///
/// When the shapes do not fit each other.
pub fn conv_bias(
    x: &Features,
    weight: Tensor<4>,
    bias: Tensor<1>,
    relu: bool,
    kept: Option<&KeptWeight>,
) -> Features {
    let [_, n_in, height, width] = weight.dims();
    assert_eq!(
        [n_in, height],
        [x.channels(), width],
        "weight of a square conv"
    );
    assert_eq!(height % 2, 1, "same padding wants an odd kernel");
    let Some(inputs) = ConvInputs::new(x, None) else {
        return fallback::conv_bias(x, weight, bias, relu);
    };
    inputs.conv_bias(weight, bias, relu, kept)
}

/// Transposed convolution that scales a few planes up by an even `stride`, starting from (or
/// fixed at) bilinear weights: kernel `2 · stride`, padding `stride / 2`, no bias.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `weight`: `[c, out, 2 · stride, 2 · stride]`; gives
/// `[n, out, stride · y, stride · x]`.
///
/// # Panics
///
/// When the shapes do not fit each other.
///
/// # Sources
///
/// - J. Long, E. Shelhamer and T. Darrell (2015), "Fully Convolutional Networks for Semantic
///   Segmentation", section 3.3.
pub fn conv_transpose_bilinear(x: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let [n_in, _, height, width] = weight.dims();
    assert_eq!(
        [n_in, height, width],
        [x.dims()[1], 2 * stride, 2 * stride],
        "weight of an upsampling by {stride}"
    );
    assert_eq!(stride % 2, 0, "the padding is half the stride");
    if has_kernels(&x) {
        let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
        Tensor::from_dispatch(<Dispatch as Kernels>::upsample(x, weight, stride))
    } else {
        fallback::conv_transpose_bilinear(x, weight, stride)
    }
}

fn check_conv3x3(x: &Features, skip: Option<&Features>, weight: &Tensor<4>) {
    let [n, n_x, height, width] = x.shape();
    let n_skip = skip.map_or(0, |skip| {
        let [n_of_skip, n_skip, y, x] = skip.shape();
        assert_eq!(
            [n_of_skip, y, x],
            [n, height, width],
            "skip and x have one size"
        );
        n_skip
    });
    let [_, n_in, ky, kx] = weight.dims();
    assert_eq!([n_in, ky, kx], [n_skip + n_x, 3, 3], "weight of a 3x3 conv");
}

/// What a convolution's kernel reads; a skip connection without channels where there is none.
struct ConvInputs {
    skip: DispatchTensor,
    x: DispatchTensor,
    layers: [Layer; 2],
    precision: Precision,
}

impl ConvInputs {
    /// `None` where there are no own kernels.
    fn new(x: &Features, skip: Option<&Features>) -> Option<Self> {
        let [n, channels, height, width] = x.shape();
        let precision = x.precision();
        let (x, layer) = match &x.form {
            // An image is read as it is.
            Form::Planar(planes) if channels <= LANES && skip.is_none() => has_kernels(planes)
                .then(|| {
                    (
                        planes.clone().into_dispatch(),
                        Layer {
                            channels,
                            norm: None,
                        },
                    )
                })?,
            _ => {
                let Blocked { blocks, layer } = x.blocks()?;
                (blocks.into_dispatch(), layer)
            }
        };
        let skip = if let Some(skip) = skip {
            skip.blocks()?
        } else {
            let device = Tensor::<5>::from_dispatch(x.clone()).device();
            let blocks = Tensor::zeros([n, 0, height, width, LANES], &device);
            Blocked {
                blocks,
                layer: Layer::default(),
            }
        };
        Some(Self {
            skip: skip.blocks.into_dispatch(),
            x,
            layers: [skip.layer, layer],
            precision,
        })
    }

    fn conv_bias(
        self,
        weight: Tensor<4>,
        bias: Tensor<1>,
        relu: bool,
        kept: Option<&KeptWeight>,
    ) -> Features {
        let n_out = weight.dims()[0];
        let out = <Dispatch as Kernels>::conv_bias(
            self.skip,
            self.x,
            weight.into_dispatch(),
            bias.into_dispatch(),
            BiasedConv {
                layers: self.layers,
                rectify: relu,
                kept: kept.cloned(),
                precision: self.precision,
            },
        );
        Features::from_blocks(Tensor::from_dispatch(out), n_out, None)
    }
}

/// See [`crate::plane_sums()`].
pub(crate) fn plane_sums(x: Tensor<4>) -> Tensor<2> {
    if has_kernels(&x) {
        Tensor::from_dispatch(<Dispatch as Kernels>::plane_sums(x.into_dispatch()))
    } else {
        fallback::plane_sums(x)
    }
}
