//! The operations against cases worked by hand.

use burn::tensor::{Device, Tensor, Tolerance};
use hardslice_kernels::ops::conv_norm_relu::conv3x3_norm_relu;
use hardslice_kernels::ops::conv_transpose2x2::conv_transpose2x2;
use hardslice_kernels::ops::max_pool::max_pool2x2;
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
