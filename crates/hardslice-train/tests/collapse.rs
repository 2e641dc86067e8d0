//! A net that predicts nothing: given up where it has collapsed, and only there.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use hardslice_data::audit::Accepted;
use hardslice_data::balance::{Plan, PlanEntry, Reason};
use hardslice_data::manifest::{Case, Layout, Manifest};
use hardslice_data::random::Stream;
use hardslice_data::store::{PrepareOptions, Store, prepare};
use hardslice_data::{CaseId, Organ, OrganMap, PatientId, SliceRef};
use hardslice_train::layout::TrainingDir;
use hardslice_train::net::{Net, NetConfig, NormKind};
use hardslice_train::{
    FitContext, FitError, Phase, Silent, SliceDataset, TrainConfig, TrainState, fit,
};
use hardslice_volume::{Grid, PerAxis, Placement, Volume, write_label_map, write_scan};

const SHAPE: PerAxis<usize> = PerAxis::new(4, 16, 16);

/// A scan with the liver in every slice.
fn write_case(dir: &Path, name: &str, hu: Vec<i16>) -> Case {
    let grid = Grid {
        shape: SHAPE,
        world_from_voxel: [
            [0.8, 0.0, 0.0, 0.0],
            [0.0, 0.8, 0.0, 0.0],
            [0.0, 0.0, 5.0, 0.0],
        ],
    };
    let [image, labels] = ["ct", "seg"].map(|what| dir.join(format!("{name}_{what}.nii.gz")));
    write_scan(&image, &Volume::new(grid, hu).unwrap()).unwrap();
    let liver = Volume::new(grid, vec![1; SHAPE.n_voxels()]).unwrap();
    write_label_map(&labels, &liver, &Placement::new(grid).unwrap()).unwrap();
    Case {
        id: CaseId::new(name).unwrap(),
        patient: PatientId::new(name).unwrap(),
        image,
        series_uid: None,
        labels: Some(labels),
        organs_annotated: vec![Organ::new("liver").unwrap()],
    }
}

/// Case 0 is noise, case 1 air.
fn store(dir: &Path) -> Store {
    let mut stream = Stream::new(0, "noise");
    let noise = (0..SHAPE.n_voxels()).map(|_| i16::try_from(stream.below(400)).unwrap() - 150);
    let cases = vec![
        write_case(dir, "noise", noise.collect()),
        write_case(dir, "air", vec![-1000; SHAPE.n_voxels()]),
    ];
    let manifest = Manifest {
        cases,
        organs: OrganMap::new([(Organ::new("liver").unwrap(), vec![1])]).unwrap(),
        source: PathBuf::from("cohort.csv"),
        layout: Layout::Csv,
        notes: Vec::new(),
        other_channel: None,
        ignored_labels: Vec::new(),
    };
    let options = PrepareOptions {
        size: 16,
        ..PrepareOptions::default()
    };
    let report = prepare(
        &manifest,
        &options,
        Accepted::Everything,
        &dir.join("store"),
        &|_| {},
    )
    .unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    Store::open(dir.join("store")).unwrap()
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
        Err(FitError::Collapsed { step: 6, n: 3 }) => {}
        other => panic!("{:?}", other.map(|state| state.position)),
    }
}

#[test]
fn a_net_that_finds_what_it_is_trained_on_goes_on() {
    let state = trained(-1e-6).unwrap();
    assert_eq!(state.position.step, 10, "to the end");
    assert_eq!(state.position.best, Some((2, 0.0)), "nothing on air");
}
