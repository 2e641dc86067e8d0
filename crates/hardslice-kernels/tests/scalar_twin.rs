//! Each kernel against its scalar twin in double precision: results and all gradients, over shapes
//! that fill blocks, rows and tiles and over those that do not, on every instruction set of this
//! processor, in both precisions.

mod support;
#[path = "support/twin.rs"]
mod twin;

use std::sync::Mutex;

use burn::tensor::{Device, Gradients, Tensor};
use hardslice_kernels::ops::conv_bias::{conv_bias, conv3x3_bias};
use hardslice_kernels::ops::conv_norm_relu::conv3x3_norm_relu;
use hardslice_kernels::ops::conv_transpose_bilinear::conv_transpose_bilinear;
use hardslice_kernels::ops::conv_transpose2x2::conv_transpose2x2;
use hardslice_kernels::ops::conv1x1::conv1x1;
use hardslice_kernels::ops::max_pool::max_pool2x2;
use hardslice_kernels::ops::sgd_step::{SgdRates, sgd_step};
use hardslice_kernels::ops::sum_of_squares::sum_of_squares;
use hardslice_kernels::{Features, Norm, Precision, instruction_set, instruction_set_for};
use support::{assert_near, compute_on, instruction_sets, numbers, tensor, values};
use twin::Planes;

/// The instruction set is the process's: one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs a test on each instruction set in each precision, with how near results must be.
fn everywhere(test: impl Fn(Precision, f32)) {
    let _alone = ONE_AT_A_TIME.lock();
    for name in instruction_sets() {
        compute_on(name);
        // In single precision products of bf16 take no part.
        if instruction_set_for(Precision::F32) == name {
            test(Precision::F32, 2e-5);
        }
        // A stored number has eight bits, and a result went through a few of them.
        test(Precision::Bf16, 2e-2);
    }
}

fn device() -> Device {
    Device::default().autodiff()
}

/// n, skip channels, channels, outputs, height, width: from one pixel to sizes at which a
/// convolution is computed by Winograd's method, with tiles cut off at each side.
const CONVS: [[usize; 6]; 17] = [
    [1, 0, 1, 1, 1, 1],
    [2, 0, 1, 16, 9, 7],
    [1, 0, 3, 8, 5, 30],
    [1, 2, 5, 33, 6, 16],
    [2, 0, 17, 20, 3, 3],
    [2, 16, 16, 16, 8, 8],
    [1, 17, 33, 5, 4, 10],
    [1, 40, 90, 70, 5, 4],
    [1, 0, 16, 16, 16, 16],
    [1, 0, 16, 17, 17, 18],
    [2, 0, 33, 32, 12, 11],
    [1, 16, 16, 48, 19, 23],
    [3, 5, 30, 16, 8, 12],
    [2, 32, 32, 32, 16, 8],
    [1, 0, 70, 40, 13, 40],
    [1, 0, 20, 16, 4, 100],
    [4, 0, 70, 66, 13, 17],
];

fn planes(x: &Tensor<4>) -> Planes {
    Planes::new(x.dims(), &values(x))
}

fn narrowed(values: &[f64]) -> Vec<f32> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "compared in single precision"
    )]
    values.iter().map(|x| *x as f32).collect()
}

fn gradient_of<const D: usize>(x: &Tensor<D>, gradients: &Gradients) -> Vec<f32> {
    values(&x.grad(gradients).expect("a gradient"))
}

/// Weights of a loss, so that each result counts for itself.
fn loss_weights(shape: [usize; 4]) -> (Tensor<4>, Planes) {
    let weights = tensor(99, shape, &device());
    let planes = planes(&weights);
    (weights, planes)
}

