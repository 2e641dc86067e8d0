//! `mine --predictions`: label maps of other programs in place of a model.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use support::{ended, hardslice, printed, run, words, workplace};

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
    run(&["run", "experiment.toml", "--out", "out"], dir.path());
    let model = "out/liver/pretrained/model";
    run(
        &[
            "predict",
            "--model",
            model,
            "--input",
            "phantoms/images",
            "--out",
            "predictions",
        ],
        dir.path(),
    );
    let mine = |by: &[&str], out: &str| -> String {
        let common = [
            "mine",
            "experiment.toml",
            "--store",
            "out/store",
            "--split",
            "out/split.json",
        ];
        let args = [&common[..], by, &["--tau", "0.5", "--out", out]].concat();
        printed(&args, dir.path())
    };
    let by_model = mine(&["--model", model], "by_model");
    let by_files = mine(&["--predictions", "predictions"], "by_files");
    // liver: N of M slices of A are below tau 0.500. Going to the scan's own grid and back moves
    // the borders of what is predicted by less than a pixel.
    let n_hard = |printed: &str| -> i64 { printed.split(' ').nth(1).unwrap().parse().unwrap() };
    let rest = |printed: &str| printed.split(' ').skip(2).collect::<Vec<_>>().join(" ");
    assert_eq!(rest(&by_model), rest(&by_files), "the same slices");
    // A model's ledger is not written over by that of predictions.
    let args = "mine experiment.toml --store out/store --split out/split.json --predictions \
                predictions --tau 0.5 --out by_model";
    let (code, said) = ended(&words(args), dir.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("a model's mining stands there"), "{said}");
    let apart = (n_hard(&by_model) - n_hard(&by_files)).abs();
    assert!(apart <= 5, "{by_model}{by_files}");
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
