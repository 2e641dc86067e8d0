//! Image artefacts and near duplicates: slices that look broken, and those that show nothing new.

use std::collections::BTreeMap;

use super::organ_stack::OrganStack;
use super::{Finding, Triage};

/// A slice that is out of line differs from its neighbours by at least this much, Hounsfield units
/// on average, and by this many times what they differ from one another.
const LEAST_DIFFERENCE_HU: f64 = 15.0;
const TIMES_DIFFERENT: f64 = 3.0;

/// How many slices below and above are asked.
const REACH_SLICES: usize = 2;

/// Nearly the same: the scan on average (Hounsfield units), label and prediction (Dice).
const SAME_HU: f64 = 1.5;
const SAME_DICE: f64 = 0.97;

/// Over what distance a slice counts as a copy of one below, millimetres.
const COPY_MM: f64 = 5.0;

impl OrganStack<'_> {
    /// Whether the scan looks broken in a slice.
    pub(super) fn broken(&self, z: usize) -> Option<String> {
        if self.images[z].is_blank() {
            return Some("nothing is to be seen in the slice".to_owned());
        }
        (1..=REACH_SLICES).find_map(|way| {
            let [below, above] = self.around(z, way)?;
            let differs = |a: usize, b: usize| self.images[a].difference_hu(&self.images[b]);
            let from_them = differs(z, below).min(differs(z, above));
            let between_them = differs(below, above);
            let is_out = from_them >= LEAST_DIFFERENCE_HU
                && from_them >= TIMES_DIFFERENT * between_them;
            is_out.then(|| {
                format!(
                    "the slice differs by {from_them:.0} HU from those {way} below and above, which \
                     differ by {between_them:.0}"
                )
            })
        })
    }

    /// Marks the hard slices that are nearly copies of the hard slice below that was kept last.
    pub(super) fn mark_redundant(&self, found: &mut BTreeMap<usize, Finding>) {
        let mut kept: Option<usize> = None;
        for z in (0..self.is_hard.len()).filter(|z| self.is_hard[*z]) {
            if found.contains_key(&z) {
                continue;
            }
            if let Some(below) = kept
                && let Some(reason) = self.copy_of(z, below)
            {
                let triage = Triage::Redundant;
                found.insert(
                    z,
                    Finding {
                        triage,
                        reason,
                        is_reviewed: false,
                    },
                );
            } else {
                kept = Some(z);
            }
        }
    }

    fn copy_of(&self, z: usize, below: usize) -> Option<String> {
        let distance_mm = (z - below) as f64 * self.spacing_mm;
        let difference_hu = self.images[z].difference_hu(&self.images[below]);
        let of_label = self.truth[z].dice(&self.truth[below]);
        let of_prediction = self.predicted[z].dice(&self.predicted[below]);
        let is_copy = (distance_mm <= COPY_MM || z == below + 1)
            && difference_hu <= SAME_HU
            && of_label.min(of_prediction) >= SAME_DICE;
        is_copy.then(|| {
            format!(
                "slice {below}, {distance_mm:.1} mm below, is nearly the same: {difference_hu:.1} HU \
                 apart, label and prediction alike (Dice {of_label:.2}, {of_prediction:.2})"
            )
        })
    }
}
