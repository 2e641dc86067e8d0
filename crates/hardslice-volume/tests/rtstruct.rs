//! Structure sets of other programs, on the golden oblique series and on grids of their own.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hardslice_volume::dicom::{read_rtstruct, read_seg, read_series};
use hardslice_volume::{Grid, LabelNames, PerAxis, Placement, Reference, Scan, read_labels};
use serde::Deserialize;
use serde_json::Value;

use support::dicom_golden;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/rtstruct/{name}.dcm"))
}

/// For each region the places of its voxels in the series' own order.
type Masks = BTreeMap<String, Vec<usize>>;

fn expected(name: &str) -> Value {
    let path = golden(name).with_file_name("expected.json");
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all[name].clone()
}

fn scan() -> Scan<f32> {
    read_series(&dicom_golden("oblique"), None).unwrap()
}

fn refusal(name: &str) -> String {
    let refused = read_rtstruct(&golden(name), &scan(), &LabelNames::default());
    refused.unwrap_err().to_string()
}

/// Reads one region after the other and holds it against the mask that is expected.
#[track_caller]
fn assert_are(name: &str, masks: &Masks, reference: Reference<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    for (region, places) in masks {
        let names = LabelNames::new([(region.as_str(), 3)]).unwrap();
        let read = read_rtstruct(&golden(name), reference, &names).unwrap();
        assert_eq!(&read.placement, reference.placement, "on the scan's voxels");
        let mut native = vec![0; reference.placement.native.shape.n_voxels()];
        for place in places {
            native[*place] = 3;
        }
        let wanted = reference.placement.to_canonical(native).unwrap();
        assert_eq!(read.volume.voxels(), wanted.voxels(), "{name}, {region}");
        notes.extend(read.notes.iter().map(ToString::to_string));
    }
    notes
}

#[test]
fn contours_are_filled_as_scikit_image_fills_them() {
    for name in ["drawn", "drawn_explicit"] {
        let masks: Masks = serde_json::from_value(expected(name)).unwrap();
        assert_eq!(masks.len(), 4, "several a slice, holes of three kinds");
        let notes = assert_are(name, &masks, Reference::from(&scan()));
        // Columns 2 to 4 of rows 2 and 3.
        let [note] = &notes[..] else {
            panic!("where the kind says so there is nothing to note: {notes:?}")
        };
        assert!(
            note.starts_with("contours of `Ring`: they overlap in 6 voxels"),
            "{note}"
        );
    }
    let masks: Masks = serde_json::from_value(expected("drawn")).unwrap();
    assert_eq!(masks["Ring"], masks["Ring XOR"], "an island in a lake");
    assert!(masks["Schlüsselloch"].len() > 10);
}

#[test]
fn what_holds_no_area_and_what_lies_between_is_noted() {
    let masks: Masks = serde_json::from_value(expected("with_gaps")).unwrap();
    let mut notes = assert_are("with_gaps", &masks, Reference::from(&scan()));
    notes.sort_unstable();
    let wanted = [
        "contours of `PTV`: there is no closed one, so no voxel: ",
        "contours of `Spleen`: 3 are points, open or of fewer than three points",
        "contours of `Spleen`: there are none on 2 slices between others",
    ];
    for (note, wanted) in notes.iter().zip(wanted) {
        assert!(note.starts_with(wanted), "{note}");
    }
    assert_eq!(notes.len(), 3, "{notes:?}");
}

#[derive(Deserialize)]
struct OnGrid {
    affine_ras: [[f64; 4]; 3],
    shape_xyz: [usize; 3],
    masks: Masks,
}

#[test]
fn masks_of_rt_utils_and_the_contours_of_pydicom_come_back() {
    for name in ["rt_utils", "pydicom"] {
        let OnGrid {
            affine_ras,
            shape_xyz,
            masks,
        } = serde_json::from_value(expected(name)).unwrap();
        let placement = Placement::new(Grid {
            shape: PerAxis::from_xyz(shape_xyz),
            world_from_voxel: affine_ras,
        });
        let placement = placement.unwrap();
        // The frame of reference is not known.
        let notes = assert_are(name, &masks, Reference::from(&placement));
        let n_points = notes
            .iter()
            .filter(|note| note.contains("1 are points"))
            .count();
        assert_eq!(n_points, if name == "pydicom" { 2 } else { 0 }, "{notes:?}");
    }
}

