//! Cohorts with everything that can be wrong with one.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

use std::fs;
use std::path::{Path, PathBuf};

use hardslice_data::audit::{Accepted, AuditOptions, AuditReport, Kind, Severity, audit};
use hardslice_data::manifest::{Case, Layout, Manifest};
use hardslice_data::random::Stream;
use hardslice_data::store::{PrepareOptions, prepare};
use hardslice_data::{CaseId, Organ, OrganLabels, OrganMap, PatientId};
use hardslice_volume::{Grid, PerAxis, Placement, Volume, write_label_map, write_scan};

const SHAPE: PerAxis<usize> = PerAxis::new(12, 8, 10);

/// 0.8 × 0.8 × 5 mm, turned by 6° about z, running to the left.
fn grid(shape: PerAxis<usize>) -> Grid {
    let (sin, cos) = 6_f64.to_radians().sin_cos();
    Grid {
        shape,
        world_from_voxel: [
            [0.8 * cos, -0.8 * sin, 0.0, -10.0],
            [0.8 * sin, 0.8 * cos, 0.0, 7.0],
            [0.0, 0.0, 5.0, 100.0],
        ],
    }
}

/// A scan of noise around air and tissue; liver (1) on the right, spleen (4) on the left.
fn write_case(dir: &Path, name: &str, patient: &str) -> Case {
    let mut stream = Stream::new(0, name);
    let hu = |_| {
        let base = if stream.chance(0.4) { -1000 } else { 60 };
        base + i16::try_from(stream.below(200)).unwrap()
    };
    let hu: Vec<i16> = (0..SHAPE.n_voxels()).map(hu).collect();
    let image = dir.join(format!("{name}.nii.gz"));
    write_scan(&image, &Volume::new(grid(SHAPE), hu).unwrap()).unwrap();
    let case = Case {
        id: CaseId::new(name).unwrap(),
        patient: PatientId::new(patient).unwrap(),
        image,
        series_uid: None,
        labels: Some(dir.join(format!("{name}_seg.nii.gz"))),
        organs_annotated: organs().organs().cloned().collect(),
    };
    label(&case, [(8, 1), (1, 4)]);
    case
}

/// Labels of two columns, by x and value; in one row, which the case's name tells, a voxel farther
/// on: no two patients have the same labels.
fn label(case: &Case, columns: [(usize, u8); 2]) {
    let row = usize::from(*case.id.as_str().as_bytes().last().unwrap());
    let value = |at: usize| {
        let is_shifted = at / SHAPE.x == row % (SHAPE.n_voxels() / SHAPE.x);
        columns
            .iter()
            .find(|(x, _)| at % SHAPE.x == x + usize::from(is_shifted))
            .map_or(0, |(_, value)| *value)
    };
    let labels = (0..SHAPE.n_voxels()).map(value).collect();
    write_labels(case, grid(SHAPE), labels);
}

fn write_labels(case: &Case, grid: Grid, labels: Vec<u8>) {
    let volume = Volume::new(grid, labels).unwrap();
    write_label_map(
        case.labels.as_ref().unwrap(),
        &volume,
        &Placement::new(grid).unwrap(),
    )
    .unwrap();
}

fn organs() -> OrganMap {
    let organ = |name| Organ::new(name).unwrap();
    OrganMap::new([(organ("liver"), vec![1]), (organ("spleen"), vec![4])]).unwrap()
}

fn manifest(cases: Vec<Case>) -> Manifest {
    Manifest {
        cases,
        organs: organs(),
        source: PathBuf::from("cohort.csv"),
        layout: Layout::Csv,
        notes: Vec::new(),
        other_channel: None,
        ignored_labels: Vec::new(),
    }
}

fn audited(cases: &[Case]) -> AuditReport {
    audit(&manifest(cases.to_vec()), &AuditOptions::default(), &|_| {})
}

/// What is found in one case.
fn found(case: &Case) -> Vec<(Severity, Kind, String)> {
    let report = audited(std::slice::from_ref(case));
    let findings = report.cases.into_iter().flat_map(|case| case.findings);
    findings
        .map(|finding| (finding.severity, finding.kind, finding.message))
        .collect()
}

/// The only finding of a case.
fn only(case: &Case, severity: Severity, kind: Kind) -> String {
    let findings = found(case);
    let [(its_severity, its_kind, message)] = findings.as_slice() else {
        panic!("one finding was expected: {findings:?}");
    };
    assert_eq!((*its_severity, *its_kind), (severity, kind), "{message}");
    message.clone()
}

