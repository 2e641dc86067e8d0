//! Faults of the file system and of those who use it: full disks, folders without locks, readers
//! that go away, files that change between runs.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use support::{
    EXPERIMENT, assert_ends, assert_same, contents, ended, finish, hardslice, run, words, workplace,
};

/// The experiment with few arms.
fn with_arms(arms: &str, dir: &Path) {
    let mut lines: Vec<String> = EXPERIMENT.lines().map(str::to_owned).collect();
    for line in &mut lines {
        if line.starts_with("arms") {
            *line = format!("arms = {arms}");
        }
    }
    fs::write(dir.join("experiment.toml"), lines.join("\n")).unwrap();
}

#[test]
fn arms_side_by_side_train_what_they_share_again_only_once() {
    let dir = workplace();
    with_arms(r#"["baseline", "hard", "random", "easy"]"#, dir.path());
    let args = words("compare experiment.toml --seeds 1 --jobs 3 --out out");
    run(&args, dir.path());
    let round = dir.path().join("out/seed-0/liver");
    let whole = contents(&round);
    for attempt in 0..3 {
        for training in ["pretrained", "baseline", "baseline/first_half"] {
            fs::remove_dir_all(round.join(training).join("checkpoints")).unwrap();
        }
        for arm in ["hard", "random", "easy"] {
            fs::remove_dir_all(round.join(arm)).unwrap();
        }
        run(&args, dir.path());
        let again = contents(&round);
        for (name, bytes) in &whole {
            let is_left_out =
                name.starts_with("baseline") && name.iter().any(|part| part == "checkpoints");
            assert!(
                is_left_out || again.get(name) == Some(bytes),
                "{} differs in attempt {attempt}",
                name.display()
            );
        }
        // For the next attempt.
        for training in ["baseline", "baseline/first_half"] {
            fs::create_dir_all(round.join(training).join("checkpoints")).unwrap();
        }
    }
}

#[test]
fn what_a_kill_behind_the_last_checkpoint_leaves_is_cleared_away() {
    let dir = workplace();
    with_arms(r#"["baseline", "hard"]"#, dir.path());
    let args = ["run", "experiment.toml", "--out", "out"];
    run(&args, dir.path());
    let round = dir.path().join("out/liver");
    let whole = contents(&round);
    for training in ["baseline", "baseline/first_half", "pretrained", "hard"] {
        fs::remove_file(round.join(training).join("finished.json")).unwrap();
        for part in [".train.csv.partial", ".best.safetensors.partial"] {
            fs::write(round.join(training).join(part), "a half").unwrap();
        }
    }
    run(&args, dir.path());
    let again = contents(&round);
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&again), names(&whole));
    assert!(again == whole, "byte for byte");
}

