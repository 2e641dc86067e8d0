//! The program from end to end, on phantoms: the same bytes with any number of threads and after
//! any kill and resume.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hardslice_volume::whole_file::{unsealed, write_sealed};
use support::{
    EXPERIMENT, assert_same, contents, ended, experiment_of, finish, hardslice, run, words,
    workplace,
};

type Contents = BTreeMap<PathBuf, Vec<u8>>;

#[cfg(unix)]
#[test]
fn two_programs_do_not_work_in_one_folder() {
    let dir = workplace();
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    let held = fs::File::open(&out).unwrap();
    held.lock().unwrap();
    let args = ["run", "experiment.toml", "--out", "out"];
    let (code, said) = ended(&args, dir.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("another hardslice is at work"), "{said}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0, "nothing is written");
}

#[test]
fn one_and_three_threads_leave_the_same_bytes() {
    let dir = workplace();
    run(
        &["run", "experiment.toml", "--out", "one", "--threads", "1"],
        dir.path(),
    );
    run(
        &["run", "experiment.toml", "--out", "three", "--threads", "3"],
        dir.path(),
    );
    assert_same(
        &dir.path().join("one"),
        &dir.path().join("three"),
        "1 and 3 threads",
    );
    let summary = fs::read_to_string(dir.path().join("one/summary.json")).unwrap();
    for arm in [
        "baseline",
        "b_only",
        "hard",
        "random",
        "random_matched",
        "cross_fold",
        "gradual",
        "rounds",
        "all_emphasised",
        "gradual_random",
    ] {
        assert!(
            summary.contains(&format!("\"{arm}\"")),
            "{arm} is missing in {summary}"
        );
    }
}

/// Files below a folder; 0 where there is none.
fn n_files(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let n = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => n_files(&entry.path()),
        _ => 1,
    });
    n.sum()
}

#[test]
fn a_run_killed_five_times_ends_with_the_bytes_of_one_never_stopped() {
    let dir = workplace();
    // With averaged weights, which are one more thing to go on from.
    let experiment = EXPERIMENT.replace("[train]", "[train]\nema = 0.9");
    fs::write(dir.path().join("experiment.toml"), experiment).unwrap();
    run(&["run", "experiment.toml", "--out", "unbroken"], dir.path());
    let n_of_whole = n_files(&dir.path().join("unbroken"));
    // Each attempt gets a little further; where exactly it is cut differs from run to run.
    for attempt in 1..=5 {
        let mut child = hardslice(&["run", "experiment.toml", "--out", "killed"], dir.path())
            .spawn()
            .unwrap();
        while n_files(&dir.path().join("killed")) < n_of_whole * attempt / 6 {
            assert_eq!(child.try_wait().unwrap(), None, "before attempt {attempt}");
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        drop(finish(child));
    }
    run(&["run", "experiment.toml", "--out", "killed"], dir.path());
    assert_same(
        &dir.path().join("unbroken"),
        &dir.path().join("killed"),
        "killed and resumed",
    );
}

/// Removes every folder of checkpoints below a folder.
fn remove_checkpoints(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() == "checkpoints" {
            fs::remove_dir_all(&path).unwrap();
        } else if path.is_dir() {
            remove_checkpoints(&path);
        }
    }
}

#[test]
fn a_rival_loss_is_clipped_alike_whether_it_was_stopped_or_not() {
    let dir = workplace();
    // So short that both bounds hold at every step: the common one, and the rival's.
    let experiment = experiment_of(&["baseline", "baseline_top_k"])
        .replace("[train]", "[train]\nclip_grad_norm = 0.0001");
    fs::write(dir.path().join("experiment.toml"), experiment).unwrap();
    let weights = || {
        run(&["run", "experiment.toml", "--out", "out"], dir.path());
        let path = "out/liver/baseline_top_k/model/weights.safetensors";
        fs::read(dir.path().join(path)).unwrap()
    };
    let straight = weights();
    // Its second half again, from the state that the first one left.
    let arm = dir.path().join("out/liver/baseline_top_k");
    for entry in fs::read_dir(&arm).unwrap().flatten() {
        let path = entry.path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        } else if path.file_name().unwrap() != "first_half" {
            fs::remove_dir_all(path).unwrap();
        }
    }
    assert!(
        arm.join("first_half/checkpoints").is_dir(),
        "a state to go on from"
    );
    assert!(weights() == straight, "the same weights again");
}

