//! Instruction sets that are fixed, and the engines that jobs are written for.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::same_bytes::{assert_same_but_for_jobs, run_two_at_once};
use crate::support::{assert_ends, run, words};
use crate::{jobs_in, small_workplace, text_of};

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
