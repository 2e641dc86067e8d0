//! Failed jobs, and who watches over the queue.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{assert_ends, ended, hardslice, printed, run, words};
use crate::{jobs_in, small_workplace, text_of};

#[test]
fn a_failed_job_says_why_and_its_queue_is_told() {
    let arms = &["baseline", "baseline_focal"];
    let dir = small_workplace(arms, 8);
    let path = dir.path().join("experiment.toml");
    let text = text_of(&path).replace("[train]", "[train]\nfocal_lr0 = 1e30");
    fs::write(&path, text).unwrap();
    let line = "compare experiment.toml --seeds 1 --out queue --threads 1";
    run(&words(&format!("{line} --write-jobs")), dir.path());
    let rows = jobs_in(&dir.path().join("queue"));
    let focal = rows.iter().find(|row| row["work"] == "baseline_focal");
    let focal = &focal.unwrap()["id"];
    let job = format!("{line} --job {focal}");
    assert_ends(&words(&job), dir.path(), 2, &["focal_lr0"]);
    let (code, _) = ended(&words("status queue"), dir.path());
    assert_eq!(code, Some(1), "a finding");
    let status = printed(&words("status queue"), dir.path());
    let failed = format!("failed: job {focal} (seed-0/liver baseline_focal)");
    assert!(status.contains(&failed), "{status}");
    assert!(status.contains("focal_lr0"), "why: {status}");
    let json = printed(&words("status queue --json"), dir.path());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["failed"][0]["id"].to_string(), *focal, "{json}");
    assert_eq!(json["n_missing"], 1, "{json}");
    assert_eq!(json["n_blocked"], 0, "{json}");
}

#[test]
fn a_watch_ends_where_all_that_is_left_waits_for_what_failed() {
    let dir = small_workplace(&["baseline", "hard"], 4);
    let line = "compare experiment.toml --seeds 1 --out queue --threads 1 --write-jobs";
    run(&words(line), dir.path());
    let jobs = dir.path().join("queue/jobs");
    let rows = jobs_in(&dir.path().join("queue"));
    let of = |work: &str| rows.iter().find(|row| row["work"] == work).unwrap()["id"].clone();
    fs::write(jobs.join("done").join(of("baseline")), "").unwrap();
    fs::write(jobs.join("failed").join(of("shared")), "why\n").unwrap();
    let (code, _) = ended(&words("status queue --watch"), dir.path());
    assert_eq!(code, Some(1), "it ends, and says that one failed");
    let json = printed(&words("status queue --json"), dir.path());
    assert!(json.contains("\"n_missing\":1,\"n_blocked\":1"), "{json}");
}

#[test]
fn a_watch_that_nobody_reads_any_more_ends() {
    let dir = small_workplace(&["baseline", "hard"], 4);
    let line = "compare experiment.toml --seeds 1 --threads 1 --out queue --write-jobs";
    run(&words(line), dir.path());
    let mut watch = hardslice(&words("status queue --watch --json"), dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(watch.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.starts_with('{'), "{first}");
    // It looks again every five seconds, and would do so until the job is done.
    let until = Instant::now() + Duration::from_secs(30);
    while watch.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it goes on for nobody");
        sleep(Duration::from_millis(50));
    }
}
