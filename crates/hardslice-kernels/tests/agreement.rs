//! The kernels against Burn's own operations: results and all gradients, over shapes that fill
//! blocks, rows and tiles, and over those that do not, on every instruction set of this processor.

mod support;

use std::sync::Mutex;

use burn::tensor::{Device, Tensor};
use hardslice_kernels::ops::added::{self, added};
use hardslice_kernels::ops::canvas::{self, canvas};
use hardslice_kernels::ops::conv_bias::{self, conv_bias, conv3x3_bias};
use hardslice_kernels::ops::conv_norm_relu::{self, conv3x3_norm_relu};
use hardslice_kernels::ops::conv_transpose_bilinear::{self, conv_transpose_bilinear};
use hardslice_kernels::ops::conv_transpose2x2::{self, conv_transpose2x2};
use hardslice_kernels::ops::conv1x1::{self, conv1x1};
use hardslice_kernels::ops::fork::{self, fork, fork_features};
use hardslice_kernels::ops::max_pool::{self, max_pool2x2};
use hardslice_kernels::ops::overlap_sums::{self, OverlapSums, overlap_sums};
use hardslice_kernels::ops::pixel_loss_sums::{self, PixelLoss, cross_entropies, pixel_loss_sums};
use hardslice_kernels::ops::plane_sums::{self, plane_sums};
use hardslice_kernels::ops::scaled::{self, scaled};
use hardslice_kernels::ops::sgd_step::{self, SgdRates, sgd_step};
use hardslice_kernels::ops::sum_of_squares;
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
        scale: 0.7,
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

#[test]
fn sums_of_squares_agree_with_burn() {
    for shape in [[1, 1, 1, 1], [3, 5, 7, 9], [2, 16, 40, 33]] {
        let x = tensor(1, shape, &Device::default());
        let [found, expected] = [
            sum_of_squares::sum_of_squares,
            sum_of_squares::fallback::sum_of_squares,
        ]
        .map(|sum: fn(Tensor<4>) -> Tensor<1>| values(&sum(x.clone())));
        assert_near("sum", &found, &expected, 1e-4);
    }
}

type Step = fn(Tensor<4>, Option<Tensor<4>>, Tensor<4>, SgdRates) -> (Tensor<4>, Tensor<4>);

/// n, channels, height, width, channels of the weights: fewer pixels than a vector has, planes
/// that fill vectors and planes that do not, more than a task takes.
const LABELLED: [[usize; 5]; 6] = [
    [1, 1, 1, 1, 0],
    [2, 3, 5, 7, 0],
    [2, 3, 5, 7, 1],
    [2, 2, 16, 16, 2],
    [1, 1, 70, 80, 1],
    [3, 2, 0, 4, 0],
];

/// Logits from −40 to 40, targets, and weights of 0 and 1 where there are any.
fn labelled(case: [usize; 5], device: &Device) -> (Tensor<4>, Tensor<4>, Option<Tensor<4>>) {
    let [n, channels, height, width, weight_channels] = case;
    let shape = [n, channels, height, width];
    let logits = (tensor(1, shape, device) * 80.0).detach().require_grad();
    let ones = |seed, shape: [usize; 4], share: f32| {
        let data: Vec<f32> = support::numbers(seed, shape.iter().product())
            .into_iter()
            .map(|x| f32::from(u8::from(x + 0.5 < share)))
            .collect();
        Tensor::from_data(burn::tensor::TensorData::new(data, shape), device)
    };
    let weights = (weight_channels > 0).then(|| ones(3, [n, weight_channels, height, width], 0.7));
    (logits, ones(2, shape, 0.4), weights)
}

type Overlap = fn(Tensor<4>, Tensor<4>, Option<Tensor<4>>) -> OverlapSums;

#[test]
fn sums_of_overlap_agree_with_burn() {
    on_each_instruction_set(|| {
        for case in LABELLED {
            let run = |sums: Overlap| {
                let (logits, targets, weights) = labelled(case, &device());
                let sums = sums(logits.clone(), targets, weights);
                let both = Tensor::cat(vec![sums.shared, sums.predicted, sums.present], 1);
                let [n, channels] = both.dims();
                let out = both.reshape([n, channels, 1, 1]);
                Gradients::of(out, &[("logits", &logits)], &[])
            };
            let expected = run(overlap_sums::fallback::overlap_sums);
            run(overlap_sums).assert_near(&expected, &format!("overlap {case:?}"));
        }
    });
}

type PixelLossSums = fn(Tensor<4>, Tensor<4>, Option<Tensor<4>>, PixelLoss) -> Tensor<2>;

