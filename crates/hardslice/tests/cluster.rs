//! A campaign as jobs of a queue: what is written, who may work where, and the same bytes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;

use support::{EXPERIMENT, assert_ends, run, words, workplace};

/// Phantoms and an experiment of few arms and steps.
fn small_workplace(arms: &str, steps: u64) -> tempfile::TempDir {
    let dir = workplace();
    let (before, after) = EXPERIMENT.split_once("arms = [").unwrap();
    let (_, after) = after.split_once("]\n").unwrap();
    let text = format!("{before}arms = {arms}\n{after}");
    let text = text.replace("steps = 24", &format!("steps = {steps}"));
    fs::write(dir.path().join("experiment.toml"), text).unwrap();
    dir
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_fixed_instruction_set_is_computed_on_and_part_of_what_a_training_is_known_by() {
    let dir = small_workplace(r#"["baseline"]"#, 4);
    let line = "run experiment.toml --out out --threads 1";
    let fixed = format!("{line} --instructions portable");
    run(&words(&fixed), dir.path());
    run(&words(&fixed), dir.path());
    let record = text_of(&dir.path().join("out/provenance.json"));
    assert!(
        record.contains(r#""instruction_set": "portable""#),
        "{record}"
    );
    let spelt_out = text_of(&dir.path().join("out/experiment.toml"));
    assert!(
        spelt_out.contains("\ninstructions = \"portable\"\n"),
        "{spelt_out}"
    );
    // The best set of this machine, or none that was fixed, is another training.
    assert_ends(&words(line), dir.path(), 2, &["holds another training"]);
    // The same in the experiment's file.
    let text = text_of(&dir.path().join("experiment.toml"));
    let text = format!("instructions = \"portable\"\n{text}");
    fs::write(dir.path().join("fixed.toml"), text).unwrap();
    run(&words("run fixed.toml --out out --threads 1"), dir.path());
}

#[test]
fn an_instruction_set_that_is_not_there_is_refused_with_those_that_are() {
    let dir = small_workplace(r#"["baseline"]"#, 4);
    for name in ["avx1024", "AVX2", "", "neon"] {
        let args = [
            "run",
            "experiment.toml",
            "--out",
            "out",
            "--instructions",
            name,
        ];
        let parts = [
            "cannot compute on the instruction set",
            "possible: ",
            "portable",
        ];
        assert_ends(&args, dir.path(), 2, &parts);
    }
    let line = "run experiment.toml --out out --instructions portable --device reference";
    assert_ends(&words(line), dir.path(), 2, &["leave one of them out"]);
    assert!(!dir.path().join("out").exists(), "nothing was begun");
}
