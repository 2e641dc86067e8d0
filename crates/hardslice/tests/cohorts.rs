//! What the program says of cohorts that are not as they should be, before anything is trained.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;

use hardslice_volume::{Grid, PerAxis, Placement, Volume, write_label_map, write_scan};

use support::assert_ends;

const SHAPE: PerAxis<usize> = PerAxis::new(12, 16, 16);

/// Scans `c0` to `c5`, all different, with a liver (1) and a spleen (2) on the right sides.
fn write_cohort(dir: &Path) {
    let grid = Grid {
        shape: SHAPE,
        world_from_voxel: [
            [1.2, 0.0, 0.0, 0.0],
            [0.0, 1.2, 0.0, 0.0],
            [0.0, 0.0, 5.0, 0.0],
        ],
    };
    fs::create_dir_all(dir).unwrap();
    for n in 0..6_usize {
        let hu = (0..SHAPE.n_voxels())
            .map(|at| i16::try_from((at * 37 + n * 101) % 1200).unwrap() - 1000);
        let scan = Volume::new(grid, hu.collect()).unwrap();
        write_scan(&dir.join(format!("c{n}.nii.gz")), &scan).unwrap();
        let label = |at: usize| match at % SHAPE.x {
            11 | 12 if at / SHAPE.n_pixels() > n => 1,
            3 if at / SHAPE.n_pixels() > 2 => 2,
            _ => 0,
        };
        let labels = (0..SHAPE.n_voxels()).map(label).collect();
        let labels = Volume::new(grid, labels).unwrap();
        let path = dir.join(format!("c{n}_seg.nii.gz"));
        write_label_map(&path, &labels, &Placement::new(grid).unwrap()).unwrap();
    }
}

fn write_experiment(dir: &Path, top: &str, cohort: &str, split: &str) {
    let text = format!(
        "preset = \"demo\"\n{top}\n[cohort]\npath = \"cohort\"\n{cohort}\n[prepare]\nsize = 16\n\
         [split]\n{split}\nvalidation = 1\n[train]\nsteps = 4\nbatch = 2\nn_validations = 1\n"
    );
    fs::write(dir.join("e.toml"), text).unwrap();
}

const LABELS: &str = "labels = { liver = [1], spleen = [2] }\npatient = \"^(c[0-9])$\"";
const ONE: &str = "rule = { random = { test = 1 } }";

const RUN: [&str; 4] = ["run", "e.toml", "--out", "out"];
const PREPARE: [&str; 4] = ["prepare", "e.toml", "--out", "store"];
const SPLIT: [&str; 6] = ["split", "e.toml", "--store", "store", "--out", "s.json"];

#[test]
fn errors_of_the_audit_stop_a_cohort_until_they_are_accepted_by_name() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    let scan = |name: &str| dir.path().join("cohort").join(name);
    fs::copy(scan("c0.nii.gz"), scan("c4.nii.gz")).unwrap();
    write_experiment(dir.path(), "", LABELS, ONE);
    let campaigns = [
        ["compare", "e.toml", "--out", "out"],
        ["sweep", "e.toml", "--out", "out"],
    ];
    for args in [RUN, PREPARE].into_iter().chain(campaigns) {
        let parts = [
            "error: same_scan: c4: the same scan as `c0`",
            "accept = [\"same_scan\"]",
        ];
        assert_ends(&args, dir.path(), 2, &parts);
    }
    assert!(
        !dir.path().join("out/split.json").exists(),
        "stopped before"
    );
    assert_ends(&SPLIT, dir.path(), 2, &["no finished store"]);
    let accept = format!("{LABELS}\naccept = [\"same_scan\"]");
    write_experiment(dir.path(), "", &accept, ONE);
    let said = assert_ends(&PREPARE, dir.path(), 0, &["error: same_scan"]);
    assert_eq!(said.matches("same_scan").count(), 1, "once:\n{said}");
    // Both are in the training set, or the two names would be in two folds.
    write_experiment(
        dir.path(),
        "",
        &accept,
        "rule = { lists = { test = [\"c0\"] } }",
    );
    assert_ends(
        &SPLIT,
        dir.path(),
        2,
        &["`c0` in test and `c4` in", "are the same scan"],
    );
    write_experiment(
        dir.path(),
        "",
        "labels = { liver = [1] }\naccept = [\"noise\"]",
        ONE,
    );
    assert_ends(&RUN, dir.path(), 2, &["noise", "not_hu", "line 6"]);
}

