//! Measures a training step, or a prediction, of a 2D U-Net built from the operations.
//!
//! `cargo run --release --example step -- WIDTH SIZE N [train|infer] [STEPS] [THREADS] [ISA]`
//!
//! The net: one input channel, widths C, 2C, 4C, 8C, 16C, two 3x3 convolutions with batch norm
//! and ReLU a level, 2x2 max pool, 2x2 transposed convolution up, skip connections, 1x1
//! convolution out. A step: forward, soft Dice loss, backward, SGD with momentum 0.9.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the numbers are small, or meant to be rounded"
)]
#![expect(clippy::print_stdout, reason = "a program")]

use std::time::Instant;

use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use hardslice_kernels::ops::conv_bias::conv3x3_bias;
use hardslice_kernels::ops::conv_norm_relu::conv3x3_norm_relu;
use hardslice_kernels::ops::conv_transpose2x2::conv_transpose2x2;
use hardslice_kernels::ops::conv1x1::conv1x1;
use hardslice_kernels::ops::fold_norm::fold_norm;
use hardslice_kernels::ops::max_pool::max_pool2x2;
use hardslice_kernels::ops::plane_sums::plane_sums;
use hardslice_kernels::{Features, Norm, Precision, force_instruction_set, instruction_set};

const LEARNING_RATE: f32 = 0.05;
const MOMENTUM: f32 = 0.9;
const EPS: f64 = 1e-5;

/// Uniform in [0, 1): a hash of the stream `k` and the place.
fn hash_uniform(k: u64, n: usize) -> Vec<f32> {
    (0..n as u64)
        .map(|i| {
            let mut z = (k << 40)
                .wrapping_add(i)
                .wrapping_add(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            ((z >> 40) as f64 / (1_u64 << 24) as f64) as f32
        })
        .collect()
}

/// Parameters of any rank, with their momentum.
struct Parameters {
    weights: Vec<Tensor<4>>,
    vectors: Vec<Tensor<1>>,
    weight_momenta: Vec<Option<Tensor<4>>>,
    vector_momenta: Vec<Option<Tensor<1>>>,
}

impl Parameters {
    fn step(&mut self, gradients: &Gradients) {
        let weights = self.weights.iter_mut().zip(&mut self.weight_momenta);
        weights.for_each(|(p, momentum)| update(p, momentum, gradients));
        let vectors = self.vectors.iter_mut().zip(&mut self.vector_momenta);
        vectors.for_each(|(p, momentum)| update(p, momentum, gradients));
    }
}

fn update<const D: usize>(p: &mut Tensor<D>, momentum: &mut Option<Tensor<D>>, all: &Gradients) {
    let gradient = p.grad(all).expect("a gradient for each parameter");
    let velocity = match momentum.take() {
        Some(old) => old * MOMENTUM + gradient,
        None => gradient,
    };
    let value = p.clone().inner() - velocity.clone() * LEARNING_RATE;
    *momentum = Some(velocity);
    *p = Tensor::from_inner(value).require_grad();
}

/// Two convolutions: places of weights and of gamma and beta.
struct Level {
    weights: [usize; 2],
    vectors: [usize; 4],
}

struct UNet {
    parameters: Parameters,
    down: Vec<Level>,
    /// Places of weight and bias.
    up: Vec<[usize; 2]>,
    dec: Vec<Level>,
    out: [usize; 2],
    precision: Precision,
}

struct Builder<'a> {
    device: &'a Device,
    parameters: Parameters,
}

