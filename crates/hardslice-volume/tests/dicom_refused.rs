//! Series that make no volume are refused with the files and the reason.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::fs;

use hardslice_volume::dicom::{list_series, read_series};

use support::{dicom_golden as golden, series_refusal as refusal};

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing from:\n{text}");
    }
}

/// Copies files of golden cases, `from/name -> to`.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (from, to) in files {
        let to = dir.path().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(golden(from), to).unwrap();
    }
    dir
}

#[test]
fn a_missing_slice_is_refused_with_its_neighbours() {
    let slices = ["0", "1", "3", "4"].map(|k| (format!("explicit/{k}.dcm"), format!("{k}.dcm")));
    let dir = folder(&slices.each_ref().map(|(from, to)| (&from[..], &to[..])));
    let text = refusal(dir.path(), None);
    assert_says(
        &text,
        &[
            "1 slices are missing",
            "5.000 mm",
            "2.500 mm",
            "1.dcm",
            "3.dcm",
        ],
    );
    assert!(
        !text.contains("4.dcm"),
        "only the neighbours of the gap are named:\n{text}"
    );
}

#[test]
fn a_doubled_slice_is_refused_with_both_files() {
    let copied = [
        ("explicit/0.dcm", "0.dcm"),
        ("explicit/1.dcm", "1.dcm"),
        ("explicit/2.dcm", "2.dcm"),
        ("explicit/1.dcm", "copy.dcm"),
    ];
    let text = refusal(folder(&copied).path(), None);
    assert_says(
        &text,
        &[
            "1 slices are there twice (the same image, copied)",
            "1.dcm",
            "copy.dcm",
        ],
    );
    assert!(
        !text.contains("2.dcm"),
        "other files are not named:\n{text}"
    );
}

#[test]
fn uneven_spacing_is_refused_with_the_slices_at_both_ends() {
    let text = refusal(&golden("uneven"), None);
    assert_says(
        &text,
        &[
            "unevenly",
            "2.500 mm to 3.500 mm",
            "0.dcm",
            "2.dcm",
            "3.dcm",
        ],
    );
}

#[test]
fn acquisitions_that_lie_between_one_another_are_refused_and_those_in_turn_are_not() {
    let text = refusal(&golden("interleaved"), None);
    assert_says(
        &text,
        &[
            "2 acquisitions",
            "AcquisitionNumber (0020,0012) 1, 2",
            "split the series",
            "0.dcm",
        ],
    );
    let scan = read_series(&golden("acquired_in_turn"), None).unwrap();
    assert_eq!(scan.volume.shape().z, 6);
    // Slices of an acquisition each, as a scanner that stops at every table position numbers them.
    let slices = [
        ("interleaved/0.dcm", "0.dcm"),
        ("interleaved/1.dcm", "1.dcm"),
    ];
    assert!(read_series(folder(&slices).path(), None).is_ok());
}

#[test]
fn a_tilted_gantry_is_refused_by_position_and_by_header() {
    let by_position = refusal(&golden("tilted"), None);
    assert_says(
        &by_position,
        &[
            "tilted by 10.00°",
            "positions",
            "dcm2niix",
            "0.dcm",
            "3.dcm",
        ],
    );
    let by_header = refusal(&golden("tilted_in_header"), None);
    assert_says(
        &by_header,
        &["tilted by -12.50°", "GantryDetectorTilt", "0.dcm", "3.dcm"],
    );
}

#[test]
fn a_shifted_slice_is_refused_by_name() {
    let text = refusal(&golden("shifted"), None);
    assert_says(&text, &["shifted in their plane by 5.000 mm", "2.dcm"]);
    assert!(
        !text.contains("tilted"),
        "one slice aside is no tilt:\n{text}"
    );
}

#[test]
fn a_localizer_among_the_slices_is_refused_by_name() {
    let text = refusal(&golden("with_localizer"), None);
    assert_says(
        &text,
        &[
            "2 kinds of images",
            "3 images, 7 × 6",
            "1 images, localizer",
            "survey.dcm",
        ],
    );
}

#[test]
fn images_of_another_size_in_the_series_are_refused_by_name() {
    let text = refusal(&golden("two_sizes"), None);
    assert_says(
        &text,
        &[
            "2 kinds of images",
            "2 images, 7 × 6",
            "1 images, 6 × 6",
            "2.dcm",
        ],
    );
}

