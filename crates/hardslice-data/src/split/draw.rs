//! Which training patients go to B.

use std::collections::{BTreeMap, BTreeSet};

use super::report::distance;
use super::{CaseFacts, SplitOptions};
use crate::PatientId;
use crate::random::Stream;

/// The patients of B and what they were chosen from.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) b: Vec<PatientId>,
    pub(super) n_candidates: usize,
    pub(super) median_distance: f64,
}

/// Draws many groups of `n_b` patients and keeps the one that is most like all.
///
/// Where there are no more groups than candidates asked for, all of them are compared. Else groups
/// are drawn by stratum: patients are ordered by whether they have more slices per scan than the
/// median patient and by whether more of them show an organ, at random within each of the four
/// strata; then every n/n_b-th is taken from a random start on, so that each stratum gives its
/// share.
///
/// # Panics
///
/// When no candidates are asked for, or more patients than there are.
pub(super) fn draw(
    patients: &[PatientId],
    cases: &[&CaseFacts],
    n_b: usize,
    options: &SplitOptions,
) -> Drawn {
    let name = match options.division {
        0 => "split/b".to_owned(),
        division => format!("split/b/{division}"),
    };
    let mut stream = Stream::new(options.seed, &name);
    let candidates = if subsets_at_most(patients.len(), n_b, options.n_candidates).is_some() {
        all_subsets(&stream.permutation(patients.len()), n_b)
    } else {
        let strata = strata(patients, cases);
        (0..options.n_candidates)
            .map(|_| stratified(&strata, n_b, &mut stream))
            .collect()
    };
    let scored: Vec<f64> = candidates
        .iter()
        .map(|candidate| {
            let b: BTreeSet<&PatientId> = candidate.iter().map(|index| &patients[*index]).collect();
            let group: Vec<&CaseFacts> = cases
                .iter()
                .copied()
                .filter(|case| b.contains(&case.patient))
                .collect();
            distance(&group, cases)
        })
        .collect();
    let best = (0..scored.len()).min_by(|i, j| scored[*i].total_cmp(&scored[*j]));
    let best = best.expect("at least one candidate is asked for");
    let mut b: Vec<PatientId> = candidates[best]
        .iter()
        .map(|index| patients[*index].clone())
        .collect();
    b.sort();
    let mut sorted = scored;
    sorted.sort_by(f64::total_cmp);
    Drawn {
        b,
        n_candidates: sorted.len(),
        median_distance: sorted[sorted.len() / 2],
    }
}

/// The number of subsets of `k` of `n`, if it is at most `limit`.
fn subsets_at_most(n: usize, k: usize, limit: usize) -> Option<usize> {
    let mut count: usize = 1;
    for i in 0..k.min(n - k) {
        // Exact at every step: a product of i + 1 neighbours is divisible by (i + 1)!.
        count = count.checked_mul(n - i)? / (i + 1);
        if count > limit {
            return None;
        }
    }
    Some(count)
}

/// All subsets of `k` of the items, those of the first items first.
fn all_subsets(items: &[usize], k: usize) -> Vec<Vec<usize>> {
    let Some((first, rest)) = items.split_first() else {
        return if k == 0 { vec![Vec::new()] } else { Vec::new() };
    };
    if k == 0 {
        return vec![Vec::new()];
    }
    let mut subsets = all_subsets(rest, k - 1);
    for subset in &mut subsets {
        subset.insert(0, *first);
    }
    if k < items.len() {
        subsets.extend(all_subsets(rest, k));
    }
    subsets
}

/// Patients, of whom there are some, by index in four groups.
fn strata(patients: &[PatientId], cases: &[&CaseFacts]) -> Vec<Vec<usize>> {
    let means: Vec<[f64; 2]> = patients
        .iter()
        .map(|patient| means(patient, cases))
        .collect();
    let median = |of: usize| {
        let mut values: Vec<f64> = means.iter().map(|means| means[of]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let medians = [median(0), median(1)];
    let mut strata: BTreeMap<[bool; 2], Vec<usize>> = BTreeMap::new();
    for (index, means) in means.iter().enumerate() {
        let is_above = [means[0] >= medians[0], means[1] >= medians[1]];
        strata.entry(is_above).or_default().push(index);
    }
    strata.into_values().collect()
}

/// A patient's slices per scan, and the share of positive ones over all annotated organs.
fn means(patient: &PatientId, cases: &[&CaseFacts]) -> [f64; 2] {
    let scans = cases.iter().filter(|case| case.patient == *patient);
    let (mut n_scans, mut n_slices, mut n_annotated, mut n_positive) = (0, 0, 0, 0);
    for case in scans {
        n_scans += 1;
        n_slices += case.n_slices;
        for positive in case.n_positive.iter().filter_map(|(_, positive)| *positive) {
            n_annotated += case.n_slices;
            n_positive += positive;
        }
    }
    let ratio = |a: usize, b: usize| a as f64 / b.max(1) as f64;
    [ratio(n_slices, n_scans), ratio(n_positive, n_annotated)]
}

fn stratified(strata: &[Vec<usize>], n_b: usize, stream: &mut Stream) -> Vec<usize> {
    let mut order = Vec::new();
    for stratum in strata {
        let mut stratum = stratum.clone();
        stream.shuffle(&mut stratum);
        order.extend(stratum);
    }
    // Whole numbers only, so that rounding cannot take one twice: position (start + i·n) / n_b.
    let n = order.len();
    let start = stream.below(n);
    (0..n_b).map(|i| order[(start + i * n) / n_b]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_subsets_are_counted_and_listed() {
        for n in 1..9 {
            for k in 1..=n {
                let items: Vec<usize> = (0..n).collect();
                let mut subsets = all_subsets(&items, k);
                assert_eq!(
                    Some(subsets.len()),
                    subsets_at_most(n, k, 1000),
                    "{k} of {n}"
                );
                subsets.sort();
                subsets.dedup();
                assert!(subsets.iter().all(|subset| subset.len() == k), "{k} of {n}");
                assert_eq!(
                    Some(subsets.len()),
                    subsets_at_most(n, k, 1000),
                    "each once"
                );
            }
        }
        assert_eq!(subsets_at_most(220, 110, 2000), None, "far too many");
        assert_eq!(subsets_at_most(16, 8, 12_870), Some(12_870), "just as many");
    }

    #[test]
    fn each_stratum_gives_its_share() {
        let strata = [
            (0..40).collect(),
            (40..60).collect(),
            (60..100).collect::<Vec<usize>>(),
        ];
        let mut stream = Stream::new(1, "strata");
        for _ in 0..100 {
            let mut drawn = stratified(&strata, 50, &mut stream);
            drawn.sort_unstable();
            drawn.dedup();
            assert_eq!(drawn.len(), 50, "nobody twice");
            let first = drawn.iter().filter(|index| **index < 40).count();
            assert!((19..=21).contains(&first), "{first} of the first forty");
        }
    }
}
