//! The slices that controls draw at random, each from a random stream of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::Candidates;
use crate::random::Stream;
use crate::{PatientId, SliceRef};

/// `n` slices of A, each as likely as any other.
pub(super) fn draw_uniform(candidates: &Candidates<'_>, n: usize) -> BTreeSet<SliceRef> {
    let slices = candidates.a.iter().map(|candidate| candidate.slice);
    draw(slices.collect(), n, candidates.seed, "arm/random")
}

/// As many slices as are hard, each of the easy ones as likely as any other; all of them where
/// there are fewer.
pub(super) fn draw_easy(
    candidates: &Candidates<'_>,
    hard: &BTreeSet<SliceRef>,
) -> BTreeSet<SliceRef> {
    let slices = candidates.a.iter().map(|candidate| candidate.slice);
    let easy = slices.filter(|slice| !hard.contains(slice)).collect();
    draw(easy, hard.len(), candidates.seed, "arm/easy")
}

fn draw(mut from: Vec<SliceRef>, n: usize, seed: u64, stream: &str) -> BTreeSet<SliceRef> {
    Stream::new(seed, stream).shuffle(&mut from);
    from.into_iter().take(n).collect()
}

/// As many slices of each patient, positive and negative counted apart, as are hard.
pub(super) fn draw_matched(
    candidates: &Candidates<'_>,
    hard: &BTreeSet<SliceRef>,
) -> BTreeSet<SliceRef> {
    let mut groups: BTreeMap<(&PatientId, bool), (Vec<SliceRef>, usize)> = BTreeMap::new();
    for candidate in candidates.a {
        let key = (&candidate.patient, candidate.is_positive);
        let (slices, n_hard) = groups.entry(key).or_default();
        slices.push(candidate.slice);
        *n_hard += usize::from(hard.contains(&candidate.slice));
    }
    let groups = groups.into_iter();
    groups
        .flat_map(|((patient, is_positive), (slices, n_hard))| {
            let name = format!("arm/random_matched/{patient}/{is_positive}");
            draw(slices, n_hard, candidates.seed, &name)
        })
        .collect()
}
