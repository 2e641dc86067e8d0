//! What a mining found.

use super::triage::Findings;
use super::{MiningOptions, ResolvedTau, ScoredSlice, TauWarning, Verdict};
use crate::balance::HardSlices;
use crate::{Organ, StoreOrgan};

/// What a mining found.
#[derive(Debug, Clone, PartialEq)]
pub struct MinedSlices {
    /// The scored slices, as they were given.
    pub scored: Vec<ScoredSlice>,
    /// Which of them are hard, in the same order.
    pub verdicts: Vec<Verdict>,
    /// The threshold of each organ, in the order of the outputs.
    pub taus: Vec<ResolvedTau>,
    /// Which of the hard slices look wrong or redundant.
    pub findings: Findings,
    /// What policies go by: the hard slices without those that are excluded.
    pub hard: HardSlices,
    /// Thresholds that take suspiciously little or much.
    pub warnings: Vec<(Organ, TauWarning)>,
    pub(super) organs: Vec<StoreOrgan>,
    pub(super) options: MiningOptions,
}

impl MinedSlices {
    /// Whether a threshold was taken from the test set: then all that is made of it must say so.
    /// ([`mine`](super::mine()) has an example.)
    pub fn is_leaky(&self) -> bool {
        self.taus.iter().any(|tau| tau.leaky)
    }
}
