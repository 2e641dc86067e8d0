//! One slice of the cohort.

use serde::{Deserialize, Serialize};

/// One axial slice: which case of the store, and which slice of it.
///
/// Ordered by case, then from the feet to the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SliceRef {
    /// Place of the case in the store.
    pub case_idx: u32,
    /// Slice, from the feet up.
    pub z: u32,
}

/// Where a slice lies with respect to an organ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceKind {
    /// The organ is in the slice, away from its ends.
    Positive,
    /// The organ is in the slice, near its upper or lower end.
    EndOfOrgan,
    /// The organ is not in the slice.
    Negative,
}

impl SliceKind {
    /// The kind's name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::EndOfOrgan => "end_of_organ",
            Self::Negative => "negative",
        }
    }
}
