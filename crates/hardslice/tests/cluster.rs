//! A campaign as jobs of a queue: what is written, who may work where, and the same bytes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::{
    assert_ends, assert_same, ended, experiment_of, finish, hardslice, printed, run, words,
    workplace,
};

/// Phantoms and an experiment of few arms and steps.
fn small_workplace(arms: &[&str], steps: u64) -> tempfile::TempDir {
    let dir = workplace();
    let text = experiment_of(arms).replace("steps = 24", &format!("steps = {steps}"));
    fs::write(dir.path().join("experiment.toml"), text).unwrap();
    dir
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_fixed_instruction_set_is_computed_on_and_part_of_what_a_training_is_known_by() {
    let dir = small_workplace(&["baseline"], 4);
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
    let dir = small_workplace(&["baseline"], 4);
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

type Row = BTreeMap<String, String>;

/// The rows of `jobs.csv`.
fn jobs_in(out: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(out.join("jobs/jobs.csv")).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

/// Starts a job by its own command.
fn start(row: &Row) -> Child {
    let command = format!("exec {}", row["command"]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &command])
        .stdout(std::process::Stdio::null());
    shell.stderr(std::process::Stdio::piped()).spawn().unwrap()
}

fn is_done(row: &Row, out: &Path) -> bool {
    out.join("jobs").join(&row["done"]).exists()
}

/// As an engine does it: two jobs at once, each after the one that it needs.
fn run_two_at_once(out: &Path) {
    let rows = jobs_in(out);
    let mut left: Vec<&Row> = rows.iter().collect();
    let mut at_work: Vec<Child> = Vec::new();
    while !(left.is_empty() && at_work.is_empty()) {
        let done = |id: &str| rows.iter().any(|row| row["id"] == id && is_done(row, out));
        let is_ready = |row: &&Row| row["needs"].is_empty() || done(&row["needs"]);
        if at_work.len() < 2
            && let Some(place) = left.iter().position(is_ready)
        {
            at_work.push(start(left.remove(place)));
            continue;
        }
        let mut still = Vec::new();
        for mut child in at_work {
            if child.try_wait().unwrap().is_some() {
                let (code, said) = finish(child);
                assert_eq!(code, Some(0), "{said}");
            } else {
                still.push(child);
            }
        }
        at_work = still;
        sleep(Duration::from_millis(5));
    }
    assert!(rows.iter().all(|row| is_done(row, out)), "all are done");
}

/// Compares two results, one of which was made by jobs.
fn assert_same_but_for_jobs(alone: &Path, by_jobs: &Path) {
    let aside = by_jobs.with_extension("jobs");
    fs::rename(by_jobs.join("jobs"), &aside).unwrap();
    assert_same(alone, by_jobs, "alone and by jobs");
    fs::rename(aside, by_jobs.join("jobs")).unwrap();
}

/// Waits until a job that was started is training.
fn wait_for_training(out: &Path, child: &mut Child) {
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
fn wait_until(is_so: impl Fn() -> bool, child: &mut Child) {
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

/// Waits until a job's claim says that it is training.
fn wait_for_claim(out: &Path, child: &mut Child) {
    let process = child.id();
    let is_claimed = || {
        let claims = fs::read_dir(out.join("jobs/claims")).unwrap();
        let mut texts =
            claims.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap_or_default());
        texts.any(|text| {
            let record: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            let stage = record["stage"].as_str().unwrap_or_default();
            record["process"] == process && stage.starts_with("train ")
        })
    };
    wait_until(is_claimed, child);
}

const ARMS: &[&str] = &["baseline", "hard", "random_matched", "cross_fold"];

#[test]
fn jobs_two_at_once_and_one_killed_leave_the_bytes_of_compare_alone() {
    let dir = small_workplace(ARMS, 24);
    let compare = "compare experiment.toml --seeds 2 --threads 1";
    run(&words(&format!("{compare} --out alone")), dir.path());
    let line = format!("{compare} --out queue");
    let out = dir.path().join("queue");
    run(&words(&format!("{line} --write-jobs")), dir.path());
    let rows = jobs_in(&out);
    let works: Vec<&str> = rows.iter().map(|row| row["work"].as_str()).collect();
    let wave_2 = ["hard", "random_matched", "cross_fold"];
    let wanted = [["shared", "baseline"].repeat(2), wave_2.repeat(2)].concat();
    let mut sorted = works.clone();
    sorted[4..7].sort_unstable();
    sorted[7..].sort_unstable();
    let mut wanted_sorted = wanted;
    wanted_sorted[4..7].sort_unstable();
    wanted_sorted[7..].sort_unstable();
    assert_eq!(sorted, wanted_sorted, "shared and alone, then the rest");
    let needs: Vec<&str> = rows.iter().map(|row| row["needs"].as_str()).collect();
    assert_eq!(needs, ["", "", "", "", "1", "1", "1", "3", "3", "3"]);
    assert!(rows.iter().all(|row| row["cores"] == "1"), "{rows:?}");
    assert!(
        !out.join("seed-0/liver/baseline").exists(),
        "nothing is trained yet"
    );

    // Killed at a random moment, and run again below.
    let mut killed = start(&rows[0]);
    wait_for_training(&out, &mut killed);
    killed.kill().unwrap();
    drop(finish(killed));
    assert!(!is_done(&rows[0], &out), "it was killed");
    run_two_at_once(&out);
    assert_eq!(
        fs::read_dir(out.join("jobs/claims")).unwrap().count(),
        0,
        "all claims are given back"
    );
    let before = printed(&words("status queue"), dir.path());
    assert!(
        before.starts_with("10 jobs: 10 done, 0 running"),
        "{before}"
    );
    assert!(!out.join("scores.csv").exists(), "the test set is closed");
    run(&words(&line), dir.path());
    assert_same_but_for_jobs(&dir.path().join("alone"), &out);

    // Done jobs end at once, and jobs can be written again.
    run(&words(&format!("{line} --job 7")), dir.path());
    fs::remove_file(out.join("jobs/done/7")).unwrap();
    run(&words(&format!("{line} --job 7")), dir.path());
    run(&words(&format!("{line} --write-jobs")), dir.path());
    assert!(jobs_in(&out).iter().all(|row| is_done(row, &out)), "still");
    run(&words(&line), dir.path());
    assert_same_but_for_jobs(&dir.path().join("alone"), &out);
}

#[test]
fn run_and_sweep_by_jobs_leave_the_bytes_of_the_command_alone() {
    let dir = small_workplace(&["baseline", "hard"], 8);
    for command in [
        "run experiment.toml --threads 1",
        "sweep experiment.toml --net unet --threads 1",
    ] {
        let name = command.split(' ').next().unwrap();
        let (alone, queue) = (format!("{name}-alone"), format!("{name}-queue"));
        run(&words(&format!("{command} --out {alone}")), dir.path());
        let line = format!("{command} --out {queue}");
        run(&words(&format!("{line} --write-jobs")), dir.path());
        run_two_at_once(&dir.path().join(&queue));
        run(&words(&line), dir.path());
        assert_same_but_for_jobs(&dir.path().join(alone), &dir.path().join(queue));
    }
}

#[test]
fn a_threshold_from_the_test_set_is_one_job_for_all_arms() {
    let dir = small_workplace(&["baseline", "hard"], 8);
    let path = dir.path().join("experiment.toml");
    let text = text_of(&path).replace("hardest 20 %", "paper");
    fs::write(&path, text).unwrap();
    let line = "compare experiment.toml --out queue --threads 1";
    run(&words(&format!("{line} --write-jobs")), dir.path());
    let rows = jobs_in(&dir.path().join("queue"));
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["work"], "all");
    run_two_at_once(&dir.path().join("queue"));
    run(&words(line), dir.path());
    run(
        &words("compare experiment.toml --out alone --threads 1"),
        dir.path(),
    );
    assert_same_but_for_jobs(&dir.path().join("alone"), &dir.path().join("queue"));
}

#[test]
fn a_job_before_its_turn_or_of_another_experiment_is_refused() {
    let dir = small_workplace(&["baseline", "hard"], 8);
    let line = "compare experiment.toml --out queue --threads 1";
    let job = |id: &str| format!("{line} --job {id}");
    let refused = |line: &str, parts: &[&str]| assert_ends(&words(line), dir.path(), 2, parts);
    refused(&job("1"), &["no jobs were written", "--write-jobs"]);
    refused("status queue", &["no jobs were written"]);
    run(&words(&format!("{line} --write-jobs")), dir.path());
    refused(&job("3"), &["job 3 needs job 1, which is not done"]);
    refused(&job("0"), &["there is no job 0", "from 1 to 3"]);
    refused(&job("4"), &["there is no job 4"]);
    refused(
        &format!("{line} --job 1 --write-jobs"),
        &["cannot be used with"],
    );
    let status = printed(&words("status queue"), dir.path());
    let wanted = "3 jobs: 0 done, 0 running, 0 failed, 3 missing";
    assert_eq!(status.trim_end(), wanted, "out of turn is no failure");

    // Other seeds, another experiment, another command.
    let other = "written for another experiment";
    refused(&format!("{} --seeds 2", job("1")), &[other]);
    let path = dir.path().join("experiment.toml");
    let text = text_of(&path);
    fs::write(&path, text.replace("steps = 8", "steps = 6")).unwrap();
    refused(&job("1"), &[other]);
    let status = printed(&words("status queue"), dir.path());
    assert!(status.contains("failed: job 1 ("), "{status}");
    fs::write(&path, text).unwrap();
    run(&words(&job("1")), dir.path());
    // Also where it is done.
    refused(&format!("{} --seeds 2", job("1")), &[other]);
    refused("run experiment.toml --out queue --job 1", &[other]);
    let status = printed(&words("status queue"), dir.path());
    assert!(
        status.starts_with("3 jobs: 1 done, 0 running, 0 failed, 2 missing"),
        "{status}"
    );
    // The store was removed.
    fs::rename(dir.path().join("queue/store"), dir.path().join("store")).unwrap();
    refused(&job("2"), &["store"]);
}

/// The one claim in a folder of jobs.
fn only_claim(out: &Path) -> PathBuf {
    let claims = fs::read_dir(out.join("jobs/claims")).unwrap();
    let claims: Vec<PathBuf> = claims.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(claims.len(), 1, "{claims:?}");
    claims[0].clone()
}

#[test]
fn before_the_test_set_is_opened_jobs_are_written_anew_for_what_was_changed_or_moved() {
    let dir = small_workplace(&["baseline", "hard"], 4);
    let line = "compare experiment.toml --out queue --threads 1";
    run(&words(&format!("{line} --write-jobs")), dir.path());
    run(&words(&format!("{line} --job 2")), dir.path());
    let status = || printed(&words("status queue"), dir.path());
    assert!(status().starts_with("3 jobs: 1 done"), "{}", status());
    // Other seeds, as a typo would have it: what was done says nothing of these jobs.
    run(
        &words(&format!("{line} --seeds 2 --write-jobs")),
        dir.path(),
    );
    assert!(status().starts_with("6 jobs: 0 done"), "{}", status());
    // A kill between the removal of the record and of what was done must not make others done.
    run(&words(&format!("{line} --seeds 2 --job 2")), dir.path());
    fs::remove_file(dir.path().join("queue/jobs/jobs.json")).unwrap();
    run(&words(&format!("{line} --write-jobs")), dir.path());
    assert!(status().starts_with("3 jobs: 0 done"), "{}", status());

    // Named from another folder, or moved, it is the same campaign.
    let path = dir.path();
    fs::create_dir(path.join("elsewhere")).unwrap();
    let from_there = "compare ../experiment.toml --out ../queue --threads 1 --job 1";
    run(&words(from_there), &path.join("elsewhere"));
    let moved = tempfile::tempdir().unwrap();
    for name in ["experiment.toml", "phantoms", "queue"] {
        fs::rename(path.join(name), moved.path().join(name)).unwrap();
    }
    run(&words(&format!("{line} --write-jobs")), moved.path());
    let said = printed(&words("status queue"), moved.path());
    assert!(said.starts_with("3 jobs: 1 done"), "{said}");

    // What the command does alone is done.
    run(&words(line), moved.path());
    let said = printed(&words("status queue"), moved.path());
    assert!(said.starts_with("3 jobs: 3 done"), "{said}");
    // And now it is fixed.
    let parts = ["the test set was opened for another plan"];
    let line = format!("{line} --seeds 2 --write-jobs");
    assert_ends(&words(&line), moved.path(), 2, &parts);
}

#[test]
fn names_of_folders_reach_the_engines_as_they_are() {
    let dir = small_workplace(&["baseline"], 4);
    let out = dir.path().join("it's {x} 100%/jobs");
    let line = [
        "run",
        "experiment.toml",
        "--threads",
        "1",
        "--write-jobs",
        "--out",
    ];
    let line: Vec<&str> = line.into_iter().chain([out.to_str().unwrap()]).collect();
    run(&line, dir.path());
    let readme = text_of(&out.join("jobs/README"));
    let status = readme.lines().find(|line| line.contains(" status "));
    let said = Command::new("sh")
        .args(["-c", status.unwrap().trim()])
        .output();
    let said = String::from_utf8(said.unwrap().stdout).unwrap();
    assert!(said.starts_with("1 jobs: 0 done"), "{said}\n{readme}");
    let job = Command::new("sh")
        .args(["-c", &jobs_in(&out)[0]["command"]])
        .status();
    assert!(job.unwrap().success());
}

#[test]
fn a_failed_job_says_why_and_its_queue_is_told() {
    let arms = &["baseline", "baseline_focal"];
    let dir = small_workplace(arms, 8);
    let path = dir.path().join("experiment.toml");
    let text = text_of(&path).replace("[train]", "[train]\nfocal_lr0 = 1e30");
    fs::write(&path, text).unwrap();
    let line = "compare experiment.toml --out queue --threads 1";
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
    let line = "compare experiment.toml --out queue --threads 1 --write-jobs";
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
fn a_job_at_work_keeps_others_from_it_and_commands_from_the_folder_but_not_other_jobs() {
    let dir = small_workplace(&["baseline", "b_only", "hard"], 4000);
    let text = text_of(&dir.path().join("experiment.toml"));
    let text = text.replace("n_validations = 2", "n_validations = 200");
    fs::write(dir.path().join("experiment.toml"), text).unwrap();
    let line = "compare experiment.toml --out queue --threads 1";
    run(&words(&format!("{line} --write-jobs")), dir.path());
    let out = dir.path().join("queue");
    let rows = jobs_in(&out);
    let baseline = rows.iter().find(|row| row["work"] == "baseline").unwrap();
    let id = &baseline["id"];
    let mut first = start(baseline);
    wait_for_training(&out, &mut first);
    let at_work = format!("job {id} of this folder is at work (process {}", first.id());
    for command in [line, "report queue", &format!("{line} --write-jobs")] {
        assert_ends(&words(command), dir.path(), 2, &[&at_work]);
    }
    let again = format!("{line} --job {id}");
    let parts = ["is being done by another hardslice", "process"];
    assert_ends(&words(&again), dir.path(), 2, &parts);
    let prepare = "prepare experiment.toml --out queue/store";
    assert_ends(&words(prepare), dir.path(), 2, &["at work"]);
    let status = printed(&words("status queue"), dir.path());
    let running = format!("running: job {id} (seed-0/liver baseline) on ");
    assert!(status.contains(&running), "{status}");
    assert!(status.contains("min left"), "{status}");
    // Another job goes its way beside it.
    let shared = rows.iter().find(|row| row["work"] == "shared").unwrap();
    let second = start(shared);
    let claims = || fs::read_dir(out.join("jobs/claims")).unwrap().count();
    let begun = Instant::now();
    while claims() < 2 {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "it does not begin"
        );
        sleep(Duration::from_millis(10));
    }
    // Asked to stop, a job saves a checkpoint and is neither done nor failed.
    for child in [&first, &second] {
        let kill = format!("kill -TERM {}", child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
    }
    for child in [first, second] {
        let (code, said) = finish(child);
        assert_eq!(code, Some(75), "run it again:\n{said}");
    }
    assert_eq!(claims(), 0, "both claims are given back");
    let status = printed(&words("status queue"), dir.path());
    let wanted = "4 jobs: 0 done, 0 running, 0 failed, 4 missing";
    assert_eq!(status.trim_end(), wanted);
    // Killed, its claim stays, and holds nobody up on the same machine.
    let mut killed = start(baseline);
    wait_for_claim(&out, &mut killed);
    killed.kill().unwrap();
    drop(finish(killed));
    assert_eq!(claims(), 1, "a killed job leaves its claim");
    let status = printed(&words("status queue"), dir.path());
    let silent = format!("ended without a word: job {id} ");
    assert!(status.contains(&silent), "{status}");
    let mut again = start(baseline);
    wait_for_claim(&out, &mut again);
    again.kill().unwrap();
    drop(finish(again));
}

#[test]
fn no_job_begins_while_a_command_holds_the_folder() {
    let dir = small_workplace(&["baseline"], 4000);
    let line = "run experiment.toml --out queue --threads 1";
    run(&words(&format!("{line} --write-jobs")), dir.path());
    let out = dir.path().join("queue");
    let mut whole = hardslice(&words(line), dir.path()).spawn().unwrap();
    wait_for_training(&out, &mut whole);
    let job = format!("{line} --job 1");
    assert_ends(&words(&job), dir.path(), 2, &["on this folder as a whole"]);
    whole.kill().unwrap();
    drop(finish(whole));
    // Its claim is that of an ended process.
    let mut child = hardslice(&words(&job), dir.path()).spawn().unwrap();
    wait_for_claim(&out, &mut child);
    child.kill().unwrap();
    drop(finish(child));
}

#[test]
fn jobs_compute_on_the_set_that_was_fixed_and_on_no_other() {
    let dir = small_workplace(&["baseline"], 4);
    let line = "run experiment.toml --threads 1";
    let fixed = "--instructions portable";
    run(&words(&format!("{line} {fixed} --out alone")), dir.path());
    run(
        &words(&format!("{line} {fixed} --out queue --write-jobs")),
        dir.path(),
    );
    let out = dir.path().join("queue");
    assert_eq!(jobs_in(&out)[0]["instructions"], "portable");
    run_two_at_once(&out);
    // The command that reports need not name it again.
    run(&words(&format!("{line} --out queue")), dir.path());
    assert_same_but_for_jobs(&dir.path().join("alone"), &out);

    // Not fixed, they compute as the machine does that wrote them; this one has no such set.
    run(
        &words(&format!("{line} --out other --write-jobs")),
        dir.path(),
    );
    let record = dir.path().join("other/jobs/jobs.json");
    let mut json: serde_json::Value = serde_json::from_str(&text_of(&record)).unwrap();
    json["instructions"] = "avx1024".into();
    fs::write(&record, json.to_string()).unwrap();
    let parts = ["written to compute on avx1024", "possible: "];
    assert_ends(
        &words(&format!("{line} --out other --job 1")),
        dir.path(),
        2,
        &parts,
    );
    assert_ends(
        &words(&format!("{line} --out other")),
        dir.path(),
        2,
        &parts,
    );
}

#[test]
fn a_job_whose_claim_was_taken_away_ends_and_goes_on_when_it_is_run_again() {
    let dir = small_workplace(&["baseline"], 40_000);
    let text = text_of(&dir.path().join("experiment.toml"));
    let text = text.replace("n_validations = 2", "n_validations = 2000");
    fs::write(dir.path().join("experiment.toml"), text).unwrap();
    let line = "run experiment.toml --out queue --threads 1";
    run(&words(&format!("{line} --write-jobs")), dir.path());
    let out = dir.path().join("queue");
    let mut child = start(&jobs_in(&out)[0]);
    wait_for_training(&out, &mut child);
    // As whoever takes it over does, after three minutes without a sign of life.
    let claim = only_claim(&out);
    fs::remove_file(&claim).unwrap();
    let (code, said) = finish(child);
    assert_eq!(code, Some(75), "{said}");
    assert!(
        said.contains("the claim of this work was removed"),
        "{said}"
    );
    assert!(!claim.exists(), "it stays away");
    assert!(!out.join("jobs/failed/1").exists(), "no failure");
}

#[test]
fn a_shared_state_that_was_deleted_is_made_again_by_the_arm_that_needs_it() {
    let dir = small_workplace(&["baseline", "hard"], 8);
    let line = "run experiment.toml --threads 1";
    run(&words(&format!("{line} --out alone")), dir.path());
    let queue = format!("{line} --out queue");
    run(&words(&format!("{queue} --write-jobs")), dir.path());
    let out = dir.path().join("queue");
    run(&words(&format!("{queue} --job 1")), dir.path());
    fs::remove_dir_all(out.join("liver/pretrained/checkpoints")).unwrap();
    // While somebody else holds the job that made it, or is just about to, this one does not.
    fs::write(out.join("jobs/claims/1.1"), " ").unwrap();
    let parts = ["job 1 is being done by another"];
    assert_ends(&words(&format!("{queue} --job 3")), dir.path(), 2, &parts);
    fs::remove_file(out.join("jobs/claims/1.1")).unwrap();
    run_two_at_once(&out);
    run(&words(&queue), dir.path());
    assert_same_but_for_jobs(&dir.path().join("alone"), &out);
    assert!(!out.join("jobs/failed/3").exists(), "done in the end");
}

/// What `slurm.sh` asks of Slurm, of which there is none here: a program of that name writes it down.
#[test]
fn slurm_is_given_arrays_of_what_is_not_done_and_waves_by_dependency() {
    let dir = small_workplace(&["baseline", "hard"], 4);
    let line = "compare experiment.toml --seeds 3 --threads 1 --out queue";
    run(&words(&format!("{line} --write-jobs")), dir.path());
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let asked = dir.path().join("asked");
    let fake = format!(
        "#!/bin/sh\ncat > {0}.script\necho \"offset $HARDSLICE_OFFSET of $HARDSLICE_JOBS: $@\" >> {0}\nwc -l < {0}\n",
        asked.display()
    );
    let sbatch: PathBuf = bin.join("sbatch");
    fs::write(&sbatch, fake).unwrap();
    let executable = Command::new("chmod").arg("+x").arg(&sbatch).status();
    assert!(executable.unwrap().success());
    let submit = || {
        drop(fs::remove_file(&asked));
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let mut command = Command::new("sh");
        command
            .arg("queue/jobs/slurm.sh")
            .args(["--partition", "long"]);
        let ended = command.env("PATH", path).current_dir(dir.path()).output();
        let ended = ended.unwrap();
        assert!(ended.status.success(), "{ended:?}");
        text_of(&asked)
    };
    // Job 2 of 1 to 9 is done: of wave 1 there are 1 and 3 to 6.
    fs::write(dir.path().join("queue/jobs/done/2"), "").unwrap();
    let text = submit();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "an array for each wave:\n{text}");
    assert!(lines[0].contains("--array=1,3-6 "), "{text}");
    assert!(!lines[0].contains("--dependency"), "{text}");
    assert!(lines[1].contains("--array=1-3 "), "{text}");
    assert!(lines[1].contains("--dependency=afterany:1 "), "{text}");
    assert!(lines[1].starts_with("offset 6 of /"), "{text}");
    assert!(lines[1].ends_with("--partition long"), "{text}");
    let script = text_of(&asked.with_extension("script"));
    assert!(script.starts_with("#!/bin/sh"), "{script}");
    for id in 1..=6 {
        fs::write(dir.path().join(format!("queue/jobs/done/{id}")), "").unwrap();
    }
    let text = submit();
    assert_eq!(text.lines().count(), 1, "the second wave alone:\n{text}");
    assert!(!text.contains("--dependency"), "{text}");
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
