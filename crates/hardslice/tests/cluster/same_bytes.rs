//! Jobs leave the bytes that one command leaves.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::thread::sleep;
use std::time::Duration;

use crate::support::{assert_same, finish, printed, run, words};
use crate::{ARMS, Row, is_done, jobs_in, small_workplace, start, text_of, wait_for_training};

/// As an engine does it: two jobs at once, each after the one that it needs.
pub(crate) fn run_two_at_once(out: &Path) {
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
pub(crate) fn assert_same_but_for_jobs(alone: &Path, by_jobs: &Path) {
    let aside = by_jobs.with_extension("jobs");
    fs::rename(by_jobs.join("jobs"), &aside).unwrap();
    assert_same(alone, by_jobs, "alone and by jobs");
    fs::rename(aside, by_jobs.join("jobs")).unwrap();
}

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
    let line = "compare experiment.toml --seeds 1 --out queue --threads 1";
    run(&words(&format!("{line} --write-jobs")), dir.path());
    let rows = jobs_in(&dir.path().join("queue"));
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["work"], "all");
    run_two_at_once(&dir.path().join("queue"));
    run(&words(line), dir.path());
    run(
        &words("compare experiment.toml --seeds 1 --out alone --threads 1"),
        dir.path(),
    );
    assert_same_but_for_jobs(&dir.path().join("alone"), &dir.path().join("queue"));
}