#[test]
fn a_scan_that_cannot_be_read_never_makes_a_smaller_cohort_unasked() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    fs::write(dir.path().join("cohort/c3.nii.gz"), b"cut off").unwrap();
    write_experiment(dir.path(), "", LABELS, ONE);
    assert_ends(&RUN, dir.path(), 2, &["image_unreadable", "c3"]);
    let accept = format!("{LABELS}\naccept = [\"image_unreadable\"]");
    write_experiment(dir.path(), "", &accept, ONE);
    assert_ends(&PREPARE, dir.path(), 1, &["not in the store: c3"]);
}

#[test]
fn an_organ_that_no_label_file_holds_is_refused_before_training() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    for map in [
        "{ liver = [9], spleen = [2] }",
        "{ liver = \"9\", spleen = [2] }",
        "{ liver = [9] }",
    ] {
        write_experiment(
            dir.path(),
            "organs = [\"Liver\"]",
            &format!("labels = {map}"),
            ONE,
        );
        let parts = ["no case has a voxel of `liver`", "values found: 1, 2"];
        assert_ends(&RUN, dir.path(), 2, &parts);
    }
    write_experiment(
        dir.path(),
        "organs = [\"SPLEEN\"]",
        "labels = { liver = [9], spleen = \"2\" }",
        ONE,
    );
    assert_ends(&PREPARE, dir.path(), 0, &["organ_absent"]);
    assert_ends(&SPLIT, dir.path(), 0, &["1 test"]);
    write_experiment(dir.path(), "organs = [\"lung\"]", LABELS, ONE);
    assert_ends(&RUN, dir.path(), 2, &["`lung` is not in the cohort"]);
}

#[test]
fn folds_that_were_changed_are_not_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    let folds = |test: &str| {
        let fold = |n| {
            if format!("c{n}") == test {
                "test"
            } else {
                "train"
            }
        };
        let rows: Vec<String> = (0..6).map(|n| format!("c{n};{}\r\n", fold(n))).collect();
        fs::write(
            dir.path().join("folds.csv"),
            format!("case;fold\r\n{}", rows.concat()),
        )
        .unwrap();
        let train = (0..6).filter(|n| format!("c{n}") != test);
        let train: Vec<String> = train.map(|n| format!("\"c{n}\"")).collect();
        let json = format!(
            "[{{\"train\": [{}], \"val\": [\"{test}\"]}}]",
            train.join(",")
        );
        fs::write(dir.path().join("splits_final.json"), json).unwrap();
    };
    for rule in [
        "rule = { table = { path = \"folds.csv\" } }",
        "rule = { nn_unet = { path = \"splits_final.json\", fold = 0 } }",
    ] {
        folds("c0");
        write_experiment(dir.path(), "", LABELS, rule);
        assert_ends(&PREPARE, dir.path(), 0, &[]);
        assert_ends(&SPLIT, dir.path(), 0, &["1 test"]);
        assert_ends(&SPLIT, dir.path(), 0, &["1 test"]);
        folds("c5");
        assert_ends(
            &SPLIT,
            dir.path(),
            2,
            &["the list `test`: now without c0 and with c5", "s.json"],
        );
        fs::remove_file(dir.path().join("s.json")).unwrap();
    }
    write_experiment(
        dir.path(),
        "",
        LABELS,
        "rule = { lists = { test = [\"c0\"] } }",
    );
    assert_ends(&SPLIT, dir.path(), 0, &[]);
    write_experiment(
        dir.path(),
        "",
        LABELS,
        "rule = { lists = { test = [\"c1\"] } }",
    );
    assert_ends(&SPLIT, dir.path(), 2, &["`rule` in [split]", "c1"]);
    fs::remove_file(dir.path().join("s.json")).unwrap();
}

