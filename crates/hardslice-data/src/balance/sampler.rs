//! The sampler: which slice is shown at which position of the training.

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::SliceRef;
use crate::random::Stream;

/// How a slice's flipped and mirrored versions come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlipMode {
    /// Each sample is flipped and mirrored at random.
    #[default]
    Random,
    /// Each sample is mirrored at random and never flipped: every slice is one that a patient could
    /// have.
    Mirrored,
    /// Each sample is shown three times an epoch: as it is, flipped, and mirrored. Every second
    /// copy of an emphasised slice is the flipped one.
    Enumerated,
    /// Slices are shown as they are; of an emphasised one every second copy is flipped: with emphasis 2
    /// the one that emphasis adds, as in the paper.
    None,
}

impl FlipMode {
    /// Whether a net learns what flipped slices look like.
    pub fn shows_flipped(self) -> bool {
        matches!(self, Self::Random | Self::Enumerated)
    }

    /// Whether a net learns what mirrored slices look like.
    pub fn shows_mirrored(self) -> bool {
        matches!(self, Self::Random | Self::Mirrored | Self::Enumerated)
    }
}

/// Which version of a slice is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flip {
    /// Flipped and mirrored by the sample's own random numbers.
    Random,
    /// Mirrored by the sample's own random numbers.
    RandomMirror,
    /// As stored.
    AsIs,
    /// y reversed.
    Flipped,
    /// x reversed, left and right labels swapped.
    Mirrored,
    /// Both: half a turn, left and right labels swapped.
    FlippedMirrored,
}

/// One sample of a training: a slice, and which version of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// The slice.
    pub slice: SliceRef,
    /// Which version of it.
    pub flip: Flip,
}

/// A weighted sampler: the samples of a plan, epoch after epoch, each a seeded permutation.
///
/// Unlike torch's `WeightedRandomSampler` it draws without replacement: an epoch shows a slice of
/// weight 2 exactly twice. A position in the sequence is found from its number alone, so that a
/// resumed training sees what an unbroken one would have seen.
///
/// ```
/// use hardslice_data::SliceRef;
/// use hardslice_data::balance::{FlipMode, Plan, PlanEntry, Reason, WeightedSampler};
///
/// let entry = |z, weight, reason| PlanEntry { slice: SliceRef::at(0, z), weight, reason };
/// let plan = Plan::new([entry(3, 1.0, Reason::Base), entry(7, 2.0, Reason::Hard)])?;
/// let mut sampler = WeightedSampler::new(plan, FlipMode::Random, 1, "second").unwrap();
/// let epoch = sampler.samples(0, 3);
/// assert_eq!(epoch.iter().filter(|sample| sample.slice.z == 7).count(), 2);
/// # Ok::<(), hardslice_data::balance::PlanError>(())
/// ```
#[derive(Debug, Clone)]
pub struct WeightedSampler {
    plan: Plan,
    flip_mode: FlipMode,
    seed: u64,
    name: String,
    epoch: u64,
    // Place of the current epoch's first sample in the whole sequence.
    epoch_start: u64,
    order: Vec<Sample>,
}

impl WeightedSampler {
    /// The sequence of a plan. `name` tells one part of a training from the next: a fresh name
    /// starts fresh epochs.
    ///
    /// `None` when the plan is empty.
    pub fn new(plan: Plan, flip_mode: FlipMode, seed: u64, name: &str) -> Option<Self> {
        if plan.entries().is_empty() {
            return None;
        }
        let mut sampler = Self {
            plan,
            flip_mode,
            seed,
            name: name.to_owned(),
            epoch: 0,
            epoch_start: 0,
            order: Vec::new(),
        };
        sampler.order = sampler.epoch_order(0);
        Some(sampler)
    }

    /// The `n` samples from place `start` of the sequence on.
    ///
    /// Fast when places ascend; going back starts over from the first epoch.
    pub fn samples(&mut self, start: u64, n: usize) -> Vec<Sample> {
        (start..).take(n).map(|place| self.sample(place)).collect()
    }

