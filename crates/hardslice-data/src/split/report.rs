//! How like A and B are to the training set that they came from.

use serde::{Deserialize, Serialize};

use super::CaseFacts;
use crate::Organ;

/// How like A and B are to the whole training set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BalanceReport {
    /// All training patients without validation.
    pub whole: GroupReport,
    /// The mined part.
    pub a: GroupReport,
    /// The part trained on from the start.
    pub b: GroupReport,
    /// Divisions that were compared; 0 where the user gave A and B.
    pub n_candidates: usize,
    /// Median distance of the candidates' B, to see what choosing was worth.
    pub median_candidate_distance: Option<f64>,
}

/// One group of cases, beside the whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// Patients.
    pub n_patients: usize,
    /// Scans.
    pub n_scans: usize,
    /// Slices of all scans.
    pub n_slices: usize,
    /// Mean number of slices per scan; absent in an empty group.
    pub slices_mean: Option<f64>,
    /// Standard deviation of it (n - 1); absent below two scans.
    pub slices_sd: Option<f64>,
    /// Wasserstein distance between the slices per scan of the group and of the whole, in slices;
    /// absent in an empty group.
    pub slices_distance: Option<f64>,
    /// How often each organ is seen.
    pub organs: Vec<OrganShare>,
    /// What A and B are chosen by: `slices_distance` plus the mean over the organs of the difference
    /// in the share of positive slices, each divided by its standard deviation between the scans of
    /// the whole. 0 for the whole itself; absent in an empty group.
    pub distance: Option<f64>,
}

/// How often an organ is seen in the slices of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrganShare {
    /// The organ.
    pub organ: Organ,
    /// Scans that it is annotated in.
    pub n_annotated: usize,
    /// Slices of those scans.
    pub n_slices: usize,
    /// Slices that show the organ.
    pub n_positive: usize,
    /// `n_positive / n_slices`; absent where nothing is annotated.
    pub positive_share: Option<f64>,
}

/// Added to the distance for each organ that nobody in the group is annotated for though somebody
/// in the whole is: such a B could not be trained.
const ORGAN_MISSING: f64 = 100.0;

impl GroupReport {
    pub(super) fn of(group: &[&CaseFacts], whole: &[&CaseFacts]) -> Self {
        let counts = slice_counts(group);
        let n = counts.len() as f64;
        let mean = mean(&counts);
        let sum_of_squares = mean.map(|mean| {
            counts
                .iter()
                .map(|count| (count - mean).powi(2))
                .sum::<f64>()
        });
        let mut patients: Vec<_> = group.iter().map(|case| &case.patient).collect();
        patients.sort();
        patients.dedup();
        Self {
            n_patients: patients.len(),
            n_scans: group.len(),
            n_slices: group.iter().map(|case| case.n_slices).sum(),
            slices_mean: mean,
            slices_sd: sum_of_squares
                .filter(|_| n > 1.0)
                .map(|sum| (sum / (n - 1.0)).sqrt()),
            slices_distance: mean.map(|_| wasserstein(&counts, &slice_counts(whole))),
            organs: shares(group, whole),
            distance: mean.map(|_| distance(group, whole)),
        }
    }
}

/// How unlike a group is to the whole: the Wasserstein distance of the slices per scan plus the
/// mean over the organs of the difference in the share of positive slices, each divided by its
/// standard deviation between the scans of the whole. 0 for the whole itself.
pub(super) fn distance(group: &[&CaseFacts], whole: &[&CaseFacts]) -> f64 {
    let (counts, all_counts) = (slice_counts(group), slice_counts(whole));
    let slices = wasserstein(&counts, &all_counts) / spread(&all_counts);
    let (mut sum, mut n_organs) = (0.0, 0);
    for (organ_idx, (here, all)) in shares(group, whole)
        .iter()
        .zip(shares(whole, whole))
        .enumerate()
    {
        let Some(share) = all.positive_share else {
            continue;
        };
        n_organs += 1;
        sum += match here.positive_share {
            Some(positive) => (positive - share).abs() / spread(&share_per_scan(whole, organ_idx)),
            None => ORGAN_MISSING,
        };
    }
    slices + sum / f64::from(n_organs.max(1))
}

