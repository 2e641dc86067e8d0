//! Cases as a layout gives them, and the checks that all layouts share.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use hardslice_volume::spelling::folded;
use hardslice_volume::{Action, LabelNames};

use super::{Case, Problem, file_names};
use crate::{CaseId, NameError, Organ, OrganMap, PatientId};

/// A row of a table or a pair of files, before it is checked.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Where it stands, for messages: `row 3`, `NAME.nii.gz`.
    pub(super) place: String,
    pub(super) id: Option<String>,
    pub(super) patient: Option<String>,
    pub(super) image: PathBuf,
    pub(super) series_uid: Option<String>,
    pub(super) labels: Option<PathBuf>,
    /// Organs that the cohort says were looked for; all of the map where it does not say.
    pub(super) organs: Option<Vec<String>>,
}

/// What a layout gives.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    pub(super) cases: Vec<Draft>,
    pub(super) organs: Option<OrganMap>,
    pub(super) problems: Vec<Problem>,
    pub(super) notes: Vec<String>,
    /// The image channel's name where the cohort gives one that is not CT.
    pub(super) other_channel: Option<String>,
    /// Label values whose voxels nobody has judged.
    pub(super) ignored: Vec<u16>,
}

impl Drafts {
    /// Makes cases of the drafts; what does not fit is added to the problems, what a person should
    /// know to the notes.
    pub(super) fn checked(&mut self, organs: &OrganMap) -> Vec<Case> {
        let drafts = std::mem::take(&mut self.cases);
        self.note_patients(&drafts);
        self.check_organs(&drafts, organs);
        self.check_label_files(&drafts);
        let patients = scans_per_patient(&drafts);
        let names: Vec<String> = drafts
            .iter()
            .map(|draft| file_names::case_name(&draft.image))
            .collect();
        let numbered = file_names::numbered(names.iter().map(String::as_str));
        let mut places: BTreeMap<String, String> = BTreeMap::new();
        let mut spellings: BTreeMap<String, Vec<Spelling>> = BTreeMap::new();
        let mut cases = Vec::new();
        for draft in drafts {
            self.check_files(&draft);
            let place = draft.place.clone();
            match case_of(draft, &patients, &numbered, organs) {
                Err(source) => self.problems.push(Problem::Name { place, source }),
                Ok(case) => {
                    // Some file systems do not tell `P1` from `p1`, nor the forms of an accent.
                    let key = folded(case.id.as_str());
                    if let Some(first) = places.insert(key, place.clone()) {
                        let (place, id) = (place, case.id.to_string());
                        self.problems.push(Problem::DoubledId { place, id, first });
                    } else {
                        let known = spellings.entry(folded(case.patient.as_str())).or_default();
                        self.problems
                            .extend(other_spelling(&case.patient, place, known));
                    }
                    cases.push(case);
                }
            }
        }
        cases
    }

    /// Says where scans were taken to be patients: two scans of one patient in two folds are a net
    /// that is tested on what it was trained on.
    fn note_patients(&mut self, drafts: &[Draft]) {
        let without = drafts
            .iter()
            .filter(|draft| draft.patient.is_none())
            .count();
        let what = match without {
            0 => return,
            n if n == drafts.len() => "the cohort names no patients: every scan is".to_owned(),
            n => format!("{n} of {} scans have no patient: each is", drafts.len()),
        };
        if drafts.len() > 1 {
            self.notes.push(format!(
                "{what} taken as a patient of its own; where a patient has several scans, say whose \
                 they are (`patient` or `patients` in [cohort], or a column `patient`)"
            ));
        }
    }

    fn check_files(&mut self, draft: &Draft) {
        let image = std::iter::once(("image", &draft.image));
        for (what, path) in image.chain(draft.labels.iter().map(|path| ("label file", path))) {
            let (place, path) = (draft.place.clone(), path.clone());
            // What a store says of a case is JSON, which knows UTF-8 alone.
            if path.to_str().is_none() {
                self.problems.push(Problem::NotUtf8 { place, path });
                continue;
            }
            match path.try_exists().map_err(Action::Read.on(&path)) {
                Ok(true) => {}
                Ok(false) => self.problems.push(Problem::Missing { place, what, path }),
                Err(source) => self.problems.push(Problem::Unreadable { place, source }),
            }
        }
    }

    /// A label file belongs to one scan: two that share it are a row that was copied and not
    /// finished.
    fn check_label_files(&mut self, drafts: &[Draft]) {
        let mut owners: BTreeMap<PathBuf, &Draft> = BTreeMap::new();
        for draft in drafts {
            let Some(labels) = &draft.labels else {
                continue;
            };
            // One file by several ways: `seg/../seg/a.nii.gz`, a link.
            let file = fs::canonicalize(labels).unwrap_or_else(|_missing| labels.clone());
            let first = owners.entry(file).or_insert(draft);
            let is_other_scan = first.image != draft.image || first.series_uid != draft.series_uid;
            if is_other_scan {
                self.problems.push(Problem::SharedLabels {
                    place: draft.place.clone(),
                    first: first.place.clone(),
                    path: labels.clone(),
                });
            }
        }
    }

