//! The slices that arms choose from.

use crate::store::Store;
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

impl Candidate {
    /// All slices of a case, for organs by their places in the store. Organs that are not annotated
    /// there make no slice positive.
    pub fn of_case(store: &Store, case_idx: usize, organs: &[usize]) -> Vec<Self> {
        let case = &store.cases()[case_idx];
        let is_annotated = |place: &usize| {
            let organ = store.organs().organ(*place);
            organ.is_some_and(|organ| case.is_annotated(organ))
        };
        let annotated: Vec<usize> = organs.iter().copied().filter(is_annotated).collect();
        (0..case.n_slices)
            .map(|z| Self {
                slice: SliceRef::at(case_idx, z),
                patient: case.patient.clone(),
                is_positive: annotated.iter().any(|place| case.area_px(*place, z) > 0),
            })
            .collect()
    }
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
