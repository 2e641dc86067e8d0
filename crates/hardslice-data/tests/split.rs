//! Splits by every rule, on cohorts that are only numbers.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

use std::collections::BTreeMap;
use std::fs;

use hardslice_data::random::Stream;
use hardslice_data::split::{
    Amount, CaseFacts, Fold, Lists, Rule, Split, SplitError, SplitOptions,
};
use hardslice_data::{CaseId, Organ, PatientId};

fn case(id: &str, patient: &str, n_slices: usize, n_positive: Option<usize>) -> CaseFacts {
    CaseFacts {
        id: CaseId::new(id).unwrap(),
        patient: PatientId::new(patient).unwrap(),
        voxels_blake3: id.to_owned(),
        n_slices,
        n_positive: vec![(Organ::new("liver").unwrap(), n_positive)],
    }
}

/// Patients of one to three scans, 20 to 320 slices each, a tenth to nine tenths of them positive.
fn cohort(n_patients: usize, seed: u64) -> Vec<CaseFacts> {
    let mut stream = Stream::new(seed, "cohort");
    let mut cases = Vec::new();
    for patient in 0..n_patients {
        for scan in 0..=stream.below(3) {
            let n_slices = 20 + stream.below(300);
            let n_positive = n_slices * (1 + stream.below(9)) / 10;
            let id = format!("s{patient:03}_{scan}");
            cases.push(case(
                &id,
                &format!("p{patient:03}"),
                n_slices,
                Some(n_positive),
            ));
        }
    }
    cases
}

fn options(rule: Rule) -> SplitOptions {
    SplitOptions {
        rule,
        n_candidates: 50,
        ..SplitOptions::default()
    }
}

fn random(test: usize) -> SplitOptions {
    options(Rule::Random {
        test: Amount::Patients(test),
    })
}

fn make(cases: &[CaseFacts], options: &SplitOptions) -> Result<Split, SplitError> {
    Split::make(cases, options, "hash")
}

/// Fails unless every case stands in exactly one fold, together with all scans of its patient.
fn check_whole(split: &Split, cases: &[CaseFacts]) {
    let mut folds: BTreeMap<&PatientId, Option<Fold>> = BTreeMap::new();
    let mut n_seen = split.left_out.len();
    for case in cases {
        let fold = split.fold_of(&case.id);
        let first = *folds.entry(&case.patient).or_insert(fold);
        assert_eq!(first, fold, "two scans of {} part", case.patient);
        n_seen += usize::from(fold.is_some());
        assert_eq!(
            fold.is_none(),
            split.left_out.contains(&case.id),
            "{}",
            case.id
        );
    }
    assert_eq!(n_seen, cases.len(), "each case once");
    let n_listed: usize = Fold::ALL.iter().map(|fold| split.cases(*fold).len()).sum();
    assert_eq!(
        n_listed + split.left_out.len(),
        cases.len(),
        "no case in two lists"
    );
}

fn patients(split: &Split, fold: Fold) -> Vec<String> {
    let mut names: Vec<String> = split
        .cases(fold)
        .iter()
        .map(|id| id.as_str()[1..4].to_owned())
        .collect();
    names.dedup();
    names
}

#[test]
fn two_scans_of_a_patient_never_part_whatever_is_asked_for() {
    for n_patients in 3..12 {
        let cases = cohort(n_patients, n_patients as u64);
        for seed in 0..6 {
            for ratio in [1.0, 0.8, 0.5, 0.3, 0.2] {
                let with = |rule| SplitOptions {
                    seed,
                    ratio,
                    ..options(rule)
                };
                let rules = [
                    Rule::Random {
                        test: Amount::Share(0.2),
                    },
                    Rule::Random {
                        test: Amount::Patients(0),
                    },
                    Rule::KFold { k: 3, fold: 1 },
                    Rule::LeaveOneOut {
                        patient: "p001".to_owned(),
                    },
                ];
                for rule in rules {
                    let shown = format!("{n_patients} patients, {rule:?}, r = {ratio}");
                    let mut options = with(rule);
                    if n_patients < 5 {
                        options.validation = Amount::Patients(0);
                    }
                    match make(&cases, &options) {
                        Ok(split) => {
                            check_whole(&split, &cases);
                            assert!(!split.b.is_empty(), "{shown}: nobody in B");
                            assert_eq!(split.a.is_empty(), ratio >= 1.0, "{shown}: A");
                        }
                        Err(SplitError::Indivisible) => {
                            assert!(n_patients < 4, "{shown}: enough to divide");
                        }
                        Err(err) => panic!("{shown}: {err}"),
                    }
                }
            }
        }
    }
}

