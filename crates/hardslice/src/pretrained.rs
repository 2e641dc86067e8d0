//! What the pre-trained model says of single slices: the ledger keeps counts, not pictures.

use burn::tensor::Device;
use hardslice_data::Organ;
use hardslice_data::store::{Store, StoredSlices};
use hardslice_train::layout::RoundDir;
use hardslice_train::{Model, predict_slices};

/// The model that mined A.
pub(crate) struct Pretrained {
    model: Model,
}

impl Pretrained {
    /// Reads it from a round's folder.
    pub(crate) fn read(round: &RoundDir) -> Result<Self, String> {
        let model = Model::read(&round.pretrained().model(), &Device::flex()).map_err(|error| {
            format!(
                "The pre-trained model cannot be read, so its predictions are not shown: {}.",
                crate::causes::causes(&error)
            )
        })?;
        Ok(Self { model })
    }

    /// The model's organ in one slice, on the scan's own pixels.
    pub(crate) fn slice(
        &self,
        store: &Store,
        case_idx: usize,
        z: usize,
        organ: &Organ,
    ) -> anyhow::Result<Vec<bool>> {
        let record = &self.model.record;
        let source = StoredSlices { store, case_idx };
        let labels = predict_slices(&self.model, &source, &[z], &record.predict, &|_| {})?;
        let value = record
            .output_of(organ)
            .map(|output| record.label_value(output));
        Ok(labels.iter().map(|label| Some(*label) == value).collect())
    }
}
