//! Both nets: logits, loss, the gradient of every parameter, running statistics.

use burn::tensor::Device;
use hardslice_data::random::Stream;
use hardslice_train::Loss;
use hardslice_train::net::Pass;
use hardslice_train::weights::Weights;

use crate::case::{Case, CompareGradients, compare};
use crate::golden::Golden;

/// Of what a pass forwards gives. PyTorch's float32: 1.5e-6 at worst.
const FORWARD: f64 = 1e-5;

/// Of gradients, which cancel: the sums are far larger than what they leave. PyTorch's float32:
/// 2e-5 at worst.
const BACKWARD: f64 = 1e-4;

fn is_pytorchs(name: &'static str) {
    let mut golden = Golden::open(name);
    let case: Case = golden.case();
    let device = Device::flex().autodiff();
    let mut net = case.net(&device);
    let batch = case.batch(&device);

    let mut pass = Pass::train(Stream::new(0, "dropout"));
    let logits = net.forward(batch.x.clone(), &mut pass);
    compare(&mut golden, "logits.train", logits.clone(), FORWARD);
    let loss = |logits| Loss::default().of(logits, batch.targets.clone(), batch.annotated.clone());
    let leaf = logits.clone().detach().require_grad();
    let at_logits = leaf.grad(&loss(leaf.clone()).backward()).unwrap();
    compare(&mut golden, "logits.gradient", at_logits, BACKWARD);
    let loss = loss(logits);
    compare(&mut golden, "loss", loss.clone(), FORWARD);
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
        golden.compare(&key, &tensor.shape, &tensor.values, FORWARD);
    }
    crate::weights::leave_for_pytorch(name, &weights);

    let predicted = net.forward(batch.x, &mut Pass::predict());
    let inner = Device::flex();
    let plain = net.without_gradients();
    let plain = plain.forward(case.batch(&inner).x, &mut Pass::predict());
    for logits in [predicted, plain] {
        compare(&mut golden, "logits.predict", logits, FORWARD);
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
