//! The slices that arms choose from.

use crate::{OutputIdx, PatientId, SliceRef};

/// The slices that an arm may choose from.
#[derive(Debug, Clone, Copy)]
pub struct Candidates<'a> {
    /// Slices of A.
    pub a: &'a [Candidate],
    /// Slices of B.
    pub b: &'a [Candidate],
    /// The ordinary weight of each.
    pub factors: &'a RepeatFactors,
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
    /// Which of the organs that the arm trains on it shows.
    pub organs: Vec<OutputIdx>,
}

impl Candidate {
    /// Whether it shows an organ that the arm trains on.
    pub fn is_positive(&self) -> bool {
        !self.organs.is_empty()
    }
}

/// How often slices are shown by the organs in them, before any is found hard: their ordinary weight
/// (repeat factor, class-balanced sampling).
///
/// A slice without an organ weighs 1. One with an organ weighs `positive_weight` times the factor of its
/// rarest organ: how many times as many slices the commonest organ is in, at least 1 and at most
/// `positive_weight`. So where a net learns several organs, the one in few slices is not drowned by the
/// one in all; where there is one organ, or `positive_weight` is 1, the factor is 1.
///
/// That a slice's factor is the largest of its classes' follows A. Gupta, P. Dollár, R. Girshick (2019),
/// "LVIS: A Dataset for Large Vocabulary Instance Segmentation", CVPR, which takes the square root of a
/// class's rarity.
///
/// ```
/// use hardslice_data::balance::{Candidate, RepeatFactors};
/// use hardslice_data::{OutputIdx, PatientId, SliceRef};
///
/// // Ten slices: the spinal cord in nine, the mandible in three of these.
/// let slice = |z: usize, n_organs: usize| Candidate {
///     slice: SliceRef::at(0, z),
///     patient: PatientId::new("p").unwrap(),
///     organs: (0..n_organs).map(OutputIdx::new).collect(),
/// };
/// let slices: Vec<_> = (0..10).map(|z| slice(z, [0, 1, 2][usize::from(z > 0) + usize::from(z > 6)])).collect();
/// let factors = RepeatFactors::of(&slices, 5.0);
/// assert_eq!(factors.weight_of(&slices[0]), 1.0, "no organ");
/// assert_eq!(factors.weight_of(&slices[3]), 5.0, "the cord");
/// assert_eq!(factors.weight_of(&slices[8]), 15.0, "the mandible, three times as rare");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RepeatFactors {
    /// Slices that show each output.
    n_slices: Vec<u32>,
    positive_weight: f64,
}

impl RepeatFactors {
    /// The factors of these slices, all that are trained on.
    ///
    /// # Panics
    ///
    /// Where `positive_weight` is no number above 0.
    pub fn of<'c>(slices: impl IntoIterator<Item = &'c Candidate>, positive_weight: f64) -> Self {
        assert!(
            positive_weight.is_finite() && positive_weight > 0.0,
            "a weight of {positive_weight} for positive slices"
        );
        let mut n_slices: Vec<u32> = Vec::new();
        for output in slices.into_iter().flat_map(|slice| &slice.organs) {
            if n_slices.len() <= output.idx() {
                n_slices.resize(output.idx() + 1, 0);
            }
            n_slices[output.idx()] += 1;
        }
        Self {
            n_slices,
            positive_weight,
        }
    }

    /// The ordinary weight of a slice.
    ///
    /// # Panics
    ///
    /// Where it shows an organ that none of the slices does that these are the factors of.
    pub fn weight_of(&self, candidate: &Candidate) -> f64 {
        let Some(rarest) = self.rarest_in(candidate) else {
            return 1.0;
        };
        let n_commonest = self.n_slices.iter().copied().max().unwrap_or(0);
        let rarity = f64::from(n_commonest) / f64::from(self.n_slices_with(rarest));
        self.positive_weight * rarity.min(self.positive_weight.max(1.0))
    }

    /// The rarest of the organs that a slice shows, which its weight goes by; of equally rare ones the
    /// first.
    ///
    /// # Panics
    ///
    /// As [`weight_of`](Self::weight_of).
    pub fn rarest_in(&self, candidate: &Candidate) -> Option<OutputIdx> {
        let organs = candidate.organs.iter().copied();
        organs.min_by_key(|output| self.n_slices_with(*output))
    }

    fn n_slices_with(&self, output: OutputIdx) -> u32 {
        let n = self.n_slices.get(output.idx()).copied().unwrap_or(0);
        assert!(n > 0, "no training slice shows {output}");
        n
    }
}

