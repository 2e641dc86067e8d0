//! Which slice is shown at which place of the training.

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::SliceRef;
use crate::random::Stream;

/// How a slice's flipped and mirrored versions come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Copies {
    /// Each draw is flipped and mirrored at random.
    #[default]
    Random,
    /// Each draw is shown three times an epoch: as it is, flipped, and mirrored.
    Enumerated,
    /// Slices are shown as they are.
    None,
}

/// Which version of a slice is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Copy {
    /// Flipped and mirrored by the draw's own random numbers.
    Random,
    /// As stored.
    AsIs,
    /// y reversed.
    Flipped,
    /// x reversed, left and right labels swapped.
    Mirrored,
}

/// One slice to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Draw {
    /// The slice.
    pub slice: SliceRef,
    /// Which version of it.
    pub copy: Copy,
}

/// The draws of a plan, epoch after epoch, each a seeded permutation.
///
/// A place in the sequence is found from its number alone, so that a resumed training sees what an
/// unbroken one would have seen.
#[derive(Debug, Clone)]
pub struct Epochs {
    plan: Plan,
    copies: Copies,
    seed: u64,
    name: String,
    epoch: u64,
    // Place of the current epoch's first draw in the whole sequence.
    epoch_start: u64,
    order: Vec<Draw>,
}

impl Epochs {
    /// The sequence of a plan. `name` tells one part of a training from the next: a fresh name
    /// starts fresh epochs.
    ///
    /// `None` when the plan is empty.
    pub fn new(plan: Plan, copies: Copies, seed: u64, name: &str) -> Option<Self> {
        if plan.entries().is_empty() {
            return None;
        }
        let mut epochs = Self {
            plan,
            copies,
            seed,
            name: name.to_owned(),
            epoch: 0,
            epoch_start: 0,
            order: Vec::new(),
        };
        epochs.order = epochs.epoch_order(0);
        Some(epochs)
    }

    /// The `n` draws from place `start` of the sequence on.
    ///
    /// Fast when places ascend; going back starts over from the first epoch.
    pub fn draws(&mut self, start: u64, n: usize) -> Vec<Draw> {
        (start..).take(n).map(|place| self.draw(place)).collect()
    }

    fn draw(&mut self, place: u64) -> Draw {
        if place < self.epoch_start {
            self.epoch = 0;
            self.epoch_start = 0;
            self.order = self.epoch_order(0);
        }
        loop {
            let within = usize::try_from(place - self.epoch_start).unwrap_or(usize::MAX);
            if let Some(draw) = self.order.get(within) {
                return *draw;
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
    fn epoch_order(&self, epoch: u64) -> Vec<Draw> {
        let mut stream = Stream::new(self.seed, &format!("{}/epoch/{epoch}", self.name));
        let offset = stream.uniform();
        let mut order = Vec::new();
        let mut line = 0.0_f64;
        let mut n_before = 0.0_f64;
        for entry in self.plan.entries() {
            line += entry.weight;
            let n_until = (line + offset).floor();
            while n_before < n_until {
                n_before += 1.0;
                order.extend(copies_of(entry.slice, self.copies));
            }
        }
        stream.shuffle(&mut order);
        order
    }
}

fn copies_of(slice: SliceRef, copies: Copies) -> impl Iterator<Item = Draw> {
    let versions: &[Copy] = match copies {
        Copies::Random => &[Copy::Random],
        Copies::Enumerated => &[Copy::AsIs, Copy::Flipped, Copy::Mirrored],
        Copies::None => &[Copy::AsIs],
    };
    versions.iter().map(move |copy| Draw { slice, copy: *copy })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::balance::{PlanEntry, Reason};

    fn epochs(weights: &[f64], copies: Copies) -> Epochs {
        let entries = (0..).zip(weights).map(|(z, weight)| PlanEntry {
            slice: SliceRef { case_idx: 0, z },
            weight: *weight,
            reason: Reason::Base,
        });
        Epochs::new(Plan::new(entries).unwrap(), copies, 1, "half/0").unwrap()
    }

    fn counts(draws: &[Draw]) -> BTreeMap<(u32, Copy), usize> {
        let mut counts = BTreeMap::new();
        for draw in draws {
            *counts.entry((draw.slice.z, draw.copy)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn whole_weights_come_exactly_that_often_in_every_epoch() {
        let mut epochs = epochs(&[1.0, 2.0, 1.0], Copies::Random);
        for epoch in 0..5 {
            let draws = epochs.draws(epoch * 4, 4);
            let want = [
                ((0, Copy::Random), 1),
                ((1, Copy::Random), 2),
                ((2, Copy::Random), 1),
            ];
            assert_eq!(counts(&draws), BTreeMap::from(want), "epoch {epoch}");
        }
    }

    #[test]
    fn enumerated_copies_show_each_slice_three_ways() {
        let draws = epochs(&[1.0, 2.0], Copies::Enumerated).draws(0, 9);
        for copy in [Copy::AsIs, Copy::Flipped, Copy::Mirrored] {
            let counts = counts(&draws);
            assert_eq!(
                counts.get(&(0, copy)),
                Some(&1),
                "slice of weight 1, {copy:?}"
            );
            assert_eq!(
                counts.get(&(1, copy)),
                Some(&2),
                "slice of weight 2, {copy:?}"
            );
        }
    }

    #[test]
    fn fractional_weights_are_right_on_average_and_off_by_less_than_one() {
        let mut epochs = epochs(&[0.25, 1.5, 0.25, 2.0], Copies::Random);
        let draws = epochs.draws(0, 4000);
        let counts = counts(&draws);
        for (z, want) in [(0, 250), (1, 1500), (2, 250), (3, 2000)] {
            let got = counts[&(z, Copy::Random)];
            assert!(
                got.abs_diff(want) < 60,
                "slice {z} came {got} times, expected {want}"
            );
        }
        for epoch in 0..50 {
            let n = epochs.epoch_order(epoch).len();
            assert_eq!(n, 4, "weights sum to 4, epoch {epoch} shows {n}");
        }
    }

    #[test]
    fn a_place_holds_the_same_draw_however_it_is_reached() {
        let mut straight = epochs(&[1.0; 7], Copies::Random);
        let all = straight.draws(0, 100);
        for start in [93, 0, 7, 41, 13] {
            let mut resumed = epochs(&[1.0; 7], Copies::Random);
            let at = usize::try_from(start).unwrap();
            assert_eq!(
                resumed.draws(start, 7),
                all[at..at + 7],
                "from place {start}"
            );
            assert_eq!(
                straight.draws(start, 7),
                all[at..at + 7],
                "going back to {start}"
            );
        }
    }

    #[test]
    fn epochs_differ_from_each_other() {
        let epochs = epochs(&[1.0; 20], Copies::Random);
        assert_ne!(
            epochs.epoch_order(0),
            epochs.epoch_order(1),
            "two orders of twenty"
        );
    }
}
