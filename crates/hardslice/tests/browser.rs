//! The report in a real browser: `tests/browser/check.mjs`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{run, words};

const EXPERIMENT: &str = r#"
preset = "demo"
organs = ["liver"]
arms = ["baseline", "b_only", "hard", "random"]

[cohort]
path = "phantoms/cohort.csv"
labels = { liver = [1], kidney_right = [2], kidney_left = [3], spleen = [4] }

[prepare]
size = 48

[split]
rule = { random = { test = 3 } }
validation = 1

[net]
width = 4

[train]
steps = 150
batch = 4
n_validations = 4

[mining]
tau = "hardest 30 %"
"#;

/// Where `npm install` put playwright-core and axe-core, or why the test cannot run.
fn modules() -> Result<PathBuf, String> {
    let runs = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let modules = target.join("browser/node_modules");
    if !runs("node") {
        Err("there is no node".to_owned())
    } else if !browsers
        .iter()
        .any(|browser| Path::new("/usr/bin").join(browser).exists())
    {
        Err("there is no Chromium in /usr/bin".to_owned())
    } else if !modules.join("playwright-core").exists() || !modules.join("axe-core").exists() {
        Err(format!(
            "playwright-core and axe-core are missing in {}",
            modules.display()
        ))
    } else {
        Ok(modules)
    }
}

#[test]
fn the_report_of_a_run_and_a_desk_on_it_hold_in_a_browser() {
    let modules = match modules() {
        Ok(modules) => modules,
        Err(why) => {
            eprintln!(
                "!!! SKIPPED: report and desk in a browser: {why}; see tests/browser/README.md"
            );
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let phantoms = "phantom --out phantoms --patients 10 --size 64";
    run(&words(phantoms), dir.path());
    std::fs::write(dir.path().join("experiment.toml"), EXPERIMENT).unwrap();
    run(&["run", "experiment.toml", "--out", "out"], dir.path());
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let passes = |script: &str, of: &[&Path]| {
        let mut node = Command::new("node");
        let output = node
            .arg(scripts.join(script))
            .args(of)
            .arg(&modules)
            .output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {said}{failed}");
    };
    passes("check.mjs", &[&dir.path().join("out/report.html")]);
    let program = Path::new(env!("CARGO_BIN_EXE_hardslice"));
    passes("desk.mjs", &[program, &dir.path().join("out")]);
}
