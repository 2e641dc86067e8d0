//! One axial slice of a cohort.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::named;

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

impl SliceRef {
    /// The slice at these places.
    ///
    /// # Panics
    ///
    /// When a place does not fit 32 bits: no store has so many cases, and no scan so many slices.
    pub fn at(case_idx: usize, z: usize) -> Self {
        let index = |n: usize| u32::try_from(n).expect("a place that fits 32 bits");
        Self {
            case_idx: index(case_idx),
            z: index(z),
        }
    }

    /// Place of the case in the store.
    pub fn case(self) -> usize {
        self.case_idx as usize
    }

    /// Place of the slice in its scan, from the feet up.
    pub fn place(self) -> usize {
        self.z as usize
    }
}

impl fmt::Display for SliceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "case {} slice {}", self.case_idx, self.z)
    }
}

/// Where a slice lies with respect to an organ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceKind {
    /// The organ is in the slice, away from its ends.
    Positive,
    /// The organ is in the slice, near where it begins or ends: within the first or last tenth of
    /// its extent along z, at least its first and its last slice.
    EndOfOrgan,
    /// The organ is not in the slice.
    Negative,
}

named!(SliceKind, "kind of slice", {
    Positive => "positive",
    EndOfOrgan => "end_of_organ",
    Negative => "negative",
});

impl SliceKind {
    /// Tells the kind of a slice from the organ's area in each slice of the case.
    ///
    /// The extent runs from the first to the last slice that shows the organ, n slices; of the
    /// ceil(n / 10) slices at either end of it, those that show the organ are ends. A gap inside
    /// (two kidneys at different heights, as one organ) is negative and has no ends of its own.
    ///
    /// # Panics
    ///
    /// When `z` lies beyond `area_px`.
    pub fn of(area_px: &[u32], z: usize) -> Self {
        if area_px[z] == 0 {
            return Self::Negative;
        }
        let is_shown = |area: &u32| *area > 0;
        let first = area_px
            .iter()
            .position(is_shown)
            .expect("z shows the organ");
        let last = area_px
            .iter()
            .rposition(is_shown)
            .expect("z shows the organ");
        let n_end = (last - first + 1).div_ceil(10);
        if z - first < n_end || last - z < n_end {
            Self::EndOfOrgan
        } else {
            Self::Positive
        }
    }

    /// Whether the slice shows the organ at all.
    pub fn shows_organ(self) -> bool {
        self != Self::Negative
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter a slice: positive, end of organ, negative.
    fn kinds(area_px: &[u32]) -> String {
        let letter = |z| match SliceKind::of(area_px, z) {
            SliceKind::Positive => 'P',
            SliceKind::EndOfOrgan => 'E',
            SliceKind::Negative => '-',
        };
        (0..area_px.len()).map(letter).collect()
    }

    #[test]
    fn the_first_and_last_tenth_of_the_extent_are_ends() {
        assert_eq!(
            kinds(&[0, 5, 5, 5, 5, 0]),
            "-EPPE-",
            "four slices: one at either end"
        );
        let mut area = vec![0, 0];
        area.extend([7; 10]);
        assert_eq!(kinds(&area), "--EPPPPPPPPE", "ten slices: one");
        area.push(7);
        assert_eq!(kinds(&area), "--EEPPPPPPPEE", "eleven slices: two");
    }

    #[test]
    fn an_organ_of_one_or_two_slices_is_all_ends() {
        assert_eq!(kinds(&[0, 1, 0]), "-E-", "one slice");
        assert_eq!(kinds(&[1, 1]), "EE", "two slices");
        assert_eq!(kinds(&[0, 0]), "--", "none");
    }

    #[test]
    fn a_gap_is_negative_and_has_no_ends() {
        assert_eq!(
            kinds(&[3, 3, 0, 3, 3, 3]),
            "EP-PPE",
            "two kidneys, one lower"
        );
    }

    #[test]
    fn slices_are_ordered_by_case_and_height() {
        let at = SliceRef::at;
        let mut slices = [at(1, 0), at(0, 9), at(0, 2)];
        slices.sort_unstable();
        assert_eq!(slices, [at(0, 2), at(0, 9), at(1, 0)], "case first");
        assert_eq!(slices[1].to_string(), "case 0 slice 9", "shown");
    }
}
