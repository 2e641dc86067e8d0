//! A table of weights.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, Placement};

use super::{Export, FileSlice, label_placement};

/// The columns of the table.
pub(super) const COLUMNS: [&str; 11] = [
    "case",
    "patient",
    "image",
    "labels",
    "z",
    "axis",
    "index",
    "weight",
    "reason",
    "labels_axis",
    "labels_index",
];

/// Where each slice of the plan lies, on canonical axes (z, from the feet up), in the scan's file (`axis`,
/// `index`) and in that of its labels, which may have other axes, and how often an epoch shows it.
pub(super) fn write(export: &Export, out: &Path) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS)?;
    let mut of_labels: BTreeMap<usize, Option<Placement>> = BTreeMap::new();
    for entry in export.plan.entries() {
        let case = export.case(entry.slice);
        let place = export.file_slice(entry.slice);
        let placement = match of_labels.entry(entry.slice.case()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => *vacant.insert(label_placement(case)?),
        };
        let in_labels = placement.map(|placement| FileSlice::of(&placement, entry.slice.place()));
        let in_labels = in_labels.map_or(Default::default(), |place| {
            [place.axis.to_string(), place.index.to_string()]
        });
        // An empty cell where there are none.
        let labels = case.source.labels.as_deref().unwrap_or(Path::new(""));
        table.write_record([
            case.id.as_str(),
            case.patient.as_str(),
            &case.source.image.display().to_string(),
            &labels.display().to_string(),
            &entry.slice.z.to_string(),
            &place.axis.to_string(),
            &place.index.to_string(),
            &entry.weight.to_string(),
            entry.reason.name(),
            &in_labels[0],
            &in_labels[1],
        ])?;
    }
    Ok(write_whole_bytes(out, &table.into_inner()?).map_err(Action::Write.on(out))?)
}
