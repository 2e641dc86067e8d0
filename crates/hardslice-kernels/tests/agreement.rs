//! The kernels against Burn's own operations: results and all gradients, over shapes that fill
//! blocks, rows and tiles, and over those that do not, on every instruction set of this processor.

mod support;

use std::sync::Mutex;

use burn::tensor::{Device, Tensor};
use hardslice_kernels::ops::conv_bias::{self, conv_bias, conv3x3_bias};
use hardslice_kernels::ops::conv_norm_relu::{self, conv3x3_norm_relu};
use hardslice_kernels::ops::conv_transpose_bilinear::{self, conv_transpose_bilinear};
use hardslice_kernels::ops::conv_transpose2x2::{self, conv_transpose2x2};
use hardslice_kernels::ops::conv1x1::{self, conv1x1};
use hardslice_kernels::ops::max_pool::{self, max_pool2x2};
use hardslice_kernels::ops::plane_sums::{self, plane_sums};
use hardslice_kernels::ops::sgd_step::{self, SgdRates, sgd_step};
use hardslice_kernels::{Features, Norm, force_instruction_set};
use support::{assert_near, tensor, values};

/// The instruction set is the process's: one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn on_each_instruction_set(test: impl Fn()) {
    let _alone = ONE_AT_A_TIME.lock();
    for name in ["avx512", "avx2+fma", "portable"] {
        if force_instruction_set(name).is_ok() {
            test();
        }
    }
    force_instruction_set("portable").expect("every processor has it");
}

fn device() -> Device {
    Device::default().autodiff()
}

/// Weighs a result with fixed numbers, so that each of them counts, and differentiates.
struct Gradients {
    results: Vec<(String, Vec<f32>)>,
}

impl Gradients {
    fn of(
        output: Tensor<4>,
        inputs: &[(&str, &Tensor<4>)],
        vectors: &[(&str, &Tensor<1>)],
    ) -> Self {
        let weights = tensor(99, output.dims(), &output.device());
        let mut results = vec![("output".to_owned(), values(&output))];
        let gradients = (output * weights).sum().backward();
        for (name, input) in inputs {
            let gradient = input.grad(&gradients);
            results.push((format!("d {name}"), gradient.map_or(vec![], |g| values(&g))));
        }
        for (name, vector) in vectors {
            let gradient = vector.grad(&gradients);
            results.push((format!("d {name}"), gradient.map_or(vec![], |g| values(&g))));
        }
        Self { results }
    }

    fn assert_near(&self, expected: &Self, case: &str) {
        for ((name, found), (_, expected)) in self.results.iter().zip(&expected.results) {
            assert_near(&format!("{case}: {name}"), found, expected, 2e-4);
        }
    }
}

/// n, skip channels, channels, outputs, height, width.
const CONVS: [[usize; 6]; 12] = [
    [1, 0, 1, 1, 1, 1],
    [2, 0, 1, 16, 9, 7],
    [1, 0, 3, 8, 5, 30],
    [2, 0, 5, 33, 6, 16],
    [2, 0, 16, 16, 13, 25],
    [1, 0, 17, 20, 3, 3],
    [3, 0, 33, 16, 2, 1],
    [1, 0, 64, 48, 17, 15],
    [2, 16, 16, 16, 8, 8],
    [1, 3, 8, 17, 7, 29],
    [2, 17, 33, 5, 4, 10],
    [1, 40, 250, 70, 5, 4],
];

type ConvNorm = fn(
    &Features,
    Option<&Features>,
    Tensor<4>,
    &Norm,
) -> (Features, hardslice_kernels::BatchStatistics);

fn conv_norm_case(case: [usize; 6], conv: ConvNorm) -> Gradients {
    let [n, n_skip, n_in, n_out, height, width] = case;
    let device = device();
    let x = tensor(1, [n, n_in, height, width], &device).require_grad();
    let skip = tensor(2, [n, n_skip.max(1), height, width], &device).require_grad();
    let weight = tensor(3, [n_out, n_skip + n_in, 3, 3], &device).require_grad();
    let second = tensor(4, [4, n_out, 3, 3], &device).require_grad();
    let vectors = [
        tensor(5, [n_out], &device) + 1.0,
        tensor(6, [n_out], &device),
    ]
    .map(|v| v.detach().require_grad());
    let [gamma, beta] = vectors;
    let norm = Norm {
        gamma: gamma.clone(),
        beta: beta.clone(),
        eps: 1e-2,
    };
    let norm4 = Norm {
        gamma: Tensor::ones([4], &device),
        beta: Tensor::zeros([4], &device),
        eps: 1e-2,
    };
    let features = Features::from_planar(x.clone());
    let skip_features = (n_skip > 0).then(|| Features::from_planar(skip.clone()));
    let (first, statistics) = conv(&features, skip_features.as_ref(), weight.clone(), &norm);
    // A second layer, so that the first one's norm is read through.
    let (out, _) = conv(&first, None, second.clone(), &norm4);
    let mut inputs = vec![("x", &x), ("weight", &weight), ("second", &second)];
    if n_skip > 0 {
        inputs.push(("skip", &skip));
    }
    let planar = first.into_planar();
    let both = Tensor::cat(vec![planar, out.into_planar()], 1);
    let mut all = Gradients::of(both, &inputs, &[("gamma", &gamma), ("beta", &beta)]);
    assert_eq!(statistics.n, n * height * width, "values per channel");
    all.results.push(("mean".into(), values(&statistics.mean)));
    all.results
        .push(("variance".into(), values(&statistics.var_biased)));
    all
}

