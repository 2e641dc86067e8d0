//! How much arithmetic a net's convolutions are.

use super::Mode;
use crate::net::Net;

/// Multiply-adds of one convolution on one slice.
struct Layer {
    multiply_adds: usize,
}

/// Operations of a net's convolutions, computed directly, on `n` slices of `size` pixels: two for
/// each product of a weight with a number of the image. Weights that meet the padding do not count.
///
/// A training step computes each layer three times: forward, and the gradients of its weights and
/// of its input, which the first layer's has no use for.
pub(super) fn conv_flops(net: &Net, n: usize, size: usize, mode: Mode) -> f64 {
    let layers = match net {
        Net::UNet(net) => {
            let n_levels = net.down.len();
            let mut layers = Vec::new();
            for (level, block) in net.down.iter().enumerate() {
                for conv in [&block.first.conv, &block.second.conv] {
                    layers.push(same(conv.weight.dims(), size >> level));
                }
            }
            for (step, (up, block)) in net.up.iter().zip(&net.dec).enumerate() {
                let level = n_levels - 2 - step;
                layers.push(upsampling(up.weight.dims(), size >> (level + 1)));
                for conv in [&block.first.conv, &block.second.conv] {
                    layers.push(same(conv.weight.dims(), size >> level));
                }
            }
            layers.push(same(net.out.weight.dims(), size));
            layers
        }
        Net::Fcn8s(net) => {
            let blocks = net.blocks.iter().enumerate();
            let convs = blocks.flat_map(|(level, block)| block.iter().map(move |b| (level, b)));
            let mut layers: Vec<Layer> = convs
                .map(|(level, block)| same(block.conv.weight.dims(), size >> level))
                .collect();
            for (conv, level) in [
                (&net.fc6, 5),
                (&net.fc7, 5),
                (&net.score_fc7, 5),
                (&net.score_pool4, 4),
                (&net.score_pool3, 3),
            ] {
                layers.push(same(conv.weight.dims(), size >> level));
            }
            for (weight, level) in [
                (&net.upscore_fc7, 5),
                (&net.upscore_pool4, 4),
                (&net.upscore_pool3, 3),
            ] {
                layers.push(upsampling(weight.dims(), size >> level));
            }
            layers
        }
    };
    let forward: usize = layers.iter().map(|layer| layer.multiply_adds).sum();
    let first = layers[0].multiply_adds;
    let multiply_adds = match mode {
        Mode::Train => 3 * forward - first,
        Mode::Infer => forward,
    };
    2.0 * (n * multiply_adds) as f64
}

/// A convolution with same padding on `size` by `size` pixels. `[out, in, k, k]`.
fn same([n_out, n_in, kernel, _]: [usize; 4], size: usize) -> Layer {
    let reach = kernel / 2;
    let beside: usize = (1..=reach).map(|d| size.saturating_sub(d)).sum();
    let taps = size + 2 * beside;
    Layer {
        multiply_adds: n_out * n_in * taps * taps,
    }
}

/// A transposed convolution of `size` by `size` pixels: 2x2 with stride 2, or `2s` by `2s` with
/// stride `s`, of which `s / 2` are cut off on each side. `[in, out, k, k]`.
fn upsampling([n_in, n_out, kernel, _]: [usize; 4], size: usize) -> Layer {
    let cut = if kernel == 2 { 0 } else { kernel / 2 };
    let taps = kernel * size - cut;
    Layer {
        multiply_adds: n_in * n_out * taps * taps,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::net::{NetConfig, NetKind};

    fn flops(kind: NetKind, size: usize, mode: Mode) -> f64 {
        let config = NetConfig {
            kind,
            width: 1,
            ..NetConfig::default()
        };
        conv_flops(&Net::new(&config, 1, 0, &Device::flex()), 1, size, mode)
    }

    #[test]
    fn a_3x3_convolution_of_2x2_pixels_meets_4_taps_a_pixel() {
        assert_eq!(
            same([1, 1, 3, 3], 2).multiply_adds,
            16,
            "of 9 a pixel, 5 are padding"
        );
        assert_eq!(
            same([2, 3, 7, 7], 1).multiply_adds,
            6,
            "one pixel meets one tap"
        );
        assert_eq!(same([1, 1, 1, 1], 5).multiply_adds, 25, "no padding");
    }

    #[test]
    fn upsampling_one_pixel_by_two_takes_four_products() {
        assert_eq!(upsampling([1, 1, 2, 2], 1).multiply_adds, 4, "2x2");
        assert_eq!(
            upsampling([1, 1, 4, 4], 1).multiply_adds,
            4,
            "bilinear, cut to 2x2"
        );
        assert_eq!(upsampling([1, 1, 4, 4], 2).multiply_adds, 36, "bilinear");
    }

    #[test]
    fn a_training_step_is_almost_three_predictions() {
        for kind in [NetKind::UNet, NetKind::Fcn8s] {
            let [train, infer] = [Mode::Train, Mode::Infer].map(|mode| flops(kind, 32, mode));
            // The first layer: one channel to one, 94 taps an axis.
            let wanted = 3.0 * infer - 2.0 * 94.0 * 94.0;
            assert!((train - wanted).abs() < 0.5, "{kind:?}: {train}, {infer}");
        }
    }
}
