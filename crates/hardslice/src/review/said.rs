//! What reviewers said of a slice, for other commands.

use std::collections::BTreeSet;
use std::path::Path;

use hardslice_data::Organ;
use hardslice_data::store::Store;

use hardslice_data::mining::review::{LabelVerdict, ReviewError, Verdicts, shown_hash};

/// How many slices people judged at the desk of a folder, and what they found; `None` where nobody did.
///
/// # Errors
///
/// The verdicts cannot be read.
pub(crate) fn verdicts_in_words(dir: &Path) -> Result<Option<String>, ReviewError> {
    let standing = Verdicts::read(&Verdicts::path_in(dir))?.standing();
    let mut reviewers = BTreeSet::new();
    let mut counts = [0; 4];
    for (reviewer, stands) in standing.values().flatten() {
        reviewers.insert(reviewer.as_str());
        for (count, verdict) in counts.iter_mut().zip(LabelVerdict::ALL) {
            *count += usize::from(stands.verdict == verdict);
        }
    }
    if reviewers.is_empty() {
        return Ok(None);
    }
    let [right, wrong, ambiguous, broken] = counts;
    let names: Vec<&str> = reviewers.into_iter().collect();
    Ok(Some(format!(
        "{} judged {} slices at the review desk: the label right {right} times, wrong {wrong}, ambiguous \
         {ambiguous}, the scan broken {broken}. review/verdicts.csv holds every verdict.",
        names.join(", "),
        standing.len()
    )))
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
        let organ = Organ::new(judged.organ.as_str()).ok();
        let now = organ.map(|organ| shown_hash(store, case_idx, z as usize, &organ));
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
