//! The slices of a stored case, as preprocessing left them.

use std::borrow::Cow;

use hardslice_volume::Grid;

use super::Store;
use crate::preprocess::SliceSource;

/// The slices of one case of a store.
#[derive(Debug, Clone, Copy)]
pub struct StoredSlices<'a> {
    /// The store.
    pub store: &'a Store,
    /// Which case, by its place.
    pub case_idx: usize,
}

impl SliceSource for StoredSlices<'_> {
    fn grid(&self) -> &Grid {
        &self.store.cases()[self.case_idx].placement.canonical
    }

    fn slice(&self, z: usize) -> Cow<'_, [i16]> {
        Cow::Borrowed(self.store.image(self.case_idx, z))
    }
}
