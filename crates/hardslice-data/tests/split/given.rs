//! Folds that are given: lists, tables, nnU-Net's `splits_final.json`.

use std::fs;

use hardslice_data::CaseId;
use hardslice_data::split::{Amount, Fold, Lists, Rule, Split, SplitError, SplitOptions};

use crate::{case, check_whole, cohort, make, options, patients, ten};

#[test]
fn lists_are_followed_and_what_they_leave_open_is_drawn() {
    let cases = cohort(8, 1);
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let lists = Lists {
        test: names(&["p001", "p004"]),
        ..Lists::default()
    };
    let split = make(&cases, &options(Rule::Lists(lists.clone()))).unwrap();
    check_whole(&split, &cases);
    assert_eq!(patients(&split, Fold::Test), ["001", "004"], "as listed");
    assert_eq!(patients(&split, Fold::Validation).len(), 1, "drawn");
    assert!(split.left_out.is_empty(), "the rest is for training");

    let all = Lists {
        validation: names(&["p000"]),
        a: names(&["p002", "p003"]),
        b: names(&["p005"]),
        ..lists.clone()
    };
    let split = make(&cases, &options(Rule::Lists(all))).unwrap();
    check_whole(&split, &cases);
    assert_eq!(patients(&split, Fold::A), ["002", "003"], "as listed");
    assert_eq!(patients(&split, Fold::B), ["005"], "as listed");
    assert!(
        split.left_out.iter().all(|id| id.as_str() > "s006"),
        "{:?}",
        split.left_out
    );

    let train = Lists {
        train: names(&["p006", "p007", "p000"]),
        ..lists
    };
    let split = make(&cases, &options(Rule::Lists(train))).unwrap();
    check_whole(&split, &cases);
    assert_eq!(
        patients(&split, Fold::A).len() + patients(&split, Fold::B).len(),
        2,
        "of three"
    );
}

#[test]
fn lists_that_part_a_patient_or_contradict_themselves_are_refused() {
    let cases = [
        case("x", "p", 10, Some(5)),
        case("y", "p", 10, Some(5)),
        case("z", "q", 10, Some(5)),
        case("w", "r", 10, Some(5)),
    ];
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let message = |lists: Lists| {
        make(&cases, &options(Rule::Lists(lists)))
            .unwrap_err()
            .to_string()
    };
    let parted = message(Lists {
        test: names(&["x"]),
        b: names(&["y"]),
        ..Lists::default()
    });
    assert!(
        parted.starts_with("the patient `p` is in two folds: `x` in test and `y` in B"),
        "{parted}"
    );
    let twice = message(Lists {
        test: names(&["z"]),
        validation: names(&["q"]),
        ..Lists::default()
    });
    assert!(
        twice.starts_with("the case `z` is in two folds, test and validation"),
        "{twice}"
    );
    let mixed = message(Lists {
        train: names(&["x"]),
        b: names(&["z"]),
        ..Lists::default()
    });
    assert!(mixed.contains("`train` beside `a` or `b`"), "{mixed}");
    let only_a = message(Lists {
        a: names(&["z"]),
        ..Lists::default()
    });
    assert!(only_a.contains("`a` but not `b`"), "{only_a}");
    let unknown = message(Lists {
        test: names(&["v"]),
        ..Lists::default()
    });
    assert!(
        unknown.contains("`v` (on the list of the fold `test`)"),
        "{unknown}"
    );
}

#[test]
fn one_listed_scan_takes_the_patients_other_scans_along() {
    let cases = [
        case("x", "p", 10, Some(5)),
        case("y", "p", 10, Some(5)),
        case("z", "q", 10, Some(5)),
        case("w", "r", 10, Some(5)),
    ];
    let lists = Lists {
        test: vec!["x".to_owned()],
        ..Lists::default()
    };
    let options = SplitOptions {
        validation: Amount::Patients(0),
        ..options(Rule::Lists(lists))
    };
    let split = make(&cases, &options).unwrap();
    let test: Vec<&str> = split.test.iter().map(CaseId::as_str).collect();
    assert_eq!(test, ["x", "y"], "both scans of the patient");
    let note =
        "on no list, and in the fold of another scan of their patients, who are never parted: y";
    assert_eq!(split.warnings, [note]);
}

