//! From options to folds, step by step.

use std::collections::{BTreeMap, BTreeSet};

use super::amount::rounded;
use super::draw::{Drawn, draw};
use super::report::{BalanceReport, GroupReport};
use super::{CaseFacts, Fold, Lists, Rule, Split, SplitError, SplitOptions, folds, organs};
use crate::random::Stream;
use crate::{CaseId, PatientId};

/// Patients in a fold; who is in none is left out.
type Folds = BTreeMap<PatientId, Fold>;

/// Training everybody is a choice that a user may make, and must not be an oversight.
const NOBODY_TESTED: &str = "no patient is tested: nets are trained, and there will be no score of any; \
                             give [split] test patients (of nnU-Net's folds the list `val`) where \
                             scores are wanted";

pub(super) fn make(
    cases: &[CaseFacts],
    options: &SplitOptions,
    store_blake3: &str,
) -> Result<Split, SplitError> {
    check(options)?;
    let usable: Vec<&CaseFacts> = cases.iter().filter(|case| case.is_usable()).collect();
    let patients = patients_of(&usable);
    let mut folds = Folds::new();
    let of_file = options.rule.lists_of_file()?;
    let mut notes = Vec::new();
    if let Rule::Table { path } = &options.rule {
        Lists::check_patients(path, cases)?;
    }
    let training = match (&options.rule, &of_file) {
        (Rule::Lists(lists), _) => listed(lists, cases, &mut folds, &mut notes)?,
        (Rule::Table { path } | Rule::NnUnet { path, .. }, Some(lists)) => {
            let path = path.clone();
            listed(lists, cases, &mut folds, &mut notes).map_err(|misfit| {
                let source = Box::new(misfit);
                SplitError::OfFile { path, source }
            })?
        }
        _ => hold_out_test(&patients, options, &mut folds)?,
    };
    let training = hold_out_validation(training, options, &mut folds)?;
    let drawn = divide(&training, &usable, options, &mut folds)?;
    let mut split = assembled(
        cases,
        &usable,
        &folds,
        drawn.as_ref(),
        options,
        store_blake3,
    );
    split.lists = of_file;
    if split.test.is_empty() {
        notes.push(NOBODY_TESTED.to_owned());
    }
    notes.append(&mut split.warnings);
    split.warnings = notes;
    folds::check(split.named(), cases)?;
    organs::check(&split, cases)?;
    Ok(split)
}

fn check(options: &SplitOptions) -> Result<(), SplitError> {
    let bad = |name, found: String, wanted: &str| {
        Err(SplitError::Option {
            name,
            found,
            wanted: wanted.to_owned(),
        })
    };
    let ratio = options.ratio;
    if !options.has_ratio() {
        return bad(
            "the selection ratio",
            ratio.to_string(),
            "above 0 and at most 1",
        );
    }
    if options.n_candidates == 0 {
        return bad("the number of candidates", "0".to_owned(), "at least 1");
    }
    Ok(())
}

fn patients_of(cases: &[&CaseFacts]) -> Vec<PatientId> {
    let mut patients: Vec<PatientId> = cases.iter().map(|case| case.patient.clone()).collect();
    patients.sort();
    patients.dedup();
    patients
}

/// Takes the test patients out; gives back who is left to train on.
fn hold_out_test(
    patients: &[PatientId],
    options: &SplitOptions,
    folds: &mut Folds,
) -> Result<Vec<PatientId>, SplitError> {
    let n = patients.len();
    let shuffled = |name| {
        let order = Stream::new(options.seed, name).permutation(n);
        order.into_iter().map(|index| patients[index].clone())
    };
    let test: Vec<PatientId> = match &options.rule {
        Rule::Random { test } => {
            let wanted = amount(*test, n, "the test set")?;
            shuffled("split/test").take(wanted).collect()
        }
        Rule::KFold { k, fold } => {
            if *k < 2 || *k > n {
                return Err(SplitError::Option {
                    name: "the number of folds",
                    found: k.to_string(),
                    wanted: format!("2 to {n}, the number of patients"),
                });
            }
            if fold >= k {
                let what = format!("{n} patients in {k} folds");
                return Err(SplitError::NoSuchFold {
                    fold: *fold,
                    n_folds: *k,
                    what,
                });
            }
            shuffled("split/folds").skip(*fold).step_by(*k).collect()
        }
        Rule::LeaveOneOut { patient } => {
            amount(super::Amount::Patients(1), n, "the patient left out")?;
            vec![left_out_patient(patients, patient)?]
        }
        Rule::Lists(_) | Rule::Table { .. } | Rule::NnUnet { .. } => {
            unreachable!("lists are taken as they are")
        }
    };
    folds.extend(test.into_iter().map(|patient| (patient, Fold::Test)));
    Ok(patients
        .iter()
        .filter(|patient| !folds.contains_key(*patient))
        .cloned()
        .collect())
}

