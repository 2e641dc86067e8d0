//! Pixels that nobody has judged count nowhere: not in losses and their gradients, not in mining.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;
#[path = "support/taps.rs"]
mod taps;

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use hardslice_data::balance::{Flip, Sample};
use hardslice_data::store::Store;
use hardslice_data::{OutputIdx, SliceRef};
use hardslice_train::net::{Net, NetConfig};
use hardslice_train::weights::Weights;
use hardslice_train::{
    Augmentation, Batch, Confidence, Loss, SamplePosition, Silent, SliceDataset, SumOver, Targets,
    score_for_mining, score_slices,
};
use hardslice_volume::PerAxis;

use support::{store_ignoring, write_case};
use taps::{Tap, tap_model};

/// Rows and columns.
const SIZE: usize = 16;

/// Label value of what is to be ignored.
const IGNORE: u8 = 9;

/// Columns that show the liver, and those that nobody has judged.
const LIVER: std::ops::Range<usize> = 12..16;
const UNKNOWN: std::ops::Range<usize> = 0..6;

/// Two slices: the first is known from column 6 on, of the second nothing is known.
fn store(dir: &Path, ignored: &[u16]) -> Store {
    let shape = PerAxis::new(2, SIZE, SIZE);
    let labels = (0..2 * SIZE * SIZE).map(|i| match i % SIZE {
        _ if i >= SIZE * SIZE => IGNORE,
        column if LIVER.contains(&column) => 1,
        column if UNKNOWN.contains(&column) => IGNORE,
        _ => 0,
    });
    let case = write_case(
        dir,
        "c",
        shape,
        vec![40; 2 * SIZE * SIZE],
        labels.collect(),
        "liver",
    );
    store_ignoring(ignored, dir, vec![case], &[("liver", 1)], SIZE)
}

fn shown(store: &Store, z: usize, flip: Flip) -> Batch {
    let sample = Sample {
        slice: SliceRef::at(0, z),
        flip,
    };
    let position = SamplePosition {
        seed: 0,
        name: "first",
        start: 0,
    };
    let dataset = SliceDataset::new(store, store.all_organs().collect(), 0);
    dataset.training(&[sample], &Augmentation::default(), &position)
}

#[test]
fn a_batch_says_which_pixels_are_known_however_a_slice_is_turned() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), &[u16::from(IGNORE)]);
    for flip in [Flip::AsIs, Flip::Flipped, Flip::Mirrored] {
        let batch = shown(&store, 0, flip);
        let valid = batch.valid.as_ref().unwrap();
        for (i, (valid, target)) in valid.iter().zip(batch.targets.iter()).enumerate() {
            let column = match flip {
                Flip::Mirrored => SIZE - 1 - i % SIZE,
                _ => i % SIZE,
            };
            let is_known = !UNKNOWN.contains(&column);
            assert_eq!(*valid > 0.5, is_known, "{flip:?}, pixel {i}");
            assert_eq!(
                *target > 0.5,
                LIVER.contains(&column),
                "{flip:?}, pixel {i}"
            );
        }
        assert_eq!(batch.annotated, [1.0]);
    }
    let unknown = shown(&store, 1, Flip::AsIs);
    assert_eq!(unknown.annotated, [0.0], "nothing is known of the slice");
}

#[test]
fn where_nothing_is_to_be_ignored_a_batch_has_no_such_plane() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), &[]);
    let batch = shown(&store, 0, Flip::AsIs);
    assert_eq!((batch.valid, batch.annotated), (None, vec![1.0]));
}

/// Every loss.
fn losses() -> [Loss; 6] {
    [
        Loss::Dice {
            sum_over: SumOver::Batch,
        },
        Loss::Dice {
            sum_over: SumOver::Slice,
        },
        Loss::DiceCrossEntropy,
        Loss::focal_of_its_authors(),
        Loss::TopK { share: 0.3 },
        Loss::Tversky {
            false_positive: 0.3,
            false_negative: 0.7,
        },
    ]
}

/// `[2, 2, 3, width]`: some numbers of which none is zero, the same at the same place whatever the
/// width.
fn planes(width: usize, of: impl Fn(usize) -> f32, device: &Device) -> Tensor<4> {
    let values = (0..12).flat_map(|row| (0..width).map(move |x| row * 100 + x));
    let values: Vec<f32> = values.map(of).collect();
    Tensor::from_data(TensorData::new(values, [2, 2, 3, width]), device)
}