#[test]
fn folds_are_read_from_a_table_and_from_nnunet() {
    let cases = cohort(6, 2);
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("folds.csv");
    fs::write(
        &table,
        "patient,sex,fold\np000,f,test\np001,m,val\np002,f,A\np003,m,b\n",
    )
    .unwrap();
    let split = make(
        &cases,
        &options(Rule::Table {
            path: table.clone(),
        }),
    )
    .unwrap();
    let folds = [Fold::Test, Fold::Validation, Fold::A, Fold::B].map(|fold| patients(&split, fold));
    assert_eq!(
        folds,
        [["000"], ["001"], ["002"], ["003"]],
        "as in the table"
    );
    fs::write(&table, "patient,fold\np000,tset\n").unwrap();
    let err = make(&cases, &options(Rule::Table { path: table }))
        .unwrap_err()
        .to_string();
    assert!(
        err.starts_with("line 2: the fold is `tset`, wanted test, validation"),
        "{err}"
    );

    let path = dir.path().join("splits_final.json");
    fs::write(
        &path,
        r#"[{"train": ["p000"], "val": ["p001"]},
            {"train": ["p000", "p001", "p002", "p003"], "val": ["p004"]}]"#,
    )
    .unwrap();
    let split = make(
        &cases,
        &options(Rule::NnUnet {
            path: path.clone(),
            fold: 1,
        }),
    )
    .unwrap();
    assert_eq!(patients(&split, Fold::Test), ["004"], "val is tested on");
    assert!(
        split
            .left_out
            .iter()
            .all(|id| id.as_str().starts_with("s005")),
        "in neither list"
    );
    let err = make(&cases, &options(Rule::NnUnet { path, fold: 2 }))
        .unwrap_err()
        .to_string();
    assert!(
        err.starts_with("fold 2 was asked for, but there are folds 0 to 1"),
        "{err}"
    );
}

/// What is said of a `splits_final.json` whose fold 0 is asked for.
fn refused_of_nnunet(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("splits_final.json");
    fs::write(&path, text).unwrap();
    let rule = Rule::NnUnet { path, fold: 0 };
    let refused = make(&cohort(6, 2), &options(rule)).unwrap_err().to_string();
    assert!(refused.contains("splits_final.json"), "{refused}");
    refused
}

