//! What a slice of the store holds.

use std::path::Path;

use hardslice_data::manifest::{Case, Manifest};
use hardslice_data::mining::ExternalPredictions;
use hardslice_data::store::{IGNORED, Store};
use hardslice_data::{Organ, OrganMap, SliceKind, SliceRef, StoreOrgan};
use hardslice_volume::{PerAxis, Volume, write_label_map, write_scan};

use crate::{SHAPE, cohort, flipped, grid, manifest, prepared, write_case};

/// Makes a case one slice of 4 rows and 6 columns.
fn write_slice(case: &Case, hu: Vec<i16>, labels: Vec<u8>) {
    let grid = grid(PerAxis::new(1, 4, 6));
    let (hu, labels) = (
        Volume::new(grid, hu).unwrap(),
        Volume::new(grid, labels).unwrap(),
    );
    write_scan(&case.image, &hu).unwrap();
    write_label_map(case.labels.as_ref().unwrap(), &labels, &flipped(grid)).unwrap();
}

/// The two organs of the store.
fn organs(store: &Store) -> [StoreOrgan; 2] {
    <[StoreOrgan; 2]>::try_from(store.all_organs().collect::<Vec<_>>()).unwrap()
}

#[test]
fn slices_are_clipped_padded_to_a_square_and_labelled_by_organ() {
    let dir = tempfile::tempdir().unwrap();
    let case = write_case(dir.path(), "a");
    // One slice worked by hand; columns run to the right, rows to the front.
    let hu = [
        [-1000, -150, 0, 100, 250, 3000],
        [1, 2, 3, 4, 5, 6],
        [7; 6],
        [8; 6],
    ];
    let labels = [
        [0, 1, 2, 3, 0, 0],
        [0; 6],
        [0, 0, 0, 0, 0, 2],
        [0, 9, 0, 0, 0, 0],
    ];
    write_slice(&case, hu.concat(), labels.concat());
    let out = dir.path().join("store");
    prepared(&manifest(vec![case]), 6, &out);

    let store = Store::open(&out).unwrap();
    let image = [
        [-150; 6],
        [-150, -150, 0, 100, 250, 250],
        [1, 2, 3, 4, 5, 6],
        [7; 6],
        [8; 6],
        [-150; 6],
    ];
    assert_eq!(
        store.image(0, 0),
        image.concat(),
        "clipped, a row of padding before and behind"
    );
    let fitted = [
        [0; 6],
        [0, 2, 2, 1, 0, 0],
        [0; 6],
        [0, 0, 0, 0, 0, 2],
        [0; 6],
        [0; 6],
    ];
    assert_eq!(
        store.labels(0, 0),
        fitted.concat(),
        "spleen 1, kidney 2, value 9 is background"
    );
    let native = [[0, 2, 2, 1, 0, 0], [0; 6], [0, 0, 0, 0, 0, 2], [0; 6]];
    assert_eq!(
        store.native_labels(0).unwrap(),
        native.concat(),
        "on the scan's own grid"
    );
    let case = &store.cases()[0];
    let [spleen, kidney] = organs(&store);
    assert_eq!(
        (case.area_px(spleen, 0), case.area_px(kidney, 0)),
        (1, 3),
        "spleen and kidney"
    );
    for (got, want) in case.spacing_mm.zyx().into_iter().zip([5.0, 0.8, 0.8]) {
        assert!(
            (got - want).abs() < 1e-6,
            "{got} mm, expected {want} mm (f32 in the header)"
        );
    }
    assert_eq!(
        store
            .options()
            .preprocessing()
            .plane_fit(&case.placement.canonical)
            .unwrap()
            .native_yx(),
        [4, 6],
        "the way back"
    );
    let at = SliceRef { case_idx: 0, z: 0 };
    assert_eq!(
        store.slice_kind(spleen, at),
        SliceKind::EndOfOrgan,
        "the only slice"
    );
    assert!(store.verify().is_ok(), "as written");
}

#[test]
fn what_the_record_says_is_what_the_files_hold() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("store");
    let report = prepared(&cohort(dir.path(), 3), 16, &out);
    assert_eq!((report.n_prepared, report.n_kept), (3, 0), "all new");
    let store = Store::open(&out).unwrap();
    assert_eq!(
        (store.size(), store.cases().len()),
        (16, 3),
        "size and cases"
    );
    for (case_idx, case) in store.cases().iter().enumerate() {
        assert_eq!(
            case.id.as_str(),
            format!("c{case_idx}"),
            "in the manifest's order"
        );
        assert_eq!(case.n_slices, 3, "slices");
        for z in 0..3 {
            let image = store.image(case_idx, z);
            assert!(image.iter().all(|hu| (-150..=250).contains(hu)), "clipped");
            for organ in organs(&store) {
                let value = store.label_of(organ);
                let is_organ = |label: &u8| u32::from(*label == value);
                let n: u32 = store.labels(case_idx, z).iter().map(is_organ).sum();
                assert_eq!(case.area_px(organ, z), n, "area");
            }
        }
        let [_, kidney] = organs(&store);
        assert_eq!(case.area_px(kidney, 0), 0, "the lowest slice is empty");
        assert!(case.area_px(kidney, 1) > 0, "the second is not");
    }
}

