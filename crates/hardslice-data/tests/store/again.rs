//! A store that was stopped, changed or damaged, and is prepared again.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use hardslice_data::audit::Accepted;
use hardslice_data::manifest::Manifest;
use hardslice_data::store::{PrepareOptions, Store, StoreError, prepare};
use hardslice_data::{Progress, Step};
use hardslice_volume::whole_file::write_whole_bytes;

use crate::{cohort, options, prepared, silent, write_case};

/// Every file under a folder with its content, by name.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// The same, as seen from the folder.
fn content(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let relative =
        |(path, bytes): (PathBuf, Vec<u8>)| (path.strip_prefix(dir).unwrap().to_path_buf(), bytes);
    files(dir).into_iter().map(relative).collect()
}

#[test]
fn a_store_does_not_depend_on_how_many_scans_are_read_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = cohort(dir.path(), 5);
    let (one, four) = (dir.path().join("one"), dir.path().join("four"));
    for (out, n_at_once) in [(&one, 1), (&four, 4)] {
        prepare(
            &manifest,
            &PrepareOptions {
                n_at_once,
                ..options(8)
            },
            Accepted::Everything,
            out,
            &silent,
        )
        .unwrap();
    }
    assert!(content(&one) == content(&four), "the same bytes");
}

#[test]
fn a_store_that_was_stopped_is_completed_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = cohort(dir.path(), 4);
    let whole = dir.path().join("whole");
    prepared(&manifest, 8, &whole);
    for stop_at in 0..4 {
        let out = dir.path().join(format!("stopped_{stop_at}"));
        let stopped = catch_unwind(AssertUnwindSafe(|| {
            let stop = |progress: Progress<'_>| {
                assert!(
                    progress.step == Step::Begun || progress.n_over <= stop_at,
                    "stop here"
                );
            };
            prepare(
                &manifest,
                &PrepareOptions {
                    n_at_once: 1,
                    ..options(8)
                },
                Accepted::Everything,
                &out,
                &stop,
            )
        }));
        assert!(stopped.is_err(), "stopped after {stop_at} cases");
        let unfinished = Store::open(&out).unwrap_err();
        assert!(
            matches!(unfinished, StoreError::Unfinished { .. }),
            "{unfinished}"
        );
        let report = prepared(&manifest, 8, &out);
        assert_eq!(report.n_kept, stop_at + 1, "cases that were finished");
        assert!(
            content(&out) == content(&whole),
            "stopped after {stop_at} cases"
        );
    }
}

#[test]
fn a_case_that_was_half_written_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = cohort(dir.path(), 2);
    let (whole, out) = (dir.path().join("whole"), dir.path().join("out"));
    prepared(&manifest, 8, &whole);
    prepared(&manifest, 8, &out);
    let case = out.join("cases/c1");
    let spoilers: [&dyn Fn(); 5] = [
        &|| fs::remove_file(case.join("case.json")).unwrap(),
        &|| fs::remove_file(case.join("labels.npy")).unwrap(),
        &|| fs::write(case.join("image.npy"), b"half").unwrap(),
        &|| fs::write(case.join("case.json"), b"{").unwrap(),
        &|| fs::write(case.join(".image.npy.partial"), b"half").unwrap(),
    ];
    for spoil in spoilers {
        spoil();
        prepared(&manifest, 8, &out);
        drop(fs::remove_file(case.join(".image.npy.partial")));
        assert!(content(&out) == content(&whole), "completed");
    }
}

