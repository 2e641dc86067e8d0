//! Runs the program on phantoms and compares what it leaves.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Small enough for a test, large enough for every stage to have something to do.
pub(crate) const EXPERIMENT: &str = r#"
preset = "demo"
seed = 3
organs = ["liver"]
arms = ["baseline", "b_only", "hard", "random", "random_matched", "cross_fold", "gradual", "rounds", "all_emphasised", "gradual_random"]

[cohort]
path = "phantoms/cohort.csv"
labels = { liver = [1], kidney_right = [2], kidney_left = [3], spleen = [4] }

[prepare]
size = 32

[split]
rule = { random = { test = 2 } }
validation = 1

[net]
width = 4

[train]
steps = 24
batch = 4
n_validations = 2
checkpoint_minutes = 0.0

[mining]
tau = "hardest 20 %"
"#;

/// [`EXPERIMENT`] with these arms.
pub(crate) fn experiment_of(arms: &[&str]) -> String {
    let (before, after) = EXPERIMENT.split_once("arms = [").unwrap();
    let (_, after) = after.split_once("]\n").unwrap();
    format!("{before}arms = {arms:?}\n{after}")
}

pub(crate) fn hardslice(args: &[&str], dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardslice"));
    command
        .args(args)
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn finish(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// The exit status of a command, and what it says.
pub(crate) fn ended(args: &[&str], dir: &Path) -> (Option<i32>, String) {
    finish(hardslice(args, dir).spawn().unwrap())
}

/// Expects an exit status and parts of what is said; gives all of that.
#[track_caller]
pub(crate) fn assert_ends(args: &[&str], dir: &Path, code: i32, parts: &[&str]) -> String {
    let (found, said) = ended(args, dir);
    assert_eq!(found, Some(code), "`{}`:\n{said}", args.join(" "));
    for part in parts {
        assert!(said.contains(part), "`{part}` is missing in:\n{said}");
    }
    said
}

/// The arguments in a line without quotes.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// What a command prints, whatever its exit status.
pub(crate) fn printed(args: &[&str], dir: &Path) -> String {
    let output = hardslice(args, dir).stdout(Stdio::piped()).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// Runs to the end and expects success.
pub(crate) fn run(args: &[&str], dir: &Path) {
    let (code, said) = ended(args, dir);
    assert_eq!(
        code,
        Some(0),
        "`hardslice {}` failed:\n{said}",
        args.join(" ")
    );
}

/// A folder with phantoms and an experiment's file.
pub(crate) fn workplace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    run(
        &[
            "phantom",
            "--out",
            "phantoms",
            "--patients",
            "8",
            "--size",
            "48",
        ],
        dir.path(),
    );
    fs::write(dir.path().join("experiment.toml"), EXPERIMENT).unwrap();
    dir
}

/// Phantoms, a model in `model` and two of the scans in `scans`.
pub(crate) fn with_model() -> tempfile::TempDir {
    let dir = workplace();
    let text = experiment_of(&["b_only"]).replace("steps = 24", "steps = 4");
    fs::write(dir.path().join("short.toml"), text).unwrap();
    run(&words("run short.toml --out out"), dir.path());
    fs::rename(
        dir.path().join("out/liver/b_only/model"),
        dir.path().join("model"),
    )
    .unwrap();
    fs::create_dir(dir.path().join("scans")).unwrap();
    for name in ["phantom_000.nii.gz", "phantom_001.nii.gz"] {
        let from = dir.path().join("phantoms/images").join(name);
        fs::copy(from, dir.path().join("scans").join(name)).unwrap();
    }
    dir
}

/// Every file below a folder but the event files, which hold times.
pub(crate) fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().unwrap() != "tensorboard" {
                    folders.push(path);
                }
            } else {
                let name = path.strip_prefix(dir).unwrap().to_path_buf();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Expects a refusal that leaves every file as it was.
#[track_caller]
pub(crate) fn assert_refused(args: &str, dir: &Path, parts: &[&str]) {
    let before = contents(dir);
    assert_ends(&words(args), dir, 2, parts);
    assert!(before == contents(dir), "`{args}` left something");
}

pub(crate) fn assert_same(a: &Path, b: &Path, what: &str) {
    let (a, b) = (contents(a), contents(b));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&a), names(&b), "{what}: other files");
    for (name, bytes) in &a {
        assert!(bytes == &b[name], "{what}: {} differs", name.display());
    }
}