    fn sample(&mut self, place: u64) -> Sample {
        if place < self.epoch_start {
            self.epoch = 0;
            self.epoch_start = 0;
            self.order = self.epoch_order(0);
        }
        loop {
            let within =
                usize::try_from(place - self.epoch_start).expect("a place that fits memory");
            if let Some(sample) = self.order.get(within) {
                return *sample;
            }
            self.epoch_start += self.order.len() as u64;
            self.epoch += 1;
            self.order = self.epoch_order(self.epoch);
        }
    }

    /// One epoch: fractional weights rounded systematically, then shuffled.
    ///
    /// Systematic rounding lays the weights end to end on a line and counts the whole numbers that
    /// fall into each, from a random start: every slice gets its weight rounded up or down, right
    /// on average, and the sum is off by less than one. Where the weights sum to less than one,
    /// some epochs are empty and passed over.
    fn epoch_order(&self, epoch: u64) -> Vec<Sample> {
        let mut stream = Stream::new(self.seed, &format!("{}/epoch/{epoch}", self.name));
        let offset = stream.uniform();
        let mut order = Vec::new();
        let mut line = 0.0_f64;
        let mut n_before = 0.0_f64;
        for entry in self.plan.entries() {
            line += entry.weight;
            let n_until = (line + offset).floor();
            let mut n_shown = 0;
            while n_before < n_until {
                n_before += 1.0;
                // Of a slice that is emphasised, every second copy is the flipped one.
                let is_flipped = entry.reason.is_emphasised() && n_shown % 2 == 1;
                order.extend(versions_of(entry.slice, self.flip_mode, is_flipped));
                n_shown += 1;
            }
        }
        stream.shuffle(&mut order);
        order
    }
}

