//! What `hardslice bench` prints and leaves.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn bench(args: &[&str], dir: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hardslice"))
        .args(["bench", "--threads", "2", "--net", "fcn", "--size", "a"])
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn json_has_every_figure_on_one_line_and_the_workload_is_left_for_others() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--steps", "2", "--warmup", "1", "--json", "--export", "x"];
    let text = bench(&[&["--mode", "train"], &args[..]].concat(), dir.path());
    assert_eq!(text.lines().count(), 1, "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    let wanted = [
        ("net", "fcn"),
        ("size", "a"),
        ("mode", "train"),
        ("dtype", "f32"),
    ];
    for (key, value) in wanted {
        assert_eq!(report[key], value, "{key}");
    }
    for (key, value) in [("threads", 2), ("steps", 2), ("width", 16), ("batch", 8)] {
        assert_eq!(report[key], value, "{key}");
    }
    let figures = ["slices_per_s", "median_s", "min_s", "gflops", "peak_gflops"];
    for key in figures.iter().chain(&["share_of_peak"]) {
        assert!(
            report[key].as_f64().unwrap() > 0.0,
            "{key}: {}",
            report[key]
        );
    }
    assert!(report.get("peak_rss_mb").is_some(), "absent only as null");
    assert!(report["version"].is_string(), "{report}");
    let losses = report["losses"].as_array().unwrap();
    assert_eq!(losses.len(), 3, "one for each step, the warm-up included");
    for name in ["weights.safetensors", "batch.safetensors", "workload.json"] {
        assert!(dir.path().join("x").join(name).is_file(), "{name}");
    }
}

#[test]
fn a_mode_left_open_gives_a_table_with_a_row_for_each() {
    let dir = tempfile::tempdir().unwrap();
    let text = bench(&["--steps", "1", "--warmup", "0"], dir.path());
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 4, "heading, train, infer, machine:\n{text}");
    assert!(
        rows[1].contains("train") && rows[2].contains("infer"),
        "{text}"
    );
    assert!(rows[3].contains("2 threads"), "{text}");
}
