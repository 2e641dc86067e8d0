//! One scan and one organ, slice by slice: what a finding is judged by.

use std::collections::BTreeMap;

use hardslice_volume::PerAxis;

use super::specks::specks;
use super::thumbnail::Thumbnail;
use super::{Finding, Triage};
use crate::mining::{CoarseMask, ScoredSlice, Verdict};
use crate::store::Store;
use crate::{OutputIdx, SliceRef, StoreOrgan};

/// One scan and one organ, slice by slice from the feet up. What is to be ignored is in no mask, of
/// the truth as of the prediction.
pub(super) struct OrganStack<'a> {
    pub(super) images: &'a [Thumbnail],
    pub(super) truth: Vec<CoarseMask>,
    pub(super) predicted: Vec<CoarseMask>,
    pub(super) is_hard: Vec<bool>,
    /// Slices with specks of a label alone, of which the prediction has none, and what that rests on.
    pub(super) specks: BTreeMap<usize, String>,
    pub(super) spacing_mm: f64,
}

/// What was found of the hard slices of one case.
pub(super) fn findings_of_case(
    store: &Store,
    organs: &[StoreOrgan],
    case_idx: usize,
    pairs: &[(&Verdict, &ScoredSlice)],
) -> Vec<((SliceRef, OutputIdx), Finding)> {
    let case = &store.cases()[case_idx];
    let size = store.size();
    let images: Vec<Thumbnail> = (0..case.n_slices)
        .map(|z| Thumbnail::of(store.image(case_idx, z), size))
        .collect();
    let mut found = Vec::new();
    for (output, organ) in OutputIdx::first(organs.len()).zip(organs) {
        let value = store.label_of(*organ);
        let truth = (0..case.n_slices).map(|z| {
            let labels = store.labels(case_idx, z);
            CoarseMask::sampled(size, |at| labels[at] == value)
        });
        let mut stack = OrganStack {
            images: &images,
            truth: truth.collect(),
            predicted: vec![CoarseMask::default(); case.n_slices],
            is_hard: vec![false; case.n_slices],
            specks: specks_of(store, case_idx, value),
            spacing_mm: case.spacing_mm.z,
        };
        for (verdict, scored) in pairs {
            if verdict.score.output == output {
                let z = verdict.score.slice.place();
                stack.predicted[z] = scored.predicted.clone();
                stack.is_hard[z] = verdict.is_hard();
                if scored.score.n_shared > 0 {
                    stack.specks.remove(&z);
                }
            }
        }
        let findings = stack.findings().into_iter();
        found.extend(findings.map(|(z, finding)| {
            let slice = SliceRef::at(case_idx, z);
            ((slice, output), finding)
        }));
    }
    found
}

fn specks_of(store: &Store, case_idx: usize, value: u8) -> BTreeMap<usize, String> {
    let n_slices = store.cases()[case_idx].n_slices;
    let slices = (0..n_slices).map(|z| store.labels(case_idx, z));
    let is_organ = slices.flat_map(|labels| labels.iter().map(|label| *label == value));
    let shape = PerAxis {
        z: n_slices,
        y: store.size(),
        x: store.size(),
    };
    specks(is_organ.collect(), shape)
}

