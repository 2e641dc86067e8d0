//! Both nets: logits, loss, the gradient of every parameter, running statistics.

use burn::tensor::Device;
use hardslice_data::random::Stream;
use hardslice_train::Loss;
use hardslice_train::net::{ForwardContext, Net};
use hardslice_train::weights::Weights;

use crate::case::{Case, CompareGradients, compare};
use crate::golden::Golden;

/// Of logits behind norms that take the batch's own statistics. PyTorch's float32: 3.2e-6 at worst.
const TRAINED: f64 = 1.5e-5;

/// Of logits behind fixed statistics. PyTorch's float32: 1.1e-6 at worst.
const PREDICTED: f64 = 5e-6;

/// Of the loss and of running statistics, in which errors average out. PyTorch's float32: 4e-7 at
/// worst.
const SUMMED: f64 = 2e-6;

/// Of gradients, which cancel: the sums are far larger than what they leave. PyTorch's float32:
/// 1.8e-5 at worst.
const BACKWARD: f64 = 1e-4;

fn is_pytorchs(name: &'static str) {
    let mut golden = Golden::open(name);
    let case: Case = golden.case();
    let device = Device::flex().autodiff();
    let mut net = case.net(&device);
    let batch = case.batch(&device);

    let mut pass = ForwardContext::train(Stream::new(0, "dropout"));
    let logits = net.forward(batch.x.clone(), &mut pass);
    compare(&mut golden, "logits.train", logits.clone(), TRAINED);
    let loss = |logits| Loss::default().of(logits, batch.targets.clone());
    let leaf = logits.clone().detach().require_grad();
    let at_logits = leaf.grad(&loss(leaf.clone()).backward()).unwrap();
    compare(&mut golden, "logits.gradient", at_logits, BACKWARD);
    let loss = loss(logits);
    compare(&mut golden, "loss", loss.clone(), SUMMED);
    let gradients = loss.backward();
    net.visit(&mut CompareGradients {
        golden: &mut golden,
        gradients: &gradients,
        tolerance: BACKWARD,
        path: Vec::new(),
    });

    net.absorb_statistics(pass);
    let weights = Weights::of(&net);
    for tensor in weights
        .tensors
        .iter()
        .filter(|tensor| tensor.name.contains("running"))
    {
        let key = format!("after.{}", tensor.name);
        golden.compare(&key, &tensor.shape, &tensor.values, SUMMED);
    }
    crate::weights::leave_for_pytorch(name, &weights);

    let predicted = net.forward(batch.x, &mut ForwardContext::predict());
    let inner = Device::flex();
    let plain = net.for_prediction();
    let plain = plain.forward(case.batch(&inner).x, &mut ForwardContext::predict());
    for logits in [predicted, plain] {
        compare(&mut golden, "logits.predict", logits, PREDICTED);
    }
    golden.finish();
}

#[test]
fn unet_of_width_3_with_batch_norm_on_an_odd_size() {
    is_pytorchs("unet_3_batch");
}

#[test]
fn unet_of_width_3_without_norm_on_three_slices_at_once() {
    is_pytorchs("unet_3_none");
}

#[test]
fn unet_of_width_4_with_batch_norm_on_three_slices_at_once() {
    is_pytorchs("unet_4_batch");
}

#[test]
fn unet_of_width_4_without_norm_on_a_size_that_needs_no_padding() {
    is_pytorchs("unet_4_none");
}

#[test]
fn unet_of_width_16_with_batch_norm() {
    is_pytorchs("unet_16_batch");
}

#[test]
fn fcn8s_of_width_2_with_batch_norm_on_an_odd_size() {
    is_pytorchs("fcn8s_2_batch");
}

#[test]
fn fcn8s_of_width_2_without_norm_on_three_slices_at_once() {
    is_pytorchs("fcn8s_2_none");
}

#[test]
fn dropout_draws_from_its_own_stream_in_training_and_is_gone_at_prediction() {
    let device = Device::flex();
    let mut case: Case = Golden::open("fcn8s_2_none").case();
    let x = case.batch(&device).x;
    let without = case.net(&device);
    case.config.dropout = 0.5;
    let with = case.net(&device);
    let train = |net: &Net, name| {
        let mut pass = ForwardContext::train(Stream::new(0, name));
        net.forward(x.clone(), &mut pass).into_data()
    };
    assert_eq!(train(&with, "a"), train(&with, "a"), "one stream");
    assert_ne!(train(&with, "a"), train(&with, "b"), "two streams");
    assert_eq!(train(&without, "a"), train(&without, "b"), "nothing drawn");
    let predict = |net: &Net| {
        net.forward(x.clone(), &mut ForwardContext::predict())
            .into_data()
    };
    assert_eq!(predict(&with), predict(&without), "nothing dropped");
}
