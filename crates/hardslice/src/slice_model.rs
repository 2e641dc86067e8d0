//! What a model says of single slices: the ledger keeps counts, not pictures.

use std::path::Path;

use burn::tensor::Device;
use hardslice_data::Organ;
use hardslice_data::store::{Store, StoredSlices};
use hardslice_train::layout::RoundDir;
use hardslice_train::{Model, ModelError, predict_slices};

/// A model that is asked for slices of a store.
pub(crate) struct SliceModel {
    pub(crate) model: Model,
}

impl SliceModel {
    /// Reads a model's folder.
    ///
    /// # Errors
    ///
    /// [`ModelError`] when there is none, or it is damaged.
    pub(crate) fn read(dir: &Path) -> Result<Self, ModelError> {
        let model = Model::read(dir, &Device::flex())?;
        Ok(Self { model })
    }

    /// The model that mined A, of a round's folder.
    ///
    /// # Errors
    ///
    /// Says in words for the report that it cannot be read.
    pub(crate) fn pretrained(round: &RoundDir) -> Result<Self, String> {
        Self::read(&round.pretrained().model()).map_err(|error| {
            format!(
                "The pre-trained model cannot be read, so its predictions are not shown: {}.",
                crate::causes::causes(&error)
            )
        })
    }

    /// The organ's value in the model's label maps; `None` where it does not find it.
    pub(crate) fn value_of(&self, organ: &Organ) -> Option<u8> {
        let record = &self.model.record;
        let output = record.output_of(organ)?;
        Some(record.label_value(output))
    }

    /// The model's label maps of slices of a scan, `[slices, y, x]` on the scan's own pixels.
    pub(crate) fn labels(
        &self,
        store: &Store,
        case_idx: usize,
        slices: &[usize],
    ) -> anyhow::Result<Vec<u8>> {
        let source = StoredSlices { store, case_idx };
        let options = &self.model.record.predict;
        Ok(predict_slices(
            &self.model,
            &source,
            slices,
            options,
            &|_| {},
        )?)
    }

    /// The model's organ in one slice, on the scan's own pixels.
    pub(crate) fn slice(
        &self,
        store: &Store,
        case_idx: usize,
        z: usize,
        organ: &Organ,
    ) -> anyhow::Result<Vec<bool>> {
        let labels = self.labels(store, case_idx, &[z])?;
        let value = self.value_of(organ);
        Ok(labels.iter().map(|label| Some(*label) == value).collect())
    }
}
