//! Which organ: its place in a store, or its place among a net's outputs. Two types, since a mix-up
//! is another organ, in range and silent.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An organ by its place in the organ map of a store.
///
/// Only a [`Store`](crate::store::Store) gives one out, so that it is always within that store's map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreOrgan(u8);

impl StoreOrgan {
    pub(crate) fn new(place: usize) -> Self {
        Self(u8::try_from(place).expect("a map holds 254 organs at most"))
    }

    /// The place in the store's map, from 0.
    pub fn idx(self) -> usize {
        usize::from(self.0)
    }
}

/// An output channel of a net: an organ by its place among those that were predicted and scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutputIdx(u16);

impl OutputIdx {
    /// The output at this place, from 0.
    ///
    /// # Panics
    ///
    /// Beyond 65,535: no net has so many.
    pub fn new(place: usize) -> Self {
        Self(u16::try_from(place).expect("a net has no more outputs than a map has organs"))
    }

    /// The first outputs, as many as asked for.
    pub fn first(n_outputs: usize) -> impl DoubleEndedIterator<Item = Self> + Clone {
        (0..n_outputs).map(Self::new)
    }

    /// The place among the outputs, from 0.
    pub fn idx(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for OutputIdx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "output {}", self.0)
    }
}