fn without_checkpoints(files: &Contents) -> Contents {
    let is_kept = |name: &Path| name.iter().all(|part| part != "checkpoints");
    let kept = files.iter().filter(|(name, _)| is_kept(name));
    kept.map(|(name, bytes)| (name.clone(), bytes.clone()))
        .collect()
}

#[test]
fn a_finished_run_without_its_checkpoints_is_finished() {
    let dir = workplace();
    let out = dir.path().join("out");
    run(&["run", "experiment.toml", "--out", "out"], dir.path());
    let whole = without_checkpoints(&contents(&out));
    remove_checkpoints(&out);
    let (code, said) = ended(&["run", "experiment.toml", "--out", "out"], dir.path());
    assert_eq!(code, Some(0), "{said}");
    let begun = said
        .lines()
        .filter(|line| line.starts_with("train") && line.contains(" to do"));
    assert_eq!(begun.count(), 0, "nothing is trained again:\n{said}");
    assert!(
        contents(&out) == whole,
        "every file as it was, and no checkpoint"
    );
}

#[test]
fn an_arm_that_was_deleted_is_trained_again_from_states_that_were_deleted_too() {
    let dir = workplace();
    let out = dir.path().join("out");
    run(&["run", "experiment.toml", "--out", "out"], dir.path());
    let whole = without_checkpoints(&contents(&out));
    remove_checkpoints(&out);
    for arm in ["hard", "rounds"] {
        fs::remove_dir_all(out.join("liver").join(arm)).unwrap();
    }
    // The last part alone: what it goes on from has lost its state.
    fs::remove_file(out.join("liver/gradual/finished.json")).unwrap();
    fs::remove_dir_all(out.join("liver/gradual/model")).unwrap();
    run(&["run", "experiment.toml", "--out", "out"], dir.path());
    let again = without_checkpoints(&contents(&out));
    for (name, bytes) in &whole {
        assert!(again.get(name) == Some(bytes), "{} differs", name.display());
    }
    assert_eq!(whole.len(), again.len(), "and nothing else");
}