#[test]
fn the_loss_is_that_of_the_known_pixels_alone_and_the_rest_has_no_gradient() {
    const WIDTH: usize = 21;
    const KNOWN: usize = 13;
    let logit = |place: usize| ((place * 37 % 101) as f32 - 50.3) / 9.0;
    let truth = |place: usize| f32::from(u8::from(place * 53 % 7 < 3));
    let known = |place: usize| f32::from(u8::from(place % 100 < KNOWN));
    for name in ["avx512", "avx2+fma", "portable", "burn"] {
        if hardslice_kernels::force_instruction_set(name).is_err() {
            continue;
        }
        let device = Device::flex().autodiff();
        for loss in losses() {
            let of = |width: usize, valid: Option<Tensor<4>>| {
                let logits = planes(width, logit, &device).require_grad();
                let targets = Targets {
                    organs: planes(width, truth, &device),
                    annotated: Tensor::from_floats([[1.0, 1.0], [0.0, 1.0]], &device),
                    valid,
                };
                let value = loss.of(logits.clone(), targets);
                let gradient = logits.grad(&value.backward()).unwrap();
                let gradient: Vec<f32> = gradient.into_data().iter().collect();
                (value.into_scalar::<f32>(), gradient)
            };
            let valid = planes(WIDTH, known, &device).slice([0..2, 0..1, 0..3, 0..WIDTH]);
            let (masked, gradient) = of(WIDTH, Some(valid));
            let (cropped, of_cropped) = of(KNOWN, None);
            assert!(
                (masked - cropped).abs() <= 2e-6 * cropped.abs(),
                "{loss:?} on {name}: {masked}, not {cropped}"
            );
            let largest = of_cropped.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
            assert!(largest > 0.0, "{loss:?} has a gradient");
            for (row, of_row) in gradient.chunks(WIDTH).zip(of_cropped.chunks(KNOWN)) {
                for (found, expected) in row.iter().zip(of_row) {
                    assert!(
                        (found - expected).abs() <= 2e-6 * largest,
                        "{loss:?} on {name}: {found}, not {expected}"
                    );
                }
                let rest = &row[KNOWN..];
                assert!(
                    rest.iter().all(|g| g.abs() <= 0.0),
                    "{loss:?} on {name}: {rest:?}"
                );
            }
        }
    }
}

/// A net whose logit is 5 everywhere.
fn sure_of_liver() -> Net {
    let config = NetConfig {
        width: 2,
        ..NetConfig::default()
    };
    let net = Net::new(&config, 1, 0, &Device::flex());
    let mut weights = Weights::of(&net);
    for tensor in &mut weights.tensors {
        match tensor.name.as_str() {
            "out.weight" => tensor.values.fill(0.0),
            "out.bias" => tensor.values.fill(5.0),
            _ => {}
        }
    }
    weights.load_into(net).unwrap().for_prediction()
}

#[test]
fn mining_counts_known_pixels_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), &[u16::from(IGNORE)]);
    let dataset = SliceDataset::new(&store, store.all_organs().collect(), 0);
    let slices = [SliceRef::at(0, 0), SliceRef::at(0, 1)];
    let net = sure_of_liver();
    let [known, unknown] = score_for_mining(&net, &dataset, &slices, 2, &Silent)
        .try_into()
        .unwrap();
    // Ten columns of sixteen pixels are known, four of them liver.
    let counts = [
        known.score.n_truth,
        known.score.n_predicted,
        known.score.n_shared,
    ];
    assert_eq!(counts, [64, 160, 64]);
    // Liver loses ln(1 + e^-5), the rest 5 more.
    let expected = (-5_f64).exp().ln_1p() + 0.6 * 5.0;
    assert!(
        (known.loss.unwrap() - expected).abs() < 1e-6,
        "{:?}",
        known.loss
    );
    assert_eq!(known.predicted.n(), 64 * 40, "of 64 by 64");
    let counts = [unknown.score.n_truth, unknown.score.n_predicted];
    assert_eq!((counts, unknown.loss), ([0, 0], None));
    assert!(unknown.predicted.is_empty());
    let scores = score_slices(&net, &dataset, &slices, 2, &Silent);
    assert_eq!(scores, [known.score, unknown.score]);
    assert_eq!(scores[0].output, OutputIdx::new(0));
}

#[test]
fn confidence_is_not_calibrated_on_answers_that_nobody_has_judged() {
    // What a slice shows, and what is said of it: the net finds what is bright.
    let slices = [
        ("bright and liver", 250, [1, 0]),
        ("dark, nothing known", -150, [IGNORE, IGNORE]),
        ("bright, its whole answer unknown", 250, [IGNORE, 0]),
        ("dark", -150, [0, 0]),
    ];
    let n_pixels = SIZE * SIZE;
    let (mut hu, mut labels) = (Vec::new(), Vec::new());
    for (_, left, values) in slices {
        hu.extend((0..n_pixels).map(|i| if i % SIZE < 8 { left } else { -150 }));
        labels.extend((0..n_pixels).map(|i| values[i % SIZE / 8]));
    }
    let dir = tempfile::tempdir().unwrap();
    let shape = PerAxis::new(slices.len(), SIZE, SIZE);
    let case = write_case(dir.path(), "c", shape, hu, labels, "liver");
    let store = store_ignoring(
        &[IGNORE.into()],
        dir.path(),
        vec![case],
        &[("liver", 1)],
        SIZE,
    );
    let finds_bright = Tap {
        dy: 0,
        dx: 0,
        gain: 20.0,
        bias: -10.0,
    };
    let model = tap_model(&[("liver", 1)], &[finds_bright], SIZE);
    let confidence = Confidence::calibrate(&model, &store, &[0], &|_| {});
    let json = serde_json::to_value(confidence.unwrap().unwrap()).unwrap();
    assert_eq!(
        json["organs"][0]["n_slices"], 2,
        "the first and the last: {json}"
    );
}
