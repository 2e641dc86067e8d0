//! `evaluate`: label maps of any format, found by name, and rows for what is missing.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;

use hardslice_volume::{Grid, PerAxis, Placement, Volume, write_label_map};

use support::assert_ends;

/// Columns of 4 × 4 × 6 voxels of 1 × 1 × 2 mm.
const SHAPE: PerAxis<usize> = PerAxis::new(4, 4, 6);

fn grid() -> Grid {
    Grid {
        shape: SHAPE,
        world_from_voxel: [
            [1.0, 0.0, 0.0, -3.0],
            [0.0, 1.0, 0.0, 5.0],
            [0.0, 0.0, 2.0, 40.0],
        ],
    }
}

/// Labels whose columns along x hold these values.
fn write(path: &Path, columns: [u8; 6], grid: Grid) {
    let labels = (0..SHAPE.n_voxels()).map(|at| columns[at % 6]).collect();
    let labels = Volume::new(grid, labels).unwrap();
    write_label_map(path, &labels, &Placement::new(grid).unwrap()).unwrap();
}

const EVALUATE: [&str; 7] = [
    "evaluate",
    "--truth",
    "truth",
    "--predictions",
    "pred",
    "--out",
    "s.csv",
];

fn evaluate<'a>(more: &[&'a str]) -> Vec<&'a str> {
    EVALUATE.iter().chain(more).copied().collect()
}

/// Case, organ, Dice and status of each row.
fn rows(dir: &Path) -> Vec<String> {
    let table = fs::read_to_string(dir.join("s.csv")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        [cells[0], cells[1], cells[2], cells[7]].join(" ")
    };
    table.lines().skip(1).map(row).collect()
}

#[test]
fn labels_of_every_format_are_scored_against_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let endings = [".nii", ".NII.GZ", ".nrrd", ".mha", ".MHD"];
    for (k, truth) in endings.iter().enumerate() {
        let predicted = endings[(k + 1) % endings.len()];
        // Four of the six voxels in a row, and two of them found: Dice 2 · 2 / (4 + 2).
        write(
            &at(&format!("truth/c{k}_seg{truth}")),
            [1, 1, 1, 1, 0, 0],
            grid(),
        );
        write(
            &at(&format!("pred/c{k}{predicted}")),
            [1, 1, 0, 0, 0, 0],
            grid(),
        );
    }
    fs::write(at("truth/._c0.nii"), "resource fork").unwrap();
    fs::write(at("pred/.c9.nii.gz"), "").unwrap();
    fs::write(at("pred/notes.txt"), "no labels").unwrap();
    let said = assert_ends(&evaluate(&["--label", "liver=1"]), dir.path(), 0, &[]);
    assert!(!said.contains("note"), "{said}");
    let third = 2.0 / 3.0;
    let wanted: Vec<String> = (0..5)
        .map(|k| format!("c{k} liver {third} scored"))
        .collect();
    assert_eq!(rows(dir.path()), wanted);
}

#[test]
fn names_of_structures_find_the_masks_of_a_folder_and_values_those_of_a_map() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    write(&at("truth/a.nii.gz"), [1, 1, 2, 3, 0, 0], grid());
    write(&at("pred/a/LIVER.NII.GZ"), [1, 1, 0, 0, 0, 0], grid());
    write(&at("pred/a/kidney_left.nii.gz"), [0, 0, 1, 0, 0, 0], grid());
    write(&at("pred/a/kidney-right.nrrd"), [0, 0, 0, 0, 1, 0], grid());
    let both = [
        "--label",
        "liver=1,Liver",
        "--label",
        "kidney=2,3,kidney_left,kidney_right",
    ];
    assert_ends(&evaluate(&both), dir.path(), 0, &[]);
    assert_eq!(
        rows(dir.path()),
        ["a liver 1 scored", "a kidney 0.5 scored"]
    );
    // A label map has no names.
    let by_name = ["--label", "liver"];
    let parts = ["by names alone", "ORGAN=VALUES", "a.nii.gz"];
    assert_ends(&evaluate(&by_name), dir.path(), 2, &parts);
    // Masks have no values.
    assert_ends(
        &evaluate(&[]),
        dir.path(),
        2,
        &["no label values", "--label"],
    );
}