#[test]
fn what_the_report_is_made_of_is_made_again_or_its_loss_is_told() {
    let dir = workplace();
    with_arms(r#"["baseline", "hard"]"#, dir.path());
    let args = ["run", "experiment.toml", "--out", "out"];
    run(&args, dir.path());
    let out = dir.path().join("out");
    let whole = contents(&out);
    fs::remove_dir_all(out.join("liver/hard/predictions")).unwrap();
    fs::remove_dir_all(out.join("pictures")).unwrap();
    run(&args, dir.path());
    let again = contents(&out);
    let is_made_again = |(name, bytes): (&PathBuf, &Vec<u8>)| again.get(name) == Some(bytes);
    let drawn = whole.iter().filter(|(name, _)| {
        let mut parts = name.iter();
        parts.any(|part| part == "predictions" || part == "pictures")
    });
    assert!(drawn.clone().count() > 4, "predictions and pictures");
    assert!(drawn.into_iter().all(is_made_again));

    // A log cannot be made again without its training; its curves are not drawn of what is left.
    let log = out.join("liver/hard/train.csv");
    let lines = fs::read_to_string(&log).unwrap();
    let cut = lines[..lines.len() - 1].rfind('\n').unwrap() + 1;
    let report = || fs::read_to_string(out.join("report.html")).unwrap();
    for (left, why) in [
        (Some(&lines[..cut]), "changed or cut off after the training"),
        (Some(""), "changed or cut off after the training"),
        (None, "cannot read"),
    ] {
        match left {
            Some(left) => fs::write(&log, left).unwrap(),
            None => fs::remove_file(&log).unwrap(),
        }
        run(&args, dir.path());
        let report = report();
        assert!(report.contains(why), "{left:?}");
        assert!(report.contains("liver/hard/train.csv"), "{left:?}");
    }
    fs::write(&log, &lines).unwrap();
    run(&args, dir.path());
    assert!(!report().contains("liver/hard/train.csv"), "whole again");
}

#[test]
fn where_nobody_reads_what_is_printed_the_work_is_done_all_the_same() {
    let dir = workplace();
    run(
        &["prepare", "experiment.toml", "--out", "store"],
        dir.path(),
    );
    let args = [
        "split",
        "experiment.toml",
        "--store",
        "store",
        "--out",
        "split.json",
    ];
    let mut child = hardslice(&args, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let (code, said) = finish(child);
    assert_eq!(code, Some(0), "{said}");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let child = hardslice(&args, dir.path()).stdout(full).spawn().unwrap();
    let (code, said) = finish(child);
    assert_eq!(code, Some(2), "a full disk is told, though:\n{said}");
    assert!(
        said.contains("standard output") && said.contains("No space left"),
        "{said}"
    );
}

#[test]
fn a_cohort_that_gives_no_folds_is_refused_in_a_dry_run_too() {
    let dir = workplace();
    let few = EXPERIMENT.replace("test = 2", "test = 8");
    fs::write(dir.path().join("experiment.toml"), few).unwrap();
    for command in ["compare", "sweep"] {
        let args = [command, "experiment.toml", "--out", "out", "--dry-run"];
        assert_ends(&args, dir.path(), 2, &["8 of 8 patients"]);
        assert!(!dir.path().join("out").exists(), "nothing is made");
    }
}

/// Flips a bit in the midst of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_store_that_was_changed_is_prepared_again_or_refused() {
    let dir = workplace();
    run(
        &["prepare", "experiment.toml", "--out", "store"],
        dir.path(),
    );
    run(&["prepare", "experiment.toml", "--out", "good"], dir.path());
    let split = [
        "split",
        "experiment.toml",
        "--store",
        "store",
        "--out",
        "split.json",
    ];
    run(&split, dir.path());
    let train = [
        "train",
        "experiment.toml",
        "--store",
        "store",
        "--split",
        "split.json",
        "--out",
        "trained",
    ];
    let case = dir.path().join("store/cases/phantom_001");
    for name in ["image.npy", "labels.npy", "labels_native.npy"] {
        flip(&case.join(name));
        let said = assert_ends(&train, dir.path(), 2, &["phantom_001", name]);
        assert!(said.contains("has changed since"), "{said}");
        run(
            &["prepare", "experiment.toml", "--out", "store"],
            dir.path(),
        );
        let (store, good) = (dir.path().join("store"), dir.path().join("good"));
        assert_same(&store, &good, "prepared again");
    }
    // A digit of the record: an area, which decides what slices show.
    let path = case.join("case.json");
    let record = fs::read_to_string(&path).unwrap();
    let at = record.find("\"area_px\":").unwrap();
    let digit = at
        + record[at..]
            .find(|c: char| ('1'..='8').contains(&c))
            .unwrap();
    let mut changed = record.clone().into_bytes();
    changed[digit] += 1;
    fs::write(&path, changed).unwrap();
    assert_ends(&train, dir.path(), 2, &["case.json", "run `prepare` again"]);
    run(
        &["prepare", "experiment.toml", "--out", "store"],
        dir.path(),
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), record, "as it was");
}

/// Builds the library that lets calls fail.
fn failing_calls(dir: &Path) -> String {
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tools/same_bytes/fail_each_write.c"
    );
    let library = dir.join("fail_each_write.so");
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .args([source, "-ldl"]);
    let status = cc.status().expect("a C compiler built mimalloc before");
    assert!(status.success(), "the library is built");
    library.to_str().unwrap().to_owned()
}

#[test]
fn two_programs_do_not_work_in_one_folder_without_locks_either() {
    let dir = workplace();
    let library = failing_calls(dir.path());
    let out = dir.path().join("out");
    // ENOLCK and EOPNOTSUPP.
    for error in ["37", "95"] {
        let start = |args: &[&str]| {
            let mut command = hardslice(args, dir.path());
            command.env("LD_PRELOAD", &library).env("FAULT_LOCK", error);
            command.spawn().unwrap()
        };
        let notes = || {
            let entries = fs::read_dir(&out).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name().into_string().unwrap());
            names
                .filter(|name| name.starts_with(".hardslice-at-work"))
                .count()
        };
        let args = ["run", "experiment.toml", "--out", "out"];
        let mut first = start(&args);
        while notes() == 0 {
            assert_eq!(first.try_wait().unwrap(), None, "it is at work");
            std::thread::yield_now();
        }
        let (code, said) = finish(start(&args));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("another hardslice is at work"), "{said}");
        // Whoever can lock the folder sees the note, too.
        assert_ends(&args, dir.path(), 2, &["another hardslice is at work"]);
        first.kill().unwrap();
        drop(finish(first));
        assert_eq!(notes(), 1, "a killed program leaves its note");
        let (code, said) = finish(start(&["prepare", "experiment.toml", "--out", "out"]));
        assert_eq!(code, Some(0), "which blocks nobody:\n{said}");
        assert_eq!(notes(), 0, "and is gone");
    }
}

