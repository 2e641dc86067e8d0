//! A campaign as jobs of a queue: what is written, who may work where, and the same bytes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod claims;
mod engines;
mod same_bytes;
#[path = "../support/mod.rs"]
mod support;
mod watch;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::{experiment_of, workplace};

/// Phantoms and an experiment of few arms and steps.
pub(crate) fn small_workplace(arms: &[&str], steps: u64) -> tempfile::TempDir {
    let dir = workplace();
    let text = experiment_of(arms).replace("steps = 24", &format!("steps = {steps}"));
    fs::write(dir.path().join("experiment.toml"), text).unwrap();
    dir
}

pub(crate) fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

pub(crate) type Row = BTreeMap<String, String>;

/// The rows of `jobs.csv`.
pub(crate) fn jobs_in(out: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(out.join("jobs/jobs.csv")).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

/// Starts a job by its own command.
pub(crate) fn start(row: &Row) -> Child {
    let command = format!("exec {}", row["command"]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &command])
        .stdout(std::process::Stdio::null());
    shell.stderr(std::process::Stdio::piped()).spawn().unwrap()
}

pub(crate) fn is_done(row: &Row, out: &Path) -> bool {
    out.join("jobs").join(&row["done"]).exists()
}

/// Waits until a job that was started is training.
pub(crate) fn wait_for_training(out: &Path, child: &mut Child) {
    let is_training = || {
        let mut folders = vec![out.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.ends_with("checkpoints") {
                    return true;
                }
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        false
    };
    wait_until(is_training, child);
}

/// Waits for something that a process that goes on must bring about.
pub(crate) fn wait_until(is_so: impl Fn() -> bool, child: &mut Child) {
    let begun = Instant::now();
    while !is_so() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "it does not begin"
        );
        sleep(Duration::from_millis(10));
    }
}

pub(crate) const ARMS: &[&str] = &["baseline", "hard", "random_matched", "cross_fold"];
