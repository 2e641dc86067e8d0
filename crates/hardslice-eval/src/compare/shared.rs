//! How much of what a reference shows its arm shows too.

use serde::{Deserialize, Serialize};

/// A reference that shows more than this share of its own slices in common with an arm cannot answer
/// whether the choice of that arm's slices matters: the two are nearly the same training, and that
/// they do not differ says nothing.
pub const MOST_SHARED: f64 = 0.5;

/// What a reference has in common with an arm in one training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedSlices {
    /// The arm.
    pub arm: String,
    /// The reference.
    pub reference: String,
    /// The seed of the training.
    pub seed: u64,
    /// Its A|B split.
    pub split: u64,
    /// Slices that the reference was to choose otherwise, and that the arm chose too.
    pub n_shared: usize,
    /// Slices that the reference chose.
    pub n_slices: usize,
}

/// What a reference has in common with an arm over all trainings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SharedOverall {
    /// Trainings that this is known of.
    pub n_trainings: usize,
    /// Those of them in which some slice is shared.
    pub n_trainings_sharing: usize,
    /// Slices that both chose, over all trainings.
    pub n_shared: usize,
    /// Slices that the reference chose, over all trainings.
    pub n_slices: usize,
}

impl SharedOverall {
    /// What an arm and a reference share by these counts, which may name a training several times
    /// (once a fold); `None` where they share nothing.
    pub(super) fn of(shared: &[SharedSlices], arm: &str, reference: &str) -> Option<Self> {
        let mut trainings = std::collections::BTreeMap::<(u64, u64), [usize; 2]>::new();
        let of_pair = |one: &&SharedSlices| one.arm == arm && one.reference == reference;
        for one in shared.iter().filter(of_pair) {
            let counts = trainings.entry((one.split, one.seed)).or_default();
            counts[0] += one.n_shared;
            counts[1] += one.n_slices;
        }
        let mut overall = Self {
            n_trainings: trainings.len(),
            ..Self::default()
        };
        for [n_shared, n_slices] in trainings.into_values() {
            overall.n_trainings_sharing += usize::from(n_shared > 0);
            overall.n_shared += n_shared;
            overall.n_slices += n_slices;
        }
        (overall.n_shared > 0).then_some(overall)
    }

    /// Whether the reference shares more than [`MOST_SHARED`], so that nothing can be concluded from
    /// it.
    pub fn is_too_much(&self) -> bool {
        self.n_shared as f64 > MOST_SHARED * self.n_slices as f64
    }
}
