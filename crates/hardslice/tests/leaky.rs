//! tau = "paper" takes the threshold from the test set: everything that rests on it says so.

mod support;

use std::fs;
use std::time::SystemTime;

use support::{EXPERIMENT, contents, printed, words, workplace};

#[test]
fn every_output_of_a_comparison_says_that_its_threshold_is_from_the_test_set() {
    let dir = workplace();
    let experiment = EXPERIMENT
        .replace("tau = \"hardest 20 %\"", "tau = \"paper\"")
        .replace(
            "\"random\", \"random_matched\", \"cross_fold\", \"gradual\", \"rounds\", \"all_emphasised\"",
            "\"random\"",
        );
    fs::write(dir.path().join("leaky.toml"), experiment).unwrap();
    let said = printed(&words("compare leaky.toml --out out"), dir.path());
    assert!(said.contains("liver: LEAKY. "), "{said}");

    let out = dir.path().join("out");
    let text = |path: &str| fs::read_to_string(out.join(path)).unwrap();
    for path in [
        "comparison.csv",
        "comparison.json",
        "comparison.md",
        "comparison.tex",
        "comparison.html",
        "estimates.csv",
        "scores.csv",
        "report.html",
        "seed-0/liver/hard/plan.csv",
        "seed-0/liver/random/plan.csv",
        "seed-0/liver/mining/plan.csv",
    ] {
        assert!(text(path).contains("LEAKY"), "{path}");
    }
    for path in ["comparison.csv", "estimates.csv", "scores.csv"] {
        assert!(
            text(path).lines().all(|line| line.ends_with(",LEAKY")),
            "{path}"
        );
    }
    let plan = text("seed-0/liver/baseline/plan.csv");
    assert!(
        !plan.contains("LEAKY"),
        "the baseline rests on no threshold"
    );
    // The lowest test Dice of the baseline is the threshold of A.
    let lowest = contents(&out.join("seed-0/liver/baseline"));
    let scores: serde_json::Value =
        serde_json::from_slice(&lowest[std::path::Path::new("evaluation.json")]).unwrap();
    let dice = scores["scores"].as_array().unwrap().iter();
    let dice = dice.filter_map(|score| score["dice"].as_f64());
    let mining: serde_json::Value =
        serde_json::from_str(&text("seed-0/liver/mining/mining.json")).unwrap();
    let tau = &mining["taus"][0];
    assert_eq!(tau["leaky"], true);
    assert_eq!(
        tau["value"].as_f64(),
        dice.reduce(f64::min),
        "a case's Dice, used on slices"
    );

    let written =
        |path: &str| -> SystemTime { out.join(path).metadata().unwrap().modified().unwrap() };
    assert!(
        written("comparison_plan.json") < written("seed-0/liver/baseline/evaluation.json"),
        "the plan is fixed before the test set is opened for the threshold"
    );
}
