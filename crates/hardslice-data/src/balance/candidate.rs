//! The slices that arms choose from.

use crate::{PatientId, SliceRef};

/// The slices that an arm may choose from.
#[derive(Debug, Clone, Copy)]
pub struct Candidates<'a> {
    /// Slices of A.
    pub a: &'a [Candidate],
    /// Slices of B.
    pub b: &'a [Candidate],
    /// How much more often positive slices are shown than negative ones; 1 is as often.
    pub positive_weight: f64,
    /// Seed of the random controls.
    pub seed: u64,
}

/// A slice with what a policy may know of it before any model has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The slice.
    pub slice: SliceRef,
    /// Whose it is.
    pub patient: PatientId,
    /// Whether it holds an organ that the arm trains on.
    pub is_positive: bool,
}

impl Candidates<'_> {
    /// The ordinary weight of a slice.
    pub(super) fn base_weight(&self, candidate: &Candidate) -> f64 {
        if candidate.is_positive {
            self.positive_weight
        } else {
            1.0
        }
    }
}
