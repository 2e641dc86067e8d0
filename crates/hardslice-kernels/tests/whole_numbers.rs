//! Convolutions of small whole numbers, whose sums a bf16 holds: one term too few or too many is seen, where
//! the tolerance for rounding would hide it. And what is not a number stays one.

mod support;
#[path = "support/twin.rs"]
mod twin;

use std::sync::Mutex;

use burn::tensor::{Device, Tensor, TensorData};
use hardslice_kernels::ops::conv_bias::{conv_bias, conv3x3_bias};
use hardslice_kernels::ops::conv_norm_relu::conv3x3_norm_relu;
use hardslice_kernels::ops::conv_transpose2x2::conv_transpose2x2;
use hardslice_kernels::{Features, Norm, Precision, instruction_set};
use support::{compute_on, instruction_sets, numbers, tensor, values};
use twin::Planes;

/// The instruction set is the process's: one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs a test on each instruction set in each precision.
fn everywhere(test: impl Fn(Precision)) {
    let _alone = ONE_AT_A_TIME.lock();
    for name in instruction_sets() {
        compute_on(name);
        test(Precision::F32);
        test(Precision::Bf16);
    }
}

/// −1, 0 and 1.
fn whole(seed: u64, shape: [usize; 4], device: &Device) -> Tensor<4> {
    let n = shape.iter().product();
    let numbers: Vec<f32> = numbers(seed, n).iter().map(|x| (3.0 * x).round()).collect();
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

fn planes(x: &Tensor<4>) -> Planes {
    Planes::new(x.dims(), &values(x))
}

/// Winograd's transforms round, by far less than a term.
fn assert_whole(what: &str, found: &[f32], expected: &Planes) {
    let expected = expected.narrowed();
    assert_eq!(found.len(), expected.len(), "{what}");
    let most = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    assert!(
        (1.0..=256.0).contains(&most),
        "{what}: {most}, which a bf16 holds"
    );
    for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(
            (found - expected).abs() < 0.01,
            "{what}[{place}] on {}: found {found}, expected {expected}",
            instruction_set()
        );
    }
}

/// n, channels, outputs, height, width, kernel: blocks that are full or not, one of them or several; widths
/// below, of, and beyond a tile; as many weights as make it a product of matrices.
const CONVS: [[usize; 6]; 10] = [
    [1, 16, 16, 2, 3, 3],
    [2, 32, 32, 5, 16, 3],
    [1, 33, 48, 4, 17, 3],
    [2, 48, 33, 3, 33, 3],
    [1, 17, 20, 9, 40, 3],
    [1, 32, 16, 3, 100, 3],
    [1, 64, 80, 6, 8, 3],
    [2, 32, 17, 3, 20, 1],
    [2, 33, 48, 3, 4, 7],
    [1, 32, 64, 4, 4, 7],
];

#[test]
fn convolutions_leave_no_term_out() {
    everywhere(|precision| {
        for case @ [n, n_in, n_out, height, width, kernel] in CONVS {
            let device = Device::default().autodiff();
            let x = whole(1, [n, n_in, height, width], &device).require_grad();
            let weight = whole(2, [n_out, n_in, kernel, kernel], &device).require_grad();
            let bias = Tensor::zeros([n_out], &device);
            let features = Features::from_planar_in(x.clone(), precision);
            let out = if kernel == 3 {
                conv3x3_bias(&features, None, weight.clone(), bias, false)
            } else {
                conv_bias(&features, weight.clone(), bias, false, None)
            };
            let out = out.into_planar();
            let d_out = whole(3, out.dims(), &device);
            let gradients = (out.clone() * d_out.clone()).sum().backward();
            let (x_planes, weight_planes) = (planes(&x), planes(&weight));
            let what = |what: &str| format!("{case:?} {precision:?}: {what}");
            let expected = twin::conv(&x_planes, &weight_planes, None);
            assert_whole(&what("output"), &values(&out), &expected);
            let [d_x, d_weight] = twin::conv_backward(&x_planes, &weight_planes, &planes(&d_out));
            let of = |x: &Tensor<4>| values(&x.grad(&gradients).expect("a gradient"));
            assert_whole(&what("d x"), &of(&x), &d_x);
            assert_whole(&what("d weight"), &of(&weight), &d_weight);
        }
    });
}

#[test]
fn transposed_convolutions_leave_no_term_out() {
    everywhere(|precision| {
        for case @ [n_in, n_out, height, width] in [[16, 16, 1, 2], [33, 17, 3, 8], [32, 48, 2, 17]]
        {
            let device = Device::default().autodiff();
            let x = whole(1, [2, n_in, height, width], &device).require_grad();
            let weight = whole(2, [n_in, n_out, 2, 2], &device).require_grad();
            let bias = Tensor::zeros([n_out], &device);
            let features = Features::from_planar_in(x.clone(), precision);
            let out = conv_transpose2x2(&features, weight.clone(), bias).into_planar();
            let d_out = whole(3, out.dims(), &device);
            let gradients = (out.clone() * d_out.clone()).sum().backward();
            let (x_planes, weight_planes) = (planes(&x), planes(&weight));
            let what = |what: &str| format!("{case:?} {precision:?}: {what}");
            let expected = twin::conv_transpose(&x_planes, &weight_planes, 2, None);
            assert_whole(&what("output"), &values(&out), &expected);
            let [d_x, d_weight] =
                twin::conv_transpose_backward(&x_planes, &weight_planes, 2, &planes(&d_out));
            let of = |x: &Tensor<4>| values(&x.grad(&gradients).expect("a gradient"));
            assert_whole(&what("d x"), &of(&x), &d_x);
            assert_whole(&what("d weight"), &of(&weight), &d_weight);
        }
    });
}

/// Weights of which one is not a number: that of the first input in the middle of the first output's kernel.
fn with_a_nan(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let mut numbers = numbers(7, shape.iter().product());
    numbers[shape[2] * shape[3] / 2] = f32::NAN;
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

#[test]
fn what_is_not_a_number_stays_one_through_a_relu() {
    everywhere(|precision| {
        for [_, n_in, n_out, height, width, kernel] in CONVS {
            let device = Device::default();
            let x = tensor(1, [1, n_in, height, width], &device);
            let weight = with_a_nan([n_out, n_in, kernel, kernel], &device);
            let bias = tensor(3, [n_out], &device);
            let features = Features::from_planar_in(x, precision);
            let outputs = if kernel == 3 {
                let norm = Norm {
                    gamma: bias.clone() + 1.0,
                    beta: bias.clone(),
                    eps: 1e-3,
                };
                let (normed, _) = conv3x3_norm_relu(&features, None, weight.clone(), &norm);
                vec![conv3x3_bias(&features, None, weight, bias, true), normed]
            } else {
                vec![conv_bias(&features, weight, bias, true, None)]
            };
            for out in outputs {
                assert!(
                    values(&out.into_planar())[..height * width]
                        .iter()
                        .all(|x| x.is_nan()),
                    "{n_in} {n_out} {height} {width} {kernel}, {precision:?} on {}",
                    instruction_set()
                );
            }
        }
    });
}