#[test]
fn a_good_cohort_is_clean_and_described() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        write_case(dir.path(), "a", "p"),
        write_case(dir.path(), "b", "q"),
    ];
    let report = audited(&cases);
    assert!(report.is_clean(), "{:?}", report.rows().collect::<Vec<_>>());
    let case = &report.cases[1];
    let scan = case.scan.as_ref().unwrap();
    assert_eq!((case.case.as_str(), scan.shape), ("b", SHAPE), "in order");
    let (organ, ml) = &case.organs_ml[0];
    // A column of 12 × 8 voxels of 0.8 × 0.8 × 5 mm.
    assert!((ml - 96.0 * 3.2e-3).abs() < 1e-6, "{organ} of {ml} ml");
}

#[test]
fn files_that_cannot_be_read_are_findings() {
    let dir = tempfile::tempdir().unwrap();
    let case = write_case(dir.path(), "a", "p");
    fs::write(case.labels.as_ref().unwrap(), b"no labels").unwrap();
    let message = only(&case, Severity::Error, Kind::LabelsUnreadable);
    assert!(message.contains("a_seg.nii.gz"), "{message}");
    fs::remove_file(&case.image).unwrap();
    let message = only(&case, Severity::Error, Kind::ImageUnreadable);
    assert!(
        message.contains("a.nii.gz") && message.contains("No such file"),
        "{message}"
    );
}

#[test]
fn grids_that_differ_are_found_with_the_distance() {
    let dir = tempfile::tempdir().unwrap();
    let case = write_case(dir.path(), "a", "p");
    let mut shifted = grid(SHAPE);
    shifted.world_from_voxel[2][3] += 2.5;
    write_labels(&case, shifted, vec![1; SHAPE.n_voxels()]);
    let message = only(&case, Severity::Error, Kind::GridDiffers);
    assert!(
        message.contains("corners up to 2.500 mm apart"),
        "{message}"
    );
    let options = AuditOptions {
        grid_tolerance_mm: Some(2.6),
        ..AuditOptions::default()
    };
    let report = audit(&manifest(vec![case]), &options, &|_| {});
    let kinds: Vec<Kind> = report.rows().map(|row| row.kind).collect();
    assert!(!kinds.contains(&Kind::GridDiffers), "allowed: {kinds:?}");
}

#[test]
fn labels_that_do_not_fit_the_map_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut case = write_case(dir.path(), "a", "p");
    label(&case, [(8, 1), (1, 9)]);
    let kinds: Vec<_> = found(&case).into_iter().map(|(_, kind, _)| kind).collect();
    assert_eq!(
        kinds,
        [Kind::LabelsOutsideMap, Kind::OrganAbsent],
        "9 in place of the spleen"
    );
    case.organs_annotated.pop();
    let message = only(&case, Severity::Warning, Kind::LabelsOutsideMap);
    assert!(message.ends_with("9 (96 voxels)"), "{message}");
    label(&case, [(8, 1), (1, 4)]);
    let message = only(&case, Severity::Warning, Kind::OrganNotAnnotated);
    assert!(message.starts_with("`spleen` has 96 voxels"), "{message}");
    label(&case, [(8, 0), (1, 0)]);
    only(&case, Severity::Error, Kind::LabelsEmpty);
}

#[test]
fn an_organ_by_names_alone_is_refused_in_a_label_map_that_has_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut case = write_case(dir.path(), "a", "p");
    let entry = |name: &str, labels: &[u16], structures: &[&str]| OrganLabels {
        organ: Organ::new(name).unwrap(),
        labels: labels.to_vec(),
        structures: structures.iter().map(ToString::to_string).collect(),
    };
    let organs = [
        entry("liver", &[1], &[]),
        entry("spleen", &[], &["spleen_whole"]),
    ];
    let organs = OrganMap::from_entries(organs).unwrap();
    let found = |case: &Case| {
        let cohort = Manifest {
            organs: organs.clone(),
            ..manifest(vec![case.clone()])
        };
        let report = audit(&cohort, &AuditOptions::default(), &|_| {});
        let prepared = prepare(
            &cohort,
            &PrepareOptions::default(),
            Accepted::Kinds(&[]),
            &dir.path().join("store"),
            &|_| {},
        );
        let errors = report.rows().filter(|row| row.severity == Severity::Error);
        let errors: Vec<String> = errors.map(|row| row.message.to_owned()).collect();
        (errors, prepared.unwrap().n_refused == 0)
    };
    let (errors, is_prepared) = found(&case);
    assert_eq!(
        errors,
        ["`spleen` is given by the names of structures alone, and this label map holds values"]
    );
    assert!(!is_prepared, "every slice would be one without a spleen");
    case.organs_annotated.pop();
    assert_eq!(found(&case), (Vec::new(), true), "not said to be annotated");
}

