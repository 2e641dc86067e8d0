//! What the program says when something is wrong, and its exit status.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::{assert_ends, experiment_of, words, workplace};

#[track_caller]
fn assert_fails(args: &[&str], dir: &Path, parts: &[&str]) {
    assert_ends(args, dir, 2, parts);
}

#[test]
fn every_command_explains_itself() {
    let dir = tempfile::tempdir().unwrap();
    for command in [
        "demo",
        "phantom",
        "audit",
        "prepare",
        "split",
        "train",
        "mine",
        "predict",
        "evaluate",
        "run",
        "sweep",
        "compare",
        "why",
        "triage",
        "export",
        "report",
        "check-table",
        "bench",
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_hardslice"))
            .args([command, "--help"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        let help = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{command} --help fails");
        assert!(
            help.lines().count() > 12,
            "{command} --help teaches little:\n{help}"
        );
    }
}

#[test]
fn options_of_predictions_are_refused_beside_a_model_and_an_arm_named_twice_is() {
    let dir = tempfile::tempdir().unwrap();
    let text = experiment_of(&["baseline", "hard", "hard"]);
    std::fs::write(dir.path().join("twice.toml"), text).unwrap();
    assert_fails(
        &words("run twice.toml --out o"),
        dir.path(),
        &["arms names one of them twice"],
    );
    let text = experiment_of(&["baseline", "hard"]);
    std::fs::write(dir.path().join("e.toml"), text).unwrap();
    for option in ["--arm all_emphasised", "--label liver=9", "--probabilities"] {
        let mine = format!("mine e.toml --store s --split s.json --model m --out o {option}");
        let name = words(option)[0];
        assert_fails(&words(&mine), dir.path(), &[name, "--predictions DIR"]);
    }
}

#[test]
fn a_missing_experiment_is_named() {
    let dir = tempfile::tempdir().unwrap();
    assert_fails(
        &["run", "no.toml", "--out", "o"],
        dir.path(),
        &["no.toml", "No such file", "help:"],
    );
}

#[test]
fn an_unknown_key_is_named_with_the_known_ones() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[cohort]\npath = \"x\"\n[train]\nbatchsize = 3\n";
    fs::write(dir.path().join("e.toml"), text).unwrap();
    assert_fails(
        &["run", "e.toml", "--out", "o"],
        dir.path(),
        &["batchsize", "`batch`", "e.toml"],
    );
}

#[test]
fn a_folder_without_a_model_says_what_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let args = [
        "predict",
        "--model",
        "nowhere",
        "--input",
        "scan.nii.gz",
        "--out",
        "p.nii.gz",
    ];
    assert_fails(
        &args,
        dir.path(),
        &["no model in nowhere", "weights.safetensors"],
    );
}

#[test]
fn an_empty_cohort_folder_says_what_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("scans")).unwrap();
    let text = "[cohort]\npath = \"scans\"\nlabels = { liver = [1] }\n";
    fs::write(dir.path().join("e.toml"), text).unwrap();
    assert_fails(
        &["prepare", "e.toml", "--out", "store"],
        dir.path(),
        &["scans"],
    );
}

#[test]
fn a_label_that_is_no_list_of_values_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let args = [
        "evaluate",
        "--truth",
        ".",
        "--predictions",
        ".",
        "--out",
        "s.csv",
        "--label",
        "liver=1.5",
    ];
    assert_fails(&args, dir.path(), &["ORGAN=VALUES"]);
}

#[test]
fn a_size_that_the_net_has_not_is_refused_with_those_it_has() {
    let dir = tempfile::tempdir().unwrap();
    assert_fails(
        &["bench", "--net", "fcn", "--size", "c", "--mode", "train"],
        dir.path(),
        &["fcn has no size c", "a, b"],
    );
}

#[test]
fn phantoms_overwrite_no_table_of_somebody_else() {
    let dir = tempfile::tempdir().unwrap();
    for table in ["cohort.csv", "truth.csv"] {
        let mine = dir.path().join("mine");
        fs::create_dir_all(&mine).unwrap();
        fs::write(mine.join(table), "patient,image\na,b\n").unwrap();
        let phantom = [
            "phantom",
            "--out",
            "mine",
            "--patients",
            "1",
            "--size",
            "32",
        ];
        assert_fails(&phantom, dir.path(), &["none of phantoms", table]);
        fs::remove_dir_all(mine).unwrap();
    }
}