#[test]
fn folds_that_the_cohort_cannot_give_are_refused_before_a_scan_is_read() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    for (rule, part) in [
        ("rule = { random = { test = 6 } }", "takes 6 of 6 patients"),
        ("rule = { k_fold = { k = 9, fold = 0 } }", "2 to 6"),
        ("rule = { lists = { test = [\"c9\"] } }", "named `c9`"),
        ("rule = { table = { path = \"none.csv\" } }", "none.csv"),
    ] {
        write_experiment(dir.path(), "", LABELS, rule);
        assert_ends(&RUN, dir.path(), 2, &[part]);
        assert!(!dir.path().join("out/store/cases").exists(), "{rule}");
        for command in ["compare", "sweep"] {
            let dry = [command, "e.toml", "--out", "out", "--dry-run"];
            assert_ends(&dry, dir.path(), 2, &[part]);
        }
    }
    let one = "labels = { liver = [1] }\npatient = \"^(c)[0-9]$\"";
    write_experiment(dir.path(), "", one, "rule = { random = { test = 0.2 } }");
    assert_ends(&RUN, dir.path(), 2, &["takes 1 of 1 patients"]);
}

#[test]
fn an_audit_takes_names_of_structures_and_a_rule_for_patients() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    let audit = [
        "audit",
        "cohort",
        "--label",
        "liver=1,Liver",
        "--label",
        "spleen=2",
    ];
    assert_ends(&audit, dir.path(), 0, &["names no patients"]);
    let with_rule = [audit.as_slice(), &["--patient", "^(c)"]].concat();
    let said = assert_ends(&with_rule, dir.path(), 0, &[]);
    assert!(!said.contains("names no patients"), "{said}");
    let wrong = [audit.as_slice(), &["--patient", "c"]].concat();
    assert_ends(&wrong, dir.path(), 2, &["0 groups"]);
}

#[test]
fn an_audit_of_an_experiment_is_that_of_its_cohort() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    let labels = "labels = { liver = [1] }\npatient = \"^(c[0-9])$\"";
    write_experiment(dir.path(), "", labels, "rule = { random = { test = 0.2 } }");
    // Something to find.
    fs::write(dir.path().join("cohort/c3.nii.gz"), b"cut off").unwrap();
    let of_experiment = ["audit", "e.toml", "--out", "of_experiment.csv"];
    assert_ends(&of_experiment, dir.path(), 1, &[]);
    let of_cohort = ["audit", "cohort", "--label", "liver=1"];
    let the_same = ["--patient", "^(c[0-9])$", "--out", "of_cohort.csv"];
    assert_ends(&[of_cohort, the_same].concat(), dir.path(), 1, &[]);
    let table = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let found = table("of_experiment.csv");
    assert!(found.contains("c3,c3,error,image_unreadable"), "{found}");
    // An experiment's paths are absolute.
    let folder = format!("{}/", dir.path().display());
    assert_eq!(found.replace(&folder, ""), table("of_cohort.csv"));
    let twice = ["audit", "e.toml", "--label", "liver=1"];
    assert_ends(&twice, dir.path(), 2, &["leave out --label"]);
}

#[test]
fn a_split_of_another_cohort_is_refused_by_the_audit_and_one_of_a_part_is_told() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    // A number need not stand in quotation marks.
    let one = "rule = { leave_one_out = { patient = 2 } }";
    write_experiment(dir.path(), "", LABELS, one);
    assert_ends(&PREPARE, dir.path(), 0, &[]);
    assert_ends(&SPLIT, dir.path(), 0, &[]);
    let split = fs::read_to_string(dir.path().join("s.json")).unwrap();
    let audit = ["audit", "cohort", "--label", "liver=1", "--split", "s.json"];
    let said = assert_ends(&audit, dir.path(), 0, &[]);
    assert!(!said.contains("of the split"), "{said}");
    let renamed = |from: &str, to: &str| {
        fs::write(dir.path().join("s.json"), split.replace(from, to)).unwrap();
    };
    renamed("\"c3\"", "\"other\"");
    let part = "1 of the 6 cases of the split are not in the cohort, as `other`";
    assert_ends(&audit, dir.path(), 0, &[part]);
    renamed("\"c", "\"d");
    assert_ends(&audit, dir.path(), 2, &["none of the cases of the split"]);
}