#[test]
fn organs_on_the_wrong_side_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut case = write_case(dir.path(), "a", "p");
    label(&case, [(1, 1), (8, 4)]);
    let message = only(&case, Severity::Warning, Kind::SideImplausible);
    assert_eq!(message, "the liver lies left of the spleen", "both organs");
    label(&case, [(1, 1), (8, 0)]);
    case.organs_annotated.pop();
    let message = only(&case, Severity::Warning, Kind::SideImplausible);
    assert_eq!(
        message, "the liver lies in the left half of the scan",
        "liver alone"
    );
}

/// Twelve patients with as many voxels of the liver as given, and the spleen in one column.
fn with_livers(dir: &Path, n_liver: [usize; 12]) -> Vec<Case> {
    let patients = "abcdefghijkl".chars().zip(n_liver);
    let cases = patients.map(|(name, n_liver)| {
        let case = write_case(dir, &name.to_string(), &name.to_string());
        let mut labels = vec![0; SHAPE.n_voxels()];
        // The liver fills columns on the right, the spleen lies on the left.
        let right = (0..labels.len()).filter(|at| at % SHAPE.x >= 4);
        for at in right.take(n_liver) {
            labels[at] = 1;
        }
        let left = (0..labels.len()).filter(|at| at % SHAPE.x == 1);
        for at in left.take(20) {
            labels[at] = 4;
        }
        write_labels(&case, grid(SHAPE), labels);
        case
    });
    cases.collect()
}

fn unusual(cases: &[Case]) -> Vec<(String, String)> {
    let report = audited(cases);
    let rows = report
        .rows()
        .filter(|row| row.kind == Kind::VolumeUnusual)
        .map(|row| {
            assert_eq!(row.severity, Severity::Warning, "{row:?}");
            (row.case.to_string(), row.message.to_owned())
        });
    rows.collect()
}

#[test]
fn organs_far_larger_or_smaller_than_in_other_patients_are_found() {
    let dir = tempfile::tempdir().unwrap();
    // Logarithms of the ten in the middle lie 0.2 about that of 100, by their median.
    let usual = [70, 80, 82, 90, 100, 100, 110, 122, 125, 143];
    let livers = |low, high| {
        let mut all = [0; 12];
        all[0] = low;
        all[1..11].copy_from_slice(&usual);
        all[11] = high;
        all
    };
    // 3.2 µl a voxel. exp(3.5 × 0.2 / 0.6745) is 2.8: 240 of a median of 100 is usual, 550 is not.
    let cases = with_livers(dir.path(), livers(12, 550));
    let message = |ml: &str, times: &str| {
        format!("`liver` has {ml} ml, {times} times the median of 12 scans (0.320 ml)")
    };
    assert_eq!(
        unusual(&cases),
        [
            ("a".to_owned(), message("0.038", "0.120")),
            ("l".to_owned(), message("1.76", "5.50")),
        ]
    );
    let cases = with_livers(dir.path(), livers(60, 240));
    assert_eq!(unusual(&cases), []);
    // Nine patients do not say what is usual.
    let cases = with_livers(dir.path(), livers(12, 550));
    assert_eq!(unusual(&cases[..9]), []);
    // However alike the others are, less than twice is no matter.
    let mut alike = [100; 12];
    alike[3] = 190;
    assert_eq!(unusual(&with_livers(dir.path(), alike)), []);
    alike[3] = 210;
    assert_eq!(unusual(&with_livers(dir.path(), alike)).len(), 1);
}