#[test]
fn a_mining_without_a_scorer_names_both_kinds() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("e.toml"), "[cohort]\npath = \"x\"\n").unwrap();
    let mine = ["mine", "e.toml", "--store", "store", "--out", "o"];
    assert_fails(
        &[&mine, ["--model", "m"].as_slice()].concat(),
        dir.path(),
        &["--split FILE.json", "--predictions DIR"],
    );
}

#[test]
fn a_net_that_has_learnt_nothing_ends_with_a_status_that_scripts_see() {
    let dir = workplace();
    // Steps too small to leave the first weights, in which nothing is found.
    let text = experiment_of(&["baseline"])
        .replace("steps = 24", "steps = 100\nlr0 = 1e-9")
        .replace("n_validations = 2", "n_validations = 1");
    fs::write(dir.path().join("e.toml"), text).unwrap();
    let said = ["the arm `baseline` had learnt nothing of `liver`"];
    for _again in 0..2 {
        assert_ends(&words("run e.toml --out out"), dir.path(), 1, &said);
    }
    assert!(dir.path().join("out/report.html").exists(), "all was done");
    let summary = fs::read(dir.path().join("out/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!(
        summary["not_learnt"],
        serde_json::json!({ "liver": [{ "net": "baseline", "organs": ["liver"] }] })
    );
    let train = "train e.toml --store out/store --split out/split.json --out trained";
    let said = ["the net had learnt nothing of `liver`"];
    assert_ends(&words(train), dir.path(), 1, &said);
}

#[test]
fn halves_by_hand_say_where_they_begin() {
    let dir = tempfile::tempdir().unwrap();
    let train = "train e.toml --store store --split s.json --out o";
    for (given, said) in [
        ("--half second", "--from PRETRAINED"),
        ("--from p", "with `--half second`"),
        ("--half first --from p", "with `--half second`"),
    ] {
        assert_fails(&words(&format!("{train} {given}")), dir.path(), &[said]);
    }
}

#[test]
fn a_run_that_is_refused_leaves_the_record_of_what_was_run() {
    let dir = workplace();
    let text = experiment_of(&["baseline"]).replace("steps = 24", "steps = 4");
    fs::write(dir.path().join("e.toml"), &text).unwrap();
    support::run(&words("run e.toml --out out"), dir.path());
    let recorded = || {
        ["experiment.toml", "provenance.json", "split.json"]
            .map(|name| fs::read(dir.path().join("out").join(name)).unwrap())
    };
    let before = recorded();
    for changed in [
        text.replace("steps = 4", "steps = 6"),
        text.replace("test = 2", "test = 1"),
        text.replace("size = 32", "size = 16"),
    ] {
        assert_ne!(changed, text);
        fs::write(dir.path().join("e.toml"), changed).unwrap();
        let said = assert_ends(&words("run e.toml --out out"), dir.path(), 2, &[]);
        assert!(recorded() == before, "{said}");
    }
    // An arm more is no other experiment; the record has it when it is trained.
    let more = text.replace("[\"baseline\"]", "[\"baseline\", \"b_only\"]");
    fs::write(dir.path().join("e.toml"), more).unwrap();
    support::run(&words("run e.toml --out out"), dir.path());
    assert!(String::from_utf8_lossy(&recorded()[0]).contains("b_only"));
}

#[test]
fn what_would_fail_after_hours_is_refused_before_the_first_step() {
    let dir = workplace();
    let text = experiment_of(&["baseline", "hard", "all_emphasised"]);
    for (was, is, said) in [
        (
            "ratio = 0.5",
            "ratio = 1.0",
            "no patient of A shows `liver`",
        ),
        (
            "validation = 1",
            "validation = 0",
            "needs a case Dice for liver on the validation patients",
        ),
        (
            "seed = 3",
            "seed = 3\ninit = \"phantoms/cohort.csv\"",
            "cohort.csv",
        ),
    ] {
        let text = text
            .replace("tau = \"hardest 20 %\"", "tau = \"validation\"")
            .replace("validation = 1", "validation = 1\nratio = 0.5")
            .replace(was, is);
        assert!(text.contains(is));
        fs::write(dir.path().join("e.toml"), text).unwrap();
        for command in ["run e.toml --out out", "compare e.toml --seeds 1 --out out"] {
            assert_fails(&words(command), dir.path(), &[said]);
            let trained = dir.path().join("out/liver/baseline/train.csv");
            assert!(!trained.exists(), "{command}: {said}");
            let is_of_init = is.contains("init");
            assert_eq!(dir.path().join("out/store").exists(), !is_of_init);
            fs::remove_dir_all(dir.path().join("out")).unwrap();
        }
    }
    for (arms, settings, said) in [
        ("hard", "tau = \"paper\"", "add `baseline` to arms"),
        ("rounds", "tau = 0.5\n[final_net]\nwidth = 4", "[final_net]"),
    ] {
        let text = experiment_of(&[arms]).replace("tau = \"hardest 20 %\"", settings);
        fs::write(dir.path().join("e.toml"), text).unwrap();
        assert_fails(&words("run e.toml --out out"), dir.path(), &[said]);
        assert!(!dir.path().join("out").exists(), "nothing is read");
    }
}

#[test]
fn an_audit_says_where_nothing_can_be_learnt() {
    let dir = workplace();
    for (cohort, label, said) in [
        (
            "phantoms/images",
            "liver=1",
            "no case of the cohort has labels that can be read",
        ),
        (
            "phantoms",
            "liver=9",
            "no case has a voxel of `liver`: nothing can be learnt of it (values found: 1, 2, 3, 4)",
        ),
        (
            "phantoms",
            "liver=leber",
            "it is given by names alone (leber), and label maps hold numbers",
        ),
    ] {
        let audit = ["audit", cohort, "--label", label];
        assert_ends(&audit, dir.path(), 1, &[said]);
    }
    let audit = ["audit", "phantoms/images", "--label", "liver=1"];
    let text = support::printed(&audit, dir.path());
    assert!(text.contains(" HU, no labels\n"), "{text}");
    assert!(text.contains("8 cases, 0 errors, "), "{text}");
    assert!(text.contains(" warning: pixel_spacing"), "{text}");
    // The same before scans are read.
    let text = experiment_of(&["baseline"]).replace("phantoms/cohort.csv", "phantoms/images");
    fs::write(dir.path().join("e.toml"), text).unwrap();
    assert_fails(
        &words("run e.toml --out out"),
        dir.path(),
        &["no case of the cohort has labels"],
    );
}

#[test]
fn a_value_of_another_kind_is_shown_as_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    for (text, said) in [
        ("[train]\nloss = \"dice\"", "loss = { kind ="),
        ("[split]\nrule = \"random\"", "rule = { random = { test ="),
        (
            "[cohort]\npath = \"x\"\nlabels = [\"liver\"]",
            "labels = { liver = [1]",
        ),
        ("arms = \"hard\"", "arms = [\"baseline\", \"hard\"]"),
        ("[prepare]\nsize = 0", "[prepare] size must be 1 to 8192"),
        ("[prepare]\nwindow_hu = [250, -150]", "lower value first"),
        ("[split]\nvalidation = 1.5", "[split] validation must be"),
        ("[split]\nratio = 50", "[split] ratio must be above 0"),
        (
            "[score]\nnsd_tolerance_mm = -1.0",
            "[score] nsd_tolerance_mm must be",
        ),
    ] {
        let text = if text.contains("[cohort]") {
            text.to_owned()
        } else {
            format!("{text}\n[cohort]\npath = \"x\"\n")
        };
        fs::write(dir.path().join("e.toml"), text).unwrap();
        assert_fails(&words("run e.toml --out out"), dir.path(), &[said]);
    }
}

