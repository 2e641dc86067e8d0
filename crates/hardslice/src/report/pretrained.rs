//! What the pre-trained model says of single slices: the ledger keeps counts, not pictures.

use std::path::Path;

use burn::tensor::Device;
use hardslice_data::Organ;
use hardslice_data::store::Store;
use hardslice_train::{Model, SliceSource, StoredSlices, predict};
use hardslice_volume::Grid;

/// The model that mined A.
pub(super) struct Pretrained<'a> {
    model: Model,
    store: &'a Store,
}

impl<'a> Pretrained<'a> {
    /// Reads it from a round's folder.
    pub(super) fn read(round: &Path, store: &'a Store) -> Result<Self, String> {
        let model =
            Model::read(&round.join("pretrained/model"), &Device::flex()).map_err(|error| {
                format!(
                    "The pre-trained model cannot be read, so its predictions are not shown: {}.",
                    crate::causes(&error)
                )
            })?;
        Ok(Self { model, store })
    }

    /// The model's organ in one slice, on the scan's own pixels.
    pub(super) fn slice(
        &self,
        case_idx: usize,
        z: usize,
        organ: &Organ,
    ) -> anyhow::Result<Vec<bool>> {
        let record = &self.model.record;
        let whole = StoredSlices {
            store: self.store,
            case_idx,
        };
        let last = whole.grid().shape.z.saturating_sub(1);
        // A net that sees neighbours needs them beside the slice.
        let first = z.saturating_sub(record.net.context);
        let end = (z + record.net.context).min(last) + 1;
        let mut grid = *whole.grid();
        grid.shape.z = end - first;
        let few = FewSlices { whole, first, grid };
        let mut options = record.predict;
        options.largest_component = false;
        let labels = predict(&self.model, &few, &options, &|_| {})?;
        let organ_idx = record.organ_names().position(|name| name == organ);
        let value = organ_idx.map_or(0, |organ_idx| record.label_value(organ_idx));
        Ok(labels
            .slice(z - first)
            .iter()
            .map(|label| *label == value)
            .collect())
    }
}

/// Some neighbouring slices of a stored case, as a scan of their own.
struct FewSlices<'a> {
    whole: StoredSlices<'a>,
    first: usize,
    grid: Grid,
}

impl SliceSource for FewSlices<'_> {
    fn grid(&self) -> &Grid {
        &self.grid
    }

    fn slice(&self, z: usize, out: &mut [f32]) {
        self.whole.slice(self.first + z, out);
    }
}
