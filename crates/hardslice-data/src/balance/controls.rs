//! The slices that controls draw at random, each from a random stream of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::{Candidate, Candidates};
use crate::random::Stream;
use crate::{PatientId, SliceRef};

/// As many slices of A as are hard, none of them hard, each as likely as any other. Where fewer than
/// that are left, hard ones make up the number.
pub(super) fn draw_uniform(
    candidates: &Candidates<'_>,
    hard: &BTreeSet<SliceRef>,
) -> BTreeSet<SliceRef> {
    let slices = candidates.a.iter().map(|candidate| candidate.slice);
    draw_others(slices, hard, hard.len(), candidates.seed, "arm/random")
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

/// `n` slices that are not hard, each as likely as any other; hard ones where there are too few.
fn draw_others(
    from: impl Iterator<Item = SliceRef>,
    hard: &BTreeSet<SliceRef>,
    n: usize,
    seed: u64,
    stream: &str,
) -> BTreeSet<SliceRef> {
    let (hard, others): (Vec<SliceRef>, Vec<SliceRef>) =
        from.partition(|slice| hard.contains(slice));
    let mut drawn = draw(others, n, seed, stream);
    let n_missing = n - drawn.len();
    drawn.extend(draw(hard, n_missing, seed, &format!("{stream}/hard")));
    drawn
}

fn draw(mut from: Vec<SliceRef>, n: usize, seed: u64, stream: &str) -> BTreeSet<SliceRef> {
    Stream::new(seed, stream).shuffle(&mut from);
    from.into_iter().take(n).collect()
}

/// As many slices of each patient of A, positive and negative counted apart, as are hard, and none of
/// them hard. Where a patient has too few others of a kind, hard ones make up the number.
pub(super) fn draw_matched(
    candidates: &Candidates<'_>,
    hard: &BTreeSet<SliceRef>,
) -> BTreeSet<SliceRef> {
    draw_matched_from(candidates.a.iter(), hard, candidates.seed)
}

/// The same of the patients of A and B.
pub(super) fn draw_matched_of_all(
    candidates: &Candidates<'_>,
    hard: &BTreeSet<SliceRef>,
) -> BTreeSet<SliceRef> {
    let all = candidates.a.iter().chain(candidates.b);
    draw_matched_from(all, hard, candidates.seed)
}

fn draw_matched_from<'c>(
    from: impl Iterator<Item = &'c Candidate>,
    hard: &BTreeSet<SliceRef>,
    seed: u64,
) -> BTreeSet<SliceRef> {
    let mut groups: BTreeMap<(&PatientId, bool), (Vec<SliceRef>, usize)> = BTreeMap::new();
    for candidate in from {
        let key = (&candidate.patient, candidate.is_positive);
        let (slices, n_hard) = groups.entry(key).or_default();
        slices.push(candidate.slice);
        *n_hard += usize::from(hard.contains(&candidate.slice));
    }
    let groups = groups.into_iter();
    groups
        .flat_map(|((patient, is_positive), (slices, n_hard))| {
            let name = format!("arm/random_matched/{patient}/{is_positive}");
            draw_others(slices.into_iter(), hard, n_hard, seed, &name)
        })
        .collect()
}
