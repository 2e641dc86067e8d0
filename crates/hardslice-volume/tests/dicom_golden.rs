//! Every transfer syntax, layout and orientation against pydicom, nibabel and SimpleITK.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

use std::path::{Path, PathBuf};

use hardslice_volume::dicom::{list_series, read_series};
use hardslice_volume::{PerAxis, Scan};
use serde_json::Value;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom")
}

fn expected(case: &str) -> Value {
    let text = std::fs::read_to_string(golden().join("expected.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let what = all[case]["same_as"].as_str().unwrap_or(case);
    all[what].clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

/// Compares shape, affine and every voxel.
fn assert_matches(case: &str, scan: &Scan<f32>) {
    let expected = expected(case);
    let grid = scan.volume.grid();
    let shape = grid.shape.zyx().map(|n| n as f64);
    assert_eq!(
        shape.to_vec(),
        numbers(&expected["shape_zyx"]),
        "{case}: shape"
    );
    for (row, wanted) in expected["world_from_voxel"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        for (column, wanted) in numbers(wanted).into_iter().enumerate() {
            let got = grid.world_from_voxel[row][column];
            assert!(
                (got - wanted).abs() < 2e-6,
                "{case}: affine [{row}][{column}] {got}, {wanted}"
            );
        }
    }
    let tolerance_hu = expected["tolerance_hu"].as_f64().unwrap();
    let wanted = numbers(&expected["hounsfield"]);
    assert_eq!(scan.volume.voxels().len(), wanted.len(), "{case}: voxels");
    for (at, (got, wanted)) in scan.volume.voxels().iter().zip(wanted).enumerate() {
        let off = (f64::from(*got) - wanted).abs();
        assert!(
            off <= tolerance_hu,
            "{case}: voxel {at} is {got} HU, expected {wanted}"
        );
    }
}

fn reads_like_pydicom(case: &str) {
    let scan = read_series(&golden().join(case), None).unwrap();
    assert_matches(case, &scan);
}

#[test]
fn uncompressed_and_deflated_series_are_read_like_pydicom() {
    for case in ["implicit", "explicit", "big_endian", "deflated"] {
        reads_like_pydicom(case);
    }
}

#[test]
fn lossless_series_are_read_like_pydicom_to_the_last_bit() {
    for case in ["rle", "jpeg_lossless", "jpeg_lossless_sv1", "jpeg2000"] {
        reads_like_pydicom(case);
    }
}

#[test]
fn lossy_series_are_read_like_pydicom_to_one_stored_value() {
    for case in ["jpeg_baseline", "jpeg2000_lossy"] {
        reads_like_pydicom(case);
    }
}

#[test]
fn negative_stored_values_survive_every_lossless_codec() {
    for case in ["signed_rle", "signed_jpeg2000", "signed_jpeg_lossless_sv1"] {
        reads_like_pydicom(case);
    }
}

#[test]
fn a_sign_that_the_jpeg_2000_stream_lost_is_restored_as_pydicom_does() {
    reads_like_pydicom("jpeg2000_sign_lost");
}

#[cfg(feature = "jpeg-ls")]
#[test]
fn jpeg_ls_is_read_like_pydicom() {
    for case in [
        "jpeg_ls",
        "jpeg_ls_near",
        "signed_jpeg_ls",
        "jpeg_ls_sign_lost",
    ] {
        reads_like_pydicom(case);
    }
}

#[cfg(not(feature = "jpeg-ls"))]
#[test]
fn without_its_feature_jpeg_ls_is_refused_with_the_way_to_turn_it_on() {
    let err = read_series(&golden().join("jpeg_ls"), None).unwrap_err();
    let source = std::error::Error::source(&err).unwrap().to_string();
    assert!(source.contains("--features jpeg-ls"), "{source}");
}

#[test]
fn overlays_in_high_bits_32_bits_and_rescaling_by_slice_are_read_like_pydicom() {
    for case in ["signed_12_bits", "32_bits", "rescale_per_slice"] {
        reads_like_pydicom(case);
    }
}

#[test]
fn slices_are_ordered_by_position_on_oblique_and_sagittal_planes() {
    for case in ["oblique", "sagittal"] {
        reads_like_pydicom(case);
    }
}

#[test]
fn multi_frame_files_are_read_like_pydicom_whatever_the_order_and_fragments_of_their_frames() {
    for case in [
        "enhanced",
        "enhanced_rle",
        "enhanced_jpeg2000",
        "enhanced_fragments",
        "enhanced_extended_offsets",
    ] {
        reads_like_pydicom(case);
    }
}

#[test]
fn a_single_file_is_read_by_its_own_path() {
    let scan = read_series(&golden().join("enhanced/0.dcm"), None).unwrap();
    assert_matches("enhanced", &scan);
    let slice = read_series(&golden().join("explicit/2.dcm"), None).unwrap();
    assert_eq!(slice.volume.shape(), PerAxis::new(1, 6, 7), "one slice");
    let thickness_mm = slice.volume.grid().spacing_mm().z;
    assert!(
        (thickness_mm - 2.5).abs() < 1e-9,
        "its thickness, {thickness_mm} mm"
    );
}

#[test]
fn voxels_go_back_to_the_files_own_order() {
    let scan = read_series(&golden().join("oblique"), None).unwrap();
    let native = scan.placement.to_native(&scan.volume).unwrap();
    assert_eq!(
        scan.placement.native.shape,
        PerAxis::new(5, 6, 7),
        "slices, rows, columns"
    );
    // The slice at the first position along the normal is named 0.dcm by the script.
    let first = read_series(&golden().join("oblique/0.dcm"), None).unwrap();
    let alone = first.placement.to_native(&first.volume).unwrap();
    assert_eq!(
        native[..42],
        alone[..],
        "the first native slice is the first file's"
    );
}

#[test]
fn series_are_listed_with_what_tells_them_apart() {
    let listed = list_series(&golden().join("enhanced")).unwrap();
    let [series] = &listed[..] else {
        panic!("{} series", listed.len())
    };
    assert_eq!(series.modality, "CT", "modality");
    assert_eq!(series.description, "golden enhanced", "description");
    assert_eq!(
        (series.n_files, series.n_frames),
        (1, 5),
        "one file of five frames"
    );
    assert_eq!(series.shape, PerAxis::new(5, 6, 7), "shape");
    assert!(series.is_placed && !series.is_localizer, "a volume");
    assert_eq!(
        list_series(&golden().join("rtstruct")).unwrap(),
        [],
        "contours are no images"
    );
}
