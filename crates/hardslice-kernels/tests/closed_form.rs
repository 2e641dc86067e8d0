//! The operations against cases worked by hand.

use burn::tensor::{Device, Tensor, Tolerance};
use hardslice_kernels::ops::conv_norm_relu::conv3x3_norm_relu;
use hardslice_kernels::ops::conv_transpose2x2::conv_transpose2x2;
use hardslice_kernels::ops::max_pool::max_pool2x2;
use hardslice_kernels::ops::overlap_sums::overlap_sums;
use hardslice_kernels::ops::pixel_loss_sums::{PixelLoss, pixel_loss_sums};
use hardslice_kernels::ops::plane_sums::plane_sums;
use hardslice_kernels::{Features, Norm};

#[test]
fn the_norm_gives_mean_zero_and_the_skip_comes_first() {
    let device = Device::default().autodiff();
    let x = Tensor::<4>::from_floats([[[[5.0, 5.0]]]], &device);
    let skip = Tensor::<4>::from_floats([[[[1.0, 3.0]]]], &device);
    let mut kernel = [[[[0.0_f32; 3]; 3]; 2]; 1];
    kernel[0][0][1][1] = 1.0;
    let weight = Tensor::from_floats(kernel, &device);
    let norm = Norm {
        gamma: Tensor::ones([1], &device),
        beta: Tensor::zeros([1], &device),
        eps: 0.0,
    };
    let (out, statistics) = conv3x3_norm_relu(
        &Features::from_planar(x),
        Some(&Features::from_planar(skip)),
        weight,
        &norm,
    );
    let close = Tolerance::<f32>::default();
    statistics
        .mean
        .into_data()
        .assert_approx_eq(&[2.0_f32].into(), close);
    statistics
        .var_biased
        .into_data()
        .assert_approx_eq(&[1.0_f32].into(), close);
    out.into_planar()
        .into_data()
        .assert_approx_eq(&[[[[0.0_f32, 1.0]]]].into(), close);
}

#[test]
fn pooling_an_odd_size_leaves_the_last_row_and_column_out() {
    let device = Device::default();
    let x = Tensor::<4>::from_floats(
        [[[[1.0, 2.0, 9.0], [4.0, 3.0, 9.0], [9.0, 9.0, 9.0]]]],
        &device,
    );
    let out = max_pool2x2(&Features::from_planar(x));
    assert_eq!(out.into_planar().into_data(), [[[[4.0_f32]]]].into());
}

#[test]
fn a_pixel_becomes_the_kernel_times_its_value() {
    let device = Device::default();
    let x = Tensor::<4>::from_floats([[[[2.0]]]], &device);
    let weight = Tensor::from_floats([[[[1.0, 2.0], [3.0, 4.0]]]], &device);
    let out = conv_transpose2x2(
        &Features::from_planar(x),
        weight,
        Tensor::ones([1], &device),
    );
    assert_eq!(
        out.into_planar().into_data(),
        [[[[3.0_f32, 5.0], [7.0, 9.0]]]].into()
    );
}

#[test]
fn plane_sums_are_per_image_and_channel() {
    let device = Device::default();
    let x = Tensor::<4>::from_floats([[[[1.0, 2.0]], [[3.0, 4.0]]]], &device);
    assert_eq!(plane_sums(x).into_data(), [[3.0_f32, 7.0]].into());
}

/// Logits whose sigmoids are a half, 1/4 and 3/4; the third pixel weighs nothing.
fn three_pixels() -> [Tensor<4>; 3] {
    let device = Device::default().autodiff();
    let third = 3_f32.ln();
    [
        [[[[0.0, -third, third]]]],
        [[[[1.0, 0.0, 0.0]]]],
        [[[[1.0, 1.0, 0.0]]]],
    ]
    .map(|values| Tensor::from_floats(values, &device))
}

#[test]
fn overlap_sums_are_those_of_the_probabilities_and_a_weight_of_zero_takes_a_pixel_out() {
    let [logits, targets, weights] = three_pixels();
    let logits = logits.require_grad();
    let sums = overlap_sums(logits.clone(), targets, Some(weights));
    let gradients = (sums.shared.clone() * 10.0 + sums.predicted.clone()).backward();
    let close = Tolerance::<f32>::default();
    let expect = |found: Tensor<2>, expected: f32| {
        found
            .into_data()
            .assert_approx_eq(&[[expected]].into(), close);
    };
    expect(sums.shared, 0.5);
    expect(sums.predicted, 0.75);
    expect(sums.present, 1.0);
    // p · (1 − p) times 11 on the organ, times 1 off it, times 0 where nothing is known.
    let gradient = logits.grad(&gradients).unwrap().into_data();
    gradient.assert_approx_eq(&[[[[11.0_f32 / 4.0, 3.0 / 16.0, 0.0]]]].into(), close);
}

#[test]
fn pixel_losses_are_those_of_the_formula() {
    let close = Tolerance::<f32>::default();
    // Cross-entropies ln 2 and ln 4/3; 1 − p_t is a half and a quarter.
    let focal = PixelLoss::Focal {
        gamma: 1.0,
        alpha: 0.75,
    };
    let of_focal = 0.75 * 0.5 * 2_f32.ln() + 0.25 * 0.25 * (4.0_f32 / 3.0).ln();
    // By the logit: −α·q·(γ·(1 − q)·CE + q) on the organ, the same with the other sign off it.
    let slopes = [
        -0.75 * 0.5 * (0.5 * 2_f32.ln() + 0.5),
        0.25 * 0.25 * (0.75 * (4.0_f32 / 3.0).ln() + 0.25),
    ];
    for (loss, sum, [on, off]) in [
        (
            PixelLoss::CrossEntropy,
            2_f32.ln() + (4.0_f32 / 3.0).ln(),
            [-0.5, 0.25],
        ),
        (focal, of_focal, slopes),
    ] {
        let [logits, targets, weights] = three_pixels();
        let logits = logits.require_grad();
        let sums = pixel_loss_sums(logits.clone(), targets, Some(weights), loss);
        sums.clone()
            .into_data()
            .assert_approx_eq(&[[sum]].into(), close);
        let gradient = logits.grad(&sums.backward()).unwrap().into_data();
        gradient.assert_approx_eq(&[[[[on, off, 0.0]]]].into(), close);
    }
}