#[test]
fn only_what_has_changed_is_prepared_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut manifest = cohort(dir.path(), 3);
    let out = dir.path().join("store");
    prepared(&manifest, 8, &out);
    let before = content(&out);
    let report = prepared(&manifest, 8, &out);
    assert_eq!(
        (report.n_prepared, report.n_kept),
        (0, 3),
        "nothing changed"
    );
    assert!(content(&out) == before, "nothing touched");
    let hash = Store::open(&out).unwrap().content_hash().to_owned();

    // The same scan at another place is the same case.
    let moved = dir.path().join("moved.nii.gz");
    fs::rename(&manifest.cases[0].image, &moved).unwrap();
    manifest.cases[0].image.clone_from(&moved);
    let report = prepared(&manifest, 8, &out);
    assert_eq!((report.n_prepared, report.n_kept), (0, 3), "moved");
    let store = Store::open(&out).unwrap();
    assert_eq!(store.cases()[0].source.image, moved, "the record follows");
    assert_eq!(store.content_hash(), hash, "paths are no content");

    // Another scan under the same name is not.
    let other = write_case(dir.path(), "other");
    fs::copy(other.image, &moved).unwrap();
    let report = prepared(&manifest, 8, &out);
    assert_eq!(
        (report.n_prepared, report.n_kept),
        (1, 2),
        "one scan changed"
    );
    assert_ne!(
        Store::open(&out).unwrap().content_hash(),
        hash,
        "other content"
    );

    manifest.cases[1].organs_annotated.clear();
    assert_eq!(
        prepared(&manifest, 8, &out).n_prepared,
        1,
        "one annotation changed"
    );
    assert_eq!(prepared(&manifest, 16, &out).n_prepared, 3, "another size");
    let fewer = Manifest {
        cases: manifest.cases[..2].to_vec(),
        ..manifest
    };
    assert_eq!(prepared(&fewer, 16, &out).n_kept, 2, "a case less");
    assert_eq!(Store::open(&out).unwrap().cases().len(), 2, "a case less");
}

#[test]
fn a_record_that_cannot_be_read_is_not_taken_for_absent() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = cohort(dir.path(), 2);
    let out = dir.path().join("store");
    let record = out.join("cases/c1/case.json");
    fs::create_dir_all(&record).unwrap();
    let err = prepare(&manifest, &options(8), Accepted::Everything, &out, &silent).unwrap_err();
    assert!(
        matches!(&err, StoreError::File(error) if error.path == record),
        "{err}"
    );
    fs::remove_dir(&record).unwrap();
    prepared(&manifest, 8, &out);
    fs::write(&record, "{").unwrap();
    let report = prepared(&manifest, 8, &out);
    assert_eq!((report.n_prepared, report.n_kept), (1, 1), "made anew");
}

#[test]
fn a_store_that_was_changed_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("store");
    prepared(&cohort(dir.path(), 2), 8, &out);
    let image = out.join("cases/c1/image.npy");
    let good = fs::read(&image).unwrap();
    let mut bad = good.clone();
    bad[200] ^= 1;
    write_whole_bytes(&image, &bad).unwrap();
    let errors = Store::open(&out).unwrap().verify().unwrap_err();
    assert_eq!(errors.len(), 1, "one file");
    assert!(
        errors[0].to_string().contains("c1/image.npy"),
        "{}",
        errors[0]
    );
    fs::write(&image, &good[..good.len() - 1]).unwrap();
    let err = Store::open(&out).unwrap_err();
    assert!(matches!(err, StoreError::Length { .. }), "{err}");
    fs::write(&image, good).unwrap();
    let record = fs::read_to_string(out.join("store.json")).unwrap();
    fs::write(
        out.join("store.json"),
        record.replace("\"format\": 2", "\"format\": 7"),
    )
    .unwrap();
    let err = Store::open(&out).unwrap_err();
    assert!(matches!(err, StoreError::Version { found: 7, .. }), "{err}");
    fs::write(
        out.join("store.json"),
        record.replace("\"n_slices\":3", "\"n_slices\":2"),
    )
    .unwrap();
    let err = Store::open(&out).unwrap_err();
    assert!(matches!(err, StoreError::Contradiction { .. }), "{err}");
    let mut unlabelled: serde_json::Value = serde_json::from_str(&record).unwrap();
    let files = unlabelled["cases"][1]["files"].as_object_mut().unwrap();
    files.remove("labels_blake3").unwrap();
    fs::write(out.join("store.json"), unlabelled.to_string()).unwrap();
    let err = Store::open(&out).unwrap_err().to_string();
    assert!(err.contains("annotated, but it has no labels"), "{err}");
}
