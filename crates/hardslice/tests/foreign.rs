//! `mine --predictions`: label maps of other programs in place of a model.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;
#[path = "../../hardslice-train/tests/support/taps.rs"]
mod taps;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use hardslice_data::mining::ledger::{self, LedgerRow};
use hardslice_volume::{Volume, read_nifti_labels, write_label_map};
use support::{EXPERIMENT, ended, hardslice, printed, run, words, workplace};
use taps::{Tap, tap_model};

/// A prepared cohort with its folds, and a copy of its labels to take for predictions.
fn prepared() -> tempfile::TempDir {
    let dir = workplace();
    let step = |args: &str| run(&words(args), dir.path());
    step("prepare experiment.toml --out store");
    step("split experiment.toml --store store --out split.json");
    fs::create_dir(dir.path().join("predictions")).unwrap();
    for entry in fs::read_dir(dir.path().join("phantoms/labels")).unwrap() {
        let path = entry.unwrap().path();
        let copy = dir
            .path()
            .join("predictions")
            .join(path.file_name().unwrap());
        fs::copy(&path, copy).unwrap();
    }
    dir
}

const MINE: &str = "mine experiment.toml --store store --predictions predictions --tau 0.9";

fn mine(more: &str, dir: &Path) -> (Option<i32>, String, String) {
    let args = format!("{MINE} {more}");
    let child = hardslice(&words(&args), dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn the_truth_taken_for_a_prediction_leaves_no_slice_hard() {
    let dir = prepared();
    let (code, printed, said) = mine("--split split.json --out mined", dir.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(printed.starts_with("liver: 0 of "), "{printed}");
    let plan = fs::read_to_string(dir.path().join("mined/mining/plan.csv")).unwrap();
    assert!(
        plan.lines().skip(1).all(|line| line.ends_with(",base")),
        "B alone"
    );
    assert!(dir.path().join("mined/mining/ledger.parquet").exists());
}

#[test]
fn predictions_of_our_own_model_are_counted_as_the_model_was() {
    let dir = workplace();
    // Pixels of the scans' own size, so that nothing is resampled between model and file.
    let experiment = EXPERIMENT.replace("size = 32", "size = 48");
    fs::write(dir.path().join("experiment.toml"), experiment).unwrap();
    let step = |args: &str| run(&words(args), dir.path());
    step("prepare experiment.toml --out store");
    step("split experiment.toml --store store --out split.json");
    // A net that finds what is brighter than 70 HU: the liver, and what else is.
    let bright = Tap {
        dy: 0,
        dx: 0,
        gain: 40.0,
        bias: -22.0,
    };
    let organs = [("liver", 1)];
    taps::write(
        &tap_model(&organs, &[bright], 48),
        &dir.path().join("model"),
    );
    step("predict --model model --input phantoms/images --out predictions");
    let mine = |by: &str, out: &str| -> (String, Vec<LedgerRow>) {
        let args = format!(
            "mine experiment.toml --store store --split split.json {by} --tau 0.5 --out {out}"
        );
        let said = printed(&words(&args), dir.path());
        let path = dir.path().join(out).join("mining/ledger.parquet");
        (said, ledger::read(&path).unwrap())
    };
    let counts = |rows: &[LedgerRow]| -> Vec<[u32; 4]> {
        let counts = rows.iter();
        counts
            .map(|row| [row.z, row.truth_px, row.predicted_px, row.shared_px])
            .collect()
    };
    let (by_model, rows) = mine("--model model", "by_model");
    let (by_files, rows_of_files) = mine("--predictions predictions", "by_files");
    assert_eq!(by_model, by_files);
    assert_eq!(counts(&rows), counts(&rows_of_files), "pixel by pixel");
    let n_hard = rows
        .iter()
        .filter(|row| row.dice.is_some_and(|dice| dice < 0.5));
    let n_hard = n_hard.count();
    assert!(
        n_hard > 5 && n_hard + 5 < rows.len(),
        "{n_hard} of {}",
        rows.len()
    );
    // The same files with left and right reversed are other predictions.
    fs::create_dir(dir.path().join("reversed")).unwrap();
    for entry in fs::read_dir(dir.path().join("predictions")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "gz") {
            continue;
        }
        let read = read_nifti_labels(&path).unwrap();
        let n_x = read.volume.shape().x;
        let rows = read.volume.voxels().chunks_exact(n_x);
        let reversed = rows.flat_map(|row| row.iter().rev());
        let reversed = reversed
            .map(|label| u8::try_from(*label).unwrap())
            .collect();
        let reversed = Volume::new(*read.volume.grid(), reversed).unwrap();
        let out = dir.path().join("reversed").join(path.file_name().unwrap());
        write_label_map(&out, &reversed, &read.placement).unwrap();
    }
    let (_, rows_reversed) = mine("--predictions reversed", "by_reversed");
    let n_shared = |rows: &[LedgerRow]| rows.iter().map(|row| row.shared_px).sum::<u32>();
    assert!(
        2 * n_shared(&rows_reversed) < n_shared(&rows),
        "the liver lies on the right"
    );
    // A model's ledger is not written over by that of predictions.
    let args = "mine experiment.toml --store store --split split.json --predictions predictions \
                --tau 0.5 --out by_model";
    let (code, said) = ended(&words(args), dir.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("a model's mining stands there"), "{said}");
}

#[test]
fn a_prediction_that_is_missing_or_on_another_grid_is_named_and_the_others_go_on() {
    let dir = prepared();
    let predictions = dir.path().join("predictions");
    fs::remove_file(predictions.join("phantom_003.nii.gz")).unwrap();
    fs::copy(
        predictions.join("phantom_001.nii.gz"),
        predictions.join("phantom_002.nii.gz"),
    )
    .unwrap();
    let (code, printed, said) = mine("--out mined", dir.path());
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("there is no prediction of `phantom_003`"),
        "{said}"
    );
    assert!(said.contains("not scored: phantom_002: "), "{said}");
    assert!(
        printed.starts_with("liver: 0 of "),
        "the other six are scored: {printed}"
    );
}

#[test]
fn a_plan_without_a_split_shows_every_slice_and_never_hard_ones_alone() {
    let dir = prepared();
    let (code, printed, said) = mine("--out mined", dir.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(
        !said.contains("too few other slices"),
        "of no control that it has: {said}"
    );
    let plan = fs::read_to_string(dir.path().join("mined/mining/plan.csv")).unwrap();
    let all = printed
        .split_whitespace()
        .nth(3)
        .unwrap()
        .parse::<usize>()
        .unwrap();
    assert_eq!(plan.lines().count() - 1, all, "{printed}");
    // `why` knows whose plan it is, and that there were no folds.
    let why = |case: &str, mined: &str| {
        let args = format!("why {case} --in {mined} --store store");
        support::printed(&words(&args), dir.path())
    };
    let said = why("phantom_001:20", "mined");
    assert!(
        said.contains("mined without folds") && said.contains("all_emphasised: shown 1.00 times"),
        "{said}"
    );
    assert!(!said.contains("hard: "), "{said}");
    let (code, _, said) = mine("--split split.json --out with_folds", dir.path());
    assert_eq!(code, Some(0), "{said}");
    let said = why("phantom_001:20", "with_folds");
    assert!(
        said.contains("its patient is ") && said.contains("hard: "),
        "{said}"
    );
    for arm in ["hard", "random_matched", "b_only", "cross_fold"] {
        let (code, _, said) = mine(&format!("--arm {arm} --out other"), dir.path());
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("there is no B"), "{said}");
    }
}

#[test]
fn label_values_that_are_no_organs_are_refused_with_the_way_out() {
    let dir = prepared();
    let (code, _, said) = mine("--label liver=77 --out mined", dir.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("none of its label values") && said.contains("--label"),
        "{said}"
    );
    let args = ["mine", "experiment.toml", "--store", "store", "--out", "x"];
    let (code, said) = ended(&args, dir.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("--model"),
        "neither a model nor predictions: {said}"
    );
}