#[test]
fn the_same_scan_under_two_names_is_found_across_formats() {
    let dir = tempfile::tempdir().unwrap();
    let a = write_case(dir.path(), "a", "p");
    let (mut b, mut c) = (
        write_case(dir.path(), "b", "p"),
        write_case(dir.path(), "c", "q"),
    );
    // Uncompressed, and in another order of the voxels.
    let scan = hardslice_volume::read_scan(&a.image).unwrap();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the scan was written from i16"
    )]
    let voxels = scan.volume.map(|hu| hu as i16);
    b.image = dir.path().join("again.nii");
    write_scan(&b.image, &voxels).unwrap();
    c.image.clone_from(&a.image);
    let report = audited(&[a, b, c]);
    let rows: Vec<String> = report
        .rows()
        .map(|row| {
            format!(
                "{} {} {:?}: {}",
                row.case, row.severity, row.kind, row.message
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            "b warning SameScan: the same scan as `a`, voxel by voxel",
            "c error SameScan: the same scan as `a`, voxel by voxel, but of another patient (`p`)",
        ],
        "once as the patient's own, once as another's"
    );
}

#[test]
fn the_same_labels_for_two_scans_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (
        write_case(dir.path(), "a", "p"),
        write_case(dir.path(), "b", "q"),
    );
    fs::copy(a.labels.as_ref().unwrap(), b.labels.as_ref().unwrap()).unwrap();
    let rows: Vec<String> = audited(&[a.clone(), b.clone()])
        .rows()
        .map(|row| format!("{} {} {}", row.case, row.severity, row.kind))
        .collect();
    assert_eq!(rows, ["b warning same_labels"]);
    let empty = [a, b].map(|mut case| {
        label(&case, [(8, 0), (1, 0)]);
        case.organs_annotated.clear();
        case
    });
    assert!(audited(&empty).is_clean(), "labels of nothing are alike");
}

#[test]
fn voxels_that_nobody_judged_are_a_warning_and_scans_that_are_no_ct_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut case = write_case(dir.path(), "a", "p");
    case.organs_annotated.pop();
    label(&case, [(8, 1), (1, 9)]);
    let cohort = Manifest {
        ignored_labels: vec![9],
        other_channel: Some("T2".to_owned()),
        ..manifest(vec![case])
    };
    let report = audit(&cohort, &AuditOptions::default(), &|_| {});
    let refused = |accepted: &[Kind]| {
        let refused = report.refused(Accepted::Kinds(accepted));
        refused.map(|row| row.kind).collect::<Vec<_>>()
    };
    assert_eq!(refused(&[]), [Kind::NotHu]);
    assert_eq!(refused(&[Kind::NotHu]), [], "accepted");
    assert_eq!(
        report.refused(Accepted::Everything).count(),
        0,
        "all accepted"
    );
    assert!(
        report
            .rows()
            .any(|row| row.kind == Kind::LabelsIgnored && row.message.starts_with("96 voxels")),
        "counted"
    );
}

#[test]
fn a_patient_in_two_folds_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let names = [("a", "p"), ("b", "p"), ("c", "q")];
    let cases: Vec<Case> = names
        .iter()
        .map(|(name, patient)| write_case(dir.path(), name, patient))
        .collect();
    let folds = [("a", "test"), ("b", "train"), ("c", "train")];
    let folds = folds.map(|(name, fold)| (CaseId::new(name).unwrap(), fold.to_owned()));
    let options = AuditOptions {
        folds: folds.into(),
        ..AuditOptions::default()
    };
    let report = audit(&manifest(cases), &options, &|_| {});
    let rows: Vec<String> = report.rows().map(|row| row.message.to_owned()).collect();
    assert_eq!(
        rows,
        ["the patient `p` is in two folds: `a` in test, `b` in train"],
        "said once"
    );
}

#[test]
fn a_report_does_not_depend_on_how_many_scans_are_read_at_once_and_is_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let cases: Vec<Case> = (0..6)
        .map(|index| write_case(dir.path(), &format!("c{index}"), "p"))
        .collect();
    fs::write(&cases[2].image, b"broken, \"badly\"").unwrap();
    label(&cases[4], [(8, 1), (1, 7)]);
    let with = |n_at_once| {
        let options = AuditOptions {
            n_at_once,
            ..AuditOptions::default()
        };
        audit(&manifest(cases.clone()), &options, &|_| {})
    };
    let report = with(1);
    assert_eq!(report, with(4), "the same findings in the same order");
    assert_eq!((report.n_errors, report.n_warnings), (1, 2), "counted");
    let path = dir.path().join("audit.csv");
    report.write_csv(&path).unwrap();
    let table = fs::read_to_string(&path).unwrap();
    assert!(
        table.starts_with("case,patient,severity,kind,message,fix\nc2,p,error,image_unreadable,"),
        "{table}"
    );
    assert_eq!(
        csv::Reader::from_path(&path).unwrap().records().count(),
        3,
        "one row a finding"
    );
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(
        serde_json::from_str::<AuditReport>(&json).unwrap(),
        report,
        "kept in JSON"
    );
}

