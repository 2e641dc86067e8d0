//! Inference, by a net whose predictions are told by hand: averaging over flips, largest components,
//! batches.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "support/taps.rs"]
mod taps;

use std::collections::BTreeMap;

use hardslice_data::balance::FlipMode;
use hardslice_data::preprocess::ScanSlices;
use hardslice_train::{Model, PredictOptions, predict};
use hardslice_volume::{Grid, PerAxis, Volume};

use taps::{Tap, tap_model};

const SIZE: usize = 16;

/// Probabilities 0.378 on dark pixels and 0.982 on bright ones. Three of the mean of which two are
/// dark and one is bright is 0.579, of one dark and two bright 0.781.
const SOFT: Tap = Tap {
    dy: 0,
    dx: 0,
    gain: 4.5,
    bias: -0.5,
};

/// Dark but for these voxels, `[z, y, x]`; 1 x 1 x 2 mm.
fn scan(n_slices: usize, bright: &[[usize; 3]]) -> Volume<f32> {
    let grid = Grid {
        shape: PerAxis::new(n_slices, SIZE, SIZE),
        world_from_voxel: [
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 2.0, 0.0],
        ],
    };
    let mut hu = vec![-150.0; grid.shape.n_voxels()];
    for [z, y, x] in bright {
        hu[(z * SIZE + y) * SIZE + x] = 250.0;
    }
    Volume::new(grid, hu).unwrap()
}

/// The voxels of each label.
fn predicted(
    model: &Model,
    scan: &Volume<f32>,
    options: PredictOptions,
) -> BTreeMap<u8, Vec<[usize; 3]>> {
    let source = ScanSlices::new(scan, model.record.preprocessing()).unwrap();
    let labels = predict(model, &source, &options, &|_| {}).unwrap().labels;
    let mut found: BTreeMap<u8, Vec<[usize; 3]>> = BTreeMap::new();
    for (i, label) in labels.voxels().iter().enumerate() {
        if *label > 0 {
            let place = [i / (SIZE * SIZE), i / SIZE % SIZE, i % SIZE];
            found.entry(*label).or_default().push(place);
        }
    }
    found
}

fn averaging(flip_averaging: bool) -> PredictOptions {
    PredictOptions {
        flip_averaging,
        ..PredictOptions::default()
    }
}

#[test]
fn flip_averaging_is_the_mean_of_the_slice_as_it_is_flipped_and_mirrored() {
    let scan = scan(1, &[[0, 5, 9]]);
    let to_the_right = tap_model(&[("liver", 7)], &[Tap { dx: 1, ..SOFT }], SIZE);
    let found = predicted(&to_the_right, &scan, averaging(false));
    assert_eq!(found, BTreeMap::from([(7, vec![[0, 5, 8]])]), "as it is");
    // Mirrored, what lies to the right of a pixel is what lay to its left.
    let found = predicted(&to_the_right, &scan, averaging(true));
    assert_eq!(found, BTreeMap::from([(7, vec![[0, 5, 8], [0, 5, 10]])]));
    let to_the_front = tap_model(&[("liver", 7)], &[Tap { dy: 1, ..SOFT }], SIZE);
    let found = predicted(&to_the_front, &scan, averaging(false));
    assert_eq!(found, BTreeMap::from([(7, vec![[0, 4, 9]])]), "as it is");
    let found = predicted(&to_the_front, &scan, averaging(true));
    assert_eq!(found, BTreeMap::from([(7, vec![[0, 4, 9], [0, 6, 9]])]));
    // 0.982, 0.982, 0.378 and 0.5 more on one side: the threshold is on the mean, not on a vote.
    let bias = -2.0;
    let faint = tap_model(
        &[("liver", 7)],
        &[Tap {
            dx: 1,
            bias,
            ..SOFT
        }],
        SIZE,
    );
    let found = predicted(&faint, &scan, averaging(true));
    // (0.924 + 0.924 + 0.119) / 3 = 0.656, (0.119 + 0.119 + 0.924) / 3 = 0.388.
    assert_eq!(found, BTreeMap::from([(7, vec![[0, 5, 8]])]));
}

#[test]
fn flip_averaging_takes_the_mirrored_slice_for_the_other_side() {
    let scan = scan(1, &[[0, 5, 9]]);
    let nothing = Tap { gain: 0.0, ..SOFT };
    let sides = [("kidney_left", 3), ("kidney_right", 2)];
    let both = tap_model(&sides, &[Tap { dx: 1, ..SOFT }, nothing], SIZE);
    let found = predicted(&both, &scan, averaging(true));
    let wanted = [(3, vec![[0, 5, 8]]), (2, vec![[0, 5, 10]])];
    assert_eq!(
        found,
        BTreeMap::from(wanted),
        "left as it is, right mirrored"
    );
    // A net of one side: mirrored, its kidney is the other one.
    let left = tap_model(&sides[..1], &[Tap { dx: 1, ..SOFT }], SIZE);
    let found = predicted(&left, &scan, averaging(true));
    assert_eq!(
        found,
        BTreeMap::from([(3, vec![[0, 5, 8]])]),
        "not mirrored"
    );
    let left = tap_model(&sides[..1], &[Tap { dy: 1, ..SOFT }], SIZE);
    let found = predicted(&left, &scan, averaging(true));
    let flipped = BTreeMap::from([(3, vec![[0, 4, 9], [0, 6, 9]])]);
    assert_eq!(found, flipped, "(0.378 + 0.982) / 2 = 0.680");
}

