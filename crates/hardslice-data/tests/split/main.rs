//! Splits by every rule, on cohorts that are only numbers.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

mod drawn;
mod given;
mod kept;

use std::collections::BTreeMap;

use hardslice_data::random::Stream;
use hardslice_data::split::{Amount, CaseFacts, Fold, Rule, Split, SplitError, SplitOptions};
use hardslice_data::{CaseId, Organ, PatientId};

pub(crate) fn case(
    id: &str,
    patient: &str,
    n_slices: usize,
    n_positive: Option<usize>,
) -> CaseFacts {
    CaseFacts {
        id: CaseId::new(id).unwrap(),
        patient: PatientId::new(patient).unwrap(),
        voxels_blake3: id.to_owned(),
        n_slices,
        n_positive: vec![(Organ::new("liver").unwrap(), n_positive)],
    }
}

/// Patients of one to three scans, 20 to 320 slices each, a tenth to nine tenths of them positive.
pub(crate) fn cohort(n_patients: usize, seed: u64) -> Vec<CaseFacts> {
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

pub(crate) fn options(rule: Rule) -> SplitOptions {
    SplitOptions {
        rule,
        n_candidates: 50,
        ..SplitOptions::default()
    }
}

pub(crate) fn random(test: usize) -> SplitOptions {
    options(Rule::Random {
        test: Amount::Patients(test),
    })
}

pub(crate) fn make(cases: &[CaseFacts], options: &SplitOptions) -> Result<Split, SplitError> {
    Split::make(cases, options, "hash")
}

/// Fails unless every case stands in exactly one fold, together with all scans of its patient.
pub(crate) fn check_whole(split: &Split, cases: &[CaseFacts]) {
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

pub(crate) fn patients(split: &Split, fold: Fold) -> Vec<String> {
    let mut names: Vec<String> = split
        .cases(fold)
        .iter()
        .map(|id| id.as_str()[1..4].to_owned())
        .collect();
    names.dedup();
    names
}

/// Ten patients of one scan each, `c0` to `c9`; some without an annotated liver.
pub(crate) fn ten(without: &[usize]) -> Vec<CaseFacts> {
    let one = |n: usize| {
        let n_positive = (!without.contains(&n)).then_some(20);
        case(&format!("c{n}"), &format!("p{n}"), 50, n_positive)
    };
    (0..10).map(one).collect()
}
