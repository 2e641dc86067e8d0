//! Cohorts of small scans, prepared, stopped, completed and read.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use hardslice_data::audit::{Accepted, Kind};
use hardslice_data::manifest::{Case, Layout, Manifest};
use hardslice_data::mining::ExternalPredictions;
use hardslice_data::random::Stream;
use hardslice_data::store::{IGNORED, PrepareOptions, PrepareReport, Store, StoreError, prepare};
use hardslice_data::{
    CaseId, Organ, OrganMap, PatientId, Progress, SliceKind, SliceRef, Step, StoreOrgan,
};
use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Grid, PerAxis, Placement, Volume, write_label_map, write_scan};

/// 3 slices of 4 rows and 6 columns; 0.8 × 0.8 × 5 mm.
const SHAPE: PerAxis<usize> = PerAxis::new(3, 4, 6);

fn grid(shape: PerAxis<usize>) -> Grid {
    Grid {
        shape,
        world_from_voxel: [
            [0.8, 0.0, 0.0, -10.0],
            [0.0, 0.8, 0.0, 7.0],
            [0.0, 0.0, 5.0, 100.0],
        ],
    }
}

/// The same voxels, running to the left and to the back as most files do.
fn flipped(grid: Grid) -> Placement {
    let mut native = grid;
    for axis in 0..2 {
        let last = grid.shape.xyz()[axis] as f64 - 1.0;
        native.world_from_voxel[axis][3] += 0.8 * last;
        native.world_from_voxel[axis][axis] = -0.8;
    }
    Placement::new(native).unwrap()
}

/// Scans of noise, labels 0 to 3 in every slice but the lowest.
fn write_case(dir: &Path, name: &str) -> Case {
    let mut stream = Stream::new(0, name);
    let grid = grid(SHAPE);
    let hu: Vec<i16> = (0..SHAPE.n_voxels())
        .map(|_| i16::try_from(stream.below(900)).unwrap() - 500)
        .collect();
    let labels: Vec<u8> = (0..SHAPE.n_voxels())
        .map(|at| {
            if at < SHAPE.n_pixels() {
                0
            } else {
                u8::try_from(stream.below(4)).unwrap()
            }
        })
        .collect();
    let (image, label_map) = (
        dir.join(format!("{name}.nii.gz")),
        dir.join(format!("{name}_seg.nii.gz")),
    );
    write_scan(&image, &Volume::new(grid, hu).unwrap()).unwrap();
    write_label_map(
        &label_map,
        &Volume::new(grid, labels).unwrap(),
        &flipped(grid),
    )
    .unwrap();
    Case {
        id: CaseId::new(name).unwrap(),
        patient: PatientId::new("p").unwrap(),
        image,
        series_uid: None,
        labels: Some(label_map),
        organs_annotated: vec![Organ::new("kidney").unwrap()],
    }
}

fn manifest(cases: Vec<Case>) -> Manifest {
    let organ = |name| Organ::new(name).unwrap();
    Manifest {
        cases,
        organs: OrganMap::new([(organ("spleen"), vec![3]), (organ("kidney"), vec![1, 2])]).unwrap(),
        source: PathBuf::from("cohort.csv"),
        layout: Layout::Csv,
        notes: Vec::new(),
        other_channel: None,
        ignored_labels: Vec::new(),
    }
}

fn cohort(dir: &Path, n_cases: usize) -> Manifest {
    manifest(
        (0..n_cases)
            .map(|index| write_case(dir, &format!("c{index}")))
            .collect(),
    )
}

fn options(size: usize) -> PrepareOptions {
    PrepareOptions {
        size,
        ..PrepareOptions::default()
    }
}