impl Builder<'_> {
    fn weight(&mut self, shape: [usize; 4], fan_in: usize) -> usize {
        let k = self.parameters.weights.len() as u64;
        let bound = (6.0 / fan_in as f64).sqrt() as f32;
        let values = hash_uniform(k, shape.iter().product());
        let values: Vec<f32> = values.iter().map(|u| (u * 2.0 - 1.0) * bound).collect();
        let weight = Tensor::from_data(TensorData::new(values, shape), self.device);
        self.parameters.weights.push(weight.require_grad());
        self.parameters.weight_momenta.push(None);
        self.parameters.weights.len() - 1
    }

    fn vector(&mut self, n: usize, value: f32) -> usize {
        let vector = Tensor::full([n], value, self.device).require_grad();
        self.parameters.vectors.push(vector);
        self.parameters.vector_momenta.push(None);
        self.parameters.vectors.len() - 1
    }

    fn level(&mut self, n_in: usize, n_out: usize) -> Level {
        let weights = [
            self.weight([n_out, n_in, 3, 3], n_in * 9),
            self.weight([n_out, n_out, 3, 3], n_out * 9),
        ];
        let vectors = [1.0, 0.0, 1.0, 0.0].map(|value| self.vector(n_out, value));
        Level { weights, vectors }
    }
}

impl UNet {
    fn new(width: usize, precision: Precision, device: &Device) -> Self {
        let parameters = Parameters {
            weights: vec![],
            vectors: vec![],
            weight_momenta: vec![],
            vector_momenta: vec![],
        };
        let mut build = Builder { device, parameters };
        let widths = [1, 2, 4, 8, 16].map(|factor| factor * width);
        let down = (0..5)
            .map(|l| build.level(if l == 0 { 1 } else { widths[l - 1] }, widths[l]))
            .collect();
        let up = [3, 2, 1, 0]
            .map(|l| {
                let weight = build.weight([widths[l + 1], widths[l], 2, 2], widths[l + 1]);
                [weight, build.vector(widths[l], 0.0)]
            })
            .into();
        let dec = [3, 2, 1, 0]
            .map(|l| build.level(2 * widths[l], widths[l]))
            .into();
        let out = [build.weight([1, width, 1, 1], width), build.vector(1, 0.0)];
        Self {
            parameters: build.parameters,
            down,
            up,
            dec,
            out,
            precision,
        }
    }

    fn conv(&self, x: &Features, skip: Option<&Features>, level: &Level, which: usize) -> Features {
        let Parameters {
            weights, vectors, ..
        } = &self.parameters;
        let [gamma, beta] = [0, 1].map(|i| vectors[level.vectors[2 * which + i]].clone());
        let weight = weights[level.weights[which]].clone();
        conv3x3_norm_relu(
            x,
            skip,
            weight,
            &Norm {
                gamma,
                beta,
                eps: EPS,
            },
        )
        .0
    }

    /// Prediction: the norm folded into the weights (with statistics 0 and 1).
    fn folded(
        &self,
        x: &Features,
        skip: Option<&Features>,
        level: &Level,
        which: usize,
    ) -> Features {
        let Parameters {
            weights, vectors, ..
        } = &self.parameters;
        let [gamma, beta] = [0, 1].map(|i| vectors[level.vectors[2 * which + i]].clone().inner());
        let weight = weights[level.weights[which]].clone().inner();
        let (zeros, ones) = (beta.zeros_like(), beta.ones_like());
        let (weight, bias) = fold_norm(weight, gamma, beta, zeros, ones, EPS);
        conv3x3_bias(x, skip, weight, bias, true)
    }

    fn forward(&self, x: Tensor<4>, is_training: bool) -> Tensor<4> {
        let conv = |x: &Features, skip: Option<&Features>, level: &Level, which| {
            if is_training {
                self.conv(x, skip, level, which)
            } else {
                self.folded(x, skip, level, which)
            }
        };
        let weight = |place: usize| {
            let weight = self.parameters.weights[place].clone();
            if is_training { weight } else { weight.inner() }
        };
        let vector = |place: usize| {
            let vector = self.parameters.vectors[place].clone();
            if is_training { vector } else { vector.inner() }
        };
        let mut x = Features::from_planar_in(x, self.precision);
        let mut skips = vec![];
        for (l, level) in self.down.iter().enumerate() {
            x = conv(&x, None, level, 0);
            x = conv(&x, None, level, 1);
            if l < 4 {
                skips.push(x.clone());
                x = max_pool2x2(&x);
            }
        }
        for ([up, bias], level) in self.up.iter().zip(&self.dec) {
            let skip = skips.pop();
            x = conv_transpose2x2(&x, weight(*up), vector(*bias));
            x = conv(&x, skip.as_ref(), level, 0);
            x = conv(&x, None, level, 1);
        }
        conv1x1(&x, weight(self.out[0]), vector(self.out[1]))
    }
}

