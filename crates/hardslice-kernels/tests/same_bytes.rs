//! The same bytes for any number of threads, and each time.

mod support;

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use hardslice_kernels::ops::conv_bias::conv_bias;
use hardslice_kernels::ops::conv_norm_relu::conv3x3_norm_relu;
use hardslice_kernels::ops::conv_transpose_bilinear::conv_transpose_bilinear;
use hardslice_kernels::ops::conv_transpose2x2::conv_transpose2x2;
use hardslice_kernels::ops::conv1x1::conv1x1;
use hardslice_kernels::ops::fork::{fork, fork_features};
use hardslice_kernels::ops::max_pool::max_pool2x2;
use hardslice_kernels::ops::overlap_sums::overlap_sums;
use hardslice_kernels::ops::pixel_loss_sums::{PixelLoss, pixel_loss_sums};
use hardslice_kernels::ops::plane_sums::plane_sums;
use hardslice_kernels::{Features, Norm, Precision, instruction_set_for};
use support::{compute_on, instruction_sets, tensor, values};

/// A small net with all operations: its output and the gradients of all that goes in.
fn net([height, width]: [usize; 2], precision: Precision) -> Vec<Vec<u32>> {
    let device = Device::default().autodiff();
    let x = tensor(1, [3, 1, height, width], &device).require_grad();
    let shapes = [
        [32, 1, 3, 3],
        [48, 32, 3, 3],
        [48, 32, 2, 2],
        [64, 64, 3, 3],
        [16, 64, 5, 5],
        [2, 16, 1, 1],
        [2, 2, 4, 4],
    ];
    let weights: Vec<Tensor<4>> = shapes
        .iter()
        .zip(2..)
        .map(|(shape, seed)| tensor(seed, *shape, &device).require_grad())
        .collect();
    let vectors: Vec<Tensor<1>> = [32, 48, 32, 64, 16, 2]
        .iter()
        .zip(20..)
        .map(|(n, seed)| tensor(seed, [*n], &device).require_grad())
        .collect();
    let norm = |place: usize| {
        let beta = vectors[place].clone();
        Norm {
            gamma: beta.clone() + 1.0,
            beta,
            eps: 1e-5,
        }
    };
    let image = Features::from_planar_in(x.clone(), precision);
    let (first, _) = conv3x3_norm_relu(&image, None, weights[0].clone(), &norm(0));
    let [deeper, skip] = fork_features(first);
    let (low, statistics) =
        conv3x3_norm_relu(&max_pool2x2(&deeper), None, weights[1].clone(), &norm(1));
    let up = conv_transpose2x2(&low, weights[2].clone(), vectors[2].clone());
    let (joined, _) = conv3x3_norm_relu(&up, Some(&skip), weights[3].clone(), &norm(3));
    let wide = conv_bias(&joined, weights[4].clone(), vectors[4].clone(), true, None);
    let logits = conv1x1(&wide, weights[5].clone(), vectors[5].clone());
    let scaled = conv_transpose_bilinear(logits, weights[6].clone(), 2);
    let [for_overlap, for_pixels] = fork(scaled.clone());
    let targets = || tensor(99, scaled.dims(), &device).greater_elem(0.1).float();
    let overlap = overlap_sums(for_overlap, targets(), None);
    let focal = PixelLoss::Focal {
        gamma: 1.5,
        alpha: 0.3,
    };
    let lost = pixel_loss_sums(for_pixels, targets(), Some(targets()), focal);
    let loss =
        (overlap.shared * overlap.predicted).sum() + lost.sum() + plane_sums(scaled.clone()).sum();
    let mut results = vec![
        values(&scaled),
        values(&statistics.var_biased),
        values(&overlap.present),
        values(&loss),
    ];
    let gradients = loss.backward();
    results.push(values(&x.grad(&gradients).expect("a gradient")));
    results.extend(
        weights
            .iter()
            .map(|weight| values(&weight.grad(&gradients).expect("a gradient"))),
    );
    results.extend(
        vectors
            .iter()
            .map(|vector| values(&vector.grad(&gradients).expect("a gradient"))),
    );
    results
        .iter()
        .map(|values| values.iter().map(|x| x.to_bits()).collect())
        .collect()
}

fn with_threads(n: usize, size: [usize; 2], precision: Precision) -> Vec<Vec<u32>> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(n)
        .build()
        .expect("threads")
        .install(|| net(size, precision))
}

#[test]
fn one_to_four_threads_give_the_same_bytes_each_time() {
    // By what results may depend on: for activations of 32 bits not on the sums of bf16 products.
    let mut by_arithmetic = BTreeMap::new();
    for name in instruction_sets() {
        compute_on(name);
        for precision in [Precision::F32, Precision::Bf16] {
            for size in [[48, 40], [130, 20]] {
                let one = with_threads(1, size, precision);
                assert!(
                    one.iter()
                        .flatten()
                        .any(|bits| f32::from_bits(*bits).abs() > 1e-3)
                );
                let arithmetic = instruction_set_for(precision);
                let same = by_arithmetic
                    .entry((arithmetic, size, precision == Precision::Bf16))
                    .or_insert_with(|| one.clone());
                assert!(
                    *same == one,
                    "{precision:?} on {name} is not that of {arithmetic}"
                );
                for threads in [1, 2, 3, 4, 4] {
                    let found = with_threads(threads, size, precision);
                    for (place, (found, expected)) in found.iter().zip(&one).enumerate() {
                        assert!(
                            found == expected,
                            "{threads} threads, {size:?}, {precision:?} on {name}: result {place} \
                             differs"
                        );
                    }
                }
            }
        }
    }
}
