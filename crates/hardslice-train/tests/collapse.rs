//! A net that predicts nothing: given up where it has collapsed, and only there.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

mod support;

use std::borrow::Cow;
use std::path::Path;

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use hardslice_data::SliceRef;
use hardslice_data::balance::{Plan, PlanEntry, Reason};
use hardslice_data::random::Stream;
use hardslice_data::store::Store;
use hardslice_train::layout::TrainingDir;
use hardslice_train::net::{Net, NetConfig, NormKind};
use hardslice_train::{
    FitContext, FitError, Lr0Setting, Phase, Silent, SliceDataset, TrainConfig, TrainState, fit,
};
use hardslice_volume::PerAxis;

use support::write_case;

const SHAPE: PerAxis<usize> = PerAxis::new(4, 16, 16);

/// Case 0 is noise, case 1 air; the liver is everywhere.
fn store(dir: &Path) -> Store {
    let mut stream = Stream::new(0, "noise");
    let noise = (0..SHAPE.n_voxels()).map(|_| i16::try_from(stream.below(400)).unwrap() - 150);
    let case = |name: &str, hu| {
        let liver = vec![1; SHAPE.n_voxels()];
        write_case(dir, name, SHAPE, hu, liver, "liver")
    };
    let cases = vec![
        case("noise", noise.collect()),
        case("air", vec![-1000; SHAPE.n_voxels()]),
    ];
    support::store(dir, cases, &[("liver", 1)], SHAPE.x)
}

/// A net without norms that is trained on noise and validated on air, at a learning rate of 0. Where
/// all is air its logits are the last layer's bias, whatever the weights.
fn trained(out_bias: f32) -> Result<TrainState, FitError> {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let dataset = SliceDataset::new(&store, store.all_organs().collect(), 0);
    let device = Device::flex();
    let config = NetConfig {
        width: 4,
        norm: NormKind::None,
        ..NetConfig::default()
    };
    let mut net = Net::new(&config, 1, 0, &device.clone().autodiff());
    let Net::UNet(unet) = &mut net else {
        panic!("the default is a U-Net");
    };
    let bias = Tensor::from_floats([out_bias], &device.clone().autodiff());
    unet.out.bias = Some(Param::from_tensor(bias));
    let train = TrainConfig {
        steps: 10,
        batch: 4,
        lr0: 0.0,
        n_validations: 5,
        ..TrainConfig::default()
    };
    let slices =
        |case_idx| -> Vec<SliceRef> { (0..4).map(|z| SliceRef::at(case_idx, z)).collect() };
    let entries = slices(0).into_iter().map(|slice| PlanEntry {
        slice,
        weight: 1.0,
        reason: Reason::Base,
    });
    let phase = Phase {
        name: "first".to_owned(),
        stage: "train".to_owned(),
        config: Cow::Borrowed(&train),
        lr0_setting: Lr0Setting::Common,
        plan: Plan::new(entries).unwrap(),
        steps: 0..10,
    };
    let context = FitContext {
        dataset: &dataset,
        validation: &slices(1),
        device: &device,
        seed: 0,
        observer: &Silent,
        wall_time_s: || 0.0,
        force: false,
    };
    fit(
        TrainState::new(net, &train),
        &phase,
        "test",
        &TrainingDir::new(dir.path().join("training")),
        &context,
    )
}

#[test]
fn a_net_that_finds_nothing_anywhere_is_given_up_at_the_third_validation() {
    match trained(-100.0) {
        Err(FitError::Collapsed { step: 6, n: 3, .. }) => {}
        other => panic!("{:?}", other.map(|state| state.position)),
    }
}

#[test]
fn a_net_that_finds_what_it_is_trained_on_goes_on() {
    let state = trained(-1e-6).unwrap();
    assert_eq!(state.position.step, 10, "to the end");
    assert_eq!(state.position.best, Some((2, 0.0)), "nothing on air");
}
