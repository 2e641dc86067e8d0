//! The slices that controls draw at random, each from a random stream of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::{Candidate, Candidates, HardSlices};
use crate::random::Stream;
use crate::{OutputIdx, PatientId, SliceRef};

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

/// As many slices of each patient of A as are hard, showing the same organs, and none of them hard.
///
/// Slices without an organ are counted apart from those with one, and these by their
/// [rarest](super::RepeatFactors::rarest_in), which their weight goes by. Where a patient has too few others
/// with the same, others with another one make up the number, and then hard ones.
pub(super) fn draw_matched(
    candidates: &Candidates<'_>,
    hard: &BTreeSet<SliceRef>,
) -> BTreeSet<SliceRef> {
    draw_matched_from(candidates.a.iter(), candidates, hard)
}

/// The same of the patients of A and B.
pub(super) fn draw_matched_of_all(
    candidates: &Candidates<'_>,
    hard: &BTreeSet<SliceRef>,
) -> BTreeSet<SliceRef> {
    let all = candidates.a.iter().chain(candidates.b);
    draw_matched_from(all, candidates, hard)
}

/// Slices of a patient by the rarest organ in them.
type ByRarest = BTreeMap<Option<OutputIdx>, Vec<SliceRef>>;

/// Slices by patient and by the rarest organ in them.
fn by_patient<'c>(
    slices: impl Iterator<Item = &'c Candidate>,
    candidates: &Candidates<'_>,
) -> BTreeMap<&'c PatientId, ByRarest> {
    let mut groups: BTreeMap<&PatientId, ByRarest> = BTreeMap::new();
    for candidate in slices {
        let of_patient = groups.entry(&candidate.patient).or_default();
        let rarest = candidates.factors.rarest_in(candidate);
        of_patient.entry(rarest).or_default().push(candidate.slice);
    }
    groups
}

fn draw_matched_from<'c>(
    from: impl Iterator<Item = &'c Candidate>,
    candidates: &Candidates<'_>,
    hard: &BTreeSet<SliceRef>,
) -> BTreeSet<SliceRef> {
    let mut drawn = BTreeSet::new();
    for (patient, mut positive) in by_patient(from, candidates) {
        let negative = positive.remove_entry(&None).into_iter().collect();
        for (is_positive, group) in [(false, negative), (true, positive)] {
            let stream = format!("arm/random_matched/{patient}/{is_positive}");
            drawn.extend(draw_like(group, hard, candidates.seed, &stream));
        }
    }
    drawn
}

/// As many of these slices as are hard of them.
fn draw_like(
    group: ByRarest,
    hard: &BTreeSet<SliceRef>,
    seed: u64,
    stream: &str,
) -> BTreeSet<SliceRef> {
    let n_hard = |slices: &[SliceRef]| slices.iter().filter(|slice| hard.contains(slice)).count();
    let all: Vec<SliceRef> = group.values().flatten().copied().collect();
    let mut drawn = BTreeSet::new();
    let is_one = group.len() == 1;
    for (rarest, slices) in group {
        let n = n_hard(&slices);
        let others = slices.into_iter().filter(|slice| !hard.contains(slice));
        let stream = match rarest {
            Some(rarest) if !is_one => format!("{stream}/{}", rarest.idx()),
            _ => stream.to_owned(),
        };
        drawn.extend(draw(others.collect(), n, seed, &stream));
    }
    let n_missing = n_hard(&all) - drawn.len();
    let left = all.into_iter().filter(|slice| !drawn.contains(slice));
    let more = draw_others(left, hard, n_missing, seed, stream);
    drawn.extend(more);
    drawn
}

/// How hard each slice of A and B is, dealt out at random among the slices of a patient whose
/// [rarest](super::RepeatFactors::rarest_in) organ is the same.
pub(super) fn dealt_difficulties(
    candidates: &Candidates<'_>,
    found: &HardSlices,
) -> BTreeMap<SliceRef, f64> {
    let all = candidates.a.iter().chain(candidates.b);
    let mut dealt = BTreeMap::new();
    for (patient, by_rarest) in by_patient(all, candidates) {
        for (rarest, slices) in by_rarest {
            let rarest = rarest.map_or("none".to_owned(), |output| output.idx().to_string());
            let name = format!("arm/probabilistic_random/{patient}/{rarest}");
            let mut of_slices = slices.clone();
            Stream::new(candidates.seed, &name).shuffle(&mut of_slices);
            let difficulties = of_slices.into_iter().map(|of| found.difficulty_of(of));
            dealt.extend(slices.into_iter().zip(difficulties));
        }
    }
    dealt
}