/// Writes over bytes of an uncompressed NIfTI-1 file.
fn patch(path: &Path, at: usize, value: f32) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    fs::write(path, bytes).unwrap();
}

/// A case whose files are not compressed.
fn plain_case(dir: &Path, name: &str) -> Case {
    let mut case = write_case(dir, name, name);
    let scan = hardslice_volume::read_scan(&case.image).unwrap();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the scan was written from i16"
    )]
    let voxels = scan.volume.map(|hu| hu as i16);
    case.image = dir.join(format!("{name}.nii"));
    write_scan(&case.image, &voxels).unwrap();
    case.labels = Some(dir.join(format!("{name}_seg.nii")));
    label(&case, [(8, 1), (1, 4)]);
    case
}

/// Where NIfTI-1 has the slope, and the x of the qform's offset.
const SCL_SLOPE: usize = 112;
const QOFFSET_X: usize = 268;

#[test]
fn what_a_reader_took_for_granted_is_found_and_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let case = plain_case(dir.path(), "a");
    // The labels 1 and 4 become 1.0002 and 4.0008.
    patch(case.labels.as_ref().unwrap(), SCL_SLOPE, 1.0002);
    let message = only(&case, Severity::Note, Kind::LabelsRounded);
    assert!(
        message.starts_with("192 voxels are no whole numbers"),
        "{message}"
    );
    let report = audited(std::slice::from_ref(&case));
    assert!(report.is_clean(), "notes are no faults");
    assert_eq!(report.n_notes, 1, "counted");
    assert_eq!(report.refused(Accepted::Kinds(&[])).count(), 0);

    // The same in what is found on the way to the store, also the second time.
    let options = PrepareOptions {
        size: 8,
        ..PrepareOptions::default()
    };
    for _ in 0..2 {
        let store = dir.path().join("store");
        let manifest = manifest(vec![case.clone()]);
        let prepared = prepare(&manifest, &options, Accepted::Kinds(&[]), &store, &|_| {});
        let audit = prepared.unwrap().audit;
        let found: Vec<_> = audit.rows().map(|row| (row.severity, row.kind)).collect();
        assert_eq!(found, [(Severity::Note, Kind::LabelsRounded)]);
    }

    let case = plain_case(dir.path(), "b");
    patch(&case.image, QOFFSET_X, 12.5);
    let message = only(&case, Severity::Warning, Kind::PosesDiffer);
    assert!(message.contains("sform and qform place"), "{message}");
    let case = plain_case(dir.path(), "c");
    patch(case.labels.as_ref().unwrap(), QOFFSET_X, 12.5);
    let message = only(&case, Severity::Warning, Kind::PosesDiffer);
    assert!(message.ends_with("c_seg.nii"), "{message}");
}

#[test]
fn a_sheared_scan_is_an_error_that_names_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let case = write_case(dir.path(), "a", "p");
    let mut sheared = grid(SHAPE);
    sheared.world_from_voxel[1][2] = 5.0 * 12_f64.to_radians().tan();
    let scan = hardslice_volume::read_scan(&case.image).unwrap();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the scan was written from i16"
    )]
    let voxels = scan.volume.map(|hu| hu as i16).into_voxels();
    write_scan(&case.image, &Volume::new(sheared, voxels).unwrap()).unwrap();
    let labels = vec![1; SHAPE.n_voxels()];
    write_labels(&case, sheared, labels);
    let report = audited(std::slice::from_ref(&case));
    let row = report.rows().find(|row| row.kind == Kind::Sheared).unwrap();
    assert_eq!(row.severity, Severity::Error);
    assert!(row.message.contains("resample the scan"), "{}", row.message);
    // A shear moves no volume: 960 voxels of 0.8 × 0.8 × 5 mm.
    let (_, ml) = &report.cases[0].organs_ml[0];
    assert!((ml - 960.0 * 3.2e-3).abs() < 1e-4, "{ml} ml");
}

#[test]
fn the_documents_list_every_kind() {
    let page = include_str!("../../../docs/audit.md");
    for kind in Kind::ALL {
        assert!(
            page.contains(&format!("`{kind}`")),
            "docs/audit.md lacks `{kind}`"
        );
    }
}