/// Wasserstein-1 distance between two samples: the area between their distribution functions, in
/// the unit of the samples. Infinite when one is empty and the other is not.
pub fn wasserstein(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return if a.len() == b.len() {
            0.0
        } else {
            f64::INFINITY
        };
    }
    let sorted = |sample: &[f64]| {
        let mut sample = sample.to_vec();
        sample.sort_by(f64::total_cmp);
        sample
    };
    let (a, b) = (sorted(a), sorted(b));
    let mut all = [a.as_slice(), b.as_slice()].concat();
    all.sort_by(f64::total_cmp);
    let share_up_to = |sample: &[f64], x: f64| {
        sample.partition_point(|value| *value <= x) as f64 / sample.len() as f64
    };
    let steps = all.windows(2);
    steps
        .map(|w| (w[1] - w[0]) * (share_up_to(&a, w[0]) - share_up_to(&b, w[0])).abs())
        .sum()
}

fn slice_counts(group: &[&CaseFacts]) -> Vec<f64> {
    group.iter().map(|case| case.n_slices as f64).collect()
}

/// How often each organ is seen in a group; 0 times of all organs of the whole where it is empty.
fn shares(group: &[&CaseFacts], whole: &[&CaseFacts]) -> Vec<OrganShare> {
    let organs = whole
        .first()
        .map_or(&[][..], |case| case.n_positive.as_slice());
    let share = |(organ_idx, (organ, _)): (usize, &(Organ, Option<usize>))| {
        let annotated = group.iter().filter_map(|case| {
            let (_, n_positive) = case.n_positive[organ_idx];
            n_positive.map(|n_positive| (case.n_slices, n_positive))
        });
        let (n_annotated, n_slices, n_positive) = annotated
            .fold((0, 0, 0), |(n, all, positive), (a, p)| {
                (n + 1, all + a, positive + p)
            });
        OrganShare {
            organ: organ.clone(),
            n_annotated,
            n_slices,
            n_positive,
            positive_share: (n_slices > 0).then(|| n_positive as f64 / n_slices as f64),
        }
    };
    organs.iter().enumerate().map(share).collect()
}

/// Share of positive slices of each scan that the organ is annotated in.
fn share_per_scan(group: &[&CaseFacts], organ_idx: usize) -> Vec<f64> {
    let share = |case: &&CaseFacts| {
        let (_, n_positive) = case.n_positive[organ_idx];
        n_positive.map(|n_positive| n_positive as f64 / case.n_slices.max(1) as f64)
    };
    group.iter().filter_map(share).collect()
}

fn mean(sample: &[f64]) -> Option<f64> {
    (!sample.is_empty()).then(|| sample.iter().sum::<f64>() / sample.len() as f64)
}

/// Standard deviation (n - 1) to divide by: 1 where the sample does not vary, and where it is empty.
fn spread(sample: &[f64]) -> f64 {
    let Some(mean) = mean(sample) else {
        return 1.0;
    };
    let sum: f64 = sample.iter().map(|value| (value - mean).powi(2)).sum();
    let sd = (sum / (sample.len() as f64 - 1.0).max(1.0)).sqrt();
    if sd > 0.0 { sd } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wasserstein_distance_is_the_work_of_moving_one_sample_onto_the_other() {
        let close = |a: &[f64], b: &[f64], want: f64| {
            let (there, back) = (wasserstein(a, b), wasserstein(b, a));
            assert!(
                (there - want).abs() < 1e-12,
                "{a:?} to {b:?}: {there}, expected {want}"
            );
            assert!(
                (there - back).abs() < 1e-12,
                "{a:?} to {b:?} and back: {there}, {back}"
            );
        };
        close(&[1.0, 2.0, 3.0], &[3.0, 1.0, 2.0], 0.0);
        close(&[0.0], &[5.0], 5.0);
        close(&[0.0, 10.0], &[5.0], 5.0);
        // Half the mass of {0} moves to 4.
        close(&[0.0], &[0.0, 4.0], 2.0);
        // Thirds and halves: |1/3|*1 + |1/3 - 1/2|*1 + |2/3 - 1/2|*1 worked out step by step.
        close(
            &[0.0, 2.0, 3.0],
            &[1.0, 3.0],
            1.0 / 3.0 + 1.0 / 6.0 + 1.0 / 6.0,
        );
        close(&[], &[], 0.0);
        assert!(wasserstein(&[], &[1.0]).is_infinite(), "nothing to move");
    }
}
