//! The operations and all their gradients against PyTorch (`golden/make.py`).

mod support;

use burn::tensor::{Device, Gradients, Tensor};
use hardslice_kernels::ops::conv_bias::{conv_bias, conv3x3_bias};
use hardslice_kernels::ops::conv_norm_relu::conv3x3_norm_relu;
use hardslice_kernels::ops::conv_transpose_bilinear::conv_transpose_bilinear;
use hardslice_kernels::ops::conv_transpose2x2::conv_transpose2x2;
use hardslice_kernels::ops::conv1x1::conv1x1;
use hardslice_kernels::ops::max_pool::max_pool2x2;
use hardslice_kernels::{Features, Norm};
use serde_json::Value;
use support::{assert_near, tensor, values};

struct Golden {
    name: &'static str,
    values: Value,
    device: Device,
}

impl Golden {
    fn case(name: &'static str) -> Self {
        let all: Value =
            serde_json::from_str(include_str!("golden/operations.json")).expect("JSON");
        Self {
            name,
            values: all["cases"][name].clone(),
            device: Device::default().autodiff(),
        }
    }

    fn numbers<const D: usize>(&self, seed: u64, shape: [usize; D]) -> Tensor<D> {
        tensor(seed, shape, &self.device).require_grad()
    }

    fn assert(&self, what: &str, found: &[f32]) {
        let expected: Vec<f64> =
            serde_json::from_value(self.values[what].clone()).expect("numbers");
        #[expect(
            clippy::cast_possible_truncation,
            reason = "single precision is compared"
        )]
        let expected: Vec<f32> = expected.into_iter().map(|x| x as f32).collect();
        assert_near(&format!("{}: {what}", self.name), found, &expected, 2e-5);
    }

    /// Compares the output and differentiates it.
    fn backward(&self, output: Tensor<4>) -> Gradients {
        self.assert("output", &values(&output));
        let weights = tensor(99, output.dims(), &self.device);
        (output * weights).sum().backward()
    }

    fn assert_gradient<const D: usize>(&self, what: &str, x: &Tensor<D>, all: &Gradients) {
        self.assert(what, &values(&x.grad(all).expect("a gradient")));
    }
}

#[test]
fn conv_norm_relu_is_pytorchs() {
    let golden = Golden::case("conv_norm_relu");
    let (skip, x) = (
        golden.numbers(1, [2, 1, 4, 5]),
        golden.numbers(2, [2, 17, 4, 5]),
    );
    let weight = golden.numbers(3, [3, 18, 3, 3]);
    let (gamma, beta) = (golden.numbers(4, [3]), golden.numbers(5, [3]));
    let norm = Norm {
        gamma: gamma.clone(),
        beta: beta.clone(),
        eps: 1e-5,
    };
    let features = Features::from_planar(x.clone());
    let skipped = Features::from_planar(skip.clone());
    let (out, statistics) = conv3x3_norm_relu(&features, Some(&skipped), weight.clone(), &norm);
    let gradients = golden.backward(out.into_planar());
    golden.assert("mean", &values(&statistics.mean));
    golden.assert("var_biased", &values(&statistics.var_biased));
    golden.assert_gradient("d_skip", &skip, &gradients);
    golden.assert_gradient("d_x", &x, &gradients);
    golden.assert_gradient("d_weight", &weight, &gradients);
    golden.assert_gradient("d_gamma", &gamma, &gradients);
    golden.assert_gradient("d_beta", &beta, &gradients);
}

/// x, weight and bias of these shapes.
fn with_bias(
    name: &'static str,
    x: [usize; 4],
    weight: [usize; 4],
    n_out: usize,
    operation: impl Fn(&Features, Tensor<4>, Tensor<1>) -> Tensor<4>,
) {
    let golden = Golden::case(name);
    let (x, weight, bias) = (
        golden.numbers(1, x),
        golden.numbers(2, weight),
        golden.numbers(3, [n_out]),
    );
    let features = Features::from_planar(x.clone());
    let gradients = golden.backward(operation(&features, weight.clone(), bias.clone()));
    golden.assert_gradient("d_x", &x, &gradients);
    golden.assert_gradient("d_weight", &weight, &gradients);
    golden.assert_gradient("d_bias", &bias, &gradients);
}

#[test]
fn conv_with_bias_is_pytorchs() {
    with_bias(
        "conv3x3_bias",
        [2, 1, 9, 5],
        [16, 1, 3, 3],
        16,
        |x, weight, bias| conv3x3_bias(x, None, weight, bias, true).into_planar(),
    );
    with_bias(
        "conv_bias_7x7",
        [1, 4, 5, 6],
        [3, 4, 7, 7],
        3,
        |x, weight, bias| conv_bias(x, weight, bias, true, None).into_planar(),
    );
}

#[test]
fn transposed_conv_is_pytorchs() {
    with_bias(
        "conv_transpose2x2",
        [2, 18, 3, 5],
        [18, 4, 2, 2],
        4,
        |x, weight, bias| conv_transpose2x2(x, weight, bias).into_planar(),
    );
}

#[test]
fn logits_are_pytorchs() {
    with_bias("conv1x1", [2, 18, 3, 5], [3, 18, 1, 1], 3, conv1x1);
}

#[test]
fn max_pool_is_pytorchs() {
    let golden = Golden::case("max_pool2x2");
    let x = golden.numbers(1, [2, 3, 7, 9]);
    let out = max_pool2x2(&Features::from_planar(x.clone()));
    let gradients = golden.backward(out.into_planar());
    golden.assert_gradient("d_x", &x, &gradients);
}

#[test]
fn upsampling_is_pytorchs() {
    for (name, stride) in [
        ("conv_transpose_bilinear_2", 2),
        ("conv_transpose_bilinear_8", 8),
    ] {
        let golden = Golden::case(name);
        let x = golden.numbers(1, [2, 2, 3, 4]);
        let weight = golden.numbers(2, [2, 3, 2 * stride, 2 * stride]);
        let out = conv_transpose_bilinear(x.clone(), weight.clone(), stride);
        let gradients = golden.backward(out);
        golden.assert_gradient("d_x", &x, &gradients);
        golden.assert_gradient("d_weight", &weight, &gradients);
    }
}