impl Candidates<'_> {
    /// The ordinary weight of a slice.
    pub(super) fn base_weight(&self, candidate: &Candidate) -> f64 {
        self.factors.weight_of(candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many slices as `n` says of each set of outputs.
    fn slices(sets: &[(u32, &[usize])]) -> Vec<Candidate> {
        let sets = sets
            .iter()
            .flat_map(|(n, outputs)| (0..*n).map(move |_| outputs));
        (0..)
            .zip(sets)
            .map(|(z, outputs)| Candidate {
                slice: SliceRef { case_idx: 0, z },
                patient: PatientId::new("p").unwrap(),
                organs: outputs
                    .iter()
                    .map(|output| OutputIdx::new(*output))
                    .collect(),
            })
            .collect()
    }

    /// The weights of the first slice of each set.
    fn weights(sets: &[(u32, &[usize])], positive_weight: f64) -> Vec<f64> {
        let slices = slices(sets);
        let factors = RepeatFactors::of(&slices, positive_weight);
        let mut first = 0;
        sets.iter()
            .map(|(n, _)| {
                let weight = factors.weight_of(&slices[first]);
                first += *n as usize;
                weight
            })
            .collect()
    }

    #[test]
    fn one_organ_or_equally_common_ones_weigh_what_positive_weight_says() {
        assert_eq!(weights(&[(90, &[]), (10, &[0])], 5.0), [1.0, 5.0]);
        let parotids: [(u32, &[usize]); 4] = [(70, &[]), (5, &[0]), (5, &[1]), (20, &[0, 1])];
        assert_eq!(weights(&parotids, 5.0), [1.0, 5.0, 5.0, 5.0]);
        assert_eq!(weights(&[(10, &[]), (5, &[0])], 0.5), [1.0, 0.5]);
    }

    #[test]
    fn a_slice_weighs_by_its_rarest_organ_up_to_a_bound() {
        let sets: [(u32, &[usize]); 4] = [(10, &[]), (60, &[0]), (20, &[0, 1]), (2, &[2, 0])];
        // In 82, 20 and 2 slices.
        assert_eq!(weights(&sets, 5.0), [1.0, 5.0, 5.0 * 4.1, 25.0]);
        assert_eq!(weights(&sets, 1.0), [1.0; 4], "as they come");
        assert_eq!(weights(&sets, 0.5), [1.0, 0.5, 0.5, 0.5]);
    }

    #[test]
    fn the_rarest_organ_is_the_one_in_fewest_slices_whatever_the_weights() {
        // In 82, 10 and 2 slices; from the second on the bound holds for both.
        let slices = slices(&[(70, &[0]), (10, &[0, 1]), (2, &[0, 2])]);
        for positive_weight in [0.5, 1.0, 5.0] {
            let factors = RepeatFactors::of(&slices, positive_weight);
            let rarest = [0, 70, 80].map(|z| factors.rarest_in(&slices[z]).unwrap().idx());
            assert_eq!(rarest, [0, 1, 2], "{positive_weight}");
        }
    }

    #[test]
    #[should_panic(expected = "no training slice shows output 1")]
    fn slices_of_another_net_have_no_factor() {
        let of_one = slices(&[(1, &[0])]);
        RepeatFactors::of(&of_one, 1.0).weight_of(&slices(&[(1, &[1])])[0]);
    }
}
