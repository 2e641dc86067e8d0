//! What is to be said of a prediction before it is made.

use hardslice_train::ModelRecord;

use super::Predict;
use super::job::Job;
use crate::bars::Bars;
use crate::named_files::folders_of_volumes;
use crate::structures::StructureTable;

/// Says what had to be assumed of `--structures`, and which of its rows are of no organ of the model.
pub(super) fn tell_of_table(table: &StructureTable, record: &ModelRecord, bars: &Bars) {
    for note in &table.notes {
        bars.tell(&format!("note: --structures: {note}"));
    }
    let unused: Vec<&str> = table.unused(record).collect();
    if !unused.is_empty() {
        bars.tell(&format!(
            "note: --structures: the model does not find {}, so these rows play no part",
            unused.join(", ")
        ));
    }
}

impl Predict {
    /// Says where volumes are passed over.
    pub(super) fn tell_of_folders(&self, jobs: &[Job], bars: &Bars) {
        let are_in_a_folder = jobs.iter().any(|job| job.scan.path != self.input);
        if are_in_a_folder && let Some(first) = folders_of_volumes(&self.input).first() {
            bars.tell(&format!(
                "note: folders beside the scans are not looked into, and {} holds volumes",
                first.display()
            ));
        }
    }

    /// Says where flip averaging has nothing to average over, where there is no confidence, and where
    /// it was calibrated for other predictions than these.
    pub(super) fn tell_of_model(&self, record: &ModelRecord, bars: &Bars) {
        if self.flip_averaging && !record.has_flips() {
            bars.tell(
                "note: --flip-averaging changes nothing: this net was trained on slices that were \
                 neither flipped nor mirrored",
            );
        }
        for output in record.outputs() {
            let entry = &record.organs.entries()[output.idx()];
            let value = record.label_value(output);
            if entry.labels.first() != Some(&u16::from(value)) {
                bars.tell(&format!(
                    "note: `{}` is {value} in the label maps",
                    entry.organ
                ));
            }
        }
        let told = match &record.confidence {
            None => {
                "the model tells no confidence: its training held out no patients for validation, or \
                 it is of an earlier version; going on with that training by the same command adds it"
            }
            Some(_)
                if (self.largest_component && !record.predict.largest_component)
                    || (self.flip_averaging && !record.predict.flip_averaging) =>
            {
                "the Dice to be expected was calibrated without --largest-component and \
                 --flip-averaging; set them under [predict] of the training, and it is calibrated with \
                 them"
            }
            Some(_) => return,
        };
        bars.tell(&format!("note: {told}"));
    }
}