#[test]
fn convolutions_with_a_norm_are_their_twins() {
    everywhere(|precision, share| {
        for case in CONVS {
            let [n, n_skip, n_in, n_out, height, width] = case;
            let name = format!("{case:?} {precision:?} on {}", instruction_set());
            let device = device();
            let x = tensor(1, [n, n_in, height, width], &device).require_grad();
            let skip = tensor(2, [n, n_skip.max(1), height, width], &device).require_grad();
            let weight = tensor(3, [n_out, n_skip + n_in, 3, 3], &device).require_grad();
            let [gamma, beta] = [
                tensor(5, [n_out], &device) + 1.0,
                tensor(6, [n_out], &device),
            ]
            .map(|vector| vector.detach().require_grad());
            let norm = Norm {
                gamma: gamma.clone(),
                beta: beta.clone(),
                eps: 1e-2,
            };
            let features = Features::from_planar_in(x.clone(), precision);
            let skipped = Features::from_planar_in(skip.clone(), precision);
            let (out, statistics) = conv3x3_norm_relu(
                &features,
                (n_skip > 0).then_some(&skipped),
                weight.clone(),
                &norm,
            );
            let out = out.into_planar();
            let (weights, d_out) = loss_weights(out.dims());
            let gradients = (out.clone() * weights).sum().backward();

            let joined = if n_skip > 0 {
                planes(&skip).joined(&planes(&x))
            } else {
                planes(&x)
            };
            let (weight_planes, found) = (planes(&weight), values(&out));
            let conv = twin::conv(&joined, &weight_planes, None);
            let gammas = values(&gamma);
            let normed = twin::norm(&conv, &gammas, &values(&beta), 1e-2);
            let expected = twin::rectified_as(&normed.out, &found, f64::from(share) * 4.0);
            assert_near(&name, &found, &expected.narrowed(), share);
            let near = |what: &str, found: &[f32], expected: &[f32]| {
                assert_near(&format!("{name}: {what}"), found, expected, share);
            };
            near("mean", &values(&statistics.mean), &narrowed(&normed.mean));
            near(
                "variance",
                &values(&statistics.var_biased),
                &narrowed(&normed.var),
            );
            let d_norm = twin::through_relu(&d_out, &found);
            let (d_conv, d_gamma, d_beta) = normed.backward(&gammas, &d_norm);
            near(
                "d gamma",
                &gradient_of(&gamma, &gradients),
                &narrowed(&d_gamma),
            );
            near(
                "d beta",
                &gradient_of(&beta, &gradients),
                &narrowed(&d_beta),
            );
            let [d_joined, d_weight] = twin::conv_backward(&joined, &weight_planes, &d_conv);
            near(
                "d weight",
                &gradient_of(&weight, &gradients),
                &d_weight.narrowed(),
            );
            let [d_skip, d_x] = d_joined.parted(n_skip);
            near("d x", &gradient_of(&x, &gradients), &d_x.narrowed());
            if n_skip > 0 {
                near(
                    "d skip",
                    &gradient_of(&skip, &gradients),
                    &d_skip.narrowed(),
                );
            }
        }
    });
}

/// A convolution with bias and ReLU of any odd kernel against its twin.
fn biased_case(case: [usize; 6], kernel: usize, precision: Precision, share: f32) {
    let [n, n_skip, n_in, n_out, height, width] = case;
    let name = format!("{case:?} {kernel} {precision:?} on {}", instruction_set());
    let device = device();
    let x = tensor(1, [n, n_in, height, width], &device).require_grad();
    let skip = tensor(2, [n, n_skip.max(1), height, width], &device).require_grad();
    let weight = tensor(3, [n_out, n_skip + n_in, kernel, kernel], &device).require_grad();
    let bias = tensor(4, [n_out], &device).require_grad();
    let features = Features::from_planar_in(x.clone(), precision);
    let out = if kernel == 3 {
        let skipped = Features::from_planar_in(skip.clone(), precision);
        let skipped = (n_skip > 0).then_some(&skipped);
        conv3x3_bias(&features, skipped, weight.clone(), bias.clone(), true)
    } else {
        conv_bias(&features, weight.clone(), bias.clone(), true, None)
    };
    let out = out.into_planar();
    let (weights, d_out) = loss_weights(out.dims());
    let gradients = (out.clone() * weights).sum().backward();

    let joined = if n_skip > 0 {
        planes(&skip).joined(&planes(&x))
    } else {
        planes(&x)
    };
    let (weight_planes, found) = (planes(&weight), values(&out));
    let conv = twin::conv(&joined, &weight_planes, Some(&values(&bias)));
    let spread = conv
        .values
        .iter()
        .fold(1.0, |most: f64, x| most.max(x.abs()));
    let expected = twin::rectified_as(&conv, &found, f64::from(share) * spread);
    assert_near(&name, &found, &expected.narrowed(), share);
    let near = |what: &str, found: &[f32], expected: &[f32]| {
        assert_near(&format!("{name}: {what}"), found, expected, share);
    };
    let d_conv = twin::through_relu(&d_out, &found);
    let d_bias = narrowed(&d_conv.channel_sums());
    near("d bias", &gradient_of(&bias, &gradients), &d_bias);
    let [d_joined, d_weight] = twin::conv_backward(&joined, &weight_planes, &d_conv);
    near(
        "d weight",
        &gradient_of(&weight, &gradients),
        &d_weight.narrowed(),
    );
    let [d_skip, d_x] = d_joined.parted(n_skip);
    near("d x", &gradient_of(&x, &gradients), &d_x.narrowed());
    if n_skip > 0 {
        near(
            "d skip",
            &gradient_of(&skip, &gradients),
            &d_skip.narrowed(),
        );
    }
}

