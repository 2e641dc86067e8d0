//! Voxels that nobody has judged, from an nnU-Net folder to scores and back to nnU-Net.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;

use hardslice_volume::{
    Grid, PerAxis, Placement, Volume, read_nifti_labels, write_label_map, write_scan,
};
use serde_json::Value;

use support::{assert_ends, run};

fn grid(shape: PerAxis<usize>) -> Grid {
    Grid {
        shape,
        world_from_voxel: [
            [1.2, 0.0, 0.0, 0.0],
            [0.0, 1.2, 0.0, 0.0],
            [0.0, 0.0, 5.0, 0.0],
        ],
    }
}

fn write_labels(path: &Path, shape: PerAxis<usize>, label: impl Fn(usize) -> u8) {
    let labels = (0..shape.n_voxels()).map(label).collect();
    let labels = Volume::new(grid(shape), labels).unwrap();
    write_label_map(path, &labels, &Placement::new(grid(shape)).unwrap()).unwrap();
}

/// `c0` to `c5`: a bright liver (1) in the middle, and nobody has judged the columns 9 to 12 (2),
/// where the liver goes on.
fn write_nnunet_folder(dir: &Path) {
    let shape = PerAxis::new(12, 16, 16);
    for n in 0..6 {
        let is_bright = |at: usize| {
            let (z, y, x) = (at / 256, at / 16 % 16, at % 16);
            (2..10).contains(&z) && (4 + n % 2..11).contains(&y) && (4..12).contains(&x)
        };
        let hu = (0..shape.n_voxels()).map(|at| {
            let noise = i16::try_from((at * 37 + n * 101) % 60).unwrap();
            if is_bright(at) {
                100 + noise
            } else {
                noise - 160
            }
        });
        let scan = Volume::new(grid(shape), hu.collect()).unwrap();
        write_scan(&dir.join(format!("imagesTr/c{n}_0000.nii.gz")), &scan).unwrap();
        let label = |at: usize| match at % 16 {
            9..13 => 2,
            _ => u8::from(is_bright(at)),
        };
        write_labels(&dir.join(format!("labelsTr/c{n}.nii.gz")), shape, label);
    }
    let json = r#"{
        "channel_names": {"0": "CT"}, "numTraining": 6, "file_ending": ".nii.gz",
        "labels": {"background": 0, "liver": 1, "ignore": 2}
    }"#;
    fs::write(dir.join("dataset.json"), json).unwrap();
}

const EXPERIMENT: &str = r#"
preset = "demo"
arms = ["baseline", "hard"]
[cohort]
path = "cohort"
[prepare]
size = 16
[split]
rule = { random = { test = 1 } }
validation = 1
[net]
width = 4
[train]
steps = 60
batch = 4
n_validations = 2
"#;

/// Dice by counting, without what is to be ignored.
fn dice(truth: &[u16], predicted: &[u16]) -> f64 {
    let judged = || {
        truth
            .iter()
            .zip(predicted)
            .filter(|(truth, _)| **truth != 2)
    };
    let n = |counts: fn(bool, bool) -> bool| {
        judged()
            .filter(|(truth, predicted)| counts(**truth == 1, **predicted == 1))
            .count() as f64
    };
    2.0 * n(|truth, predicted| truth && predicted) / (n(|truth, _| truth) + n(|_, p| p))
}

#[test]
fn a_cohort_with_ignored_voxels_is_trained_scored_and_exported() {
    let dir = tempfile::tempdir().unwrap();
    write_nnunet_folder(&dir.path().join("cohort"));
    fs::write(dir.path().join("e.toml"), EXPERIMENT).unwrap();
    let said = assert_ends(
        &["run", "e.toml", "--out", "out"],
        dir.path(),
        0,
        &["warning: labels_ignored"],
    );
    assert!(!said.contains("error:"), "{said}");
    let table = fs::read_to_string(dir.path().join("out/scores.csv")).unwrap();
    let mut n_positive = 0;
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let labels = |path: String| {
            let read = read_nifti_labels(&dir.path().join(path)).unwrap();
            read.volume.into_voxels()
        };
        let truth = labels(format!("cohort/labelsTr/{}.nii.gz", cells[0]));
        let predicted = labels(format!(
            "out/liver/{}/predictions/{}.nii.gz",
            cells[1], cells[0]
        ));
        let (found, expected) = (cells[4].parse::<f64>().unwrap(), dice(&truth, &predicted));
        assert!((found - expected).abs() < 1e-4, "{row}: {expected}");
        n_positive += usize::from(expected > 0.0);
    }
    assert!(n_positive > 0, "a net that finds something:\n{table}");
    let export = "export --in out --organ liver --arm hard --format nnunet --out Dataset500_Liver";
    run(&support::words(export), dir.path());
    let exported = dir.path().join("Dataset500_Liver");
    let json = fs::read_to_string(exported.join("dataset.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["labels"]["ignore"], 2, "the highest value");
    let slice = fs::read_dir(exported.join("labelsTr")).unwrap().next();
    let slice = read_nifti_labels(&slice.unwrap().unwrap().path()).unwrap();
    let n_ignored = slice.volume.voxels().iter().filter(|label| **label == 2);
    assert_eq!(n_ignored.count(), 4 * 16, "four columns");
}

#[test]
fn evaluate_takes_unjudged_voxels_out_of_truth_and_prediction() {
    let dir = tempfile::tempdir().unwrap();
    let shape = PerAxis::new(1, 4, 8);
    // Four rows: kidney in the columns 0 and 1, nothing known of 2 to 5; predicted in 1 to 6.
    write_labels(&dir.path().join("truth/a.nii.gz"), shape, |at| {
        match at % 8 {
            0 | 1 => 1,
            2..6 => 2,
            _ => 0,
        }
    });
    write_labels(&dir.path().join("predictions/a.nii.gz"), shape, |at| {
        u8::from((1..7).contains(&(at % 8)))
    });
    let dice = |more: &[&str]| {
        let args = "evaluate --truth truth --predictions predictions --label kidney=1 --out s.csv";
        let args = [&support::words(args)[..], more].concat();
        run(&args, dir.path());
        let table = fs::read_to_string(dir.path().join("s.csv")).unwrap();
        let row = table.lines().nth(1).unwrap().to_owned();
        row.split(',').nth(2).unwrap().parse::<f64>().unwrap()
    };
    // Columns 0 and 1 against 1 and 6; else against all six that are predicted.
    assert!((dice(&["--ignore", "2"]) - 0.5).abs() < 1e-9);
    assert!((dice(&[]) - 0.25).abs() < 1e-9);
}
