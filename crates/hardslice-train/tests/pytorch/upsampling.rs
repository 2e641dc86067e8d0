//! The transposed convolutions with which FCN-8s scales its scores up.

use burn::tensor::Device;
use hardslice_kernels::ops::conv_transpose_bilinear::conv_transpose_bilinear;
use hardslice_train::net::Initial;
use serde::Deserialize;

use crate::case::{compare, planes};
use crate::golden::Golden;
use crate::hashed::between;

/// PyTorch's float32: 4e-7 at worst.
const TOLERANCE: f64 = 2e-6;

#[derive(Deserialize)]
struct Strides {
    strides: Vec<usize>,
}

#[test]
fn upsampling_by_2_and_8_its_gradients_and_its_bilinear_start() {
    let mut golden = Golden::open("upsampling");
    let Strides { strides } = golden.case();
    let device = Device::flex().autodiff();
    for stride in strides {
        let hashed =
            |what: &str, n| between(&format!("upsampling/{what}/{stride}"), n, [-1.0, 1.0]);
        let x = planes(hashed("x", 72), [2, 3, 3, 4], &device).require_grad();
        let [n_values, size] = [24 * stride * stride, 2 * stride];
        let weight = planes(hashed("weight", n_values), [3, 2, size, size], &device).require_grad();
        let y = conv_transpose_bilinear(x.clone(), weight.clone(), stride);
        let shape = [2, 2, 3 * stride, 4 * stride];
        let ramp = planes(hashed("ramp", shape.iter().product()), shape, &device);
        let gradients = (y.clone() * ramp).sum().backward();

        let initial = Initial {
            seed: 0,
            device: &device,
        };
        let bilinear = initial.bilinear(3, stride).val();
        let smooth = conv_transpose_bilinear(x.clone().detach(), bilinear, stride);
        for (what, got) in [
            ("y", y),
            ("x_gradient", x.grad(&gradients).unwrap()),
            ("weight_gradient", weight.grad(&gradients).unwrap()),
            ("bilinear", smooth),
        ] {
            compare(
                &mut golden,
                &format!("stride_{stride}.{what}"),
                got,
                TOLERANCE,
            );
        }
    }
    golden.finish();
}