#[test]
fn a_list_may_name_a_scan_that_was_accepted_to_be_left_out() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    fs::write(dir.path().join("cohort/c3.nii.gz"), b"cut off").unwrap();
    let accept = format!("{LABELS}\naccept = [\"image_unreadable\"]");
    let lists = |test: &str| format!("rule = {{ lists = {{ test = [{test}] }} }}");
    write_experiment(dir.path(), "", &accept, &lists("\"c3\", \"c5\""));
    assert_ends(&PREPARE, dir.path(), 1, &["not in the store: c3"]);
    let parts = [
        "left out of test, since they are not in the store",
        "c3",
        "1 test",
    ];
    assert_ends(&SPLIT, dir.path(), 0, &parts);
    // The same again, from the split that is there.
    assert_ends(&SPLIT, dir.path(), 0, &["1 test"]);
    fs::remove_file(dir.path().join("s.json")).unwrap();
    for (names, part) in [
        ("\"c3\"", "nobody on the list `test` is in the store"),
        ("\"c9\"", "neither a case nor a patient is named `c9`"),
    ] {
        write_experiment(dir.path(), "", &accept, &lists(names));
        assert_ends(&SPLIT, dir.path(), 2, &[part]);
    }
}

#[test]
fn notes_of_readers_are_said_once_and_stop_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    for n in 0..6 {
        let path = dir.path().join(format!("cohort/c{n}_seg.nii.gz"));
        let labels = hardslice_volume::read_nifti_labels(&path).unwrap();
        let values = labels.volume.map(|label| u8::try_from(label).unwrap());
        fs::remove_file(&path).unwrap();
        let plain = dir.path().join(format!("cohort/c{n}_seg.nii"));
        write_label_map(&plain, &values, &labels.placement).unwrap();
        let mut bytes = fs::read(&plain).unwrap();
        // The slope: 1 is 1.0003, 2 is 2.0006.
        bytes[112..116].copy_from_slice(&1.0003_f32.to_le_bytes());
        fs::write(&plain, bytes).unwrap();
    }
    write_experiment(dir.path(), "", LABELS, ONE);
    for _ in 0..2 {
        let said = assert_ends(&PREPARE, dir.path(), 0, &["note: labels_rounded: c0"]);
        assert_eq!(said.matches("labels_rounded").count(), 1, "once:\n{said}");
        assert!(said.contains("5 more of this kind"), "{said}");
    }
    let table = fs::read_to_string(dir.path().join("store/audit.csv")).unwrap();
    assert_eq!(table.matches("note,labels_rounded").count(), 6, "{table}");
}