#[test]
fn convolutions_with_a_bias_are_their_twins() {
    everywhere(|precision, share| {
        for case in CONVS {
            biased_case(case, 3, precision, share);
        }
        for case in [
            [1, 0, 1, 1, 1, 1],
            [2, 0, 17, 33, 4, 6],
            [1, 0, 40, 20, 9, 5],
            [8, 0, 48, 33, 1, 2],
            [1, 0, 33, 70, 5, 7],
            [3, 0, 20, 50, 1, 3],
        ] {
            for kernel in [1, 5, 7] {
                biased_case(case, kernel, precision, share);
            }
        }
    });
}

#[test]
fn a_max_pool_is_its_twin() {
    everywhere(|precision, share| {
        for shape in [[1, 1, 2, 2], [2, 17, 7, 9], [1, 33, 3, 4], [2, 48, 16, 30]] {
            let x = tensor(1, shape, &device()).require_grad();
            let out = max_pool2x2(&Features::from_planar_in(x.clone(), precision)).into_planar();
            let (weights, d_out) = loss_weights(out.dims());
            let gradients = (out.clone() * weights).sum().backward();
            // What is stored decides which of two is larger.
            let stored = Features::from_planar_in(x.clone(), precision);
            let stored = if shape[1] > 16 {
                planes(&stored.into_planar())
            } else {
                rounded(&planes(&x), precision)
            };
            let (expected, from) = twin::max_pool(&stored);
            let name = format!("{shape:?} {precision:?} on {}", instruction_set());
            assert_near(&name, &values(&out), &expected.narrowed(), share);
            let d_x = twin::max_pool_backward(shape, &from, &d_out);
            assert_near(&name, &gradient_of(&x, &gradients), &d_x.narrowed(), share);
        }
    });
}

/// What is left of a number in storage: the nearest bf16, ties to even.
fn rounded(x: &Planes, precision: Precision) -> Planes {
    let mut x = x.clone();
    if precision == Precision::Bf16 {
        for value in &mut x.values {
            #[expect(clippy::cast_possible_truncation, reason = "it was single precision")]
            let bits = (*value as f32).to_bits();
            let even = bits + 0x7FFF + (bits >> 16 & 1);
            *value = f64::from(f32::from_bits(even & 0xFFFF_0000));
        }
    }
    x
}

/// channels, outputs, height, width.
const SHAPES: [[usize; 4]; 7] = [
    [1, 1, 1, 1],
    [16, 16, 4, 15],
    [3, 8, 5, 7],
    [32, 16, 3, 20],
    [17, 33, 6, 2],
    [64, 48, 2, 31],
    [150, 5, 3, 4],
];

#[test]
fn a_transposed_convolution_is_its_twin() {
    everywhere(|precision, share| {
        for case @ [n_in, n_out, height, width] in SHAPES {
            let name = format!("{case:?} {precision:?} on {}", instruction_set());
            let device = device();
            let x = tensor(1, [2, n_in, height, width], &device).require_grad();
            let weight = tensor(2, [n_in, n_out, 2, 2], &device).require_grad();
            let bias = tensor(3, [n_out], &device).require_grad();
            let features = Features::from_planar_in(x.clone(), precision);
            let out = conv_transpose2x2(&features, weight.clone(), bias.clone()).into_planar();
            let (weights, d_out) = loss_weights(out.dims());
            let gradients = (out.clone() * weights).sum().backward();
            let near = |what: &str, found: &[f32], expected: &[f32]| {
                assert_near(&format!("{name}: {what}"), found, expected, share);
            };
            let (x_planes, weight_planes) = (planes(&x), planes(&weight));
            let expected = twin::conv_transpose(&x_planes, &weight_planes, 2, Some(&values(&bias)));
            near("output", &values(&out), &expected.narrowed());
            let [d_x, d_weight] =
                twin::conv_transpose_backward(&x_planes, &weight_planes, 2, &d_out);
            near("d x", &gradient_of(&x, &gradients), &d_x.narrowed());
            near(
                "d weight",
                &gradient_of(&weight, &gradients),
                &d_weight.narrowed(),
            );
            let d_bias = narrowed(&d_out.channel_sums());
            near("d bias", &gradient_of(&bias, &gradients), &d_bias);
        }
    });
}

