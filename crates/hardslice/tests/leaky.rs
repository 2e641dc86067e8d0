//! tau = "paper" takes the threshold from the test set: everything that rests on it says so.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use support::{contents, experiment_of, printed, words, workplace};

#[test]
fn every_output_of_a_comparison_says_that_its_threshold_is_from_the_test_set() {
    let dir = workplace();
    let experiment = experiment_of(&["baseline", "b_only", "hard", "random"])
        .replace("tau = \"hardest 20 %\"", "tau = \"paper\"");
    fs::write(dir.path().join("leaky.toml"), experiment).unwrap();
    let said = printed(&words("compare leaky.toml --seeds 1 --out out"), dir.path());
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

/// The experiment with a threshold from the test set, few arms and few steps.
fn write_leaky(dir: &Path) {
    let text = experiment_of(&["baseline", "b_only", "hard", "random"]);
    let text = text.replace("tau = \"hardest 20 %\"", "tau = \"paper\"");
    let text = text.replace("steps = 24", "steps = 8");
    fs::write(dir.join("leaky.toml"), text).unwrap();
}

/// The names of the files of a folder whose text holds no mark.
fn unmarked(out: &Path, is_of_interest: impl Fn(&str) -> bool) -> Vec<String> {
    let named = contents(out).into_iter();
    let named = named.map(|(name, bytes)| (name.display().to_string(), bytes));
    let is_marked = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("LEAKY");
    named
        .filter(|(name, bytes)| is_of_interest(name) && !is_marked(bytes))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn every_output_of_a_run_says_that_its_threshold_is_from_the_test_set() {
    let dir = workplace();
    write_leaky(dir.path());
    let said = printed(&words("run leaky.toml --out out"), dir.path());
    assert!(said.starts_with("LEAKY: "), "{said}");
    let out = dir.path().join("out");
    let text = |path: &str| fs::read_to_string(out.join(path)).unwrap();
    // What holds a score, or a slice that was chosen by the threshold.
    let is_of_interest = |name: &str| {
        let of_choice = [
            "liver/hard/plan.csv",
            "liver/random/plan.csv",
            "liver/mining/plan.csv",
        ];
        let of_scores = ["scores.csv", "table.md", "report.html"];
        of_choice.contains(&name) || of_scores.contains(&name)
    };
    assert_eq!(unmarked(&out, is_of_interest), [""; 0], "without a mark");
    assert!(
        text("scores.csv")
            .lines()
            .all(|line| line.ends_with(",LEAKY"))
    );
    let json = |path: &str| -> serde_json::Value { serde_json::from_str(&text(path)).unwrap() };
    assert_eq!(json("summary.json")["leaky"], true);
    assert_eq!(json("liver/mining/mining.json")["taus"][0]["leaky"], true);
    for (arm, is_leaky) in [
        ("hard", true),
        ("random", true),
        ("baseline", false),
        ("b_only", false),
    ] {
        let record = json(&format!("liver/{arm}/model/model.json"));
        assert_eq!(record["leaky"], is_leaky, "{arm}");
    }
    for arm in ["baseline", "b_only"] {
        let plan = text(&format!("liver/{arm}/plan.csv"));
        assert!(!plan.contains("LEAKY"), "{arm} rests on no threshold");
    }
    // By hand: the second half has a plan without a threshold, and goes on from one that had.
    let halves = "--store out/store --split out/split.json --half";
    for rest in [
        "first --plan out/liver/hard/plan.csv --out first",
        "second --from first --out second",
    ] {
        let train = format!("train leaky.toml {halves} {rest}");
        printed(&words(&train), dir.path());
    }
    for half in ["first", "second"] {
        let record = fs::read_to_string(dir.path().join(half).join("model/model.json")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        assert_eq!(record["leaky"], true, "{half}");
    }
}

#[test]
fn every_output_of_a_sweep_says_that_its_threshold_is_from_the_test_set() {
    let dir = workplace();
    write_leaky(dir.path());
    let said = printed(
        &words("sweep leaky.toml --net unet --seeds 1 --out out"),
        dir.path(),
    );
    assert!(said.contains("LEAKY: "), "{said}");
    let out = dir.path().join("out");
    let is_of_interest = |name: &str| {
        let is_table = name.starts_with("tables/");
        is_table
            || name.ends_with("/hard/plan.csv")
            || ["scores.csv", "report.html"].contains(&name)
    };
    let found = contents(&out)
        .into_keys()
        .filter(|name| is_of_interest(&name.display().to_string()));
    assert_eq!(
        found.count(),
        4 + 5 + 1 + 2,
        "a table in four forms, the learning curve in four and its points, a plan, scores and report"
    );
    assert_eq!(unmarked(&out, is_of_interest), [""; 0], "without a mark");
    let table = |path: &str| fs::read_to_string(out.join(path)).unwrap();
    for path in [
        "scores.csv",
        "tables/table-a3.csv",
        "tables/learning-curve.csv",
        "tables/learning-curve-points.csv",
    ] {
        assert!(
            table(path).lines().all(|line| line.ends_with(",LEAKY")),
            "{path}"
        );
    }
}
