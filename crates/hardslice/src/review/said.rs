//! What reviewers said of a slice, for other commands.

use std::collections::BTreeSet;
use std::path::Path;

use hardslice_data::Organ;
use hardslice_data::mining::review::{Judged, LabelVerdict, ReviewError, Verdicts, shown_hash};
use hardslice_data::store::Store;
use hardslice_eval::compare::counted;

/// How many slices people judged at the desk of a folder, and what they found; `None` where nobody did.
/// A verdict on a slice or a label that has changed since does not count.
///
/// # Errors
///
/// The verdicts cannot be read.
pub(crate) fn verdicts_in_words(dir: &Path, store: &Store) -> Result<Option<String>, ReviewError> {
    let standing = Verdicts::read(&Verdicts::path_in(dir))?.standing();
    let mut reviewers = BTreeSet::new();
    let mut counts = [0; 4];
    let (mut n_slices, mut n_outdated) = (0, 0);
    for (judged, of_slice) in &standing {
        let now = shown_now(store, judged);
        let mut counts_of_slice = false;
        for (reviewer, stands) in of_slice {
            reviewers.insert(reviewer.as_str());
            if now.as_ref() != Some(&stands.shown) {
                n_outdated += 1;
                continue;
            }
            counts_of_slice = true;
            for (count, verdict) in counts.iter_mut().zip(LabelVerdict::ALL) {
                *count += usize::from(stands.verdict == verdict);
            }
        }
        n_slices += usize::from(counts_of_slice);
    }
    if reviewers.is_empty() {
        return Ok(None);
    }
    let [right, wrong, ambiguous, broken] = counts;
    let names: Vec<&str> = reviewers.into_iter().collect();
    let outdated = match n_outdated {
        0 => String::new(),
        1 => " 1 verdict on a slice or a label that has changed since is not counted.".to_owned(),
        n => format!(" {n} verdicts on slices or labels that have changed since are not counted."),
    };
    Ok(Some(format!(
        "{} judged {} at the review desk: the label right {right} times, wrong {wrong}, ambiguous \
         {ambiguous}, the scan broken {broken}.{outdated} review/verdicts.csv holds every verdict.",
        names.join(", "),
        counted(n_slices, "slice")
    )))
}

/// Hash of what a reviewer would see of a slice now; `None` where the store does not have it.
fn shown_now(store: &Store, judged: &Judged) -> Option<String> {
    let case_idx = store.place_of(&judged.case)?;
    let z = judged.z as usize;
    let organ = Organ::new(judged.organ.as_str()).ok()?;
    let is_there = z < store.cases()[case_idx].n_slices && store.organ_of(&organ).is_some();
    is_there.then(|| shown_hash(store, case_idx, z, &organ))
}

/// A sentence for each verdict on a slice that people gave at the desk of a folder. One on a label that
/// has changed since says so.
///
/// # Errors
///
/// The verdicts cannot be read.
pub(crate) fn verdicts_on(
    dir: &Path,
    store: &Store,
    case_idx: usize,
    z: u32,
) -> anyhow::Result<Vec<String>> {
    let standing = Verdicts::read(&Verdicts::path_in(dir))?.standing();
    let case = store.cases()[case_idx].id.as_str();
    let mut said = Vec::new();
    for (judged, of_slice) in standing {
        if judged.case != case || judged.z != z {
            continue;
        }
        let now = shown_now(store, &judged);
        for (reviewer, stands) in of_slice {
            let found = stands.verdict.in_words();
            let note = match stands.note.as_str() {
                "" => String::new(),
                note => format!(" ({})", note.replace('\n', " ")),
            };
            let since = if now.as_ref() == Some(&stands.shown) {
                ""
            } else {
                "; slice or label have changed since, so that this does not count"
            };
            let organ = &judged.organ;
            said.push(format!(
                "{reviewer} found {found} for the {organ}{note}{since}"
            ));
        }
    }
    Ok(said)
}
