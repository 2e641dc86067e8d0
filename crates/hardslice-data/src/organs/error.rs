//! What can be wrong with a map of organs.

use hardslice_volume::LabelNamesError;
use thiserror::Error;

use super::MOST_ORGANS;
use crate::{NameError, Organ};

/// A map of organs that contradicts itself.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OrganMapError {
    /// No organ at all.
    #[error("the organ map is empty: name at least one organ and its labels, as `liver = [1]`")]
    Empty,
    /// More organs than the store can tell apart.
    #[error("the organ map holds {got} organs, at most {MOST_ORGANS} fit")]
    TooMany {
        /// Organs given.
        got: usize,
    },
    /// An organ twice.
    #[error("the organ `{organ}` is in the map twice: list all its labels at once")]
    Twice {
        /// The organ.
        organ: Organ,
    },
    /// An organ that the map lacks.
    #[error("there is no organ `{organ}` in {known}")]
    Unknown {
        /// The organ.
        organ: Organ,
        /// The map.
        known: String,
    },
    /// An organ that no label makes.
    #[error("the organ `{organ}` has no label: give it at least one, as `{organ} = [1]`")]
    NoLabels {
        /// The organ.
        organ: Organ,
    },
    /// 0 is the background.
    #[error("the organ `{organ}` claims label 0, which is the background")]
    Background {
        /// The organ.
        organ: Organ,
    },
    /// Two organs share a label: each pixel belongs to one organ at most.
    #[error(
        "label {label} belongs to both `{first}` and `{second}`: organs must not overlap (nested \
         regions are trained one organ at a time, each with a map of its own)"
    )]
    Shared {
        /// The label value.
        label: u16,
        /// The organ that had it first.
        first: Organ,
        /// The organ that claims it too.
        second: Organ,
    },
    /// A label that is to be ignored and belongs to an organ.
    #[error("label {label} is to be ignored and belongs to the organ `{organ}`: it cannot be both")]
    Ignored {
        /// The label value.
        label: u16,
        /// The organ.
        organ: Organ,
    },
    /// A label that is to be ignored and stands for an organ that is known by names alone.
    #[error(
        "label {label} is to be ignored, and stands here for an organ that is known by the names of \
         structures alone: give that organ a label value of its own"
    )]
    IgnoredName {
        /// The label value.
        label: u16,
    },
    /// Two organs share a structure.
    #[error(
        "the structure `{structure}` belongs to both `{first}` and `{second}` (names are the same \
         whatever the case of their letters, and spaces, underscores and hyphens are equal; an \
         organ's own name is one of its structures)"
    )]
    SharedStructure {
        /// The structure.
        structure: String,
        /// The organ that had it first.
        first: Organ,
        /// The organ that claims it too.
        second: Organ,
    },
    /// A name that cannot be used.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Names that have no value.
    #[error("the names of the organs' structures cannot be used")]
    Names(#[from] LabelNamesError),
}