fn silent(_: Progress<'_>) {}

fn prepared(manifest: &Manifest, size: usize, dir: &Path) -> PrepareReport {
    prepare(manifest, &options(size), Accepted::Everything, dir, &silent).unwrap()
}

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

/// Makes a case one slice of 4 rows and 6 columns.
fn write_slice(case: &Case, hu: Vec<i16>, labels: Vec<u8>) {
    let grid = grid(PerAxis::new(1, 4, 6));
    let (hu, labels) = (
        Volume::new(grid, hu).unwrap(),
        Volume::new(grid, labels).unwrap(),
    );
    write_scan(&case.image, &hu).unwrap();
    write_label_map(case.labels.as_ref().unwrap(), &labels, &flipped(grid)).unwrap();
}

/// The two organs of the store.
fn organs(store: &Store) -> [StoreOrgan; 2] {
    <[StoreOrgan; 2]>::try_from(store.all_organs().collect::<Vec<_>>()).unwrap()
}

#[test]
fn slices_are_clipped_padded_to_a_square_and_labelled_by_organ() {
    let dir = tempfile::tempdir().unwrap();
    let case = write_case(dir.path(), "a");
    // One slice worked by hand; columns run to the right, rows to the front.
    let hu = [
        [-1000, -150, 0, 100, 250, 3000],
        [1, 2, 3, 4, 5, 6],
        [7; 6],
        [8; 6],
    ];
    let labels = [
        [0, 1, 2, 3, 0, 0],
        [0; 6],
        [0, 0, 0, 0, 0, 2],
        [0, 9, 0, 0, 0, 0],
    ];
    write_slice(&case, hu.concat(), labels.concat());
    let out = dir.path().join("store");
    prepared(&manifest(vec![case]), 6, &out);

    let store = Store::open(&out).unwrap();
    let image = [
        [-150; 6],
        [-150, -150, 0, 100, 250, 250],
        [1, 2, 3, 4, 5, 6],
        [7; 6],
        [8; 6],
        [-150; 6],
    ];
    assert_eq!(
        store.image(0, 0),
        image.concat(),
        "clipped, a row of padding before and behind"
    );
    let fitted = [
        [0; 6],
        [0, 2, 2, 1, 0, 0],
        [0; 6],
        [0, 0, 0, 0, 0, 2],
        [0; 6],
        [0; 6],
    ];
    assert_eq!(
        store.labels(0, 0),
        fitted.concat(),
        "spleen 1, kidney 2, value 9 is background"
    );
    let native = [[0, 2, 2, 1, 0, 0], [0; 6], [0, 0, 0, 0, 0, 2], [0; 6]];
    assert_eq!(
        store.native_labels(0).unwrap(),
        native.concat(),
        "on the scan's own grid"
    );
    let case = &store.cases()[0];
    let [spleen, kidney] = organs(&store);
    assert_eq!(
        (case.area_px(spleen, 0), case.area_px(kidney, 0)),
        (1, 3),
        "spleen and kidney"
    );
    for (got, want) in case.spacing_mm.zyx().into_iter().zip([5.0, 0.8, 0.8]) {
        assert!(
            (got - want).abs() < 1e-6,
            "{got} mm, expected {want} mm (f32 in the header)"
        );
    }
    assert_eq!(
        store
            .options()
            .preprocessing()
            .plane_fit(&case.placement.canonical)
            .unwrap()
            .native_yx(),
        [4, 6],
        "the way back"
    );
    let at = SliceRef { case_idx: 0, z: 0 };
    assert_eq!(
        store.slice_kind(spleen, at),
        SliceKind::EndOfOrgan,
        "the only slice"
    );
    assert!(store.verify().is_ok(), "as written");
}

#[test]
fn what_the_record_says_is_what_the_files_hold() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("store");
    let report = prepared(&cohort(dir.path(), 3), 16, &out);
    assert_eq!((report.n_prepared, report.n_kept), (3, 0), "all new");
    let store = Store::open(&out).unwrap();
    assert_eq!(
        (store.size(), store.cases().len()),
        (16, 3),
        "size and cases"
    );
    for (case_idx, case) in store.cases().iter().enumerate() {
        assert_eq!(
            case.id.as_str(),
            format!("c{case_idx}"),
            "in the manifest's order"
        );
        assert_eq!(case.n_slices, 3, "slices");
        for z in 0..3 {
            let image = store.image(case_idx, z);
            assert!(image.iter().all(|hu| (-150..=250).contains(hu)), "clipped");
            for organ in organs(&store) {
                let value = store.label_of(organ);
                let is_organ = |label: &u8| u32::from(*label == value);
                let n: u32 = store.labels(case_idx, z).iter().map(is_organ).sum();
                assert_eq!(case.area_px(organ, z), n, "area");
            }
        }
        let [_, kidney] = organs(&store);
        assert_eq!(case.area_px(kidney, 0), 0, "the lowest slice is empty");
        assert!(case.area_px(kidney, 1) > 0, "the second is not");
    }
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
fn a_case_without_labels_is_stored_without_labels() {
    let dir = tempfile::tempdir().unwrap();
    let mut manifest = cohort(dir.path(), 1);
    let out = dir.path().join("store");
    prepared(&manifest, 8, &out);
    manifest.cases[0].labels = None;
    manifest.cases[0].organs_annotated.clear();
    prepared(&manifest, 8, &out);
    let store = Store::open(&out).unwrap();
    assert!(!store.cases()[0].has_labels(), "no labels");
    assert_eq!(store.labels(0, 1), [0; 64], "all background");
    assert_eq!(store.native_labels(0), None, "no labels");
    assert!(
        !out.join("cases/c0/labels.npy").exists(),
        "the old file is gone"
    );
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

#[test]
fn voxels_that_nobody_judged_are_neither_organ_nor_background() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = Manifest {
        ignored_labels: vec![3],
        organs: OrganMap::new([(Organ::new("kidney").unwrap(), vec![1, 2])]).unwrap(),
        ..cohort(dir.path(), 1)
    };
    let out = dir.path().join("store");
    prepared(&manifest, 8, &out);
    let store = Store::open(&out).unwrap();
    assert_eq!(store.ignored_labels(), [3]);
    let native = store.native_labels(0).unwrap();
    let n = |value: u8| {
        native
            .iter()
            .fold(0, |n, label| n + usize::from(*label == value))
    };
    assert!(n(IGNORED) > 0 && n(1) > 0, "both are there");
    assert_eq!(n(0) + n(1) + n(IGNORED), native.len(), "nothing else");
    for z in 0..SHAPE.z {
        let kidney = store.all_organs().next().unwrap();
        let area = store.cases()[0].area_px(kidney, z) as usize;
        let labels = store.labels(0, z);
        assert_eq!(
            labels
                .iter()
                .fold(0, |n, label| n + usize::from(*label == 1)),
            area,
            "slice {z}"
        );
    }
    prepared(&cohort(dir.path(), 1), 8, &out);
    assert!(
        Store::open(&out).unwrap().ignored_labels().is_empty(),
        "prepared anew"
    );
}

#[test]
fn the_predictions_of_another_program_are_not_counted_where_nobody_judged() {
    let dir = tempfile::tempdir().unwrap();
    let shape = PerAxis::new(1, 4, 8);
    // Kidney in the columns 0 to 3, nothing known of 2 to 5; predicted in 1 to 6.
    let labels = (0..32).map(|i| match i % 8 {
        0 | 1 => 1,
        2..6 => 3,
        _ => 0_u8,
    });
    let case = write_case(dir.path(), "c0");
    let on_grid = |labels: Vec<u8>| Volume::new(grid(shape), labels).unwrap();
    let written = |path: &Path, labels: Vec<u8>| {
        write_label_map(path, &on_grid(labels), &flipped(grid(shape))).unwrap();
    };
    write_scan(
        &case.image,
        &Volume::new(grid(shape), vec![0_i16; 32]).unwrap(),
    )
    .unwrap();
    written(case.labels.as_deref().unwrap(), labels.collect());
    let manifest = Manifest {
        ignored_labels: vec![3],
        organs: OrganMap::new([(Organ::new("kidney").unwrap(), vec![1])]).unwrap(),
        ..manifest(vec![case])
    };
    let out = dir.path().join("store");
    prepared(&manifest, 8, &out);
    let store = Store::open(&out).unwrap();
    let predicted = (0..32).map(|i| u8::from((1..7).contains(&(i % 8))));
    written(&dir.path().join("theirs/c0.nii.gz"), predicted.collect());
    let external = ExternalPredictions {
        store: &store,
        organs: &store.all_organs().collect::<Vec<_>>(),
        dir: &dir.path().join("theirs"),
        labels: None,
        probabilities: false,
    };
    let [scored] = external.scores(&[0], 1, &|| ()).try_into().unwrap();
    let score = scored.unwrap().scored[0].score;
    // Four rows: the columns 0 and 1 are kidney, 1 and 6 are predicted.
    assert_eq!(
        [score.n_truth, score.n_predicted, score.n_shared],
        [8, 8, 4]
    );
}
