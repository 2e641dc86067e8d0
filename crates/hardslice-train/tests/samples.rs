//! What a net is shown in training: every pixel of the stored slice, varied as the settings say.

mod support;

use std::path::Path;

use hardslice_data::SliceRef;
use hardslice_data::balance::{Flip, Sample};
use hardslice_data::store::Store;
use hardslice_train::{Augmentation, Batch, SamplePosition, SliceDataset};
use hardslice_volume::PerAxis;

use support::write_case;

/// Rows and columns.
const SIZE: usize = 48;

/// One slice of -50 HU with the liver, a bar of 24 x 8 pixels along x in the middle, at 150 HU: 0.25
/// and 0.75 of the window.
fn store(dir: &Path) -> Store {
    let is_liver = |i: usize| {
        let (y, x) = (i / SIZE, i % SIZE);
        (20..28).contains(&y) && (12..36).contains(&x)
    };
    let pixels = 0..SIZE * SIZE;
    let hu = pixels.clone().map(|i| if is_liver(i) { 150 } else { -50 });
    let labels = pixels.map(|i| u8::from(is_liver(i)));
    let shape = PerAxis::new(1, SIZE, SIZE);
    let case = write_case(dir, "c", shape, hu.collect(), labels.collect(), "liver");
    support::store(dir, vec![case], &[("liver", 1)], SIZE)
}

/// 128 draws of the slice, each varied in its own way.
fn drawn(store: &Store, augment: &Augmentation) -> Batch {
    let dataset = SliceDataset::new(store, store.all_organs().collect(), 0);
    let sample = Sample {
        slice: SliceRef::at(0, 0),
        flip: Flip::AsIs,
    };
    let position = SamplePosition {
        seed: 3,
        name: "first",
        start: 0,
    };
    dataset.training(&[sample; 128], augment, &position)
}

/// The planes of a batch, image and target.
fn planes(batch: &Batch) -> impl Iterator<Item = (&[f32], &[f32])> {
    let n = batch.size * batch.size;
    batch
        .images
        .chunks_exact(n)
        .zip(batch.targets.chunks_exact(n))
}

/// Least and greatest of some numbers.
fn range(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    })
}

fn area(target: &[f32]) -> f64 {
    target.iter().filter(|value| **value > 0.5).count() as f64
}

/// Angle of the long axis of what is labelled, degrees from x towards y.
fn tilt_deg(target: &[f32]) -> f64 {
    let centre = (SIZE as f64 - 1.0) / 2.0;
    let places = target.iter().enumerate().filter(|(_, value)| **value > 0.5);
    let [mut xx, mut yy, mut xy] = [0.0; 3];
    for (i, _) in places {
        let (y, x) = ((i / SIZE) as f64 - centre, (i % SIZE) as f64 - centre);
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    (0.5 * (2.0 * xy).atan2(xx - yy)).to_degrees()
}

/// Whether the image is bright where the target is, but for pixels on the border.
#[track_caller]
fn assert_together(image: &[f32], target: &[f32]) {
    let apart = image.iter().zip(target);
    let n_apart = apart.filter(|(v, t)| (**v > 0.5) != (**t > 0.5)).count();
    assert!(n_apart <= 24, "{n_apart} pixels of image and target apart");
}

#[test]
fn without_settings_every_draw_is_the_stored_slice() {
    let dir = tempfile::tempdir().unwrap();
    let batch = drawn(&store(dir.path()), &Augmentation::default());
    for (image, target) in planes(&batch) {
        assert!((area(target) - 192.0).abs() < 1e-9, "24 x 8 pixels");
        for (v, t) in image.iter().zip(target) {
            let wanted = if *t > 0.5 { 0.75 } else { 0.25 };
            assert!((v - wanted).abs() < 1e-6, "{v} for {wanted}");
        }
    }
}

#[test]
fn rotations_go_to_their_limit_either_way_and_no_further() {
    let dir = tempfile::tempdir().unwrap();
    let augment = Augmentation {
        rotation_deg: 20.0,
        ..Augmentation::default()
    };
    let batch = drawn(&store(dir.path()), &augment);
    let [least, greatest] = range(planes(&batch).map(|(_, target)| tilt_deg(target)));
    // A bar of whole pixels shows its angle to a degree or so.
    assert!((-21.5..-17.0).contains(&least), "{least}");
    assert!((17.0..21.5).contains(&greatest), "{greatest}");
    for (image, target) in planes(&batch) {
        assert!((area(target) - 192.0).abs() < 12.0, "{}", area(target));
        assert_together(image, target);
    }
}

#[test]
fn scales_go_from_one_over_the_limit_to_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let augment = Augmentation {
        scale: 0.25,
        ..Augmentation::default()
    };
    let batch = drawn(&store(dir.path()), &augment);
    // 1.25 along both axes: 0.64 to 1.5625 of 192 pixels.
    let [least, greatest] = range(planes(&batch).map(|(_, target)| area(target) / 192.0));
    assert!((0.55..0.72).contains(&least), "{least}");
    assert!((1.4..1.65).contains(&greatest), "{greatest}");
    for (image, target) in planes(&batch) {
        assert!(tilt_deg(target).abs() < 2.0, "not turned");
        assert_together(image, target);
    }
}