#[test]
fn conv_norm_relu_agrees_with_burn() {
    on_each_instruction_set(|| {
        for case in CONVS {
            let found = conv_norm_case(case, conv3x3_norm_relu);
            let expected = conv_norm_case(case, conv_norm_relu::fallback::conv3x3_norm_relu);
            found.assert_near(
                &expected,
                &format!("{} {case:?}", hardslice_kernels::instruction_set()),
            );
        }
    });
}

#[test]
fn conv_with_bias_agrees_with_burn() {
    on_each_instruction_set(|| {
        for case in CONVS {
            for relu in [false, true] {
                let [n, n_skip, n_in, n_out, height, width] = case;
                let device = device();
                let x = tensor(1, [n, n_in, height, width], &device).require_grad();
                let skip = tensor(2, [n, n_skip.max(1), height, width], &device).require_grad();
                let weight = tensor(3, [n_out, n_skip + n_in, 3, 3], &device).require_grad();
                let bias = tensor(4, [n_out], &device).require_grad();
                let run = |conv: fn(
                    &Features,
                    Option<&Features>,
                    Tensor<4>,
                    Tensor<1>,
                    bool,
                ) -> Features| {
                    let skip_features = (n_skip > 0).then(|| Features::from_planar(skip.clone()));
                    let features = Features::from_planar(x.clone());
                    let out = conv(
                        &features,
                        skip_features.as_ref(),
                        weight.clone(),
                        bias.clone(),
                        relu,
                    );
                    let inputs = [("x", &x), ("weight", &weight), ("skip", &skip)];
                    let inputs = &inputs[..if n_skip > 0 { 3 } else { 2 }];
                    Gradients::of(out.into_planar(), inputs, &[("bias", &bias)])
                };
                run(conv3x3_bias).assert_near(
                    &run(conv_bias::fallback::conv3x3_bias),
                    &format!("{case:?} {relu}"),
                );
            }
        }
    });
}

#[test]
fn pool_agrees_with_burn() {
    on_each_instruction_set(|| {
        for shape in [
            [1, 1, 2, 2],
            [2, 16, 8, 6],
            [2, 17, 7, 9],
            [1, 3, 5, 4],
            [1, 33, 1, 4],
        ] {
            let device = device();
            let x = tensor(1, shape, &device).require_grad();
            let run = |pool: fn(&Features) -> Features| {
                let out = pool(&Features::from_planar(x.clone()));
                Gradients::of(out.into_planar(), &[("x", &x)], &[])
            };
            run(max_pool2x2)
                .assert_near(&run(max_pool::fallback::max_pool2x2), &format!("{shape:?}"));
        }
    });
}

/// channels, outputs, height, width.
const SHAPES: [[usize; 4]; 7] = [
    [1, 1, 1, 1],
    [16, 16, 4, 15],
    [3, 8, 5, 7],
    [32, 16, 3, 20],
    [17, 33, 6, 2],
    [64, 48, 2, 31],
    [300, 5, 3, 4],
];

#[test]
fn transposed_conv_agrees_with_burn() {
    on_each_instruction_set(|| {
        for [n_in, n_out, height, width] in SHAPES {
            let device = device();
            let x = tensor(1, [2, n_in, height, width], &device).require_grad();
            let weight = tensor(2, [n_in, n_out, 2, 2], &device).require_grad();
            let bias = tensor(3, [n_out], &device).require_grad();
            let run = |conv: fn(&Features, Tensor<4>, Tensor<1>) -> Features| {
                let out = conv(
                    &Features::from_planar(x.clone()),
                    weight.clone(),
                    bias.clone(),
                );
                Gradients::of(
                    out.into_planar(),
                    &[("x", &x), ("weight", &weight)],
                    &[("bias", &bias)],
                )
            };
            let expected = run(conv_transpose2x2::fallback::conv_transpose2x2);
            run(conv_transpose2x2)
                .assert_near(&expected, &format!("{n_in} {n_out} {height} {width}"));
        }
    });
}