#[test]
fn segmentations_lie_on_the_scan_that_is_given_or_on_the_other_label_map() {
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../hardslice-volume/tests/golden/dicom");
    let dir = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| {
        let to = dir.path().join(to);
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(golden.join(from)).unwrap() {
            let from = entry.unwrap().path();
            fs::copy(&from, to.join(from.file_name().unwrap())).unwrap();
        }
    };
    copy("seg_binary", "truth/c");
    copy("seg_binary", "pred/c");
    let parts = ["lie on the voxels of their scan", "--scans"];
    assert_ends(&evaluate(&[]), dir.path(), 2, &parts);
    copy("oblique", "scans/c");
    assert_ends(&evaluate(&["--scans", "scans"]), dir.path(), 0, &[]);
    let of_seg = rows(dir.path());
    assert!(
        of_seg.iter().all(|row| row.ends_with(" 1 scored")),
        "{of_seg:?}"
    );
    assert!(!of_seg.is_empty());
    // A label map beside it says where the voxels lie.
    let scan = hardslice_volume::read_scan(&dir.path().join("scans/c")).unwrap();
    let labels = hardslice_volume::read_labels(
        &golden.join("seg_binary"),
        &scan,
        &hardslice_volume::LabelNames::default(),
    );
    let labels = labels
        .unwrap()
        .volume
        .map(|label| u8::try_from(label).unwrap());
    fs::remove_dir_all(dir.path().join("truth/c")).unwrap();
    write_label_map(&dir.path().join("truth/c.nii.gz"), &labels, &scan.placement).unwrap();
    assert_ends(&evaluate(&[]), dir.path(), 0, &[]);
    assert_eq!(rows(dir.path()), of_seg);
}

#[test]
fn what_is_missing_or_wrong_is_a_row_and_what_is_too_much_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for case in ["a", "b", "c", "d"] {
        write(
            &at(&format!("truth/{case}.nii")),
            [1, 1, 0, 0, 0, 0],
            grid(),
        );
    }
    // Label 2 is in the prediction alone.
    write(&at("pred/a.nii"), [1, 1, 2, 0, 0, 0], grid());
    write(&at("pred/e.nii"), [1, 1, 0, 0, 0, 0], grid());
    fs::write(at("pred/c.nii"), "cut off").unwrap();
    let mut shifted = grid();
    shifted.world_from_voxel[0][3] += 0.5;
    write(&at("pred/d.nii"), [1, 1, 0, 0, 0, 0], shifted);
    let parts = [
        "not scored: b: it has no prediction",
        "not scored: c",
        "0.500 mm apart",
        "--grid-tolerance-mm",
        "1 predictions have no truth of their name and are not scored: e.nii",
    ];
    assert_ends(&evaluate(&[]), dir.path(), 1, &parts);
    assert_eq!(
        rows(dir.path()),
        [
            "a label_1 1 scored",
            "a label_2 0 truth_empty",
            "b label_1  prediction_missing",
            "c label_1  not_scored",
            "d label_1  not_scored",
        ]
    );
    let organs = ["--label", "liver=1", "--label", "spleen=7"];
    let more = [&organs[..], &["--grid-tolerance-mm", "0.5"]].concat();
    assert_ends(&evaluate(&more), dir.path(), 1, &[]);
    assert_eq!(
        rows(dir.path())[..4],
        [
            "a liver 1 scored",
            "a spleen  both_empty",
            "b liver  prediction_missing",
            "b spleen  prediction_missing",
        ]
    );
    assert_eq!(rows(dir.path())[6], "d liver 1 scored", "0.5 mm allowed");
    for wrong in ["-1", "nan", "x"] {
        let tolerance = format!("--grid-tolerance-mm={wrong}");
        assert_ends(&evaluate(&[&tolerance]), dir.path(), 2, &[wrong]);
    }
}

#[test]
fn distances_on_a_sheared_grid_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut sheared = grid();
    sheared.world_from_voxel[1][2] = 0.7;
    for folder in ["truth", "pred"] {
        let path = dir.path().join(folder).join("a.nii");
        write(&path, [1, 1, 0, 0, 0, 0], sheared);
    }
    assert_ends(
        &evaluate(&[]),
        dir.path(),
        2,
        &["sheared by 19.29°", "resample"],
    );
}

#[test]
fn rounded_labels_are_said_once_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    for case in ["a", "b", "c"] {
        for folder in ["truth", "pred"] {
            let path = dir.path().join(folder).join(format!("{case}.nii"));
            write(&path, [1, 1, 0, 0, 0, 0], grid());
            let mut bytes = fs::read(&path).unwrap();
            // The slope.
            bytes[112..116].copy_from_slice(&1.0002_f32.to_le_bytes());
            fs::write(&path, bytes).unwrap();
        }
    }
    let said = assert_ends(
        &evaluate(&[]),
        dir.path(),
        0,
        &["note: labels_rounded: 6 files"],
    );
    assert_eq!(said.matches("labels_rounded").count(), 1, "{said}");
    let kept = fs::read_to_string(dir.path().join("s.csv.provenance.json")).unwrap();
    assert_eq!(kept.matches("labels_rounded").count(), 6, "{kept}");
}