#[test]
fn the_order_of_the_cases_does_not_matter_but_the_seed_does() {
    let cases = cohort(30, 0);
    let mut reversed = cases.clone();
    reversed.reverse();
    let sorted = |mut ids: Vec<CaseId>| {
        ids.sort();
        ids
    };
    let (one, other) = (
        make(&cases, &random(6)).unwrap(),
        make(&reversed, &random(6)).unwrap(),
    );
    assert_eq!(
        sorted(one.test.clone()),
        sorted(other.test),
        "the same test patients"
    );
    assert_eq!(
        sorted(one.validation.clone()),
        sorted(other.validation),
        "the same validation"
    );
    let another = make(
        &cases,
        &SplitOptions {
            seed: 1,
            ..random(6)
        },
    )
    .unwrap();
    assert_ne!(one.test, another.test, "another seed");
    assert_eq!(one, make(&cases, &random(6)).unwrap(), "the same seed");
}

#[test]
fn the_papers_cohort_is_split_as_in_the_paper() {
    let cases: Vec<CaseFacts> = cohort(260, 5)
        .into_iter()
        .filter(|case| case.id.as_str().ends_with("_0"))
        .collect();
    let options = SplitOptions {
        validation: Amount::Patients(20),
        n_candidates: 2000,
        ..random(40)
    };
    let split = make(&cases, &options).unwrap();
    let n = [
        split.test.len(),
        split.validation.len(),
        split.a.len(),
        split.b.len(),
    ];
    assert_eq!(n, [40, 20, 100, 100], "of 260 patients, at r = 0.5");
    let balance = &split.balance;
    let (b, median) = (
        balance.b.distance.unwrap(),
        balance.median_candidate_distance.unwrap(),
    );
    assert!(
        b < 0.5 * median,
        "the best of 2000 ({b}) is far better than their median ({median})"
    );
    let share =
        |group: &hardslice_data::split::GroupReport| group.organs[0].positive_share.unwrap();
    assert!(
        (share(&balance.b) - share(&balance.whole)).abs() < 0.005,
        "positive slices"
    );
    let mean = |group: &hardslice_data::split::GroupReport| group.slices_mean.unwrap();
    assert!(
        (mean(&balance.b) - mean(&balance.whole)).abs() < 5.0,
        "slices per volume"
    );
    assert_eq!(balance.n_candidates, 2000, "compared");
}

#[test]
fn the_best_division_of_a_small_cohort_is_found() {
    // Pairs of twins: the only B that matches takes one of each.
    let cases = [
        case("s000", "p000", 100, Some(10)),
        case("s001", "p001", 100, Some(10)),
        case("s002", "p002", 300, Some(200)),
        case("s003", "p003", 300, Some(200)),
    ];
    for seed in 0..8 {
        let options = SplitOptions {
            seed,
            validation: Amount::Patients(0),
            ..random(0)
        };
        let split = make(&cases, &options).unwrap();
        let b = split.balance.b;
        assert_eq!(
            (b.n_slices, b.organs[0].n_positive),
            (400, 210),
            "seed {seed}"
        );
        assert!(b.distance.unwrap() < 1e-12, "a perfect match");
        assert_eq!(split.balance.n_candidates, 6, "all pairs of four");
    }
}

#[test]
fn every_patient_is_tested_once_in_k_folds() {
    let cases = cohort(10, 3);
    let mut tested = Vec::new();
    for fold in 0..4 {
        let split = make(&cases, &options(Rule::KFold { k: 4, fold })).unwrap();
        let here = patients(&split, Fold::Test);
        assert!((2..=3).contains(&here.len()), "fold {fold}: {here:?}");
        tested.extend(here);
    }
    tested.sort();
    let all: Vec<String> = (0..10).map(|patient| format!("{patient:03}")).collect();
    assert_eq!(tested, all, "each once");
    let beyond = make(&cases, &options(Rule::KFold { k: 4, fold: 4 })).unwrap_err();
    assert!(
        beyond
            .to_string()
            .starts_with("fold 4 was asked for, but there are folds 0 to 3"),
        "{beyond}"
    );
    let too_many = make(&cases, &options(Rule::KFold { k: 11, fold: 0 })).unwrap_err();
    assert!(
        too_many.to_string().contains("wanted 2 to 10"),
        "{too_many}"
    );
}