#[test]
fn regions_get_values_by_name_by_number_and_in_the_order_of_the_map() {
    let scan = scan();
    let read = |names: &[(&str, u16)]| {
        let names = LabelNames::new(names.iter().copied()).unwrap();
        read_labels(&golden("drawn"), &scan, &names).unwrap().volume
    };
    let [liver, ring] = [("LIVER", 5), ("ring", 6)];
    let both = read(&[liver, ring]);
    let alone = [read(&[liver]), read(&[ring])];
    let numbered = read(&[("1", 5), ("2", 6)]);
    assert_eq!(both, numbered, "numbers are names, too");
    let later_first = read(&[ring, liver]);
    let mut n_shared = 0;
    for (at, value) in both.voxels().iter().enumerate() {
        let [liver, ring] = [&alone[0], &alone[1]].map(|alone| alone.voxels()[at]);
        assert_eq!(
            *value,
            if ring > 0 { ring } else { liver },
            "the later one wins"
        );
        assert_eq!(
            later_first.voxels()[at],
            if liver > 0 { liver } else { ring }
        );
        n_shared += usize::from(liver > 0 && ring > 0);
    }
    assert!(n_shared > 0);
    let all = read_labels(&golden("drawn"), &scan, &LabelNames::default()).unwrap();
    let values: std::collections::BTreeSet<u16> = all.volume.voxels().iter().copied().collect();
    assert!(
        values.contains(&4) && !values.contains(&5),
        "regions' numbers: {values:?}"
    );
}

#[test]
fn contours_off_the_slices_are_refused_with_how_far_they_are_off() {
    for (name, parts) in [
        (
            "between_slices",
            vec![
                "contour 2 of `Liver`",
                "0.700 mm off",
                "0.188 mm are allowed",
            ],
        ),
        (
            "tilted",
            vec!["contour 1 of `Liver`", "mm off the nearest slice", "to"],
        ),
        (
            "outside",
            vec![
                "contour 1 of `Liver`",
                "outside the scan's 7 × 6 × 5 voxels",
                "slice 5 of 0 to 4",
            ],
        ),
        ("beside", vec!["contour 1 of `Liver`", "outside the scan's"]),
    ] {
        let text = refusal(name);
        for part in parts
            .into_iter()
            .chain(["does not lie on the slices", name])
        {
            assert!(text.contains(part), "`{part}` is missing from: {text}");
        }
    }
}

#[test]
fn a_region_of_another_frame_of_reference_is_refused() {
    let text = refusal("of_another");
    for part in ["belongs to frame of reference", "of_another.dcm"] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    let placement = scan().placement;
    let names = LabelNames::default();
    assert!(
        read_rtstruct(&golden("of_another"), &placement, &names).is_ok(),
        "not known"
    );
    // Nobody asks for it.
    let others = LabelNames::new([("spleen", 1)]).unwrap();
    let text = read_rtstruct(&golden("of_another"), &scan(), &others)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("(spleen) is among the segments (Liver)"),
        "{text}"
    );
}

#[test]
fn contours_that_do_not_add_up_or_are_of_no_kind_are_refused() {
    for (name, part) in [
        (
            "of_no_kind",
            "of contour 1 of `Liver` is `CLOSED_NONPLANAR`, which is no kind",
        ),
        (
            "miscounted",
            "of contour 1 of `Liver` has 9 numbers for 4 points of three",
        ),
        (
            "incomplete",
            "of contour 1 of `Liver` has 8 numbers for some points of three",
        ),
    ] {
        let text = refusal(name);
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let seg = dicom_golden("seg_binary");
    let text = read_rtstruct(&seg, &scan(), &LabelNames::default())
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("found modality `SEG`, but one DICOM structure set (RTSTRUCT)"),
        "{text}"
    );
    let text = read_seg(&golden("drawn"), &scan(), &LabelNames::default())
        .unwrap_err()
        .to_string();
    assert!(text.contains("found modality `RTSTRUCT`"), "{text}");
    let empty = dicom_golden("rtstruct");
    let text = read_rtstruct(&empty, &scan(), &LabelNames::default())
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("StructureSetROISequence (3006,0020) is missing or empty"),
        "{text}"
    );
}