#[test]
fn a_distance_below_0_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for mm in ["-1", "NaN", "inf"] {
        let nsd = format!("--nsd-tolerance-mm={mm}");
        let evaluate = [
            "evaluate",
            "--truth",
            "t",
            "--predictions",
            "p",
            "--out",
            "s.csv",
            &nsd,
        ];
        assert_fails(&evaluate, dir.path(), &["wanted 0 or more"]);
    }
}

#[test]
fn a_model_knows_what_it_was_trained_on() {
    let dir = workplace();
    let text = experiment_of(&["baseline", "hard"]).replace("steps = 24", "steps = 4");
    fs::write(dir.path().join("e.toml"), text).unwrap();
    support::run(&words("run e.toml --out out"), dir.path());
    let common = "e.toml --store out/store --split out/split.json";
    // The baseline has seen A.
    let mine = format!("mine {common} --out m --model out/liver");
    let said = ["the model was trained on 2 of the 2 scans of A"];
    assert_fails(&words(&format!("{mine}/baseline/model")), dir.path(), &said);
    support::run(&words(&format!("{mine}/pretrained/model")), dir.path());
    // Another seed tests and validates others.
    let other = fs::read_to_string(dir.path().join("e.toml")).unwrap();
    let other = other.replace("validation = 1", "validation = 3\nseed = 99");
    fs::write(dir.path().join("other.toml"), other).unwrap();
    let split = "split other.toml --store out/store --out other.json";
    support::run(&words(split), dir.path());
    let second = "train other.toml --store out/store --split other.json --half second --out second \
                  --from out/liver/pretrained";
    let said = ["whom this split tests or validates on"];
    assert_fails(&words(second), dir.path(), &said);
    let predict = "predict --model out/liver/baseline/model --input phantoms/images --out p";
    let said = assert_ends(&words(predict), dir.path(), 0, &[]);
    assert!(
        said.contains("the model was trained on 5 of these scans"),
        "all but test and validation: {said}"
    );
}

