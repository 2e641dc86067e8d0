//! The hard slices that a mining found: what policies know of scores.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::SliceRef;

/// Which slices are hard, and how hard each one is.
///
/// ```
/// use hardslice_data::SliceRef;
/// use hardslice_data::balance::HardSlices;
///
/// let slice = |z| SliceRef::at(0, z);
/// let found = HardSlices {
///     hard: [slice(3), slice(4)].into(),
///     difficulty: vec![(slice(3), 0.4), (slice(4), 0.9)],
///     ..HardSlices::default()
/// };
/// assert_eq!(found.difficulty_of(slice(4)), 0.9);
/// assert_eq!(found.difficulty_of(slice(5)), 0.0, "not named: as easy as can be");
/// let kept = found.clone().without([slice(4)].into());
/// assert_eq!(kept.hard, [slice(3)].into());
/// assert_eq!(found.overlap(&kept), 0.5, "one of two");
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HardSlices {
    /// The slices that are hard for any organ.
    pub hard: BTreeSet<SliceRef>,
    /// `1 - Dice` of a slice, of the worst organ, ascending by slice. What is not named is as easy
    /// as can be: Dice 1, or empty in labels and prediction.
    pub difficulty: Vec<(SliceRef, f64)>,
    /// Slices that no plan shows: the triage found them wrong or redundant.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub excluded: BTreeSet<SliceRef>,
}

impl HardSlices {
    /// The same without some slices: they are no longer hard, and are kept out of every plan.
    #[must_use]
    pub fn without(mut self, excluded: BTreeSet<SliceRef>) -> Self {
        self.hard.retain(|slice| !excluded.contains(slice));
        self.difficulty
            .retain(|(slice, _)| !excluded.contains(slice));
        self.excluded.extend(excluded);
        self
    }

    /// What was found of these slices and of others, no slice being in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.hard.extend(&other.hard);
        both.difficulty.extend(&other.difficulty);
        both.excluded.extend(&other.excluded);
        both.difficulty.sort_by_key(|(slice, _)| *slice);
        both
    }

    /// How hard a slice is, from 0 to 1.
    pub fn difficulty_of(&self, slice: SliceRef) -> f64 {
        let place = self
            .difficulty
            .binary_search_by_key(&slice, |(slice, _)| *slice);
        place.map_or(0.0, |place| self.difficulty[place].1)
    }

    /// The share of the hard slices that are hard in both, of those hard in either; 1 where there
    /// are none (Jaccard index).
    pub fn overlap(&self, other: &Self) -> f64 {
        let n_either = self.hard.union(&other.hard).count();
        if n_either == 0 {
            return 1.0;
        }
        self.hard.intersection(&other.hard).count() as f64 / n_either as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(z: u32) -> SliceRef {
        SliceRef { case_idx: 0, z }
    }

    fn found(hard: &[u32]) -> HardSlices {
        HardSlices {
            hard: hard.iter().map(|z| slice(*z)).collect(),
            difficulty: hard.iter().map(|z| (slice(*z), 0.5)).collect(),
            excluded: BTreeSet::new(),
        }
    }

    #[test]
    fn the_overlap_is_the_share_of_either_that_is_in_both() {
        assert!(
            (found(&[1, 2, 3]).overlap(&found(&[2, 3, 4])) - 0.5).abs() < 1e-12,
            "2 of 4"
        );
        assert!(
            (found(&[]).overlap(&found(&[])) - 1.0).abs() < 1e-12,
            "nothing changed"
        );
        assert!(
            found(&[1]).overlap(&found(&[])).abs() < 1e-12,
            "everything did"
        );
    }

    #[test]
    fn what_is_excluded_is_neither_hard_nor_difficult() {
        let without = found(&[1, 2]).without([slice(2), slice(9)].into());
        assert_eq!(without.hard, [slice(1)].into());
        assert!(without.difficulty_of(slice(2)).abs() < 1e-12, "not named");
        assert_eq!(without.excluded, [slice(2), slice(9)].into());
    }

    #[test]
    fn what_was_found_of_two_parts_is_put_together_in_order() {
        let both = found(&[5, 7]).and(&found(&[1]));
        assert_eq!(both, found(&[1, 5, 7]));
    }
}