fn versions_of(
    slice: SliceRef,
    flip_mode: FlipMode,
    is_flipped: bool,
) -> impl Iterator<Item = Sample> {
    let versions: &[Flip] = match (flip_mode, is_flipped) {
        (FlipMode::Random, _) => &[Flip::Random],
        (FlipMode::Mirrored, _) => &[Flip::RandomMirror],
        (FlipMode::Enumerated, false) => &[Flip::AsIs, Flip::Flipped, Flip::Mirrored],
        (FlipMode::Enumerated, true) => &[Flip::Flipped, Flip::AsIs, Flip::FlippedMirrored],
        (FlipMode::None, false) => &[Flip::AsIs],
        (FlipMode::None, true) => &[Flip::Flipped],
    };
    versions
        .iter()
        .map(move |flip| Sample { slice, flip: *flip })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::balance::{PlanEntry, Reason};

    fn sampler(weights: &[f64], flip_mode: FlipMode) -> WeightedSampler {
        let entries = (0..).zip(weights).map(|(z, weight)| PlanEntry {
            slice: SliceRef { case_idx: 0, z },
            weight: *weight,
            reason: Reason::Base,
        });
        WeightedSampler::new(Plan::new(entries).unwrap(), flip_mode, 1, "half/0").unwrap()
    }

    fn counts(samples: &[Sample]) -> BTreeMap<(u32, Flip), usize> {
        let mut counts = BTreeMap::new();
        for sample in samples {
            *counts.entry((sample.slice.z, sample.flip)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn whole_weights_come_exactly_that_often_in_every_epoch() {
        let mut sampler = sampler(&[1.0, 2.0, 1.0], FlipMode::Random);
        for epoch in 0..5 {
            let samples = sampler.samples(epoch * 4, 4);
            let want = [
                ((0, Flip::Random), 1),
                ((1, Flip::Random), 2),
                ((2, Flip::Random), 1),
            ];
            assert_eq!(counts(&samples), BTreeMap::from(want), "epoch {epoch}");
        }
    }

    #[test]
    fn enumerated_copies_show_each_slice_three_ways() {
        let samples = sampler(&[1.0, 2.0], FlipMode::Enumerated).samples(0, 9);
        for flip in [Flip::AsIs, Flip::Flipped, Flip::Mirrored] {
            let counts = counts(&samples);
            assert_eq!(
                counts.get(&(0, flip)),
                Some(&1),
                "slice of weight 1, {flip:?}"
            );
            assert_eq!(
                counts.get(&(1, flip)),
                Some(&2),
                "slice of weight 2, {flip:?}"
            );
        }
    }

    #[test]
    fn the_copy_that_emphasis_adds_is_the_flipped_one_and_base_slices_are_never_flipped_for_it() {
        let entries = [
            (0, Reason::Base),
            (1, Reason::Hard),
            (2, Reason::RandomMatched),
        ];
        let entries = entries.map(|(z, reason)| PlanEntry {
            slice: SliceRef { case_idx: 0, z },
            weight: 2.0,
            reason,
        });
        let shown = |flip_mode, n| {
            let plan = Plan::new(entries).unwrap();
            let mut sampler = WeightedSampler::new(plan, flip_mode, 1, "second").unwrap();
            counts(&sampler.samples(0, n))
        };
        let want = [
            ((0, Flip::AsIs), 2),
            ((1, Flip::AsIs), 1),
            ((1, Flip::Flipped), 1),
            ((2, Flip::AsIs), 1),
            ((2, Flip::Flipped), 1),
        ];
        assert_eq!(shown(FlipMode::None, 6), BTreeMap::from(want));
        let mirrored = [0, 1, 2].map(|z| ((z, Flip::RandomMirror), 2));
        assert_eq!(shown(FlipMode::Mirrored, 6), BTreeMap::from(mirrored));
        let enumerated = shown(FlipMode::Enumerated, 18);
        for (flip, n) in [
            (Flip::AsIs, 2),
            (Flip::Flipped, 2),
            (Flip::Mirrored, 1),
            (Flip::FlippedMirrored, 1),
        ] {
            assert_eq!(enumerated.get(&(1, flip)), Some(&n), "hard, {flip:?}");
        }
        assert_eq!(
            enumerated.get(&(0, Flip::Mirrored)),
            Some(&2),
            "base, twice the same"
        );
    }

    #[test]
    fn fractional_weights_are_right_on_average_and_off_by_less_than_one() {
        let mut sampler = sampler(&[0.25, 1.5, 0.25, 2.0], FlipMode::Random);
        let samples = sampler.samples(0, 4000);
        let counts = counts(&samples);
        for (z, want) in [(0, 250), (1, 1500), (2, 250), (3, 2000)] {
            let got = counts[&(z, Flip::Random)];
            assert!(
                got.abs_diff(want) < 60,
                "slice {z} came {got} times, expected {want}"
            );
        }
        for epoch in 0..50 {
            let n = sampler.epoch_order(epoch).len();
            assert_eq!(n, 4, "weights sum to 4, epoch {epoch} shows {n}");
        }
    }

    #[test]
    fn a_place_holds_the_same_sample_however_it_is_reached() {
        let mut straight = sampler(&[1.0; 7], FlipMode::Random);
        let all = straight.samples(0, 100);
        for start in [93, 0, 7, 41, 13] {
            let mut resumed = sampler(&[1.0; 7], FlipMode::Random);
            let at = usize::try_from(start).unwrap();
            assert_eq!(
                resumed.samples(start, 7),
                all[at..at + 7],
                "from place {start}"
            );
            assert_eq!(
                straight.samples(start, 7),
                all[at..at + 7],
                "going back to {start}"
            );
        }
    }

    #[test]
    fn epochs_differ_from_each_other() {
        let sampler = sampler(&[1.0; 20], FlipMode::Random);
        assert_ne!(
            sampler.epoch_order(0),
            sampler.epoch_order(1),
            "two orders of twenty"
        );
    }
}