#[test]
fn one_patient_is_left_out_by_name_or_by_number() {
    let cases = cohort(5, 3);
    for patient in ["p003", "3"] {
        let rule = Rule::LeaveOneOut {
            patient: patient.to_owned(),
        };
        let split = make(&cases, &options(rule)).unwrap();
        assert_eq!(patients(&split, Fold::Test), ["003"], "by `{patient}`");
    }
    let rule = Rule::LeaveOneOut {
        patient: "nobody".to_owned(),
    };
    let err = make(&cases, &options(rule)).unwrap_err().to_string();
    assert!(
        err.starts_with("neither a case nor a patient is named `nobody`"),
        "{err}"
    );
}

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
fn folds_without_test_patients_say_so() {
    let cases = cohort(8, 2);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("splits_final.json");
    let everybody: Vec<String> = (0..8).map(|patient| format!("p{patient:03}")).collect();
    let folds = serde_json::json!([{"train": everybody, "val": []}]);
    fs::write(&path, folds.to_string()).unwrap();
    let nobody = "no patient is tested";
    for rule in [
        Rule::NnUnet { path, fold: 0 },
        Rule::Lists(Lists::default()),
        Rule::Random {
            test: Amount::Patients(0),
        },
    ] {
        let split = make(&cases, &options(rule.clone())).unwrap();
        assert!(split.test.is_empty());
        assert!(split.warnings[0].starts_with(nobody), "{rule:?}");
    }
    let tested = make(&cases, &random(1)).unwrap();
    assert!(!tested.warnings.iter().any(|said| said.contains(nobody)));
}