#[test]
fn the_steps_by_hand_end_with_the_weights_of_run() {
    let dir = workplace();
    run(&["run", "experiment.toml", "--out", "whole"], dir.path());
    let step = |args: &str| run(&words(args), dir.path());
    step("prepare experiment.toml --out store");
    step("split experiment.toml --store store --out split.json");
    let common = "experiment.toml --store store --split split.json";
    step(&format!("train {common} --half first --out pretrained"));
    step(&format!(
        "mine {common} --model pretrained/model --out mined"
    ));
    step(&format!(
        "train {common} --half second --plan mined/mining/plan.csv --from pretrained --out hard"
    ));
    let weights = |path: &str| fs::read(dir.path().join(path)).unwrap();
    assert!(
        weights("hard/model/weights.safetensors")
            == weights("whole/liver/hard/model/weights.safetensors"),
        "the arm `hard` by hand and by `run`"
    );
    // Trained again, because model and checkpoints are gone, it goes on from the same first half.
    for gone in ["checkpoints", "model"] {
        fs::remove_dir_all(dir.path().join("hard").join(gone)).unwrap();
    }
    step(&format!(
        "train {common} --half second --plan mined/mining/plan.csv --from pretrained --out hard"
    ));
    assert!(
        weights("hard/model/weights.safetensors")
            == weights("whole/liver/hard/model/weights.safetensors"),
        "the arm `hard` by hand, twice"
    );
    // What does not say whom it was trained on may know the test patients.
    let unknown = format!(
        "train {common} --half second --from whole/liver/baseline/first_half --out unknown"
    );
    let (code, said) = ended(&words(&unknown), dir.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("holds no model"), "{said}");
    // The model predicts a scan on its own grid, and `evaluate` scores it.
    step("predict --model hard/model --input phantoms/images --out predictions");
    step(
        "evaluate --truth phantoms/labels --predictions predictions --label liver=1 --out scores.csv",
    );
    let scores = fs::read_to_string(dir.path().join("scores.csv")).unwrap();
    assert_eq!(
        scores.lines().count(),
        9,
        "a header and eight cases:\n{scores}"
    );
    // The test patients' scores are those of `run`, which read the store and wrote no file between.
    let of_run = fs::read_to_string(dir.path().join("whole/scores.csv")).unwrap();
    let column = |text: &str, name: &str| {
        let header = text.lines().next().unwrap();
        header.split(',').position(|cell| cell == name).unwrap()
    };
    let mut n_same = 0;
    for row in of_run.lines().filter(|row| row.contains(",hard,")) {
        let wanted: Vec<&str> = row.split(',').collect();
        let mine = scores
            .lines()
            .find(|mine| mine.starts_with(&format!("{},", wanted[0])));
        let found: Vec<&str> = mine.unwrap().split(',').collect();
        for name in ["dice", "hd95_mm", "assd_mm", "nsd", "volume_difference_ml"] {
            let [found, wanted] = [(&scores, &found), (&of_run, &wanted)]
                .map(|(text, cells)| cells[column(text, name)].parse::<f64>());
            let (Ok(found), Ok(wanted)) = (&found, &wanted) else {
                assert_eq!(found.is_ok(), wanted.is_ok(), "{name}: {row}");
                continue;
            };
            assert!(
                (found - wanted).abs() < 1e-9,
                "{name}: {found} for {wanted}"
            );
            n_same += 1;
        }
    }
    assert!(n_same >= 4, "both test patients have scores:\n{of_run}");
}

#[test]
fn a_changed_experiment_is_refused_in_the_folder_of_the_old_one() {
    let dir = workplace();
    run(&["run", "experiment.toml", "--out", "out"], dir.path());
    let changed = EXPERIMENT.replace("batch = 4", "batch = 4\nlr0 = 0.05");
    fs::write(dir.path().join("changed.toml"), changed).unwrap();
    let (code, said) = ended(&["run", "changed.toml", "--out", "out"], dir.path());
    assert_eq!(
        code,
        Some(2),
        "another learning rate is another experiment:\n{said}"
    );
    assert!(
        said.contains("another training") && said.contains("--out"),
        "{said}"
    );
    // More arms are the same experiment: what is done is kept.
    let fewer = EXPERIMENT.replace("\"random_matched\",", "");
    fs::write(dir.path().join("fewer.toml"), fewer).unwrap();
    run(&["run", "fewer.toml", "--out", "out"], dir.path());
}

#[test]
fn checkpoints_of_another_instruction_set_need_force() {
    let dir = workplace();
    let experiment = experiment_of(&["baseline", "b_only", "hard"]);
    fs::write(dir.path().join("experiment.toml"), experiment).unwrap();
    run(&["run", "experiment.toml", "--out", "out"], dir.path());
    for (name, bytes) in contents(&dir.path().join("out")) {
        if name.ends_with("finished.json") {
            // As if every training had been stopped after its last checkpoint.
            fs::remove_file(dir.path().join("out").join(&name)).unwrap();
        }
        if name.ends_with("position.json") {
            let mut record: serde_json::Value =
                serde_json::from_slice(&unsealed(&bytes).unwrap()).unwrap();
            record["position"]["instruction_set"] = "another".into();
            write_sealed(&dir.path().join("out").join(name), &record).unwrap();
        }
    }
    let args = ["run", "experiment.toml", "--out", "out"];
    let (code, said) = ended(&args, dir.path());
    assert_eq!(code, Some(2), "it would round differently:\n{said}");
    assert!(
        said.contains("another instructions") && said.contains("--force"),
        "{said}"
    );
    run(
        &["run", "experiment.toml", "--out", "out", "--force"],
        dir.path(),
    );
}
