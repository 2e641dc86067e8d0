//! Folds that are drawn: by share, by number, k folds, one patient left out.

use hardslice_data::CaseId;
use hardslice_data::split::{Amount, CaseFacts, Fold, Lists, Rule, SplitError, SplitOptions};

use crate::{case, check_whole, cohort, make, options, patients, random, ten};

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