    /// A name in the table that the map lacks is no error: one table serves liver and kidney. An
    /// organ of the map that nobody annotated is one: it would be trained on nothing.
    fn check_organs(&mut self, drafts: &[Draft], organs: &OrganMap) {
        let with_labels = || drafts.iter().filter(|draft| draft.labels.is_some());
        let listed: BTreeSet<&str> = with_labels()
            .flat_map(|draft| draft.organs.iter().flatten())
            .map(String::as_str)
            .collect();
        let unknown: Vec<&str> = listed
            .iter()
            .copied()
            .filter(|name| !organs.knows(name))
            .collect();
        if !unknown.is_empty() {
            self.notes.push(format!(
                "listed as annotated but not in the organ map, so not used: {}",
                unknown.join(", ")
            ));
        }
        if with_labels().next().is_none() {
            return;
        }
        for organ in organs.organs() {
            if !with_labels().any(|draft| annotated(draft, organs).contains(organ)) {
                self.problems.push(Problem::NeverAnnotated {
                    organ: organ.clone(),
                    listed: listed.iter().copied().collect::<Vec<_>>().join(", "),
                });
            }
        }
    }
}

/// How a patient is written somewhere.
struct Spelling {
    patient: PatientId,
    place: String,
}

/// The problem that a patient is whose name stands elsewhere in another case of letters or another
/// form of accents: as two patients they could part. Each spelling is a problem once.
fn other_spelling(
    patient: &PatientId,
    place: String,
    known: &mut Vec<Spelling>,
) -> Option<Problem> {
    if known.iter().any(|spelling| spelling.patient == *patient) {
        return None;
    }
    let problem = known.first().map(|first| Problem::PatientSpelling {
        place: place.clone(),
        patient: patient.to_string(),
        first: first.place.clone(),
        other: first.patient.to_string(),
    });
    let patient = patient.clone();
    known.push(Spelling { patient, place });
    problem
}

/// What the cases are called where no patient is named.
pub(super) fn named_cases(drafts: &[Draft]) -> Vec<String> {
    let names: Vec<String> = drafts
        .iter()
        .map(|draft| file_names::case_name(&draft.image))
        .collect();
    let numbered = file_names::numbered(names.iter().map(String::as_str));
    let named = drafts.iter().zip(names);
    named
        .map(|(draft, name)| match &draft.id {
            Some(id) => id.trim().to_owned(),
            None => named_after_file(draft, name, &numbered),
        })
        .collect()
}

/// The name of a case that is called by its file: without nnU-Net's channel, if it has one.
fn named_after_file(draft: &Draft, name: String, numbered: &BTreeSet<String>) -> String {
    let labels = draft.labels.as_deref().map(file_names::case_name);
    file_names::case_of_channel(&name, labels.as_deref(), numbered).unwrap_or(name)
}

fn scans_per_patient(drafts: &[Draft]) -> BTreeMap<String, usize> {
    let mut n_scans = BTreeMap::new();
    for patient in drafts.iter().filter_map(|draft| draft.patient.as_ref()) {
        *n_scans.entry(patient.clone()).or_insert(0) += 1;
    }
    n_scans
}

/// Without an id a case is named after its patient, if that is the patient's only scan, else after
/// its file.
fn case_of(
    draft: Draft,
    scans_per_patient: &BTreeMap<String, usize>,
    numbered: &BTreeSet<String>,
    organs: &OrganMap,
) -> Result<Case, NameError> {
    let only_scan = |patient: &&String| scans_per_patient.get(*patient) == Some(&1);
    let named_after = draft.patient.as_ref().filter(only_scan);
    let id = if let Some(id) = draft.id.as_ref().or(named_after) {
        CaseId::new(id)?
    } else {
        let name = file_names::case_name(&draft.image);
        CaseId::new(named_after_file(&draft, name, numbered))?
    };
    let patient = PatientId::new(draft.patient.as_deref().unwrap_or(id.as_str()))?;
    let organs_annotated = annotated(&draft, organs);
    Ok(Case {
        id,
        patient,
        image: draft.image,
        series_uid: draft.series_uid,
        labels: draft.labels,
        organs_annotated,
    })
}

/// The organs of the map that a draft is annotated for, in the map's order. An organ is listed by
/// its own name or by the names of all its structures.
fn annotated(draft: &Draft, organs: &OrganMap) -> Vec<Organ> {
    if draft.labels.is_none() {
        return Vec::new();
    }
    let Some(listed) = &draft.organs else {
        return organs.organs().cloned().collect();
    };
    let is_listed = |name: &str| {
        listed
            .iter()
            .any(|other| LabelNames::same_name(other, name))
    };
    let is_annotated = |entry: &&crate::OrganLabels| {
        is_listed(entry.organ.as_str())
            || (!entry.structures.is_empty() && entry.structures.iter().all(|name| is_listed(name)))
    };
    organs
        .entries()
        .iter()
        .filter(is_annotated)
        .map(|entry| entry.organ.clone())
        .collect()
}