#[test]
fn logits_agree_with_burn() {
    on_each_instruction_set(|| {
        for [n_in, n_out, height, width] in SHAPES {
            let device = device();
            let x = tensor(1, [2, n_in, height, width], &device).require_grad();
            let weight = tensor(2, [n_out, n_in, 1, 1], &device).require_grad();
            let bias = tensor(3, [n_out], &device).require_grad();
            let run = |conv: fn(&Features, Tensor<4>, Tensor<1>) -> Tensor<4>| {
                let out = conv(
                    &Features::from_planar(x.clone()),
                    weight.clone(),
                    bias.clone(),
                );
                Gradients::of(out, &[("x", &x), ("weight", &weight)], &[("bias", &bias)])
            };
            let expected = run(conv1x1::fallback::conv1x1);
            run(conv1x1).assert_near(&expected, &format!("{n_in} {n_out} {height} {width}"));
        }
    });
}

#[test]
fn square_convs_of_any_odd_size_agree_with_burn() {
    on_each_instruction_set(|| {
        for [n_in, n_out, height, width] in SHAPES {
            for kernel in [1, 5, 7] {
                let device = device();
                let x = tensor(1, [2, n_in, height, width], &device).require_grad();
                let weight = tensor(2, [n_out, n_in, kernel, kernel], &device).require_grad();
                let bias = tensor(3, [n_out], &device).require_grad();
                let run = |conv: fn(&Features, Tensor<4>, Tensor<1>, bool) -> Features| {
                    let out = conv(
                        &Features::from_planar(x.clone()),
                        weight.clone(),
                        bias.clone(),
                        true,
                    );
                    let inputs = [("x", &x), ("weight", &weight)];
                    Gradients::of(out.into_planar(), &inputs, &[("bias", &bias)])
                };
                let expected = run(conv_bias::fallback::conv_bias);
                let case = format!("{n_in} {n_out} {height} {width}, {kernel}x{kernel}");
                run(|x, weight, bias, relu| conv_bias(x, weight, bias, relu, None))
                    .assert_near(&expected, &case);
            }
        }
    });
}

#[test]
fn plane_sums_agree_with_burn() {
    let device = device();
    let x = tensor(1, [2, 3, 40, 50], &device).require_grad();
    let run = |sums: fn(Tensor<4>) -> Tensor<2>| {
        let out = sums(x.clone()).reshape([2, 3, 1, 1]);
        Gradients::of(out, &[("x", &x)], &[])
    };
    run(plane_sums).assert_near(&run(plane_sums::fallback::plane_sums), "plane sums");
}

#[test]
fn upsampling_agrees_with_burn() {
    for (stride, [n_in, n_out, height, width]) in [
        (2, [1, 1, 1, 1]),
        (2, [3, 2, 5, 4]),
        (4, [2, 3, 1, 7]),
        (8, [2, 2, 4, 3]),
    ] {
        let device = device();
        let x = tensor(1, [2, n_in, height, width], &device).require_grad();
        let weight = tensor(2, [n_in, n_out, 2 * stride, 2 * stride], &device).require_grad();
        let run = |upsample: fn(Tensor<4>, Tensor<4>, usize) -> Tensor<4>| {
            let out = upsample(x.clone(), weight.clone(), stride);
            Gradients::of(out, &[("x", &x), ("weight", &weight)], &[])
        };
        let expected = run(conv_transpose_bilinear::fallback::conv_transpose_bilinear);
        run(conv_transpose_bilinear)
            .assert_near(&expected, &format!("by {stride}, {height} {width}"));
    }
}

#[test]
fn steps_of_gradient_descent_agree_with_burn() {
    let device = Device::default();
    let [weight, gradient, next] = [1, 2, 3].map(|seed| tensor(seed, [3, 5, 7, 9], &device));
    let rates = SgdRates {
        momentum: 0.9,
        lr: 0.05,
    };
    let run = |step: Step| {
        let (weight, velocity) = step(weight.clone(), None, gradient.clone(), rates);
        let (weight, velocity) = step(weight, Some(velocity), next.clone(), rates);
        [values(&weight), values(&velocity)]
    };
    let [weight, velocity] = run(sgd_step);
    let expected = run(sgd_step::fallback::sgd_step);
    assert_near("weight", &weight, &expected[0], 1e-6);
    assert_near("velocity", &velocity, &expected[1], 1e-6);
}

type Step = fn(Tensor<4>, Option<Tensor<4>>, Tensor<4>, SgdRates) -> (Tensor<4>, Tensor<4>);