impl OrganStack<'_> {
    /// What was found of the hard slices: what is broken tells nothing of its label, and what is
    /// wrong is not kept for being new.
    fn findings(&self) -> BTreeMap<usize, Finding> {
        let mut found = BTreeMap::new();
        let past_the_end = self.past_the_end();
        for z in (0..self.is_hard.len()).filter(|z| self.is_hard[*z]) {
            let broken = self.broken(z).map(|reason| (Triage::Broken, reason));
            let suspect = || {
                let reason = self
                    .out_of_line(z)
                    .or_else(|| past_the_end.get(&z).cloned())
                    .or_else(|| self.specks.get(&z).cloned());
                reason.map(|reason| (Triage::Suspect, reason))
            };
            if let Some((triage, reason)) = broken.or_else(suspect) {
                found.insert(
                    z,
                    Finding {
                        triage,
                        reason,
                        is_reviewed: false,
                    },
                );
            }
        }
        self.mark_redundant(&mut found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disc about the middle of 64 × 64 pixels, moved to the right.
    fn disc(radius: f64, right: f64) -> CoarseMask {
        CoarseMask::sampled(64, |at| {
            let (y, x) = ((at / 64) as f64 - 32.0, (at % 64) as f64 - 32.0 - right);
            y * y + x * x < radius * radius
        })
    }

    /// Slices that brighten from the feet up, 3 HU each.
    fn images(n: i16) -> Vec<Thumbnail> {
        let slice = |z: i16| -> Vec<i16> { (0..64 * 64).map(|at| at % 64 + 3 * z).collect() };
        (0..n).map(|z| Thumbnail::of(&slice(z), 64)).collect()
    }

    /// An organ of 12 slices, the same everywhere, predicted as it is; all slices hard, 5 mm apart.
    fn stack(images: &[Thumbnail]) -> OrganStack<'_> {
        OrganStack {
            images,
            truth: vec![disc(14.0, 0.0); images.len()],
            predicted: vec![disc(14.0, 0.0); images.len()],
            is_hard: vec![true; images.len()],
            specks: BTreeMap::new(),
            spacing_mm: 5.0,
        }
    }

    fn triages(stack: &OrganStack<'_>) -> Vec<(usize, Triage)> {
        let findings = stack.findings().into_iter();
        findings.map(|(z, finding)| (z, finding.triage)).collect()
    }

    #[test]
    fn a_label_that_breaks_with_its_neighbours_is_suspect_and_a_prediction_that_does_is_not() {
        let images = images(12);
        assert_eq!(triages(&stack(&images)), [], "nothing is wrong");
        let mut wrong_label = stack(&images);
        wrong_label.truth[5] = CoarseMask::default();
        wrong_label.truth[7] = disc(14.0, 12.0);
        let suspects = triages(&wrong_label);
        assert_eq!(suspects, [(5, Triage::Suspect), (7, Triage::Suspect)]);
        let mut wrong_prediction = stack(&images);
        wrong_prediction.predicted[5] = CoarseMask::default();
        wrong_prediction.predicted[7] = disc(14.0, 12.0);
        assert_eq!(triages(&wrong_prediction), [], "these are hard");
        wrong_label.is_hard[5] = false;
        assert_eq!(
            triages(&wrong_label),
            [(7, Triage::Suspect)],
            "only hard ones"
        );
    }

    #[test]
    fn a_label_that_ends_large_while_the_prediction_goes_on_is_suspect_beyond_its_end() {
        let images = images(12);
        let mut cut = stack(&images);
        for z in 9..12 {
            cut.truth[z] = CoarseMask::default();
        }
        cut.predicted[11] = CoarseMask::default();
        assert_eq!(
            triages(&cut),
            [(9, Triage::Suspect), (10, Triage::Suspect)],
            "as far as the prediction goes"
        );
        let mut tapering = stack(&images);
        for z in 6..12 {
            tapering.truth[z] = disc(14.0 - 3.0 * (z - 5) as f64, 0.0);
        }
        tapering.truth[10] = CoarseMask::default();
        tapering.truth[11] = CoarseMask::default();
        for z in 6..12 {
            tapering.predicted[z] = tapering.truth[z.min(9)].clone();
        }
        assert_eq!(triages(&tapering), [], "an organ that ends small has ended");
    }

    #[test]
    fn specks_of_a_label_are_suspect_where_the_slice_is_hard() {
        let images = images(12);
        let mut stack = stack(&images);
        stack.specks = [(3, "why".to_owned()), (5, "why".to_owned())].into();
        stack.is_hard[5] = false;
        assert_eq!(triages(&stack), [(3, Triage::Suspect)]);
    }

    #[test]
    fn a_slice_out_of_line_is_broken_whatever_its_label_is_like() {
        let mut images = images(12);
        images[4] = Thumbnail::of(&[200; 64 * 64], 64);
        images[8] = Thumbnail::of(&(0..64 * 64).map(|at| 90 - at % 64).collect::<Vec<_>>(), 64);
        let mut stack = stack(&images);
        stack.truth[4] = CoarseMask::default();
        assert_eq!(
            triages(&stack),
            [(4, Triage::Broken), (8, Triage::Broken)],
            "blank, and unlike both neighbours"
        );
    }

    #[test]
    fn of_slices_that_are_nearly_the_same_the_lowest_hard_one_is_kept() {
        let slice: Vec<i16> = (0..64 * 64).map(|at| at % 64).collect();
        let images: Vec<Thumbnail> = (0..12).map(|_| Thumbnail::of(&slice, 64)).collect();
        let mut stack = stack(&images);
        stack.spacing_mm = 2.0;
        stack.is_hard = (0..12).map(|z| z < 4).collect();
        assert_eq!(
            triages(&stack),
            [(1, Triage::Redundant), (2, Triage::Redundant)],
            "slice 3 lies 6 mm above slice 0"
        );
    }
}