#[test]
fn what_nnunets_folds_do_not_have_is_refused_and_nothing_is_passed_over() {
    for (text, parts) in [
        (
            r#"[{"train": ["p000"], "val": ["p001"], "test": ["p002"]}]"#,
            [
                "fold 0 has `test` beside `train` and `val`",
                "rule = { table",
            ],
        ),
        (
            r#"[{"train": ["p000"], "val": ["p001"], "test": ["p000"]}]"#,
            ["fold 0 has `test`", "take it out"],
        ),
        (
            r#"{"train": ["p000"], "val": ["p001"]}"#,
            ["the file holds an object", "nnU-Net's list of folds"],
        ),
        (r#""p000""#, ["the file holds a text", "list of folds"]),
        (
            r#"[["p000"], ["p001"]]"#,
            ["fold 0 is no pair of lists", "wanted"],
        ),
        (r#"[{"train": ["p000"]}]"#, ["fold 0 has no list", "`val`"]),
        (
            r#"[{"train": "p000", "val": ["p001"]}]"#,
            ["`train` of fold 0 is a text", "a list of names"],
        ),
        (
            r#"[{"train": ["p000"], "val": {"0": "p001"}}]"#,
            ["`val` of fold 0 is an object", "a list of names"],
        ),
        (
            r#"[{"train": [0, 1], "val": ["p001"]}]"#,
            ["`train` of fold 0 is a list of something else", "names"],
        ),
    ] {
        let refused = refused_of_nnunet(text);
        for part in parts {
            assert!(refused.contains(part), "{text}: {refused}");
        }
    }
}

#[test]
fn a_table_of_folds_that_gives_a_case_another_patient_is_refused() {
    let cases = cohort(4, 2);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("folds.csv");
    let refused = |text: &str| {
        fs::write(&path, text).unwrap();
        let made = make(&cases, &options(Rule::Table { path: path.clone() }));
        made.err().map(|refused| refused.to_string())
    };
    let rows = |of_0: &str| {
        format!(
            "case,patient,fold\ns000_0,{of_0},test\ns001_0,p001,train\ns002_0,,train\ns003_0,p003,train\n"
        )
    };
    assert_eq!(refused(&rows("p000")), None, "as in the cohort");
    let of_other = refused(&rows("p001")).unwrap();
    for part in [
        "line 2: the case `s000_0` is of the patient `p001` here and of `p000` in the cohort",
        "leave the column `patient` out",
        "folds.csv",
    ] {
        assert!(of_other.contains(part), "{of_other}");
    }
    assert!(
        refused("id,subject,split\ns000_0,p9,test\ns001_0,p001,train\n").is_some(),
        "by other names of the columns"
    );
}

#[test]
fn one_table_of_folds_serves_organs_that_not_everybody_is_annotated_for() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("folds.csv");
    let folds = [
        "test",
        "test",
        "validation",
        "b",
        "b",
        "b",
        "a",
        "a",
        "a",
        "a",
    ];
    let rows = folds.iter().enumerate();
    let rows: Vec<String> = rows.map(|(n, fold)| format!("c{n};{fold}\r\n")).collect();
    let rows = rows.concat();
    fs::write(&table, format!("\u{feff}Case ID;Fold\r\n{rows}")).unwrap();
    let nnunet = dir.path().join("splits_final.json");
    fs::write(
        &nnunet,
        "\u{feff}[{\"train\": [\"c3\", \"c4\", \"c5\", \"p6\"], \"val\": [\"c0\", \"c1\"]}]",
    )
    .unwrap();
    for rule in [
        Rule::Table { path: table },
        Rule::NnUnet {
            path: nnunet,
            fold: 0,
        },
    ] {
        let options = SplitOptions {
            validation: Amount::Patients(1),
            ..options(rule)
        };
        let split = make(&ten(&[1, 6]), &options).unwrap();
        assert_eq!(split.test, [CaseId::new("c0").unwrap()], "without c1");
        let said = split.warnings.join("\n");
        assert!(said.contains("left out of test"), "{said}");
        assert!(said.contains("c1") && said.contains('6'), "{said}");
        let unknown = make(&ten(&[])[1..], &options).unwrap_err();
        let SplitError::OfFile { path, source } = &unknown else {
            panic!("{unknown}")
        };
        assert!(path.starts_with(dir.path()), "the file is named");
        assert!(source.to_string().contains("named `c0`"), "{source}");
        let nobody = make(&ten(&[0, 1]), &options).unwrap_err();
        let SplitError::OfFile { source, .. } = &nobody else {
            panic!("{nobody}")
        };
        assert!(source.to_string().contains("list `test`"), "{source}");
    }
}

#[test]
fn a_table_of_folds_that_was_changed_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("folds.csv");
    let write = |test: &[&str]| {
        let fold = |n| {
            if test.contains(&format!("c{n}").as_str()) {
                "test"
            } else {
                "train"
            }
        };
        let rows: Vec<String> = (0..10).map(|n| format!("c{n},{}\n", fold(n))).collect();
        fs::write(&path, format!("case,fold\n{}", rows.concat())).unwrap();
    };
    write(&["c0", "c1"]);
    let options = options(Rule::Table { path: path.clone() });
    let cases = ten(&[]);
    let saved = dir.path().join("split.json");
    make(&cases, &options).unwrap().save(&saved).unwrap();
    let split = Split::load(&saved, &cases).unwrap();
    let changes = |options: &SplitOptions, store: &str| split.changes(&cases, options, store);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        format!("# looked through\n{}", text.replace(',', ";")),
    )
    .unwrap();
    assert!(
        changes(&options, &split.store_blake3).unwrap().is_empty(),
        "the same lists"
    );
    write(&["c8", "c1"]);
    assert_eq!(
        changes(&options, &split.store_blake3).unwrap(),
        [
            "the list `test`: now without c0 and with c8",
            "the list `train`: now without c8 and with c0"
        ],
        "what came and what went"
    );
    write(&["c0", "c1"]);
    let other = SplitOptions { seed: 9, ..options };
    let said = changes(&other, "another").unwrap().join("\n");
    assert!(said.contains("the store: scans, labels"), "{said}");
    assert!(said.contains("`seed` in [split]: 0 then, 9 now"), "{said}");
    let fewer = split.changes(&cases[1..], &other, "another").unwrap();
    assert_eq!(fewer[0], "the cases: now without c0");
    fs::remove_file(&path).unwrap();
    let gone = split.changes(&cases, &split.options, &split.store_blake3);
    let gone = gone.unwrap_err();
    assert!(gone.to_string().contains("folds.csv"), "{gone}");
}