#[test]
fn predictions_are_not_written_over_somebodys_labels() {
    let dir = support::with_model();
    let labels = dir.path().join("phantoms/labels/phantom_001.nii.gz");
    let before = fs::read(&labels).unwrap();
    let predict = "predict --model model --input scans --out";
    let said = ["nothing says that `predict` wrote it", "--overwrite"];
    assert_fails(
        &words(&format!("{predict} phantoms/labels")),
        dir.path(),
        &said,
    );
    assert!(fs::read(&labels).unwrap() == before);
    // Its own it writes again.
    for _again in 0..2 {
        support::run(&words(&format!("{predict} maps")), dir.path());
    }
    let lost = format!("{predict} phantoms/labels --overwrite");
    support::run(&words(&lost), dir.path());
    assert!(fs::read(&labels).unwrap() != before);
    // A scan in a folder beside the others is passed over.
    let more = dir.path().join("scans/more");
    fs::create_dir(&more).unwrap();
    fs::copy(
        dir.path().join("scans/phantom_000.nii.gz"),
        more.join("b.nii.gz"),
    )
    .unwrap();
    let said = ["folders beside the scans are not looked into"];
    assert_ends(&words(&format!("{predict} maps")), dir.path(), 0, &said);
}

#[test]
fn an_export_of_what_is_not_there_says_what_is() {
    let dir = support::with_model();
    // The only net there is need not be named.
    support::run(
        &words("export --in out --arm b_only --format csv --out e.csv"),
        dir.path(),
    );
    for (what, said) in [
        (
            "--arm easy --format csv --out x.csv",
            "there is b_only (--arm)",
        ),
        (
            "--organ spleen --format csv --out x.csv",
            "there is liver (--organ)",
        ),
        (
            "--organ spleen --format onnx --out x.onnx",
            "there is liver (--organ)",
        ),
    ] {
        let export = format!("export --in out {what}");
        assert_fails(&words(&export), dir.path(), &["there is no ", said]);
    }
    let nothing = "export --in scans --format csv --out x.csv";
    assert_fails(&words(nothing), dir.path(), &["no `run` left one in scans"]);
}

#[test]
fn a_plan_that_shows_held_out_patients_is_not_exported() {
    let dir = support::with_model();
    let mine = "mine short.toml --store out/store --predictions phantoms/labels --tau 0.5 --arm \
                all_emphasised --out m";
    support::run(&words(mine), dir.path());
    for (format, out) in [
        ("csv", "e.csv"),
        ("monai", "e.json"),
        ("nnunet", "Dataset001_E"),
    ] {
        let export = format!(
            "export --store out/store --split out/split.json --plan m/mining/plan.csv --organ liver \
             --format {format} --out {out}"
        );
        assert_fails(
            &words(&export),
            dir.path(),
            &["neither in A nor in B of the split"],
        );
    }
}
