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
use hardslice_data::balance::{Plan, PlanEntry, Reason};
use hardslice_data::random::Stream;
use hardslice_data::store::Store;
use hardslice_data::{Organ, SliceRef};
use hardslice_train::layout::TrainingDir;
use hardslice_train::net::{Net, NetConfig, NormKind};
use hardslice_train::{
    Collapse, FitContext, FitError, Lr0Setting, Phase, Receipt, Silent, SliceDataset, TrainConfig,
    TrainState, fit,
};
use hardslice_volume::PerAxis;

use support::write_case;

const SHAPE: PerAxis<usize> = PerAxis::new(4, 16, 16);

/// Case 0 is noise, case 1 air; the liver is everywhere, or a sixteenth of each slice.
fn store(dir: &Path, is_everywhere: bool) -> Store {
    let mut stream = Stream::new(0, "noise");
    let noise = (0..SHAPE.n_voxels()).map(|_| i16::try_from(stream.below(400)).unwrap() - 150);
    let case = |name: &str, hu| {
        let is_liver = |voxel: usize| is_everywhere || voxel % (SHAPE.y * SHAPE.x) < SHAPE.x;
        let liver = (0..SHAPE.n_voxels()).map(|voxel| u8::from(is_liver(voxel)));
        write_case(dir, name, SHAPE, hu, liver.collect(), "liver")
    };
    let cases = vec![
        case("noise", noise.collect()),
        case("air", vec![-1000; SHAPE.n_voxels()]),
    ];
    support::store(dir, cases, &[("liver", 1)], SHAPE.x)
}

/// A net without norms that is trained on noise and validated on air, at a learning rate of 0. Where
/// all is air its logits are the last layer's bias, whatever the weights.
fn trained(out_bias: f32, is_everywhere: bool) -> Result<TrainState, FitError> {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), is_everywhere);
    trained_on(&store, &[out_bias], dir.path(), Watched::default())
}

/// How long a training is and what is looked at.
#[derive(Clone, Copy)]
struct Watched {
    steps: u64,
    n_validations: u64,
    has_validation: bool,
}

impl Default for Watched {
    fn default() -> Self {
        Self {
            steps: 100,
            n_validations: 5,
            has_validation: true,
        }
    }
}

/// With a bias for each organ.
fn trained_on(
    store: &Store,
    out_bias: &[f32],
    dir: &Path,
    watched: Watched,
) -> Result<TrainState, FitError> {
    let dataset = SliceDataset::new(store, store.all_organs().collect(), 0);
    let device = Device::flex();
    let config = NetConfig {
        width: 4,
        norm: NormKind::None,
        ..NetConfig::default()
    };
    let mut net = Net::new(&config, out_bias.len(), 0, &device.clone().autodiff());
    let Net::UNet(unet) = &mut net else {
        panic!("the default is a U-Net");
    };
    let bias = Tensor::from_floats(out_bias, &device.clone().autodiff());
    unet.out.bias = Some(Param::from_tensor(bias));
    let train = TrainConfig {
        steps: watched.steps,
        batch: 4,
        lr0: 0.0,
        n_validations: watched.n_validations,
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
        steps: 0..watched.steps,
    };
    let validation = if watched.has_validation {
        slices(1)
    } else {
        Vec::new()
    };
    let context = FitContext {
        dataset: &dataset,
        validation: &validation,
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
        &TrainingDir::new(dir.join("training")),
        &context,
    )
}

/// At the third validation, because nothing is found.
#[track_caller]
fn assert_given_up_empty(found: Result<TrainState, FitError>) {
    match found {
        Err(FitError::Collapsed {
            step: 60,
            n: 3,
            found: Collapse::AllBackground,
            ..
        }) => {}
        other => panic!("{:?}", other.map(|state| state.position)),
    }
}

#[test]
fn a_net_that_finds_nothing_anywhere_is_given_up_at_the_third_validation() {
    assert_given_up_empty(trained(-100.0, true));
}

#[test]
fn a_net_is_watched_where_there_are_no_validation_patients() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), true);
    let watched = Watched {
        has_validation: false,
        ..Watched::default()
    };
    assert_given_up_empty(trained_on(&store, &[-100.0], dir.path(), watched));
    let found = trained_on(&store, &[100.0], &dir.path().join("other"), watched);
    assert_eq!(found.unwrap().position.step, 100, "everything is the organ");
}

