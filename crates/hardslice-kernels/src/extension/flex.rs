//! The operations on the CPU, without gradients.

use std::sync::Arc;

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;

use super::{BiasedConv, Kernels, NormedConv};
use crate::batch_norm::Normed;
use crate::head::Head;
use crate::layer::{
    ConvInputs, ConvWeight, Layer, conv_with_bias, conv_with_moments, extent, in_order, len_of,
    numbers, pixels,
};
use crate::layout::{Extent, n_blocks, to_blocked, to_planar};
use crate::max_pool::Pooled;
use crate::simd::{LANES, with_simd};
use crate::stored::Precision;
use crate::up_conv::UpConv;
use crate::upsample::Upsample;

impl Kernels for Flex {
    fn blocks_from_planes(x: FlexTensor, precision: Precision) -> FlexTensor {
        let x = in_order(x);
        let (extent, channels) = (extent(&x), len_of(&x, 1));
        let shape = [
            extent.n,
            n_blocks(channels),
            extent.height,
            extent.width,
            LANES,
        ];
        to_blocked(numbers(&x), channels, extent, precision).into_tensor(shape)
    }

    fn planes_from_blocks(x: FlexTensor, layer: Layer) -> FlexTensor {
        let x = in_order(x);
        let extent = extent(&x);
        let norm = layer.norm.as_ref().map(|norm| &norm.affine);
        let planes = to_planar(pixels(&x), layer.channels, extent, norm);
        planes.into_tensor([extent.n, layer.channels, extent.height, extent.width])
    }

    fn conv_norm(
        skip: FlexTensor,
        x: FlexTensor,
        weight: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        about: NormedConv,
    ) -> (FlexTensor, Arc<Normed>) {
        let inputs = ConvInputs::new([skip, x], about.layers, about.precision);
        let (raw, moments) = conv_with_moments(&inputs, &ConvWeight(in_order(weight)));
        let (gamma, beta) = (in_order(gamma), in_order(beta));
        (
            raw,
            Arc::new(Normed::new(
                &moments,
                numbers(&gamma),
                numbers(&beta),
                about.eps,
            )),
        )
    }

    fn conv_bias(
        skip: FlexTensor,
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        about: BiasedConv,
    ) -> FlexTensor {
        let inputs = ConvInputs::new([skip, x], about.layers, about.precision);
        conv_with_bias(
            &inputs,
            &ConvWeight(in_order(weight)),
            &in_order(bias),
            about.rectify,
            about.kept.as_ref(),
        )
    }

    fn max_pool(x: FlexTensor, layer: Layer) -> FlexTensor {
        let x = in_order(x);
        let pooled = pooled(&x, &layer);
        let extent = pooled.extent;
        let shape = [
            extent.n,
            pooled.n_blocks,
            extent.height / 2,
            extent.width / 2,
            LANES,
        ];
        with_simd!(s => pooled.forward(s)).into_tensor(shape)
    }

    fn up_conv(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, layer: Layer) -> FlexTensor {
        UpConv {
            x: in_order(x),
            layer,
            weight: in_order(weight),
        }
        .forward(&in_order(bias))
    }

    fn head(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, layer: Layer) -> FlexTensor {
        let (x, weight, bias) = (in_order(x), in_order(weight), in_order(bias));
        let head = head(&x, &weight, &layer);
        let shape = [
            head.extent.n,
            head.n_outputs,
            head.extent.height,
            head.extent.width,
        ];
        with_simd!(s => head.forward(s, numbers(&bias))).into_tensor(shape)
    }

    fn upsample(x: FlexTensor, weight: FlexTensor, stride: usize) -> FlexTensor {
        let (x, weight) = (in_order(x), in_order(weight));
        let sizes = upsample(&x, &weight, stride);
        let Extent { n, height, width } = sizes.extent;
        let shape = [n, sizes.outputs, stride * height, stride * width];
        sizes
            .forward(numbers(&x), numbers(&weight))
            .into_tensor(shape)
    }

    fn plane_sums(x: FlexTensor) -> FlexTensor {
        let x = in_order(x);
        let shape = [len_of(&x, 0), len_of(&x, 1)];
        crate::plane_sums::of_planes(numbers(&x), extent(&x).plane(), shape[0] * shape[1])
            .into_tensor(shape)
    }
}

pub(super) fn pooled<'a>(x: &'a FlexTensor, layer: &'a Layer) -> Pooled<'a> {
    Pooled {
        pixels: pixels(x),
        n_blocks: n_blocks(layer.channels),
        extent: extent(x),
        norm: layer.norm.as_ref().map(|norm| &norm.affine),
    }
}

pub(super) fn head<'a>(x: &'a FlexTensor, weight: &'a FlexTensor, layer: &'a Layer) -> Head<'a> {
    Head {
        source: layer.source(x),
        extent: extent(x),
        weight: numbers(weight),
        n_outputs: len_of(weight, 0),
    }
}

pub(super) fn upsample(x: &FlexTensor, weight: &FlexTensor, stride: usize) -> Upsample {
    Upsample {
        extent: extent(x),
        inputs: len_of(x, 1),
        outputs: len_of(weight, 1),
        stride,
    }
}
