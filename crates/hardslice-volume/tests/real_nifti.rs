//! The real patients as NIfTI: they are read, their labels lie on them and hold the organs listed.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use hardslice_volume::{LabelNames, PerAxis, read_labels, read_scan};

/// Values of the label maps.
const ORGANS: [(&str, u16); 4] = [
    ("liver", 1),
    ("kidney_right", 2),
    ("kidney_left", 3),
    ("spleen", 4),
];

fn data() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests find the real patients through the environment"
    )]
    let folder = std::env::var("HARDSLICE_REAL_DATA").ok().map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: HARDSLICE_REAL_DATA is unset");
    }
    folder
}

#[test]
fn every_patient_is_read_in_hounsfield_units_with_the_organs_listed() {
    let Some(data) = data() else { return };
    let table = std::fs::read_to_string(data.join("cases.csv")).unwrap();
    let mut orientations = BTreeSet::new();
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let (id, organs) = (fields[0], fields[3]);
        let scan = read_scan(&data.join(format!("nifti/{id}_ct.nii.gz"))).unwrap();
        orientations.insert(scan.placement.orientation.to_string());
        let range = scan
            .volume
            .voxels()
            .iter()
            .fold([f32::MAX, f32::MIN], |[low, high], v| {
                [low.min(*v), high.max(*v)]
            });
        if id == "amos_0018" {
            let window = (range[0] + 160.0).abs() < 0.01 && (range[1] - 240.0).abs() < 0.01;
            assert!(
                window,
                "{id}: {range:?}, not its window through slope and intercept"
            );
        } else {
            assert!(
                range[0] >= -3024.0 && range[0] <= -800.0,
                "{id}: air at {} HU",
                range[0]
            );
            assert!(
                range[1] >= 400.0 && range[1] < 32_768.0,
                "{id}: bone at {} HU",
                range[1]
            );
        }
        let spacing = scan.volume.grid().spacing_mm();
        assert!(
            (0.5..5.1).contains(&spacing.x) && spacing.z < 5.1,
            "{id}: {spacing} mm"
        );
        let path = data.join(format!("nifti/{id}_seg.nii.gz"));
        let labels = read_labels(&path, &scan, &LabelNames::default()).unwrap();
        let found: BTreeSet<u16> = labels.volume.voxels().iter().copied().collect();
        let listed = ORGANS
            .into_iter()
            .filter(|(organ, _)| organs.split(' ').any(|o| o == *organ));
        let want: BTreeSet<u16> = listed.map(|(_, value)| value).chain([0]).collect();
        assert_eq!(found, want, "{id}: label values");
    }
    assert!(
        orientations.len() >= 3,
        "the files run in several directions: {orientations:?}"
    );
}

#[test]
fn the_isotropic_patient_has_the_shape_that_its_description_gives() {
    let Some(data) = data() else { return };
    let scan = read_scan(&data.join("nifti/ts_example_ct_ct.nii.gz")).unwrap();
    assert_eq!(
        scan.volume.shape(),
        PerAxis::from_xyz([122, 101, 112]),
        "x, y, z"
    );
    for mm in scan.volume.grid().spacing_mm().xyz() {
        assert!((mm - 3.0).abs() < 1e-3, "{mm} mm");
    }
}

#[test]
fn the_liver_is_the_same_from_nifti_and_from_nrrd() {
    let Some(data) = data() else { return };
    let scan = read_scan(&data.join("nifti/dcmqi_ct3slice_ct.nii.gz")).unwrap();
    let read = |path: &str| read_labels(&data.join(path), &scan, &LabelNames::default()).unwrap();
    let nifti = read("nifti/dcmqi_ct3slice_seg.nii.gz");
    let nrrd = read("dicom/dcmqi_ct3slice/liver_seg.nrrd");
    let is_liver = |v: &u16| *v > 0;
    let n_liver = nifti.volume.voxels().iter().filter(|v| is_liver(v)).count();
    assert!(n_liver > 1000, "{n_liver} voxels of liver");
    let same = nifti.volume.voxels().iter().map(is_liver);
    assert!(
        same.eq(nrrd.volume.voxels().iter().map(is_liver)),
        "voxel by voxel"
    );
}
