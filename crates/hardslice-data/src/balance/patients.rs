//! The patients that are hardest, and as many drawn at random.

use std::collections::{BTreeMap, BTreeSet};

use super::{Candidates, HardSlices};
use crate::PatientId;
use crate::random::Stream;

/// The hardest of the training patients, by the mean difficulty (`1 - Dice`) of their slices with an
/// organ; of equally hard ones the first by name. A share of them, rounded up,
/// but no more than half, so that the control has as many others. Patients who show no
/// organ are neither counted nor chosen.
pub(super) fn worst_patients(
    candidates: &Candidates<'_>,
    found: &HardSlices,
    share: f64,
) -> BTreeSet<PatientId> {
    let difficulty = difficulty(candidates, found);
    let n = n_chosen(difficulty.len(), share);
    let mut by_difficulty: Vec<(&PatientId, f64)> = difficulty.into_iter().collect();
    by_difficulty.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let worst = by_difficulty.into_iter().take(n);
    worst.map(|(patient, _)| patient.clone()).collect()
}

/// As many patients as [`worst_patients`] chooses, none of them among those, each of the others as
/// likely; where there are too few others, all of them.
pub(super) fn random_patients(
    candidates: &Candidates<'_>,
    found: &HardSlices,
    share: f64,
) -> BTreeSet<PatientId> {
    let worst = worst_patients(candidates, found, share);
    let all = difficulty(candidates, found).into_keys();
    let mut others: Vec<&PatientId> = all.filter(|patient| !worst.contains(*patient)).collect();
    Stream::new(candidates.seed, "arm/random_patients").shuffle(&mut others);
    others.into_iter().take(worst.len()).cloned().collect()
}

/// Mean difficulty of the positive slices of each patient of A and B.
fn difficulty<'c>(candidates: &Candidates<'c>, found: &HardSlices) -> BTreeMap<&'c PatientId, f64> {
    let mut sums: BTreeMap<&PatientId, (f64, usize)> = BTreeMap::new();
    let all = candidates.a.iter().chain(candidates.b);
    for candidate in all.filter(|candidate| candidate.is_positive()) {
        let (sum, n) = sums.entry(&candidate.patient).or_default();
        *sum += found.difficulty_of(candidate.slice);
        *n += 1;
    }
    let means = sums.into_iter();
    means
        .map(|(patient, (sum, n))| (patient, sum / n as f64))
        .collect()
}

fn n_chosen(n_patients: usize, share: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most all of them"
    )]
    let n = (n_patients as f64 * share).ceil() as usize;
    n.min((n_patients / 2).max(1)).min(n_patients)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Candidate, RepeatFactors};
    use crate::{OutputIdx, SliceRef};

    fn patient(idx: u32) -> PatientId {
        PatientId::new(format!("p{idx}")).unwrap()
    }

    /// Two slices with the organ and one without, of each of these patients.
    fn slices(patients: std::ops::Range<u32>) -> Vec<Candidate> {
        patients
            .flat_map(|idx| (0..3).map(move |z| (idx, z)))
            .map(|(case_idx, z)| Candidate {
                slice: SliceRef { case_idx, z },
                patient: patient(case_idx),
                organs: OutputIdx::first(usize::from(z < 2)).collect(),
            })
            .collect()
    }

    /// Patient 1 is hardest on average, 3 next; 2 has the hardest slice, and one without the organ.
    fn found() -> HardSlices {
        let difficulty = [
            ((1, 0), 0.8),
            ((1, 1), 0.7),
            ((2, 0), 0.9),
            ((2, 2), 1.0),
            ((3, 0), 0.5),
            ((3, 1), 0.5),
        ];
        let difficulty = difficulty.map(|((case_idx, z), d)| (SliceRef { case_idx, z }, d));
        HardSlices {
            difficulty: difficulty.into(),
            ..HardSlices::default()
        }
    }

    fn with_candidates<T>(test: impl FnOnce(&Candidates<'_>) -> T) -> T {
        let (b, a) = (slices(0..3), slices(3..8));
        test(&Candidates {
            a: &a,
            b: &b,
            factors: &RepeatFactors::of([&a, &b].into_iter().flatten(), 1.0),
            seed: 5,
        })
    }

    #[test]
    fn the_hardest_quarter_goes_by_the_mean_of_slices_with_the_organ() {
        with_candidates(|candidates| {
            let worst = worst_patients(candidates, &found(), 0.25);
            assert_eq!(worst, [patient(1), patient(3)].into(), "two of eight");
            let worst = worst_patients(candidates, &found(), 0.26);
            assert_eq!(worst.len(), 3, "rounded up");
            assert!(worst.contains(&patient(2)), "0.9 and 0: 0.45");
        });
    }

    #[test]
    fn the_control_draws_as_many_others() {
        with_candidates(|candidates| {
            let drawn = random_patients(candidates, &found(), 0.25);
            assert_eq!(drawn.len(), 2);
            assert!(!drawn.contains(&patient(1)) && !drawn.contains(&patient(3)));
            let other = Candidates {
                seed: 6,
                ..*candidates
            };
            let draws =
                (0..20).map(|seed| random_patients(&Candidates { seed, ..other }, &found(), 0.25));
            let distinct: BTreeSet<_> = draws.collect();
            assert!(
                distinct.len() > 5,
                "each seed draws its own: {}",
                distinct.len()
            );
            let all_others = random_patients(candidates, &found(), 0.75);
            assert_eq!(all_others.len(), 4, "as many as the other half");
        });
        // Of an odd number more than half rounded up would leave too few others.
        let (b, a) = (slices(0..2), slices(2..5));
        let five = Candidates {
            a: &a,
            b: &b,
            factors: &RepeatFactors::of([&a, &b].into_iter().flatten(), 1.0),
            seed: 5,
        };
        let [worst, drawn] =
            [worst_patients, random_patients].map(|choose| choose(&five, &found(), 0.5));
        assert_eq!([worst.len(), drawn.len()], [2, 2]);
        assert!(worst.is_disjoint(&drawn));
    }
}