fn left_out_patient(patients: &[PatientId], name: &str) -> Result<PatientId, SplitError> {
    let by_name = patients.iter().find(|patient| patient.as_str() == name);
    let by_number = || {
        name.parse::<usize>()
            .ok()
            .and_then(|index| patients.get(index))
    };
    by_name
        .or_else(by_number)
        .cloned()
        .ok_or_else(|| SplitError::UnknownName {
            name: name.to_owned(),
            fold: "test",
        })
}

/// The number of patients meant, of whom at least one must be left.
fn amount(wanted: super::Amount, n: usize, what: &'static str) -> Result<usize, SplitError> {
    let wanted = wanted.of(n).ok_or_else(|| SplitError::Option {
        name: what,
        found: format!("{wanted:?}"),
        wanted: "a share from 0 to below 1, or a number of patients".to_owned(),
    })?;
    if wanted >= n {
        return Err(SplitError::TooFewPatients {
            what,
            wanted,
            found: n,
            rest: 1,
        });
    }
    Ok(wanted)
}

/// Which scans come into a fold by another scan of their patient.
fn taken_along(
    named: &[(CaseId, Fold)],
    parts: &[(PatientId, Option<Fold>)],
    cases: &[&CaseFacts],
) -> Option<String> {
    let listed: BTreeSet<&CaseId> = named.iter().map(|(id, _)| id).collect();
    let patients: BTreeSet<&PatientId> = parts.iter().map(|(patient, _)| patient).collect();
    let is_along =
        |case: &&&CaseFacts| patients.contains(&case.patient) && !listed.contains(&case.id);
    let along: Vec<&str> = cases
        .iter()
        .filter(is_along)
        .map(|case| case.id.as_str())
        .collect();
    (!along.is_empty()).then(|| {
        format!(
            "on no list, and in the fold of another scan of their patients, who are never parted: {}",
            along.join(", ")
        )
    })
}

/// Takes the user's lists; gives back who is to be divided further. Notes who is left out because
/// nobody annotated an organ at hand (one table serves liver and kidney), or because the scan could
/// not be read, which the experiment accepts.
fn listed(
    lists: &Lists,
    all_cases: &[CaseFacts],
    folds: &mut Folds,
    notes: &mut Vec<String>,
) -> Result<Vec<PatientId>, SplitError> {
    let has_a_and_b = !lists.a.is_empty() || !lists.b.is_empty();
    if has_a_and_b && !lists.train.is_empty() {
        let what = "the lists name `train` beside `a` or `b`: give the one or the others";
        return Err(SplitError::Lists { what });
    }
    if has_a_and_b && lists.b.is_empty() {
        let what = "the lists name `a` but not `b`, which pre-training needs";
        return Err(SplitError::Lists { what });
    }
    let mut named: Vec<(CaseId, Fold)> = Vec::new();
    let mut parts = Vec::new();
    for (names, fold, title) in [
        (&lists.test, Some(Fold::Test), "test"),
        (&lists.validation, Some(Fold::Validation), "validation"),
        (&lists.a, Some(Fold::A), "a"),
        (&lists.b, Some(Fold::B), "b"),
        // Checked as B: that they part from no other fold is all that matters here.
        (&lists.train, None, "train"),
    ] {
        let (mut left_out, mut not_stored) = (Vec::new(), Vec::new());
        for name in names {
            let of_name = found(name, all_cases, title)?;
            let mut usable = of_name.iter().filter(|case| case.is_usable()).peekable();
            if usable.peek().is_none() {
                if of_name.iter().any(|case| case.is_stored()) {
                    left_out.push(name.as_str());
                } else {
                    not_stored.push(name.as_str());
                }
            }
            for case in usable {
                named.push((case.id.clone(), fold.unwrap_or(Fold::B)));
                parts.push((case.patient.clone(), fold));
            }
        }
        if !names.is_empty() && not_stored.len() == names.len() {
            return Err(SplitError::NobodyStored { list: title });
        }
        if !names.is_empty() && left_out.len() + not_stored.len() == names.len() {
            return Err(SplitError::NobodyAnnotated { list: title });
        }
        if !not_stored.is_empty() {
            notes.push(format!(
                "left out of {title}, since they are not in the store, which the audit says why: {}",
                not_stored.join(", ")
            ));
        }
        if !left_out.is_empty() {
            notes.push(format!(
                "left out of {title}, since no organ at hand is annotated there: {}",
                left_out.join(", ")
            ));
        }
    }
    let usable = all_cases.iter().filter(|case| case.is_usable());
    let cases: Vec<&CaseFacts> = usable.collect();
    // A case may be listed by its name and by its patient's.
    named.sort();
    named.dedup();
    notes.extend(taken_along(&named, &parts, &cases));
    folds::check(named.iter().map(|(id, fold)| (id, *fold)), all_cases)?;
    let in_fold = |wanted: Option<Fold>| {
        let of_fold = parts.iter().filter(move |(_, fold)| *fold == wanted);
        of_fold.map(|(patient, _)| patient.clone())
    };
    for fold in Fold::ALL {
        folds.extend(in_fold(Some(fold)).map(|patient| (patient, fold)));
    }
    let mut training: Vec<PatientId> = if has_a_and_b {
        Vec::new()
    } else if lists.train.is_empty() {
        patients_of(&cases)
            .into_iter()
            .filter(|patient| !folds.contains_key(patient))
            .collect()
    } else {
        in_fold(None).collect()
    };
    training.sort();
    training.dedup();
    Ok(training)
}

