//! A split as a file, and what is refused before training.

use std::fs;

use hardslice_data::split::{
    Amount, CaseFacts, Fold, Lists, Rule, Split, SplitError, SplitOptions,
};
use hardslice_data::{CaseId, Organ};

use crate::{case, cohort, make, options, patients, random};

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
fn a_setting_that_was_left_out_and_is_given_now_is_another_split() {
    let cases = cohort(12, 4);
    let first = random(3);
    let third = SplitOptions {
        division: 2,
        ..first.clone()
    };
    for (before, now, said) in [
        (&first, &third, "`division` in [split]: absent then, 2 now"),
        (&third, &first, "`division` in [split]: 2 then, absent now"),
    ] {
        let split = make(&cases, before).unwrap();
        let changes = split.changes(&cases, now, &split.store_blake3).unwrap();
        assert_eq!(changes, [said]);
        let changes = split.changes(&cases, before, &split.store_blake3).unwrap();
        assert_eq!(changes, [""; 0]);
    }
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