#[test]
fn nobody_prepares_the_store_of_a_run_that_is_at_work() {
    let dir = workplace();
    let store = dir.path().join("out/store");
    fs::create_dir_all(&store).unwrap();
    let held = fs::File::open(&store).unwrap();
    held.lock().unwrap();
    let args = ["run", "experiment.toml", "--out", "out"];
    assert_ends(
        &args,
        dir.path(),
        2,
        &["another hardslice is at work", "out/store"],
    );
    for line in [
        "phantom --patients 2 --size 32 --out out/store",
        "prepare experiment.toml --out out/store",
    ] {
        let (code, said) = ended(&support::words(line), dir.path());
        assert_eq!(code, Some(2), "{line}:\n{said}");
    }
    assert_eq!(
        fs::read_dir(&store).unwrap().count(),
        0,
        "nothing is written"
    );
}

#[test]
fn a_full_disk_ends_predict_and_the_report_with_its_name() {
    let dir = workplace();
    with_arms(r#"["baseline"]"#, dir.path());
    let library = failing_calls(dir.path());
    run(&["run", "experiment.toml", "--out", "out"], dir.path());
    let root = fs::canonicalize(dir.path()).unwrap();
    let full = |args: &[&str], folder: &str| {
        let mut command = hardslice(args, dir.path());
        command
            .env("LD_PRELOAD", &library)
            .env("FAULT_ROOT", root.join(folder))
            .env("FAULT_ERRNO", "28");
        finish(command.spawn().unwrap())
    };
    let predict = [
        "predict",
        "--model",
        "out/liver/baseline/model",
        "--input",
        "phantoms/images",
        "--out",
        "predicted",
    ];
    let (code, said) = full(&predict, "predicted");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("error: cannot write") && said.contains("No space left"),
        "{said}"
    );
    let (code, said) = full(&["run", "experiment.toml", "--out", "out"], "out/report");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("out/report/figures") && said.contains("No space left"),
        "{said}"
    );
    run(&["run", "experiment.toml", "--out", "out"], dir.path());
}

/// An experiment of one long training that saves a checkpoint only where it is asked to.
fn long_training(dir: &Path) {
    with_arms(r#"["baseline"]"#, dir);
    let text = fs::read_to_string(dir.join("experiment.toml")).unwrap();
    let text = text.replace("steps = 24", "steps = 800").replace(
        "checkpoint_minutes = 0.0",
        "checkpoint_minutes = 100.0\nkeep_checkpoints = 1",
    );
    fs::write(dir.join("long.toml"), text).unwrap();
}

/// Runs a command, waits until a folder of it holds something and a little longer, and sends a signal.
/// Gives the exit status, or the signal that it died of, and what it said.
fn signalled(line: &[&str], dir: &Path, begun: &str, signal: &str) -> (i32, String) {
    // A shell has what it starts in the background ignore SIGINT, and `nohup` SIGHUP: the tests may be
    // there.
    let mut command = Command::new("env");
    command
        .args(["--default-signal=INT,HUP", env!("CARGO_BIN_EXE_hardslice")])
        .args(line)
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let has_begun = || fs::read_dir(dir.join(begun)).is_ok_and(|dir| dir.count() > 0);
    while !has_begun() {
        assert_eq!(child.try_wait().unwrap(), None, "ended before it began");
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_millis(300));
    let kill = format!("kill -{signal} {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.unwrap().success(), "{kill}");
    let output = child.wait_with_output().unwrap();
    let ended = output.status.code().or(output.status.signal());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (ended.unwrap(), said)
}

/// What a queue does before it kills: SIGTERM, and some seconds of grace. And what people do.
#[test]
fn asked_to_stop_a_training_saves_a_checkpoint_and_goes_on_to_the_same_bytes() {
    const SIGINT: i32 = 2;
    let dir = workplace();
    long_training(dir.path());
    run(&words("run long.toml --out whole --threads 1"), dir.path());
    for (signal, ended) in [("TERM", 75), ("HUP", 75), ("INT", SIGINT)] {
        let out = format!("stopped_by_{signal}");
        let line = format!("run long.toml --out {out} --threads 1");
        let line = words(&line);
        let begun = format!("{out}/liver/baseline/first_half");
        let (found, said) = signalled(&line, dir.path(), &begun, signal);
        assert_eq!(found, ended, "{signal}: {said}");
        assert!(said.contains("saved a checkpoint after step"), "{said}");
        assert!(said.ends_with("help: the same command goes on\n"), "{said}");
        let half = dir.path().join(&out).join("liver/baseline/first_half");
        let saved = fs::read_dir(half.join("checkpoints")).unwrap().count();
        assert_eq!(saved, 1, "the one that was asked for");
        run(&line, dir.path());
        assert_same(&dir.path().join(&out), &dir.path().join("whole"), signal);
    }
}

#[test]
fn a_ledger_that_was_removed_is_made_again() {
    let dir = workplace();
    with_arms(r#"["baseline", "hard"]"#, dir.path());
    let line = words("run experiment.toml --out out --threads 1");
    run(&line, dir.path());
    let whole = contents(&dir.path().join("out"));
    fs::remove_file(dir.path().join("out/liver/mining/ledger.parquet")).unwrap();
    run(&line, dir.path());
    assert!(contents(&dir.path().join("out")) == whole, "the same bytes");
}
