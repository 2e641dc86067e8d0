//! Real DICOM series and a real segmentation against their NIfTI twins.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::path::{Path, PathBuf};

use hardslice_volume::dicom::{Maker, SourceSeries, list_series, write_rtstruct, write_seg};
use hardslice_volume::{Anatomy, Code, LabelNames, Structure, read_labels, read_scan};

use support::Writer;

/// The folder of real patients; `None`, with a line that says so, where there is none.
fn real_data() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests find the real patients through the environment"
    )]
    let folder = std::env::var("HARDSLICE_REAL_DATA").ok();
    if folder.is_none() {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: HARDSLICE_REAL_DATA is unset");
        }
    }
    folder.map(PathBuf::from)
}

/// Asserts that two scans lie on one grid and agree in every voxel.
fn assert_same_scan(dicom: &Path, nifti: &Path) {
    let (dicom, nifti) = (read_scan(dicom).unwrap(), read_scan(nifti).unwrap());
    let apart_mm = dicom.volume.grid().corner_distance_mm(nifti.volume.grid());
    assert_eq!(dicom.volume.shape(), nifti.volume.shape(), "shape");
    // NIfTI keeps its affine in single precision.
    assert!(apart_mm < 1e-4, "corners are {apart_mm} mm apart");
    let differing = dicom.volume.voxels().iter().zip(nifti.volume.voxels());
    let differing = differing.filter(|(a, b)| (*a - *b).abs() > 0.0).count();
    assert_eq!(differing, 0, "voxels that differ");
}

#[test]
fn a_jpeg_2000_series_is_its_nifti_twin_voxel_by_voxel() {
    let Some(data) = real_data() else { return };
    assert_same_scan(
        &data.join("dicom/ts_example_dicom"),
        &data.join("nifti/ts_example_dicom_ct.nii.gz"),
    );
}

#[test]
fn an_implicit_series_with_padding_is_its_nifti_twin_voxel_by_voxel() {
    let Some(data) = real_data() else { return };
    assert_same_scan(
        &data.join("dicom/dcmqi_ct3slice/ct-3slice"),
        &data.join("nifti/dcmqi_ct3slice_ct.nii.gz"),
    );
}

#[test]
fn a_folder_that_holds_a_segmentation_beside_the_series_reads_the_series() {
    let Some(data) = real_data() else { return };
    let folder = data.join("dicom/dcmqi_ct3slice");
    assert_eq!(
        list_series(&folder).unwrap().len(),
        1,
        "the segmentation is no series of images"
    );
    assert_eq!(read_scan(&folder).unwrap().volume.shape().z, 3, "slices");
}

#[test]
fn a_segmentation_is_its_nifti_twin_voxel_by_voxel() {
    let Some(data) = real_data() else { return };
    let scan = read_scan(&data.join("dicom/dcmqi_ct3slice/ct-3slice")).unwrap();
    let names = LabelNames::new([("liver", 1)]).unwrap();
    let read = |file: &str| read_labels(&data.join(file), &scan, &names).unwrap();
    let seg = read("dicom/dcmqi_ct3slice/liver.dcm");
    let nifti = read("nifti/dcmqi_ct3slice_seg.nii.gz");
    let pairs = || seg.volume.voxels().iter().zip(nifti.volume.voxels());
    let n_liver = pairs().filter(|(a, _)| **a == 1).count();
    assert!(n_liver > 10_000, "{n_liver} voxels of liver");
    assert_eq!(
        pairs().filter(|(a, b)| a != b).count(),
        0,
        "voxels that differ"
    );
}

#[test]
fn a_real_liver_comes_back_from_a_segmentation_and_from_contours() {
    let Some(data) = real_data() else { return };
    let dir = data.join("dicom/dcmqi_ct3slice/ct-3slice");
    let scan = read_scan(&dir).unwrap();
    let names = LabelNames::new([("liver", 1)]).unwrap();
    let truth = data.join("nifti/dcmqi_ct3slice_seg.nii.gz");
    let truth = read_labels(&truth, &scan, &names).unwrap().volume;
    let labels = truth.map(|value| u8::from(value == 1));
    let liver = Structure {
        name: "liver".into(),
        value: 1,
        color: [221, 130, 101],
        anatomy: Some(Anatomy {
            code: Code {
                scheme: "SCT".into(),
                value: "10200004".into(),
                meaning: "Liver".into(),
            },
            side: None,
        }),
    };
    let series = SourceSeries::read(&dir, None).unwrap();
    let maker = Maker {
        version: "0.0.0",
        model: "a radiologist",
    };
    let out = tempfile::tempdir().unwrap();
    for (name, write) in [
        ("seg.dcm", write_seg as Writer),
        ("rtstruct.dcm", write_rtstruct),
    ] {
        let path = out.path().join(name);
        write(
            &path,
            &labels,
            &series,
            std::slice::from_ref(&liver),
            &maker,
        )
        .unwrap();
        let read = read_labels(&path, &scan, &names).unwrap().volume;
        let pairs = || read.voxels().iter().zip(labels.voxels());
        assert!(
            pairs().filter(|(found, _)| **found == 1).count() > 10_000,
            "{name}"
        );
        let differing = pairs().filter(|(found, wanted)| **found != u16::from(**wanted));
        assert_eq!(differing.count(), 0, "voxels of {name} that differ");
    }
}
