//! DICOM segmentations written by highdicom, on an oblique series.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use hardslice_volume::dicom::{read_seg, read_series};
use hardslice_volume::{LabelNames, Scan};
use serde_json::Value;

use support::dicom_golden as golden;

fn expected(case: &str) -> Value {
    let text = std::fs::read_to_string(golden("expected.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all[case].clone()
}

fn labels(case: &str) -> Vec<u16> {
    let list = expected(case)["labels"].clone();
    serde_json::from_value(list).unwrap()
}

/// The labels, or what the error says.
fn read(case: &str, names: &LabelNames) -> Result<Scan<u16>, String> {
    let reference = read_series(&golden("oblique"), None).unwrap();
    let labels =
        read_seg(&golden(case), &reference.placement, names).map_err(|err| err.to_string())?;
    assert_eq!(
        labels.placement, reference.placement,
        "{case} lies on the scan's voxels"
    );
    Ok(labels)
}

fn numbered(case: &str) -> Scan<u16> {
    read(case, &LabelNames::default()).unwrap()
}

#[test]
fn frames_of_single_bits_are_cut_within_bytes() {
    // 42 pixels a frame: every frame but the first begins within a byte.
    assert_eq!(
        numbered("seg_binary").volume.voxels(),
        labels("seg_binary"),
        "segment numbers"
    );
}

#[test]
fn fractions_of_at_least_one_half_are_in() {
    let case = "seg_fractional_rle";
    assert_eq!(
        numbered(case).volume.voxels(),
        labels(case),
        "140 of 200 is in"
    );
}

#[test]
fn label_map_objects_hold_segment_numbers() {
    assert_eq!(
        numbered("seg_labelmap").volume.voxels(),
        labels("seg_labelmap"),
        "as they are"
    );
}

#[test]
fn cropped_frames_with_their_rows_reversed_find_their_voxels() {
    let case = "seg_cropped_flipped";
    assert_eq!(
        numbered(case).volume.voxels(),
        labels(case),
        "the part that is there"
    );
}

#[test]
fn segments_get_the_values_of_their_names_and_others_are_left_out() {
    let names = LabelNames::new([("liver", 7), ("kidney_left", 2), ("pancreas", 9)]).unwrap();
    let scan = read("seg_binary", &names).unwrap();
    let wanted = labels("seg_binary")
        .into_iter()
        .map(|number| [0, 7, 2, 0][usize::from(number)]);
    assert_eq!(
        scan.volume.voxels(),
        wanted.collect::<Vec<u16>>(),
        "spleen is not listed"
    );
}

#[test]
fn names_that_match_no_segment_are_refused_with_both_lists() {
    let names = LabelNames::new([("pancreas", 9)]).unwrap();
    let text = read("seg_binary", &names).unwrap_err();
    for part in ["pancreas", "Liver, Kidney Left, Spleen", "0.dcm"] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
}

#[test]
fn of_overlapping_segments_the_later_one_of_the_map_wins_and_the_voxels_are_counted() {
    let n_voxels = expected("seg_overlap")["n_voxels"].as_u64().unwrap();
    let in_order = LabelNames::new([("liver", 1), ("kidney left", 2)]).unwrap();
    let reversed = LabelNames::new([("kidney left", 2), ("liver", 1)]).unwrap();
    for (names, first, second) in [
        (LabelNames::default(), "Liver", "Kidney Left"),
        (in_order, "Liver", "Kidney Left"),
        (reversed, "Kidney Left", "Liver"),
    ] {
        let scan = read("seg_overlap", &names).unwrap();
        let [note] = &scan.notes[..] else {
            panic!("{:?}", scan.notes)
        };
        let wanted = format!(
            "`{first}` and `{second}` overlap in {n_voxels} voxels, which count as `{second}`, \
             the later of the two: "
        );
        assert!(note.to_string().starts_with(&wanted), "{note}");
    }

    let together = LabelNames::new([("liver", 1), ("kidney left", 1)]).unwrap();
    let union = read("seg_overlap", &together).unwrap();
    let wanted: Vec<u16> = labels("seg_binary")
        .into_iter()
        .map(|number| u16::from(matches!(number, 1 | 2)))
        .collect();
    assert_eq!(union.volume.voxels(), wanted, "one value for both");
}

#[test]
fn frames_between_the_voxels_are_refused_with_how_far_they_are_off() {
    let text = read("seg_off_grid", &LabelNames::default()).unwrap_err();
    assert!(
        text.contains("does not lie on the voxels of the scan"),
        "{text}"
    );
    assert!(
        text.contains("voxels from the nearest voxel along"),
        "{text}"
    );
}

#[test]
fn contours_are_no_segmentation() {
    let text = read("rtstruct", &LabelNames::default()).unwrap_err();
    for part in ["found modality `RTSTRUCT`", "(SEG) was wanted", "0.dcm"] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
}

#[test]
fn an_image_is_no_segmentation() {
    let text = read("mr", &LabelNames::default()).unwrap_err();
    assert!(text.contains("found modality `MR`"), "{text}");
}