#[test]
fn a_receipt_names_what_was_not_learnt_however_seldom_a_net_was_validated() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), true);
    let liver = [Organ::new("liver").unwrap()];
    for (steps, out_bias, wanted) in [
        (100, -100.0, &liver[..]),
        (100, 100.0, &[]),
        // A try of the machinery.
        (10, -100.0, &[]),
    ] {
        let name = format!("{steps} steps, bias {out_bias}");
        let watched = Watched {
            steps,
            n_validations: 1,
            ..Watched::default()
        };
        let dir = dir.path().join(&name);
        trained_on(&store, &[out_bias], &dir, watched).unwrap();
        let receipt = Receipt::read(&TrainingDir::new(dir.join("training")));
        assert_eq!(receipt.unwrap().unwrap().not_learnt(), wanted, "{name}");
    }
}

#[test]
fn a_net_that_finds_what_it_is_trained_on_goes_on() {
    let state = trained(-1e-6, true).unwrap();
    assert_eq!(state.position.step, 100, "to the end");
    assert_eq!(state.position.best, Some((20, 0.0)), "nothing on air");
}

#[test]
fn a_net_that_takes_everything_for_the_organ_is_given_up_too() {
    let Err(FitError::Collapsed { step, n, found, .. }) = trained(100.0, false) else {
        panic!("it goes on");
    };
    assert_eq!((step, n), (60, 3));
    // A sixteenth against all: 2 * 1/16 / (1 + 1/16).
    let Collapse::NoBetterThanTrivial { dice, trivial } = found else {
        panic!("{found:?}");
    };
    assert!((dice - 2.0 / 17.0).abs() < 1e-12, "{dice}");
    assert!(
        (trivial - dice).abs() < 0.01,
        "noise is nowhere air but by chance: {trivial}"
    );
    assert!(trivial >= dice, "the best of all answers");
    let said = found.to_string();
    assert!(
        said.contains("has learnt nothing") && said.contains("0.118"),
        "{said}"
    );
}

#[test]
fn a_net_of_two_organs_that_has_lost_one_at_the_end_has_failed() {
    let dir = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(0, "noise");
    let mut case = |name: &str, has_spleen: bool| {
        let hu = (0..SHAPE.n_voxels()).map(|_| i16::try_from(stream.below(400)).unwrap() - 150);
        let is_liver = |voxel: usize| voxel % SHAPE.n_pixels() < SHAPE.n_pixels() / 2;
        let labels = (0..SHAPE.n_voxels()).map(|voxel| if is_liver(voxel) { 1 } else { 2 });
        let mut case = write_case(
            dir.path(),
            name,
            SHAPE,
            hu.collect(),
            labels.collect(),
            "liver",
        );
        if has_spleen {
            case.organs_annotated.push(Organ::new("spleen").unwrap());
        }
        case
    };
    let cases = vec![case("one", true), case("two", true)];
    let of_liver_alone = vec![case("three", true), case("four", false)];
    let store = |name: &str, cases| {
        let dir = dir.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        support::store(&dir, cases, &[("liver", 1), ("spleen", 2)], SHAPE.x)
    };
    let of_liver_alone = store("liver alone", of_liver_alone);
    let store = store("both", cases);
    match trained_on(&store, &[100.0, -100.0], dir.path(), Watched::default()) {
        Err(
            error @ FitError::OrganLost {
                step: 100, n: 5, ..
            },
        ) => {
            let said = error.to_string();
            assert!(said.contains("nothing of `spleen`"), "{said}");
        }
        other => panic!("{:?}", other.map(|state| state.position)),
    }
    // Of an organ that no validation patient has, what it is trained on tells.
    let training = dir.path().join("liver alone");
    let found = trained_on(
        &of_liver_alone,
        &[100.0, -100.0],
        &training,
        Watched::default(),
    );
    assert!(
        matches!(
            found,
            Err(FitError::OrganLost {
                step: 100,
                n: 5,
                ..
            })
        ),
        "{:?}",
        found.map(|state| state.position)
    );
    let both = trained_on(
        &store,
        &[100.0, 100.0],
        &dir.path().join("both"),
        Watched::default(),
    )
    .unwrap();
    assert_eq!(
        both.position.step, 100,
        "half of the slice each: two thirds"
    );
}