#[test]
fn sums_of_pixel_losses_agree_with_burn() {
    let losses = [
        PixelLoss::CrossEntropy,
        PixelLoss::Focal {
            gamma: 2.0,
            alpha: 0.25,
        },
        PixelLoss::Focal {
            gamma: 1.0,
            alpha: 0.6,
        },
    ];
    on_each_instruction_set(|| {
        for case in LABELLED {
            for loss in losses {
                let run = |sums: PixelLossSums| {
                    let (logits, targets, weights) = labelled(case, &device());
                    let sums = sums(logits.clone(), targets, weights, loss);
                    let [n, channels] = sums.dims();
                    let out = sums.reshape([n, channels, 1, 1]);
                    Gradients::of(out, &[("logits", &logits)], &[])
                };
                let expected = run(pixel_loss_sums::fallback::pixel_loss_sums);
                run(pixel_loss_sums).assert_near(&expected, &format!("{loss:?} {case:?}"));
            }
            let (logits, targets, _) = labelled(case, &device());
            let (logits, targets) = (logits.inner(), targets.inner());
            let found = cross_entropies(logits.clone(), targets.clone());
            let expected = pixel_loss_sums::fallback::cross_entropies(logits, targets);
            assert_near("cross-entropies", &values(&found), &values(&expected), 1e-6);
        }
    });
}

#[test]
fn gradients_of_a_fork_agree_with_burn() {
    on_each_instruction_set(|| {
        for shape in [[1, 1, 1, 1], [2, 3, 5, 7], [1, 20, 9, 4], [1, 16, 40, 50]] {
            let x = tensor(1, shape, &device()).require_grad();
            let run = |fork: fn(Tensor<4>) -> [Tensor<4>; 2]| {
                let [first, second] = fork(x.clone());
                let out = first.clone() * 3.0 + second * first;
                Gradients::of(out, &[("x", &x)], &[])
            };
            run(fork).assert_near(&run(fork::fallback::fork), &format!("{shape:?}"));
        }
    });
}

#[test]
fn a_reader_of_a_fork_that_takes_no_part_adds_nothing() {
    on_each_instruction_set(|| {
        for which in [0, 1] {
            let x = tensor(1, [1, 20, 3, 3], &device()).require_grad();
            let branches = fork_features(Features::from_planar(x.clone()));
            let read = branches[which].clone().into_planar();
            let found = Gradients::of(read, &[("x", &x)], &[]);
            let expected = Gradients::of(x.clone(), &[("x", &x)], &[]);
            found.assert_near(&expected, &format!("branch {which} alone"));
        }
    });
}

#[test]
fn sums_and_scaled_tensors_agree_with_burn() {
    for shape in [[1, 1, 1, 1], [2, 3, 5, 7], [3, 4, 60, 50]] {
        let a = tensor(1, shape, &device()).require_grad();
        let b = tensor(2, shape, &device()).require_grad();
        let run = |added: fn(Tensor<4>, Tensor<4>) -> Tensor<4>| {
            Gradients::of(added(a.clone(), b.clone()), &[("a", &a), ("b", &b)], &[])
        };
        run(added).assert_near(&run(added::fallback::added), &format!("{shape:?}"));
        let factors = tensor(3, shape, &device());
        let run = |scaled: fn(Tensor<4>, Tensor<4>) -> Tensor<4>| {
            Gradients::of(scaled(a.clone(), factors.clone()), &[("a", &a)], &[])
        };
        run(scaled).assert_near(&run(scaled::fallback::scaled), &format!("{shape:?}"));
        let factors = tensor(4, [shape[0], shape[1]], &device());
        let run = |scaled: fn(Tensor<4>, Tensor<2>) -> Tensor<4>| {
            Gradients::of(scaled(a.clone(), factors.clone()), &[("a", &a)], &[])
        };
        run(scaled).assert_near(&run(scaled::fallback::scaled), &format!("{shape:?}"));
    }
}

#[test]
fn a_canvas_agrees_with_burn() {
    for (height, width) in [(5, 7), (8, 8), (3, 4), (6, 2), (1, 9)] {
        let x = tensor(1, [2, 3, 5, 7], &device()).require_grad();
        let run = |canvas: fn(Tensor<4>, usize, usize) -> Tensor<4>| {
            Gradients::of(canvas(x.clone(), height, width), &[("x", &x)], &[])
        };
        run(canvas).assert_near(&run(canvas::fallback::canvas), &format!("{height} {width}"));
    }
}
