//! A table of weights.

use std::path::Path;

use hardslice_volume::Action;
use hardslice_volume::whole_file::write_whole_bytes;

use super::Export;

/// The columns of the table.
pub(super) const COLUMNS: [&str; 9] = [
    "case", "patient", "image", "labels", "z", "axis", "index", "weight", "reason",
];

/// `case,patient,image,labels,z,axis,index,weight,reason`: where each slice of the plan lies, on
/// canonical axes (z, from the feet up) and in its file, and how often an epoch shows it.
pub(super) fn write(export: &Export, out: &Path) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS)?;
    for entry in export.plan.entries() {
        let case = export.case(entry.slice);
        let place = export.file_slice(entry.slice);
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
        ])?;
    }
    Ok(write_whole_bytes(out, &table.into_inner()?).map_err(Action::Write.on(out))?)
}