fn data(n: usize, size: usize, device: &Device) -> (Tensor<4>, Tensor<4>) {
    let noise = hash_uniform(1000, n * size * size);
    let mut truth = vec![0.0_f32; n * size * size];
    for i in 0..n {
        let h = size as f64;
        let cy = (h * (0.3 + 0.4 * ((i * 7) % 10) as f64 / 10.0)) as f32;
        let cx = (h * (0.3 + 0.4 * ((i * 3) % 10) as f64 / 10.0)) as f32;
        let r = (h * 0.15) as f32;
        for y in 0..size {
            for x in 0..size {
                let distance = (y as f32 - cy).powi(2) + (x as f32 - cx).powi(2);
                truth[(i * size + y) * size + x] = f32::from(u8::from(distance < r.powi(2)));
            }
        }
    }
    let image: Vec<f32> = noise
        .iter()
        .zip(&truth)
        .map(|(a, b)| a * 0.5 + b * 0.5)
        .collect();
    let shape = [n, 1, size, size];
    [image, truth]
        .map(|values| Tensor::from_data(TensorData::new(values, shape), device))
        .into()
}

fn dice(logits: Tensor<4>, truth: Tensor<4>) -> Tensor<1> {
    let p = sigmoid(logits);
    let shared = plane_sums(p.clone() * truth.clone());
    let both = plane_sums(p) + plane_sums(truth);
    (((shared * 2.0 + 1.0) / (both + 1.0)).neg() + 1.0).mean()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (width, size, n) = (number(0, 16), number(1, 128), number(2, 16));
    let is_training = args.get(3).is_none_or(|mode| mode == "train");
    let (steps, threads) = (number(4, 8), number(5, 2));
    let precision = match args.get(7).map(String::as_str) {
        Some("bf16") => Precision::Bf16,
        _ => Precision::F32,
    };
    if let Some(name) = args.get(6) {
        force_instruction_set(name).expect("an instruction set of this processor");
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads");
    pool.install(|| {
        let device = Device::default();
        let tracking = device.clone().autodiff();
        let mut net = UNet::new(width, precision, &tracking);
        let (x, truth) = data(n, size, if is_training { &tracking } else { &device });
        let mut losses = vec![];
        let mut seconds = vec![];
        for _ in 0..steps + 3 {
            let start = Instant::now();
            if is_training {
                let loss = dice(net.forward(x.clone(), true), truth.clone());
                let gradients = loss.backward();
                net.parameters.step(&gradients);
                losses.push(loss.into_scalar::<f32>());
            } else {
                losses.push(net.forward(x.clone(), false).sum().into_scalar::<f32>());
            }
            seconds.push(start.elapsed().as_secs_f64());
        }
        let first = seconds.drain(..3).fold(0.0, f64::max);
        seconds.sort_by(f64::total_cmp);
        let median = seconds[seconds.len() / 2];
        let mode = if is_training { "train" } else { "infer" };
        println!(
            "{{\"engine\":\"hardslice\",\"isa\":\"{}\",\"mode\":\"{mode}\",\"c\":{width},\"hw\":{size},\
             \"n\":{n},\"threads\":{threads},\"med_s\":{median:.5},\"min_s\":{:.5},\
             \"slices_s\":{:.3},\"first_s\":{first:.3},\"losses\":{:?}}}",
            instruction_set(),
            seconds[0],
            n as f64 / median,
            &losses[..losses.len().min(24)],
        );
    });
}