#[test]
fn flip_averaging_leaves_out_what_the_training_did_not_show() {
    let scan = scan(1, &[[0, 5, 9]]);
    let averaged = |copies, tap, sides: &[(&str, u16)]| {
        let mut model = tap_model(sides, &[tap], SIZE);
        model.record.copies = copies;
        let found = predicted(&model, &scan, averaging(true));
        (model.record.has_flips(), found)
    };
    let (liver, kidney) = ([("liver", 7)], [("kidney_left", 7)]);
    let [x, y] = [Tap { dx: 1, ..SOFT }, Tap { dy: 1, ..SOFT }];
    let both = |a, b| BTreeMap::from([(7, vec![a, b])]);
    let as_is = |a| BTreeMap::from([(7, vec![a])]);
    // Half of 0.982 and 0.378 is 0.680: two versions suffice for both places.
    let (mirrored_x, mirrored_y) = (both([0, 5, 8], [0, 5, 10]), as_is([0, 4, 9]));
    assert_eq!(averaged(FlipMode::Mirrored, x, &liver), (true, mirrored_x));
    assert_eq!(averaged(FlipMode::Mirrored, y, &liver), (true, mirrored_y));
    for (copies, sides) in [
        (FlipMode::None, &liver),
        (FlipMode::None, &kidney),
        (FlipMode::Mirrored, &kidney),
    ] {
        assert_eq!(averaged(copies, x, sides), (false, as_is([0, 5, 8])));
        assert_eq!(averaged(copies, y, sides), (false, as_is([0, 4, 9])));
    }
    let flipped = both([0, 4, 9], [0, 6, 9]);
    assert_eq!(averaged(FlipMode::Enumerated, y, &kidney), (true, flipped));
    // Mirroring was asked for, and an organ of the training had no other side in the store.
    let mut model = tap_model(&liver, &[x], SIZE);
    model.record.copies = FlipMode::Mirrored;
    model.record.can_mirror = false;
    let found = predicted(&model, &scan, averaging(true));
    assert_eq!((model.record.has_flips(), found), (false, as_is([0, 5, 8])));
}

#[test]
fn the_largest_component_of_each_organ_is_kept_and_nothing_else() {
    // Three voxels that touch at corners, through slices; a pair; a single one.
    let large = [[0, 2, 2], [1, 3, 3], [2, 4, 4]];
    let bright = [&large[..], &[[1, 9, 9], [1, 9, 10], [2, 14, 3]]].concat();
    let scan = scan(3, &bright);
    let sharp = Tap {
        gain: 20.0,
        bias: -10.0,
        ..SOFT
    };
    let liver = tap_model(&[("liver", 4)], &[sharp], SIZE);
    let largest = |largest_component| PredictOptions {
        largest_component,
        batch: 2,
        ..PredictOptions::default()
    };
    let mut all = bright;
    all.sort_unstable();
    let found = predicted(&liver, &scan, largest(false));
    assert_eq!(found, BTreeMap::from([(4, all.clone())]));
    let found = predicted(&liver, &scan, largest(true));
    assert_eq!(found, BTreeMap::from([(4, large.to_vec())]));
    // The second organ sees the same one row up, and is more certain: where both claim a voxel it
    // has it. None of the voxels is claimed twice here.
    let surer = Tap {
        dy: 1,
        gain: 30.0,
        ..sharp
    };
    let two = tap_model(&[("liver", 4), ("spleen", 5)], &[sharp, surer], SIZE);
    let found = predicted(&two, &scan, largest(true));
    let spleen: Vec<[usize; 3]> = large.iter().map(|[z, y, x]| [*z, y - 1, *x]).collect();
    assert_eq!(found, BTreeMap::from([(4, large.to_vec()), (5, spleen)]));
}

#[test]
fn the_surer_organ_has_a_voxel_and_of_equal_ones_the_first() {
    let scan = scan(1, &[[0, 5, 9]]);
    let surer = Tap { gain: 9.0, ..SOFT };
    let organs = [("liver", 4), ("spleen", 5)];
    for (taps, wanted) in [([SOFT, surer], 5), ([surer, SOFT], 4), ([SOFT, SOFT], 4)] {
        let model = tap_model(&organs, &taps, SIZE);
        let found = predicted(&model, &scan, averaging(false));
        assert_eq!(found, BTreeMap::from([(wanted, vec![[0, 5, 9]])]));
    }
}

#[test]
fn the_net_says_how_sure_it_is_of_each_slice_and_organ() {
    let scan = scan(2, &[[1, 5, 9], [1, 5, 10]]);
    // 0.378 on dark pixels and 0.982 on bright ones; the other organ is nowhere taken.
    let nothing = Tap { gain: 0.0, ..SOFT };
    let model = tap_model(&[("liver", 7), ("spleen", 5)], &[SOFT, nothing], SIZE);
    let source = ScanSlices::new(&scan, model.record.preprocessing()).unwrap();
    let options = PredictOptions::default();
    let certainties = predict(&model, &source, &options, &|_| {})
        .unwrap()
        .certainties;
    assert_eq!(certainties.len(), 4, "two slices of two organs");
    let (dark, bright) = (0.377_540_67, 0.982_013_8);
    let n_dark = (SIZE * SIZE) as f64;
    let told = [
        (0, 0.0, n_dark * dark, dark),
        (0, 0.0, n_dark * dark, dark),
        (
            2,
            2.0 * bright,
            (n_dark - 2.0) * dark + 2.0 * bright,
            bright,
        ),
        (0, 0.0, n_dark * dark, dark),
    ];
    for (found, (n_predicted, sum_predicted, sum, highest)) in certainties.iter().zip(told) {
        assert_eq!(found.n_predicted, n_predicted);
        assert!(
            (found.sum_predicted - sum_predicted).abs() < 1e-5,
            "{found:?}"
        );
        assert!((found.sum - sum).abs() < 1e-3, "{found:?}");
        assert!(
            (f64::from(found.highest) - highest).abs() < 1e-6,
            "{found:?}"
        );
    }
}
