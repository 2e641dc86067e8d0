//! A work list of labels that reviewers found wrong.

use std::path::Path;

use anyhow::anyhow;
use hardslice_data::Organ;
use hardslice_data::mining::review::{LabelVerdict, Verdicts, shown_hash};
use hardslice_data::store::Store;
use hardslice_volume::Action;
use hardslice_volume::whole_file::write_whole_bytes;

use super::{FileSlice, label_placement};
use crate::outputs::{refuse_among_records, refuse_over_inputs, refuse_over_other_tables};

/// The columns of the table.
const COLUMNS: [&str; 11] = [
    "case", "patient", "image", "labels", "z", "axis", "index", "organ", "verdict", "reviewer",
    "note",
];

/// A row for each verdict at the desk of `dir` that a label is wrong or ambiguous, or a scan broken, and
/// that still holds: which files to open, and where in them the slice lies. Scan by scan, from the feet
/// up. Once a label is corrected and the cohort prepared again, its verdicts hold no more.
///
/// # Errors
///
/// Nobody judged a slice; the output is an input, or another program's; it cannot be written.
pub(crate) fn write(dir: &Path, store: &Store, out: &Path) -> anyhow::Result<()> {
    let path = Verdicts::path_in(dir);
    if !path.exists() {
        return Err(anyhow!(
            "nobody has judged slices of {}: `hardslice review` takes verdicts",
            dir.display()
        ));
    }
    let scans = store.cases().iter().flat_map(|case| case.source.inputs());
    refuse_over_inputs([out.to_owned()], scans.cloned().chain([path.clone()]))?;
    refuse_among_records(out)?;
    refuse_over_other_tables(out, &COLUMNS.join(","))?;
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS)?;
    for (judged, of_slice) in Verdicts::read(&path)?.standing() {
        let (Some(case_idx), Ok(organ)) = (store.place_of(&judged.case), Organ::new(&judged.organ))
        else {
            continue; // Of a case that the cohort does not hold any more.
        };
        let (case, z) = (&store.cases()[case_idx], judged.z as usize);
        if z >= case.n_slices {
            continue;
        }
        let now = shown_hash(store, case_idx, z, &organ);
        let placement = label_placement(case)?.unwrap_or(case.placement);
        let place = FileSlice::of(&placement, z);
        let labels = case.source.labels.as_deref().unwrap_or(Path::new(""));
        for (reviewer, stands) in of_slice {
            if stands.verdict == LabelVerdict::Right || stands.shown != now {
                continue;
            }
            table.write_record([
                case.id.as_str(),
                case.patient.as_str(),
                &case.source.image.display().to_string(),
                &labels.display().to_string(),
                &judged.z.to_string(),
                &place.axis.to_string(),
                &place.index.to_string(),
                &judged.organ,
                stands.verdict.name(),
                &reviewer,
                &stands.note,
            ])?;
        }
    }
    Ok(write_whole_bytes(out, &table.into_inner()?).map_err(Action::Write.on(out))?)
}