#[test]
fn a_sheared_scan_can_be_trained_on_where_that_is_accepted_and_never_tested_on() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    let mut sheared = *hardslice_volume::read_scan(&dir.path().join("cohort/c2.nii.gz"))
        .unwrap()
        .volume
        .grid();
    sheared.world_from_voxel[1][2] = 0.7;
    for name in ["c2", "c2_seg"] {
        let path = dir.path().join(format!("cohort/{name}.nii.gz"));
        let voxels = hardslice_volume::read_scan(&path)
            .unwrap()
            .volume
            .into_voxels();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "they were written from i16"
        )]
        let voxels = voxels.into_iter().map(|hu| hu as i16).collect();
        write_scan(&path, &Volume::new(sheared, voxels).unwrap()).unwrap();
    }
    let test = |case: &str| format!("rule = {{ lists = {{ test = [\"{case}\"] }} }}");
    write_experiment(dir.path(), "", LABELS, &test("c5"));
    assert_ends(&PREPARE, dir.path(), 2, &["error: sheared: c2", "resample"]);
    let accept = format!("{LABELS}\naccept = [\"sheared\"]");
    write_experiment(dir.path(), "", &accept, &test("c5"));
    assert_ends(&PREPARE, dir.path(), 0, &["sheared"]);
    assert_ends(&SPLIT, dir.path(), 0, &["1 test"]);
    fs::remove_file(dir.path().join("s.json")).unwrap();
    write_experiment(dir.path(), "", &accept, &test("c2"));
    let parts = [
        "the test case `c2` cannot be scored in millimetres",
        "resample",
    ];
    assert_ends(&SPLIT, dir.path(), 2, &parts);
    assert!(!dir.path().join("s.json").exists(), "no folds are left");
}

#[test]
fn labels_that_cannot_make_an_organ_are_refused_with_what_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    write_cohort(&dir.path().join("cohort"));
    write_experiment(dir.path(), "", "labels = { leber = [\"liver\"] }", ONE);
    let parts = [
        "`leber`: it is given by names alone (liver)",
        "values found: 1, 2",
        "`leber = [1]`",
    ];
    assert_ends(&PREPARE, dir.path(), 2, &parts);
    for k in 0..6 {
        fs::remove_file(dir.path().join(format!("cohort/c{k}_seg.nii.gz"))).unwrap();
    }
    write_experiment(dir.path(), "", LABELS, ONE);
    let parts = [
        "no case of the cohort has labels",
        "its 6 scans",
        "a column `labels`",
    ];
    assert_ends(
        &["prepare", "e.toml", "--out", "unlabelled"],
        dir.path(),
        2,
        &parts,
    );
    let ignore = |values: &str| format!("{LABELS}\nignore = {values}");
    for values in ["[\"x\"]", "[70000]", "[-1]", "3"] {
        write_experiment(dir.path(), "", &ignore(values), ONE);
        assert_ends(
            &PREPARE,
            dir.path(),
            2,
            &["a list of label values from 0 to 65535"],
        );
    }
}

#[test]
fn folds_without_test_patients_are_trained_with_a_word_and_compared_not_at_all() {
    let dir = support::workplace();
    let names: Vec<String> = (0..8).map(|n| format!("phantom_{n:03}")).collect();
    let folds = serde_json::json!([{"train": names, "val": []}]);
    fs::write(dir.path().join("folds.json"), folds.to_string()).unwrap();
    let text = support::experiment_of(&["baseline", "hard"]);
    let text = text.replace("steps = 24", "steps = 4").replace(
        "random = { test = 2 }",
        "nn_unet = { path = \"folds.json\", fold = 0 }",
    );
    fs::write(dir.path().join("all.toml"), text).unwrap();
    let ends = |line: &str, code, parts: &[&str]| {
        support::assert_ends(&support::words(line), dir.path(), code, parts)
    };
    let parts = [
        "warning: no patient is tested",
        "the list `val`",
        "split: 0 test",
    ];
    ends("run all.toml --out out", 0, &parts);
    for command in ["compare", "sweep"] {
        let parts = ["no patient is tested, so that there would be no score to compare"];
        ends(&format!("{command} all.toml --out {command}"), 2, &parts);
        let trained = dir
            .path()
            .join(command)
            .join("seed-0/liver/baseline/train.csv");
        assert!(!trained.exists(), "refused before anything is trained");
    }
    // A file of another kind, where the split would be written.
    for text in ["{\"format\": 1}", "[]"] {
        fs::write(dir.path().join("mine.json"), text).unwrap();
        let line = "split all.toml --store out/store --out mine.json";
        ends(
            line,
            2,
            &["no split that this program has written", "mine.json"],
        );
        let left = fs::read_to_string(dir.path().join("mine.json")).unwrap();
        assert_eq!(left, text, "left as it is");
    }
}