#[test]
fn a_file_that_is_no_split_is_named_and_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dataset.json");
    for text in ["{\"format\": 1}", "[1]", "{}", "no JSON", ""] {
        fs::write(&path, text).unwrap();
        let refused = Split::load(&path, &cohort(4, 2)).unwrap_err().to_string();
        for part in [
            "no split that this program has written",
            "left as it is",
            "dataset.json",
        ] {
            assert!(refused.contains(part), "{text}: {refused}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn cases_without_annotation_are_left_out_and_missing_organs_are_warned_of() {
    let both = |id: &str, liver, kidney| CaseFacts {
        n_positive: vec![
            (Organ::new("liver").unwrap(), liver),
            (Organ::new("kidney").unwrap(), kidney),
        ],
        ..case(id, id, 50, None)
    };
    let cases = [
        both("a", Some(20), None),
        both("b", Some(20), Some(5)),
        both("c", Some(20), None),
        both("d", None, None),
        both("e", Some(30), None),
    ];
    let options = SplitOptions {
        validation: Amount::Patients(0),
        ..options(Rule::Lists(Lists {
            test: vec!["a".to_owned()],
            ..Lists::default()
        }))
    };
    let split = make(&cases, &options).unwrap();
    assert_eq!(
        split.left_out,
        [CaseId::new("d").unwrap()],
        "nothing annotated"
    );
    assert!(
        split.b.contains(&CaseId::new("b").unwrap()),
        "B must have the only kidney"
    );
    assert_eq!(
        split.warnings,
        [
            "nobody in test is annotated for kidney",
            "nobody in A is annotated for kidney"
        ],
        "said"
    );
}

#[test]
fn tiny_cohorts_are_split_or_refused_with_the_way_out() {
    let two = cohort(2, 0);
    let none = SplitOptions {
        validation: Amount::Patients(0),
        ..random(0)
    };
    let split = make(&two, &none).unwrap();
    let n = (
        patients(&split, Fold::A).len(),
        patients(&split, Fold::B).len(),
    );
    assert_eq!(n, (1, 1), "one patient each");
    let message = |options: &SplitOptions| make(&two, options).unwrap_err().to_string();
    let indivisible = message(&SplitOptions {
        validation: Amount::Patients(1),
        ..random(0)
    });
    assert!(indivisible.contains("set the ratio to 1"), "{indivisible}");
    let all = message(&random(2));
    assert!(
        all.starts_with("the test set takes 2 of 2 patients"),
        "{all}"
    );
    let ratio = message(&SplitOptions {
        ratio: 0.0,
        ..none.clone()
    });
    assert!(
        ratio.starts_with("the selection ratio is 0, wanted above 0"),
        "{ratio}"
    );
    let nobody = make(&[], &none).unwrap_err().to_string();
    assert!(nobody.starts_with("the test set takes 0 of 0"), "{nobody}");
}

#[test]
fn a_split_is_saved_and_checked_when_read() {
    let cases = cohort(12, 4);
    let split = make(&cases, &random(3)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("split.json");
    split.save(&path).unwrap();
    assert_eq!(Split::load(&path, &cases).unwrap(), split, "read back");
    let mut parted = split.clone();
    let scans_of = |split: &Split, patient: &str| {
        split
            .b
            .iter()
            .filter(|id| id.as_str()[1..4] == *patient)
            .count()
    };
    let of_two = patients(&split, Fold::B)
        .into_iter()
        .find(|p| scans_of(&split, p) > 1)
        .unwrap();
    let at = parted
        .b
        .iter()
        .position(|id| id.as_str()[1..4] == of_two)
        .unwrap();
    let moved = parted.b.remove(at);
    parted.test.push(moved);
    parted.save(&path).unwrap();
    let err = Split::load(&path, &cases).unwrap_err();
    assert!(matches!(err, SplitError::PatientParted { .. }), "{err}");
    split.save(&path).unwrap();
    let err = Split::load(&path, &cases[1..]).unwrap_err();
    assert!(matches!(err, SplitError::UnknownCase { .. }), "{err}");
}

/// Ten patients of one scan each, `c0` to `c9`; some without an annotated liver.
fn ten(without: &[usize]) -> Vec<CaseFacts> {
    let one = |n: usize| {
        let n_positive = (!without.contains(&n)).then_some(20);
        case(&format!("c{n}"), &format!("p{n}"), 50, n_positive)
    };
    (0..10).map(one).collect()
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

#[test]
fn an_organ_that_no_training_slice_shows_is_refused_before_training() {
    let lists = |b: &[&str], a: &[&str]| {
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
        SplitOptions {
            validation: Amount::Patients(0),
            ..options(Rule::Lists(Lists {
                test: names(&["c0"]),
                a: names(a),
                b: names(b),
                ..Lists::default()
            }))
        }
    };
    let with = |n_positive: [usize; 4]| -> Vec<CaseFacts> {
        let n_positive = n_positive.into_iter().enumerate();
        n_positive
            .map(|(n, positive)| case(&format!("c{n}"), &format!("p{n}"), 50, Some(positive)))
            .collect()
    };
    let message = |n_positive| {
        let refused = make(&with(n_positive), &lists(&["c1"], &["c2", "c3"])).unwrap_err();
        refused.to_string()
    };
    let nowhere = message([5, 0, 0, 0]);
    assert!(
        nowhere.starts_with("no slice of the training patients shows `liver`"),
        "{nowhere}"
    );
    let not_in_b = message([5, 0, 7, 0]);
    assert!(not_in_b.starts_with("no slice of B"), "{not_in_b}");
    let untested = make(&with([0, 4, 7, 0]), &lists(&["c1"], &["c2", "c3"])).unwrap();
    assert_eq!(
        untested.warnings,
        ["no slice of anybody in test shows liver"]
    );
}

#[test]
fn one_scan_under_two_names_is_never_in_two_folds() {
    let mut cases = ten(&[]);
    cases[7].voxels_blake3 = cases[0].voxels_blake3.clone();
    let with_test = |test: &[&str]| {
        options(Rule::Lists(Lists {
            test: test.iter().map(|&name| name.to_owned()).collect(),
            ..Lists::default()
        }))
    };
    let parted = make(&cases, &with_test(&["c0"])).unwrap_err().to_string();
    assert!(parted.contains("`c0` in test and `c7` in"), "{parted}");
    assert!(
        make(&cases, &with_test(&["c0", "c7"])).is_ok(),
        "both tested on"
    );
}
