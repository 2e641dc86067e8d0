//! Weights by a power of the difficulty that rises stage by stage, most of them within each organ.

use std::collections::BTreeMap;

use super::{BalanceOptions, Candidate, Candidates};
use crate::{OutputIdx, SliceRef};

/// The share of what is shown in which each organ, and slices without one, keep the share that they have
/// by their ordinary weights. Without it slices in which nothing is to be found, the difficulty of which
/// is 1 wherever a net finds something, would take over.
const STRATIFIED: f64 = 2.0 / 3.0;

/// What each slice of A and B weighs in each stage; all together as much as by their ordinary weights.
///
/// `difficulty` is from 0 to 1.
pub(super) fn annealed(
    candidates: &Candidates<'_>,
    difficulty: impl Fn(&Candidate) -> f64,
    options: &BalanceOptions,
) -> Vec<BTreeMap<SliceRef, f64>> {
    let n_stages = options.stages.max(1);
    let stage = |stage: u32| {
        let power = f64::from(stage) / f64::from(n_stages);
        let factor = |of: &Candidate| difficulty(of).max(options.floor).powf(power);
        one_stage(candidates, factor)
    };
    (1..=n_stages).map(stage).collect()
}

fn one_stage(
    candidates: &Candidates<'_>,
    factor: impl Fn(&Candidate) -> f64,
) -> BTreeMap<SliceRef, f64> {
    // The ordinary weight of each slice and that times the factor, and the sums of both by organ and of all.
    let all = candidates.a.iter().chain(candidates.b);
    let weighed: Vec<(SliceRef, Option<OutputIdx>, [f64; 2])> = all
        .map(|candidate| {
            let weight = candidates.base_weight(candidate);
            let weights = [weight, weight * factor(candidate)];
            (
                candidate.slice,
                candidates.factors.rarest_in(candidate),
                weights,
            )
        })
        .collect();
    let mut of_organ: BTreeMap<Option<OutputIdx>, [f64; 2]> = BTreeMap::new();
    let mut of_all = [0.0; 2];
    for (_, organ, weights) in &weighed {
        for sums in [of_organ.entry(*organ).or_default(), &mut of_all] {
            sums[0] += weights[0];
            sums[1] += weights[1];
        }
    }
    let scale = |[ordinary, by_factor]: [f64; 2]| ordinary / by_factor;
    let weights = weighed.into_iter().map(|(slice, organ, [_, weight])| {
        let within = scale(of_organ[&organ]);
        (
            slice,
            weight * (STRATIFIED * within + (1.0 - STRATIFIED) * scale(of_all)),
        )
    });
    weights.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PatientId;
    use crate::balance::RepeatFactors;

    /// Six slices without an organ and four with it, which weigh three times as much.
    fn with_slices(test: impl FnOnce(&Candidates<'_>)) {
        let slice = |z: usize| Candidate {
            slice: SliceRef::at(0, z),
            patient: PatientId::new("p").unwrap(),
            organs: OutputIdx::first(usize::from(z >= 6)).collect(),
        };
        let a: Vec<Candidate> = (0..10).map(slice).collect();
        test(&Candidates {
            a: &a,
            b: &[],
            factors: &RepeatFactors::of(&a, 3.0),
            seed: 0,
        });
    }

    #[test]
    fn the_power_rises_and_two_thirds_keep_each_organ_s_share() {
        with_slices(|candidates| {
            // Of those without an organ one is hard, as of those with one.
            let difficulty = |of: &Candidate| f64::from(u8::from(matches!(of.slice.z, 0 | 9)));
            let options = BalanceOptions {
                stages: 2,
                floor: 0.25,
                ..BalanceOptions::default()
            };
            let stages = annealed(candidates, difficulty, &options);
            for (weights, floor) in stages.iter().zip([0.5, 0.25]) {
                let weight = |z| weights[&SliceRef::at(0, z)];
                assert!((weight(1) / weight(0) - floor).abs() < 1e-12, "{weights:?}");
                assert!((weight(6) / weight(9) - floor).abs() < 1e-12, "{weights:?}");
                let total: f64 = weights.values().sum();
                assert!((total - 18.0).abs() < 1e-9, "6 and 4 times 3: {total}");
                // Of 6 and 12: what is as hard in a smaller group is a larger share of it.
                let negative: f64 = (0..6).map(weight).sum();
                let [of_negative, of_positive] = [1.0 + 5.0 * floor, 3.0 + 9.0 * floor];
                let by_difficulty = 18.0 * of_negative / (of_negative + of_positive);
                let wanted = 2.0 / 3.0 * 6.0 + by_difficulty / 3.0;
                assert!((negative - wanted).abs() < 1e-9, "{negative} for {wanted}");
            }
            assert_eq!(stages.len(), 2);
        });
    }

    #[test]
    fn slices_as_hard_as_each_other_weigh_what_they_always_do() {
        with_slices(|candidates| {
            for weights in annealed(candidates, |_| 0.4, &BalanceOptions::default()) {
                for candidate in candidates.a {
                    let gap = weights[&candidate.slice] - candidates.base_weight(candidate);
                    assert!(gap.abs() < 1e-12, "{}: {gap}", candidate.slice);
                }
            }
        });
    }
}