#[test]
fn lossy_jpeg_of_12_bits_is_refused_by_name() {
    let text = refusal(&golden("jpeg_extended_12_bits"), None);
    assert_says(&text, &["cannot decode frame 1", "0.dcm", "JPEG"]);
}

#[test]
fn several_series_are_refused_with_a_list_and_read_by_uid() {
    let dir = folder(&[
        ("explicit/0.dcm", "a/0.dcm"),
        ("explicit/1.dcm", "a/1.dcm"),
        ("oblique/0.dcm", "b/0.dcm"),
        ("mr/0.dcm", "c/0.dcm"),
        ("rtstruct/0.dcm", "contours.dcm"),
        ("make.py", "notes.txt"),
    ]);
    let listed = list_series(dir.path()).unwrap();
    assert_eq!(listed.len(), 3, "two CT series and an MR series");
    let text = refusal(dir.path(), None);
    for series in &listed {
        assert_says(&text, &[&series.uid, &series.description]);
    }
    let explicit = listed
        .iter()
        .find(|s| s.description == "golden explicit")
        .unwrap();
    let scan = read_series(dir.path(), Some(&explicit.uid)).unwrap();
    assert_eq!(scan.volume.shape().z, 2, "the series named");
    let unknown = refusal(dir.path(), Some("1.2.3"));
    assert_says(&unknown, &["no series `1.2.3`", &explicit.uid]);
    let magnetic = listed.iter().find(|s| s.modality == "MR").unwrap();
    assert_says(
        &refusal(dir.path(), Some(&magnetic.uid)),
        &["modality is `MR`", "0.dcm"],
    );
}

#[test]
fn the_only_ct_volume_is_meant_whatever_lies_beside_it() {
    let dir = folder(&[
        ("explicit/0.dcm", "0.dcm"),
        ("explicit/1.dcm", "1.dcm"),
        ("mr/0.dcm", "mr.dcm"),
        ("rtstruct/0.dcm", "contours.dcm"),
        ("seg_binary/0.dcm", "segmentation.dcm"),
        ("make.py", "readme.txt"),
    ]);
    assert_eq!(
        read_series(dir.path(), None).unwrap().volume.shape().z,
        2,
        "two CT slices"
    );
}

#[test]
fn other_modalities_and_quantities_are_refused_by_name() {
    assert_says(
        &refusal(&golden("mr"), None),
        &["modality is `MR`, but CT was wanted", "0.dcm"],
    );
    assert_says(
        &refusal(&golden("not_hounsfield"), None),
        &["RescaleType", "`Z_EFF`", "0.dcm"],
    );
    assert_says(
        &refusal(&golden("not_rescaled"), None),
        &["RescaleIntercept", "missing", "0.dcm"],
    );
}

#[test]
fn a_folder_without_images_is_refused_with_what_it_holds() {
    let dir = folder(&[
        ("rtstruct/0.dcm", "contours.dcm"),
        ("make.py", "readme.txt"),
    ]);
    let text = refusal(dir.path(), None);
    assert_says(
        &text,
        &[
            "1 RTSTRUCT",
            "1 files that are no DICOM",
            "belong to the labels",
        ],
    );
    let nowhere = dir.path().join("nowhere");
    assert_says(&refusal(&nowhere, None), &["cannot read", "nowhere"]);
}

#[test]
fn a_truncated_file_is_refused_by_name_wherever_it_ends() {
    for case in [
        "explicit",
        "rle",
        "jpeg2000",
        "jpeg_lossless_sv1",
        "deflated",
    ] {
        let whole = fs::read(golden(case).join("0.dcm")).unwrap();
        for keep in [140, whole.len() / 2, whole.len() - 40] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("cut.dcm"), &whole[..keep]).unwrap();
            assert_says(&refusal(dir.path(), None), &["cut.dcm"]);
        }
    }
}

#[test]
fn the_first_error_is_the_same_for_any_number_of_threads() {
    let dir = folder(&[("explicit/0.dcm", "0.dcm"), ("explicit/3.dcm", "3.dcm")]);
    for name in ["1.dcm", "2.dcm"] {
        let k = name.strip_suffix(".dcm").unwrap();
        let mut whole = fs::read(golden("explicit").join(format!("{k}.dcm"))).unwrap();
        whole.truncate(whole.len() - 10);
        fs::write(dir.path().join(name), whole).unwrap();
    }
    let first = refusal(dir.path(), None);
    for threads in [1, 4] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        assert_eq!(
            pool.install(|| refusal(dir.path(), None)),
            first,
            "{threads} threads"
        );
    }
}
