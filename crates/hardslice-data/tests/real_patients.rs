//! Seven real patients, where they are at hand.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hardslice_data::audit::Accepted;
use hardslice_data::audit::{AuditOptions, audit};
use hardslice_data::manifest::{self, Layout, Manifest};
use hardslice_data::store::{PrepareOptions, Store, prepare};
use hardslice_data::{Organ, OrganMap};

#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests find the real patients through the environment"
)]
fn real_data() -> Option<PathBuf> {
    let found = std::env::var("HARDSLICE_REAL_DATA").ok().map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: HARDSLICE_REAL_DATA is unset");
    }
    found
}

fn organs() -> OrganMap {
    let organ = |name| Organ::new(name).unwrap();
    let labels = [
        (organ("liver"), vec![1]),
        (organ("kidney"), vec![2, 3]),
        (organ("spleen"), vec![4]),
    ];
    OrganMap::new(labels).unwrap()
}

/// Name, organs annotated, mean of the liver's voxels clipped to -150..250 HU as nibabel 5.4 and
/// numpy 2.4 read them.
const CASES: [(&str, &str, f64); 7] = [
    ("amos_0018", "liver kidney spleen", 82.33),
    ("ts_example_ct", "liver kidney spleen", 44.29),
    ("ts_example_dicom", "liver spleen", 89.31),
    ("dcmqi_ct3slice", "liver", 38.74),
    ("chaos_ct_set3", "liver", 140.98),
    ("ircadb_17", "liver", 99.06),
    ("ircadb_19", "liver", 132.64),
];

/// A table as a person would write it.
fn table(data: &Path, dir: &Path) -> Manifest {
    let mut table = "patient,image,labels,organs annotated\n".to_owned();
    for (name, organs, _) in CASES {
        let nifti = data.join("nifti").join(name);
        let nifti = nifti.display();
        writeln!(
            table,
            "{name},{nifti}_ct.nii.gz,{nifti}_seg.nii.gz,{organs}"
        )
        .unwrap();
    }
    let path = dir.join("cohort.csv");
    std::fs::write(&path, table).unwrap();
    manifest::read(&path, Layout::Auto, Some(&organs())).unwrap()
}

#[test]
fn seven_real_patients_are_prepared_and_the_slope_of_eight_bit_ones_is_applied() {
    let Some(data) = real_data() else { return };
    let dir = tempfile::tempdir().unwrap();
    let manifest = table(&data, dir.path());
    let out = dir.path().join("store");
    let options = PrepareOptions {
        size: 128,
        ..PrepareOptions::default()
    };
    let report = prepare(&manifest, &options, Accepted::Everything, &out, &|_| {}).unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    let store = Store::open(&out).unwrap();
    for (case_idx, case) in store.cases().iter().enumerate() {
        for organ_idx in store.all_organs() {
            let organ = store.organ(organ_idx);
            let n_positive = case
                .areas_px(organ_idx)
                .iter()
                .filter(|area| **area > 0)
                .count();
            assert_eq!(
                n_positive > 0,
                case.is_annotated(organ),
                "{organ} in {}",
                case.id
            );
        }
        let mut liver = Vec::new();
        for z in 0..case.n_slices {
            let pixels = store
                .image(case_idx, z)
                .iter()
                .zip(store.labels(case_idx, z));
            liver.extend(
                pixels
                    .filter(|(_, label)| **label == 1)
                    .map(|(hu, _)| f64::from(*hu)),
            );
        }
        let mean = liver.iter().sum::<f64>() / liver.len() as f64;
        // The store is coarser: its edge pixels are mixed with fat and lung.
        let (.., want) = CASES[case_idx];
        assert!(
            (mean - want).abs() < 3.0,
            "liver of {mean} HU in {}, wanted {want}",
            case.id
        );
    }
}

#[test]
fn the_audit_of_seven_real_patients_finds_what_is_odd_about_them() {
    let Some(data) = real_data() else { return };
    let dir = tempfile::tempdir().unwrap();
    let report = audit(&table(&data, dir.path()), &AuditOptions::default(), &|_| {});
    let found: Vec<String> = report
        .rows()
        .map(|row| format!("{} {:?}", row.case, row.kind))
        .collect();
    assert_eq!(
        found,
        [
            "amos_0018 IntensitiesClipped",
            "ts_example_ct PixelSpacing",
            "dcmqi_ct3slice FewSlices",
        ],
        "{:#?}",
        report.rows().collect::<Vec<_>>()
    );
}

#[test]
fn a_dicom_series_and_its_nifti_are_the_same_scan_and_give_the_same_labels() {
    let Some(data) = real_data() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (dicom, nifti) = (data.join("dicom"), data.join("nifti"));
    let series = dicom.join("dcmqi_ct3slice/ct-3slice");
    let rows = [
        (
            "dicom",
            dicom.join("ts_example_dicom"),
            nifti.join("ts_example_dicom_seg.nii.gz"),
        ),
        (
            "nifti",
            nifti.join("ts_example_dicom_ct.nii.gz"),
            nifti.join("ts_example_dicom_seg.nii.gz"),
        ),
        (
            "seg",
            series.clone(),
            dicom.join("dcmqi_ct3slice/liver.dcm"),
        ),
        ("nrrd", series, dicom.join("dcmqi_ct3slice/liver_seg.nrrd")),
        (
            "map",
            nifti.join("dcmqi_ct3slice_ct.nii.gz"),
            nifti.join("dcmqi_ct3slice_seg.nii.gz"),
        ),
    ];
    let mut table = "id,image,labels\n".to_owned();
    for (id, image, labels) in rows {
        // A copy each: one label file for two scans is refused.
        let name = labels.file_name().unwrap().to_str().unwrap();
        let own = dir.path().join(format!("{id}_{name}"));
        std::fs::copy(&labels, &own).unwrap();
        writeln!(table, "{id},{},{}", image.display(), own.display()).unwrap();
    }
    let path = dir.path().join("cohort.csv");
    std::fs::write(&path, table).unwrap();
    let liver = OrganMap::new([(Organ::new("liver").unwrap(), vec![1])]).unwrap();
    let manifest = manifest::read(&path, Layout::Auto, Some(&liver)).unwrap();
    let out = dir.path().join("store");
    let options = PrepareOptions {
        size: 64,
        ..PrepareOptions::default()
    };
    let report = prepare(&manifest, &options, Accepted::Everything, &out, &|_| {}).unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    let store = Store::open(&out).unwrap();
    for (one, other) in [(0, 1), (2, 3), (2, 4)] {
        let (a, b) = (&store.cases()[one], &store.cases()[other]);
        assert_eq!(
            a.source.voxels_blake3, b.source.voxels_blake3,
            "{} and {}",
            a.id, b.id
        );
        let is_same = store.native_labels(one) == store.native_labels(other);
        assert!(is_same, "labels of {} and {}", a.id, b.id);
    }
}