#[test]
fn intensities_are_stretched_and_shifted_and_the_labels_stay() {
    let dir = tempfile::tempdir().unwrap();
    let augment = Augmentation {
        intensity: 0.1,
        ..Augmentation::default()
    };
    let batch = drawn(&store(dir.path()), &augment);
    // gain * 0.25 + shift and gain * 0.75 + shift: twice their difference is the gain.
    let changes = planes(&batch).map(|(image, target)| {
        assert!((area(target) - 192.0).abs() < 1e-9, "labels stay");
        let [low, high] = range(image.iter().map(|v| f64::from(*v)));
        let gain = 2.0 * (high - low);
        [gain, low - 0.25 * gain]
    });
    let changes: Vec<[f64; 2]> = changes.collect();
    let [least, greatest] = range(changes.iter().map(|[gain, _]| *gain));
    assert!((0.9 - 1e-6..0.915).contains(&least), "gain {least}");
    assert!((1.085..1.1 + 1e-6).contains(&greatest), "gain {greatest}");
    let [least, greatest] = range(changes.iter().map(|[_, shift]| *shift));
    assert!((-0.1 - 1e-6..-0.085).contains(&least), "shift {least}");
    assert!((0.085..0.1 + 1e-6).contains(&greatest), "shift {greatest}");
}

#[test]
fn a_flipped_and_a_mirrored_sample_hold_the_rows_and_the_columns_in_reverse() {
    let dir = tempfile::tempdir().unwrap();
    let shape = PerAxis::new(1, SIZE, SIZE);
    let hu = (0..SIZE * SIZE).map(|i| i16::try_from(i / SIZE + 4 * (i % SIZE)).unwrap());
    let labels = (0..SIZE * SIZE).map(|i| u8::from(i / SIZE < 5 && i % SIZE < 9));
    let case = write_case(
        dir.path(),
        "c",
        shape,
        hu.collect(),
        labels.collect(),
        "liver",
    );
    let store = support::store(dir.path(), vec![case], &[("liver", 1)], SIZE);
    let dataset = SliceDataset::new(&store, store.all_organs().collect(), 0);
    let position = SamplePosition {
        seed: 3,
        name: "first",
        start: 0,
    };
    for (flip, [reverses_y, reverses_x]) in [
        (Flip::AsIs, [false, false]),
        (Flip::Flipped, [true, false]),
        (Flip::Mirrored, [false, true]),
        (Flip::FlippedMirrored, [true, true]),
    ] {
        let sample = Sample {
            slice: SliceRef::at(0, 0),
            flip,
        };
        let batch = dataset.training(&[sample], &Augmentation::default(), &position);
        for i in 0..SIZE * SIZE {
            let from = |at: usize, is_reversed: bool| if is_reversed { SIZE - 1 - at } else { at };
            let (y, x) = (from(i / SIZE, reverses_y), from(i % SIZE, reverses_x));
            let hu = (y + 4 * x) as f32;
            let wanted = (hu + 150.0) / 400.0;
            assert!((batch.images[i] - wanted).abs() < 1e-6, "{flip:?} {i}");
            let wanted = if y < 5 && x < 9 { 1.0 } else { 0.0 };
            assert!((batch.targets[i] - wanted).abs() < 1e-6, "{flip:?} {i}");
        }
    }
}