#[test]
fn logits_are_their_twins() {
    everywhere(|precision, share| {
        for case @ [n_in, n_out, height, width] in SHAPES {
            let name = format!("{case:?} {precision:?} on {}", instruction_set());
            let device = device();
            let x = tensor(1, [2, n_in, height, width], &device).require_grad();
            let weight = tensor(2, [n_out, n_in, 1, 1], &device).require_grad();
            let bias = tensor(3, [n_out], &device).require_grad();
            let features = Features::from_planar_in(x.clone(), precision);
            let out = conv1x1(&features, weight.clone(), bias.clone());
            let (weights, d_out) = loss_weights(out.dims());
            let gradients = (out.clone() * weights).sum().backward();
            let near = |what: &str, found: &[f32], expected: &[f32]| {
                assert_near(&format!("{name}: {what}"), found, expected, share);
            };
            let (x_planes, weight_planes) = (planes(&x), planes(&weight));
            let expected = twin::conv(&x_planes, &weight_planes, Some(&values(&bias)));
            near("output", &values(&out), &expected.narrowed());
            let [d_x, d_weight] = twin::conv_backward(&x_planes, &weight_planes, &d_out);
            near("d x", &gradient_of(&x, &gradients), &d_x.narrowed());
            near(
                "d weight",
                &gradient_of(&weight, &gradients),
                &d_weight.narrowed(),
            );
            let d_bias = narrowed(&d_out.channel_sums());
            near("d bias", &gradient_of(&bias, &gradients), &d_bias);
        }
    });
}

#[test]
fn upsampling_is_its_twin() {
    everywhere(|_, _| {
        for (stride, shape) in [(2, [2, 3, 5, 4]), (2, [1, 1, 1, 1]), (8, [1, 2, 3, 7])] {
            let device = device();
            let x = tensor(1, shape, &device).require_grad();
            let weight = tensor(2, [shape[1], 2, 2 * stride, 2 * stride], &device).require_grad();
            let out = conv_transpose_bilinear(x.clone(), weight.clone(), stride);
            let (weights, d_out) = loss_weights(out.dims());
            let gradients = (out.clone() * weights).sum().backward();
            let (x_planes, weight_planes) = (planes(&x), planes(&weight));
            let expected = twin::conv_transpose(&x_planes, &weight_planes, stride, None);
            let name = format!("{shape:?} by {stride}");
            assert_near(&name, &values(&out), &expected.narrowed(), 2e-5);
            let [d_x, d_weight] =
                twin::conv_transpose_backward(&x_planes, &weight_planes, stride, &d_out);
            assert_near(&name, &gradient_of(&x, &gradients), &d_x.narrowed(), 2e-5);
            let d_weight = d_weight.narrowed();
            assert_near(&name, &gradient_of(&weight, &gradients), &d_weight, 2e-5);
        }
    });
}

#[test]
fn a_sum_of_squares_is_its_twin() {
    let device = Device::default();
    for n in [1, 15, 16, 40_000] {
        let twin: f64 = numbers(1, n).iter().map(|x| f64::from(*x).powi(2)).sum();
        let found = values(&sum_of_squares(tensor(1, [n], &device)));
        assert!(
            (f64::from(found[0]) - twin).abs() < 1e-6 * twin,
            "{n}: {found:?}, not {twin}"
        );
    }
}

#[test]
fn a_step_of_sgd_is_its_twin_and_leaves_copies_alone() {
    let device = Device::default();
    let rates = SgdRates {
        momentum: 0.9,
        lr: 0.1,
        scale: 1.0,
    };
    for n in [1, 15, 40_000] {
        let [weight, gradient, velocity] = [1, 2, 3].map(|seed| numbers(seed, n));
        let tensors = [1, 2, 3].map(|seed| tensor(seed, [n], &device));
        let [w, g, v] = tensors.clone();
        let (stepped, moving) = sgd_step(w.clone(), Some(v), g.clone(), rates);
        let expected: Vec<f32> = (0..n).map(|i| 0.9 * velocity[i] + gradient[i]).collect();
        assert_near("velocity", &values(&moving), &expected, 1e-6);
        let expected: Vec<f32> = (0..n).map(|i| weight[i] - 0.1 * expected[i]).collect();
        assert_near("weight", &values(&stepped), &expected, 1e-6);
        let (first, moving) = sgd_step(w, None, g, rates);
        assert_eq!(
            values(&moving),
            gradient,
            "no velocity before the first step"
        );
        let expected: Vec<f32> = (0..n).map(|i| weight[i] - 0.1 * gradient[i]).collect();
        assert_near("first step", &values(&first), &expected, 1e-6);
        let kept = tensors.map(|tensor| values(&tensor));
        assert_eq!(
            kept,
            [weight, gradient, velocity],
            "somebody else holds them"
        );
    }
}
