//! Cases as a layout gives them, and the checks that all layouts share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hardslice_volume::Action;

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
}

impl Drafts {
    /// Makes cases of the drafts; what does not fit is added to the problems, what a person should
    /// know to the notes.
    pub(super) fn checked(&mut self, organs: &OrganMap) -> Vec<Case> {
        let drafts = std::mem::take(&mut self.cases);
        self.check_organs(&drafts, organs);
        let patients = scans_per_patient(&drafts);
        let mut places: BTreeMap<String, String> = BTreeMap::new();
        let mut cases = Vec::new();
        for draft in drafts {
            self.check_files(&draft);
            let place = draft.place.clone();
            match case_of(draft, &patients, organs) {
                Err(source) => self.problems.push(Problem::Name { place, source }),
                Ok(case) => {
                    // Some file systems do not tell `P1` from `p1`.
                    let key = case.id.as_str().to_lowercase();
                    if let Some(first) = places.insert(key, place.clone()) {
                        let id = case.id.to_string();
                        self.problems.push(Problem::DoubledId { place, id, first });
                    }
                    cases.push(case);
                }
            }
        }
        cases
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
    organs: &OrganMap,
) -> Result<Case, NameError> {
    let only_scan = |patient: &&String| scans_per_patient.get(*patient) == Some(&1);
    let named_after = draft.patient.as_ref().filter(only_scan);
    let id = match draft.id.as_ref().or(named_after) {
        Some(id) => CaseId::new(id)?,
        None => CaseId::new(file_names::case_name(&draft.image))?,
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
    let is_listed = |name: &str| listed.iter().any(|other| OrganMap::same_name(other, name));
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
