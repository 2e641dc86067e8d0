//! What a split needs to know of a case.

use crate::manifest::Manifest;
use crate::store::Store;
use crate::{CaseId, Organ, PatientId};

/// What a split needs to know of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFacts {
    /// The case.
    pub id: CaseId,
    /// Whose scan it is.
    pub patient: PatientId,
    /// BLAKE3 of the scan's voxels: equal for the same scan under two names.
    pub voxels_blake3: String,
    /// Axial slices; 0 for a case of the cohort that is not in the store.
    pub n_slices: usize,
    /// For each organ of interest, the slices that show it; `None` where the organ is not
    /// annotated. The same organs in the same order for all cases.
    pub n_positive: Vec<(Organ, Option<usize>)>,
}

/// The facts of every case of a store, for these organs.
///
/// A case without any of the organs annotated takes part in no fold, and neither does one that could
/// not be prepared; those come last.
pub fn facts(store: &Store, organs: &[Organ]) -> Vec<CaseFacts> {
    let left_out = store.left_out().iter().map(|case| CaseFacts {
        id: case.id.clone(),
        patient: case.patient.clone(),
        // Not known, and no two are the same.
        voxels_blake3: case.id.to_string(),
        n_slices: 0,
        n_positive: organs.iter().map(|organ| (organ.clone(), None)).collect(),
    });
    let cases = store.cases().iter().map(|case| CaseFacts {
        id: case.id.clone(),
        patient: case.patient.clone(),
        voxels_blake3: case.source.voxels_blake3.clone(),
        n_slices: case.n_slices,
        n_positive: organs
            .iter()
            .map(|organ| {
                let annotated = store.organ_of(organ).filter(|_| case.is_annotated(organ));
                let n_positive = annotated.map(|organ| {
                    case.areas_px(organ)
                        .iter()
                        .filter(|area| **area > 0)
                        .count()
                });
                (organ.clone(), n_positive)
            })
            .collect(),
    });
    cases.chain(left_out).collect()
}

/// What a cohort's list alone tells, before a scan was opened: one slice a case, which shows every
/// organ that the case is annotated for. Enough to see whether the folds asked for can be made.
pub fn listed_facts(manifest: &Manifest, organs: &[Organ]) -> Vec<CaseFacts> {
    let cases = manifest.cases.iter().map(|case| CaseFacts {
        id: case.id.clone(),
        patient: case.patient.clone(),
        // Not known yet, and no two are the same.
        voxels_blake3: case.id.to_string(),
        n_slices: 1,
        n_positive: organs
            .iter()
            .map(|organ| {
                let is_annotated = case.organs_annotated.contains(organ);
                (organ.clone(), is_annotated.then_some(1))
            })
            .collect(),
    });
    cases.collect()
}

impl CaseFacts {
    /// Whether the case is in the store.
    pub(super) fn is_stored(&self) -> bool {
        self.n_slices > 0
    }

    /// Whether the case can take part: some organ of interest is annotated.
    pub(super) fn is_usable(&self) -> bool {
        self.n_positive
            .iter()
            .any(|(_, n_positive)| n_positive.is_some())
    }
}
