//! Which cases of a store take part in which fold, and their slices as candidates of plans.

use crate::balance::Candidate;
use crate::split::{Fold, Split};
use crate::store::Store;
use crate::{OutputIdx, SliceRef, StoreOrgan};

/// The cases of each fold, by their places in the store. Those without an annotated organ of interest
/// take no part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoldCases {
    /// Mined for hard slices.
    pub a: Vec<usize>,
    /// Trained on from the start.
    pub b: Vec<usize>,
    /// Held out for validation.
    pub validation: Vec<usize>,
    /// Held out for the end.
    pub test: Vec<usize>,
}

impl FoldCases {
    /// The folds of a split, for these organs; without a split every case is A.
    ///
    /// ```
    /// use hardslice_data::mining::FoldCases;
    /// # mod example {
    /// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/example_store.rs"));
    /// # }
    /// # let dir = tempfile::tempdir()?;
    ///
    /// // Patients a, b and c, in all of whom the liver is annotated.
    /// let store = example::store(dir.path());
    /// let organs: Vec<_> = store.all_organs().collect();
    /// let folds = FoldCases::of(&store, &organs, None);
    /// assert_eq!(folds.a, [0, 1, 2]);
    /// assert!(folds.b.is_empty() && folds.test.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(store: &Store, organs: &[StoreOrgan], split: Option<&Split>) -> Self {
        let mut folds = Self::default();
        for (case_idx, case) in store.cases().iter().enumerate() {
            if !organs
                .iter()
                .any(|organ| store.is_annotated(case_idx, *organ))
            {
                continue;
            }
            let fold = match split {
                Some(split) => split.fold_of(&case.id),
                None => Some(Fold::A),
            };
            match fold {
                Some(Fold::A) => folds.a.push(case_idx),
                Some(Fold::B) => folds.b.push(case_idx),
                Some(Fold::Validation) => folds.validation.push(case_idx),
                Some(Fold::Test) => folds.test.push(case_idx),
                None => {}
            }
        }
        folds
    }
}

/// All slices of some cases, each with the organs that it shows; what is not annotated in a case is not
/// seen in it.
///
/// ```
/// use hardslice_data::SliceRef;
/// use hardslice_data::mining::candidates;
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/example_store.rs"));
/// # }
/// # let dir = tempfile::tempdir()?;
///
/// // Ten slices of a scan; the liver is in the slices 2 to 7.
/// let store = example::store(dir.path());
/// let organs: Vec<_> = store.all_organs().collect();
/// let slices = candidates(&store, &organs, &[1]);
/// assert_eq!(slices.len(), 10);
/// assert_eq!(slices[2].slice, SliceRef::at(1, 2));
/// assert!(slices[2].is_positive() && !slices[1].is_positive());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn candidates(store: &Store, organs: &[StoreOrgan], cases: &[usize]) -> Vec<Candidate> {
    let of_case = |case_idx: &usize| {
        let (case_idx, case) = (*case_idx, &store.cases()[*case_idx]);
        let annotated: Vec<(OutputIdx, StoreOrgan)> = OutputIdx::first(organs.len())
            .zip(organs.iter().copied())
            .filter(|(_, organ)| store.is_annotated(case_idx, *organ))
            .collect();
        (0..case.n_slices).map(move |z| {
            let shown = annotated
                .iter()
                .filter(|(_, organ)| case.area_px(*organ, z) > 0);
            Candidate {
                slice: SliceRef::at(case_idx, z),
                patient: case.patient.clone(),
                organs: shown.map(|(output, _)| *output).collect(),
            }
        })
    };
    cases.iter().flat_map(of_case).collect()
}
