//! A weight that is kept as a kernel reads it gives the same bytes, and is never taken for another.

mod support;

use burn::tensor::{Device, Tensor};
use hardslice_kernels::ops::conv_bias::conv_bias;
use hardslice_kernels::{Features, PackedWeight, Precision};
use support::{compute_on, instruction_sets, tensor, values};

#[test]
fn a_kept_weight_gives_the_same_bytes_and_is_never_taken_for_another() {
    let device = Device::default();
    let bias = tensor(3, [40], &device);
    let inputs: [Tensor<4>; 2] = [
        tensor(1, [2, 33, 3, 5], &device),
        tensor(2, [1, 33, 4, 4], &device),
    ];
    // Enough weights for so few pixels that the convolution is a product of matrices.
    let weights: [Tensor<4>; 2] = [4, 5].map(|seed| tensor(seed, [40, 33, 7, 7], &device));
    let place = PackedWeight::default();
    for level in instruction_sets() {
        compute_on(level);
        for precision in [Precision::F32, Precision::Bf16] {
            // Each weight twice, and one after the other in the same place.
            for (weight, x) in [(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)] {
                let run = |kept| {
                    let x = Features::from_planar_in(inputs[x].clone(), precision);
                    let y = conv_bias(&x, weights[weight].clone(), bias.clone(), true, kept);
                    values(&y.into_planar())
                };
                assert_eq!(
                    run(Some(&place)),
                    run(None),
                    "{level}, {precision:?}, weight {weight}"
                );
            }
        }
    }
}