#[test]
fn an_organ_that_no_label_map_shows_is_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    let phantom = "phantom --out p --patients 2 --size 32";
    support::run(&support::words(phantom), dir.path());
    let scored = "evaluate --truth p/labels --predictions p/labels --out s.csv";
    let right = format!("{scored} --label liver=1");
    support::assert_ends(&support::words(&right), dir.path(), 0, &[]);
    let wrong = format!("{scored} --label liver=1 --label spleen=9");
    let said = ["`spleen` is in no label map", "--label"];
    support::assert_ends(&support::words(&wrong), dir.path(), 1, &said);
}

#[test]
fn an_organ_that_goes_by_another_value_on_one_side_is_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    // A mask of 0 and 255, and a label map that lacks the organ and has others.
    write(&at("truth/a.nii"), [1, 1, 0, 0, 2, 0], grid());
    write(&at("masks/a.nii"), [255, 255, 0, 0, 0, 0], grid());
    write(&at("swapped/a.nii"), [2, 2, 0, 0, 1, 0], grid());
    let ends = |truth: &str, predictions: &str, more: &str, code: i32, parts: &[&str]| {
        let line =
            format!("evaluate --truth {truth} --predictions {predictions} --out s.csv {more}");
        assert_ends(&support::words(line.trim()), dir.path(), code, parts)
    };
    let row = || rows(dir.path())[0].clone();
    let liver = "--label liver=1";
    let said = [
        "`liver` is in the truth and in no prediction",
        "(255)",
        "--prediction-label",
    ];
    ends("truth", "masks", liver, 1, &said);
    assert!(row().starts_with("a liver 0 "), "{}", row());
    ends(
        "truth",
        "masks",
        &format!("{liver} --prediction-label liver=255"),
        0,
        &[],
    );
    assert!(row().starts_with("a liver 1 "), "{}", row());
    let said = [
        "`liver` is predicted and nowhere in the truth",
        "(255)",
        "--label",
    ];
    ends("masks", "truth", liver, 1, &said);
    let both = "--label liver=1 --label spleen=2";
    ends("truth", "swapped", both, 0, &[]);
    assert!(row().starts_with("a liver 0 "), "{}", row());
    let swapped = format!("{both} --prediction-label liver=2 --prediction-label spleen=1");
    ends("truth", "swapped", &swapped, 0, &[]);
    assert_eq!(rows(dir.path()), ["a liver 1 scored", "a spleen 1 scored"]);
    for (wrong, said) in [
        ("--prediction-label liver=2", "--label"),
        (
            "--label liver=1 --prediction-label spleen=2",
            "no organ `spleen`",
        ),
        (
            "--label liver=1 --label spleen=2 --prediction-label liver=2",
            "--prediction-label",
        ),
        (
            "--label liver=1 --prediction-label liver=-1",
            "--prediction-label",
        ),
    ] {
        ends("truth", "masks", wrong, 2, &[said]);
    }
}

#[test]
fn two_files_are_one_pair_and_a_file_beside_a_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    write(&at("truth/a_seg.nii"), [1, 1, 0, 0, 0, 0], grid());
    write(&at("pred/other.mha"), [1, 1, 1, 1, 0, 0], grid());
    let of = |truth: &str, predictions: &str, more: &str| {
        format!("evaluate --truth {truth} --predictions {predictions} --out s.csv{more}")
    };
    let ends = |line: &str, code: i32, parts: &[&str]| {
        let words: Vec<&str> = line.split(' ').collect();
        assert_ends(&words, dir.path(), code, parts)
    };
    ends(&of("truth/a_seg.nii", "pred/other.mha", ""), 0, &[]);
    // Two of six columns in the truth, four in the prediction: 2 * 2 / (2 + 4).
    let row = &rows(dir.path())[0];
    assert!(
        row.starts_with("a label_1 0.6666666") && row.ends_with(" scored"),
        "{row}"
    );
    let parts = [
        "pred/other.mha is a file and truth a folder",
        "two folders",
        "or two files",
    ];
    ends(&of("truth", "pred/other.mha", ""), 2, &parts);
    let parts = ["truth/a_seg.nii is a file and pred a folder"];
    ends(&of("truth/a_seg.nii", "pred", ""), 2, &parts);
    for (truth, predictions) in [("gone", "pred"), ("truth", "gone")] {
        let parts = ["there is no file or folder gone"];
        ends(&of(truth, predictions, ""), 2, &parts);
    }
    let parts = ["--scans is the file", "name the folder"];
    ends(&of("truth", "pred", " --scans truth/a_seg.nii"), 2, &parts);
}
