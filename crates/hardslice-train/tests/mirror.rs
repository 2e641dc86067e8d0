//! Mirrored slices: sides change places, in labels and in what is annotated.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::path::Path;

use hardslice_data::balance::{Flip, Sample};
use hardslice_data::store::Store;
use hardslice_data::{Organ, SliceRef};
use hardslice_train::{Augmentation, Batch, SamplePosition, SliceDataset};
use hardslice_volume::PerAxis;

use support::write_case;

/// Rows and columns.
const SIZE: usize = 8;

/// One slice, brighter to the right; the left kidney (label 1) is its two last columns.
fn store(dir: &Path, organs: &[(&str, u16)]) -> Store {
    let shape = PerAxis::new(1, SIZE, SIZE);
    let column = |i: usize| i % SIZE;
    let hu = (0..SIZE * SIZE).map(|i| i16::try_from(20 * column(i)).unwrap());
    let labels = (0..SIZE * SIZE).map(|i| u8::from(column(i) >= SIZE - 2));
    let case = write_case(
        dir,
        "c",
        shape,
        hu.collect(),
        labels.collect(),
        "kidney_left",
    );
    support::store(dir, vec![case], organs, SIZE)
}

fn shown(dataset: &SliceDataset<'_>, flip: Flip) -> Batch {
    let sample = Sample {
        slice: SliceRef::at(0, 0),
        flip,
    };
    let position = SamplePosition {
        seed: 0,
        name: "first",
        start: 0,
    };
    dataset.training(&[sample], &Augmentation::default(), &position)
}

#[test]
fn a_mirrored_slice_swaps_the_sides_in_labels_and_in_what_is_annotated() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), &[("kidney_left", 1), ("kidney_right", 2)]);
    let dataset = SliceDataset::new(&store, store.all_organs().collect(), 0);
    let as_is = shown(&dataset, Flip::AsIs);
    assert_eq!(
        as_is.annotated,
        [1.0, 0.0],
        "nobody looked for the right one"
    );
    let mirrored = shown(&dataset, Flip::Mirrored);
    assert_eq!(
        mirrored.annotated,
        [0.0, 1.0],
        "nothing is known of the left one now"
    );
    let n = SIZE * SIZE;
    let pixels = |batch: &Batch, output: usize| -> usize {
        let targets = &batch.targets[output * n..(output + 1) * n];
        targets.iter().filter(|target| **target > 0.5).count()
    };
    assert_eq!(
        [
            pixels(&as_is, 0),
            pixels(&mirrored, 0),
            pixels(&mirrored, 1)
        ],
        [16, 0, 16],
        "the left kidney has become the right one"
    );
    assert!(
        mirrored.images[0] > mirrored.images[SIZE - 1],
        "x is reversed"
    );
}

#[test]
fn a_net_of_one_side_is_not_shown_patients_mirrored_in_whom_the_other_was_not_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), &[("kidney_left", 1), ("kidney_right", 2)]);
    let place = store.organ_of(&Organ::new("kidney_left").unwrap()).unwrap();
    let left = SliceDataset::new(&store, vec![place], 0);
    assert!(left.can_mirror(), "other patients may be");
    let mirrored = shown(&left, Flip::Mirrored);
    assert_eq!(
        mirrored,
        shown(&left, Flip::AsIs),
        "mirrored it would teach nothing"
    );
    assert_eq!(mirrored.annotated, [1.0]);
}

#[test]
fn where_the_other_side_is_not_in_the_map_slices_are_not_mirrored() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), &[("kidney_left", 1), ("liver", 3)]);
    let of = |name: &str| {
        let place = store.organ_of(&Organ::new(name).unwrap()).unwrap();
        SliceDataset::new(&store, vec![place], 0)
    };
    let kidney = of("kidney_left");
    assert!(!kidney.can_mirror(), "its mirror image is another organ");
    assert_eq!(
        shown(&kidney, Flip::Mirrored),
        shown(&kidney, Flip::AsIs),
        "as it is"
    );
    assert!(of("liver").can_mirror(), "it has no side");
}