/// The case of this name, or all cases of the patient of this name.
fn found<'a>(
    name: &str,
    cases: &'a [CaseFacts],
    fold: &'static str,
) -> Result<Vec<&'a CaseFacts>, SplitError> {
    let of = |is_named: &dyn Fn(&CaseFacts) -> bool| -> Vec<&'a CaseFacts> {
        cases.iter().filter(|case| is_named(case)).collect()
    };
    let by_case = of(&|case| case.id.as_str() == name);
    if !by_case.is_empty() {
        return Ok(by_case);
    }
    let of_patient = of(&|case| case.patient.as_str() == name);
    if of_patient.is_empty() {
        return Err(SplitError::UnknownName {
            name: name.to_owned(),
            fold,
        });
    }
    Ok(of_patient)
}

/// Takes the validation patients out where no list has; gives back who is left.
fn hold_out_validation(
    mut training: Vec<PatientId>,
    options: &SplitOptions,
    folds: &mut Folds,
) -> Result<Vec<PatientId>, SplitError> {
    let is_given = folds.values().any(|fold| *fold == Fold::Validation);
    if training.is_empty() || is_given {
        return Ok(training);
    }
    let wanted = amount(options.validation, training.len(), "the validation set")?;
    Stream::new(options.seed, "split/validation").shuffle(&mut training);
    folds.extend(
        training
            .drain(..wanted)
            .map(|patient| (patient, Fold::Validation)),
    );
    training.sort();
    Ok(training)
}

/// Divides who is left into A and B; `None` where the lists have done it.
fn divide(
    training: &[PatientId],
    cases: &[&CaseFacts],
    options: &SplitOptions,
    folds: &mut Folds,
) -> Result<Option<Drawn>, SplitError> {
    if folds.values().any(|fold| *fold == Fold::B) {
        return Ok(None);
    }
    let n = training.len();
    let is_whole = options.ratio >= 1.0;
    let n_b = match n {
        0 => {
            let reason = "every usable one is in the test or the validation set, or none is usable";
            return Err(SplitError::NobodyToTrainOn { reason });
        }
        _ if is_whole => n,
        1 => return Err(SplitError::Indivisible),
        _ => rounded(options.ratio, n).clamp(1, n - 1),
    };
    let of_training: Vec<&CaseFacts> = cases
        .iter()
        .copied()
        .filter(|case| training.contains(&case.patient))
        .collect();
    let drawn = draw(training, &of_training, n_b, options);
    for patient in training {
        let fold = if drawn.b.contains(patient) {
            Fold::B
        } else {
            Fold::A
        };
        folds.insert(patient.clone(), fold);
    }
    Ok(Some(drawn))
}

fn assembled(
    cases: &[CaseFacts],
    usable: &[&CaseFacts],
    folds: &Folds,
    drawn: Option<&Drawn>,
    options: &SplitOptions,
    store_blake3: &str,
) -> Split {
    let group = |wanted: &[Fold]| -> Vec<&CaseFacts> {
        let is_in =
            |case: &&&CaseFacts| folds.get(&case.patient).is_some_and(|f| wanted.contains(f));
        usable.iter().filter(is_in).copied().collect()
    };
    let ids = |wanted| {
        group(&[wanted])
            .into_iter()
            .map(|case| case.id.clone())
            .collect()
    };
    let is_left_out = |case: &&CaseFacts| !case.is_usable() || !folds.contains_key(&case.patient);
    let (whole, a, b) = (
        group(&[Fold::A, Fold::B]),
        group(&[Fold::A]),
        group(&[Fold::B]),
    );
    Split {
        test: ids(Fold::Test),
        validation: ids(Fold::Validation),
        a: ids(Fold::A),
        b: ids(Fold::B),
        left_out: cases
            .iter()
            .filter(is_left_out)
            .map(|case| case.id.clone())
            .collect(),
        options: options.clone(),
        lists: None,
        balance: BalanceReport {
            whole: GroupReport::of(&whole, &whole),
            a: GroupReport::of(&a, &whole),
            b: GroupReport::of(&b, &whole),
            n_candidates: drawn.map_or(0, |drawn| drawn.n_candidates),
            median_candidate_distance: drawn.map(|drawn| drawn.median_distance),
        },
        warnings: Fold::ALL
            .into_iter()
            .flat_map(|fold| organs::warnings(fold, &group(&[fold])))
            .collect(),
        store_blake3: store_blake3.to_owned(),
    }
}