#[test]
fn a_case_without_labels_is_stored_without_labels() {
    let dir = tempfile::tempdir().unwrap();
    let mut manifest = cohort(dir.path(), 1);
    let out = dir.path().join("store");
    prepared(&manifest, 8, &out);
    manifest.cases[0].labels = None;
    manifest.cases[0].organs_annotated.clear();
    prepared(&manifest, 8, &out);
    let store = Store::open(&out).unwrap();
    assert!(!store.cases()[0].has_labels(), "no labels");
    assert_eq!(store.labels(0, 1), [0; 64], "all background");
    assert_eq!(store.native_labels(0), None, "no labels");
    assert!(
        !out.join("cases/c0/labels.npy").exists(),
        "the old file is gone"
    );
}

#[test]
fn voxels_that_nobody_judged_are_neither_organ_nor_background() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = Manifest {
        ignored_labels: vec![3],
        organs: OrganMap::new([(Organ::new("kidney").unwrap(), vec![1, 2])]).unwrap(),
        ..cohort(dir.path(), 1)
    };
    let out = dir.path().join("store");
    prepared(&manifest, 8, &out);
    let store = Store::open(&out).unwrap();
    assert_eq!(store.ignored_labels(), [3]);
    let native = store.native_labels(0).unwrap();
    let n = |value: u8| {
        native
            .iter()
            .fold(0, |n, label| n + usize::from(*label == value))
    };
    assert!(n(IGNORED) > 0 && n(1) > 0, "both are there");
    assert_eq!(n(0) + n(1) + n(IGNORED), native.len(), "nothing else");
    for z in 0..SHAPE.z {
        let kidney = store.all_organs().next().unwrap();
        let area = store.cases()[0].area_px(kidney, z) as usize;
        let labels = store.labels(0, z);
        assert_eq!(
            labels
                .iter()
                .fold(0, |n, label| n + usize::from(*label == 1)),
            area,
            "slice {z}"
        );
    }
    prepared(&cohort(dir.path(), 1), 8, &out);
    assert!(
        Store::open(&out).unwrap().ignored_labels().is_empty(),
        "prepared anew"
    );
}

#[test]
fn the_predictions_of_another_program_are_not_counted_where_nobody_judged() {
    let dir = tempfile::tempdir().unwrap();
    let shape = PerAxis::new(1, 4, 8);
    // Kidney in the columns 0 to 3, nothing known of 2 to 5; predicted in 1 to 6.
    let labels = (0..32).map(|i| match i % 8 {
        0 | 1 => 1,
        2..6 => 3,
        _ => 0_u8,
    });
    let case = write_case(dir.path(), "c0");
    let on_grid = |labels: Vec<u8>| Volume::new(grid(shape), labels).unwrap();
    let written = |path: &Path, labels: Vec<u8>| {
        write_label_map(path, &on_grid(labels), &flipped(grid(shape))).unwrap();
    };
    write_scan(
        &case.image,
        &Volume::new(grid(shape), vec![0_i16; 32]).unwrap(),
    )
    .unwrap();
    written(case.labels.as_deref().unwrap(), labels.collect());
    let manifest = Manifest {
        ignored_labels: vec![3],
        organs: OrganMap::new([(Organ::new("kidney").unwrap(), vec![1])]).unwrap(),
        ..manifest(vec![case])
    };
    let out = dir.path().join("store");
    prepared(&manifest, 8, &out);
    let store = Store::open(&out).unwrap();
    let predicted = (0..32).map(|i| u8::from((1..7).contains(&(i % 8))));
    written(&dir.path().join("theirs/c0.nii.gz"), predicted.collect());
    let external = ExternalPredictions {
        store: &store,
        organs: &store.all_organs().collect::<Vec<_>>(),
        dir: &dir.path().join("theirs"),
        labels: None,
        probabilities: false,
    };
    let [scored] = external.scores(&[0], 1, &|| ()).try_into().unwrap();
    let score = scored.unwrap().scored[0].score;
    // Four rows: the columns 0 and 1 are kidney, 1 and 6 are predicted.
    assert_eq!(
        [score.n_truth, score.n_predicted, score.n_shared],
        [8, 8, 4]
    );
}
