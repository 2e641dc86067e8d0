//! Who may work where, and what a folder is refused for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::same_bytes::{assert_same_but_for_jobs, run_two_at_once};
use crate::support::{assert_ends, finish, hardslice, printed, run, words};
use crate::{jobs_in, small_workplace, start, text_of, wait_for_training, wait_until};

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

#[test]
fn a_job_before_its_turn_or_of_another_experiment_is_refused() {
    let dir = small_workplace(&["baseline", "hard"], 8);
    let line = "compare experiment.toml --seeds 1 --out queue --threads 1";
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
    refused(&job("1").replace("--seeds 1", "--seeds 2"), &[other]);
    let path = dir.path().join("experiment.toml");
    let text = text_of(&path);
    fs::write(&path, text.replace("steps = 8", "steps = 6")).unwrap();
    refused(&job("1"), &[other]);
    let status = printed(&words("status queue"), dir.path());
    assert!(status.contains("failed: job 1 ("), "{status}");
    fs::write(&path, text).unwrap();
    run(&words(&job("1")), dir.path());
    // Also where it is done.
    refused(&job("1").replace("--seeds 1", "--seeds 2"), &[other]);
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
    let line = "compare experiment.toml --seeds 1 --out queue --threads 1";
    run(&words(&format!("{line} --write-jobs")), dir.path());
    run(&words(&format!("{line} --job 2")), dir.path());
    let status = || printed(&words("status queue"), dir.path());
    assert!(status().starts_with("3 jobs: 1 done"), "{}", status());
    // Other seeds, as a typo would have it: what was done says nothing of these jobs.
    let other = line.replace("--seeds 1", "--seeds 2");
    run(&words(&format!("{other} --write-jobs")), dir.path());
    assert!(status().starts_with("6 jobs: 0 done"), "{}", status());
    // A kill between the removal of the record and of what was done must not make others done.
    run(&words(&format!("{other} --job 2")), dir.path());
    fs::remove_file(dir.path().join("queue/jobs/jobs.json")).unwrap();
    run(&words(&format!("{line} --write-jobs")), dir.path());
    assert!(status().starts_with("3 jobs: 0 done"), "{}", status());

    // Named from another folder, or moved, it is the same campaign.
    let path = dir.path();
    fs::create_dir(path.join("elsewhere")).unwrap();
    let from_there = "compare ../experiment.toml --seeds 1 --out ../queue --threads 1 --job 1";
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
    let other = format!("{other} --write-jobs");
    assert_ends(&words(&other), moved.path(), 2, &parts);
}

#[test]
fn a_job_at_work_keeps_others_from_it_and_commands_from_the_folder_but_not_other_jobs() {
    let dir = small_workplace(&["baseline", "b_only", "hard"], 4000);
    let text = text_of(&dir.path().join("experiment.toml"));
    let text = text.replace("n_validations = 2", "n_validations = 200");
    fs::write(dir.path().join("experiment.toml"), text).unwrap();
    let line = "compare experiment.toml --seeds 1 --out queue --threads 1";
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
