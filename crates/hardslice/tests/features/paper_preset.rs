//! The paper's preset, a few steps of it.

use crate::finished::Finished;
use crate::support::workplace;

#[test]
fn the_papers_preset_trains_its_net_by_its_schedule() {
    let dir = workplace();
    let experiment = r#"
preset = "paper"
organs = ["liver"]
[cohort]
path = "phantoms/cohort.csv"
labels = { liver = [1], kidney_right = [2], kidney_left = [3], spleen = [4] }
[prepare]
size = 64
[split]
rule = { random = { test = 2 } }
[net]
width = 4
[train]
steps = 6
batch = 2
n_validations = 1
"#;
    let found = Finished::of(experiment, dir.path());
    let model = found.json("liver/hard/model/model.json");
    assert_eq!(model["net"]["kind"], "fcn8s");
    assert_eq!(model["net"]["norm"], "none");
    assert_eq!(model["window_hu"], serde_json::json!([-150, 250]));
    assert_eq!(model["size"], 64);
    let logs = ["liver/pretrained/train.csv", "liver/hard/train.csv"].map(|path| found.lines(path));
    let steps = logs.iter().flat_map(|log| log[1..].iter());
    let mut n_steps = 0;
    for (i, line) in steps.enumerate() {
        let lr: f64 = line.split(',').nth(1).unwrap().parse().unwrap();
        // 0.001 (1 - i / N)^0.9, over both halves.
        let wanted = 0.001 * (1.0 - i as f64 / 6.0).powf(0.9);
        assert!((lr - wanted).abs() < 1e-15, "step {}: {lr}", i + 1);
        n_steps += 1;
    }
    assert_eq!(n_steps, 6);
    assert_eq!(found.split.test.len(), 2);
    assert_eq!(found.split.validation.len(), 1, "a tenth of six");
    let summary = found.json("summary.json");
    let arms: Vec<&String> = summary["arms"].as_object().unwrap().keys().collect();
    assert_eq!(
        arms,
        ["b_only", "baseline", "hard", "random", "random_matched"]
    );
    // Half of the five others, and the rest.
    assert_eq!(found.split.a.len() + found.split.b.len(), 5);
    assert!((2..=3).contains(&found.split.b.len()));
}
