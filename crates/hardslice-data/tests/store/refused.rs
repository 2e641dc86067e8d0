//! Scans, folders and options that make no store.

use std::fs;
use std::sync::Mutex;

use hardslice_data::audit::{Accepted, Kind};
use hardslice_data::manifest::Manifest;
use hardslice_data::store::{PrepareOptions, Store, StoreError, prepare};
use hardslice_data::{PatientId, Progress, Step};
use hardslice_volume::{PerAxis, Placement, Volume, write_label_map};

use crate::{cohort, grid, options, prepared, silent};

#[test]
fn one_bad_scan_is_reported_and_the_others_are_prepared() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = cohort(dir.path(), 4);
    fs::write(&manifest.cases[1].image, b"no scan").unwrap();
    // Labels of another scan, a slice taller.
    let tall = grid(PerAxis::new(4, 4, 6));
    let labels = Volume::new(tall, vec![0; 96]).unwrap();
    write_label_map(
        manifest.cases[2].labels.as_ref().unwrap(),
        &labels,
        &Placement::new(tall).unwrap(),
    )
    .unwrap();
    let out = dir.path().join("store");
    let steps = Mutex::new(Vec::new());
    let note = |progress: Progress<'_>| {
        steps
            .lock()
            .unwrap()
            .push((progress.case.to_string(), progress.step));
    };
    let report = prepare(&manifest, &options(8), Accepted::Everything, &out, &note).unwrap();
    let failed: Vec<&str> = report
        .failures
        .iter()
        .map(|failure| failure.case.as_str())
        .collect();
    assert_eq!(failed, ["c1", "c2"], "in the manifest's order");
    let grids = report.failures[1].error.to_string();
    assert!(
        grids.contains("corners up to 5.000 mm apart") && grids.contains("c2_seg"),
        "{grids}"
    );
    let store = Store::open(&out).unwrap();
    let ids: Vec<&str> = store.cases().iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["c0", "c3"], "the good ones");
    let steps = steps.into_inner().unwrap();
    assert_eq!(
        steps
            .iter()
            .filter(|(_, step)| *step == Step::Failed)
            .count(),
        2,
        "told"
    );
    assert_eq!(
        steps.iter().filter(|(_, step)| *step == Step::Done).count(),
        2,
        "told"
    );

    let bad = Manifest {
        cases: manifest.cases[1..2].to_vec(),
        ..manifest
    };
    let err = prepare(
        &bad,
        &options(8),
        Accepted::Everything,
        &dir.path().join("none"),
        &silent,
    )
    .unwrap_err();
    assert!(
        err.to_string()
            .starts_with("none of the 1 scans could be prepared; the first: `c1`"),
        "{err}"
    );
}

#[test]
fn a_store_that_cannot_be_written_is_no_fault_of_the_scan() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = cohort(dir.path(), 3);
    let out = dir.path().join("store");
    fs::create_dir_all(out.join("cases")).unwrap();
    fs::write(out.join("cases/c1"), b"a file where a folder must be").unwrap();
    let err = prepare(&manifest, &options(8), Accepted::Everything, &out, &silent).unwrap_err();
    assert!(matches!(err, StoreError::File(_)), "{err}");
    assert!(err.to_string().contains("cases/c1"), "{err}");
    let unfinished = Store::open(&out).unwrap_err();
    assert!(
        matches!(unfinished, StoreError::Unfinished { .. }),
        "{unfinished}"
    );
    fs::remove_file(out.join("cases/c1")).unwrap();
    assert_eq!(
        prepared(&manifest, 8, &out).n_kept,
        2,
        "goes on once there is room"
    );
}

#[test]
fn options_that_make_no_store_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = cohort(dir.path(), 1);
    let refused = |options: PrepareOptions| {
        prepare(
            &manifest,
            &options,
            Accepted::Everything,
            &dir.path().join("s"),
            &silent,
        )
        .unwrap_err()
        .to_string()
    };
    assert_eq!(
        refused(options(0)),
        "slices of 0 pixels, wanted 1 to 8192",
        "size"
    );
    let window = refused(PrepareOptions {
        window_hu: [250, -150],
        ..options(8)
    });
    assert_eq!(
        window, "a window from 250 to -150 HU, wanted the lower value first",
        "window"
    );
}

#[test]
fn a_store_is_finished_only_where_the_errors_of_its_audit_are_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let mut manifest = cohort(dir.path(), 3);
    manifest.cases[1].patient = PatientId::new("q").unwrap();
    fs::copy(&manifest.cases[0].image, &manifest.cases[1].image).unwrap();
    let out = dir.path().join("store");
    let with = |manifest: &Manifest, accepted: &[Kind]| {
        let accepted = Accepted::Kinds(accepted);
        prepare(manifest, &options(8), accepted, &out, &silent).unwrap()
    };
    let refused = with(&manifest, &[Kind::NotHu]);
    assert_eq!((refused.n_prepared, refused.n_refused), (3, 1));
    let unfinished = Store::open(&out).unwrap_err();
    assert!(
        matches!(unfinished, StoreError::Unfinished { .. }),
        "{unfinished}"
    );
    let accepted = with(&manifest, &[Kind::SameScan]);
    assert_eq!(
        (accepted.n_kept, accepted.n_refused),
        (3, 0),
        "nothing is read again"
    );
    assert_eq!(accepted.audit, refused.audit, "what was found is kept");
    assert!(Store::open(&out).is_ok(), "finished");
    with(&manifest, &[]);
    assert!(Store::open(&out).is_err(), "no longer accepted");
    let read = hardslice_data::audit::audit(
        &manifest,
        &hardslice_data::audit::AuditOptions::default(),
        &|_| {},
    );
    let rows = |report: &hardslice_data::audit::AuditReport| {
        let rows = report.rows();
        rows.map(|row| format!("{} {} {}", row.case, row.kind, row.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(&accepted.audit), rows(&read), "as an audit finds");
    for (prepared, read) in accepted.audit.cases.iter().zip(&read.cases) {
        assert_eq!(prepared.scan, read.scan, "{}", read.case);
        assert_eq!(prepared.organs_ml, read.organs_ml, "{}", read.case);
        assert_eq!(prepared.label_values, read.label_values, "{}", read.case);
    }
    fs::write(&manifest.cases[2].image, b"broken").unwrap();
    let broken = with(&manifest, &[Kind::SameScan]);
    assert_eq!(
        (broken.failures.len(), broken.n_refused),
        (1, 1),
        "unreadable"
    );
    assert!(Store::open(&out).is_err(), "never a smaller cohort unasked");
}
