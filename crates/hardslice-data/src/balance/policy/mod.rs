//! The policies: which slices each arm shows in each half (its curriculum), and how often.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::annealed::annealed;
use super::chosen::Chosen;
use super::controls::dealt_difficulties;
use super::{
    Arm, BalanceOptions, Candidate, Candidates, HardSlices, Plan, PlanEntry, PlanError, Reason,
};
use crate::SliceRef;

/// A plan cannot be made for an arm.
#[derive(Debug, Error)]
pub enum ArmError {
    /// The plan makes no sense.
    #[error("the arm `{arm}` has no sensible plan")]
    Plan {
        /// The arm.
        arm: Arm,
        /// Why.
        source: PlanError,
    },
    /// There is nothing to train on.
    #[error(
        "the arm `{arm}` has no slice to train on: its patients hold none with an annotated organ"
    )]
    Empty {
        /// The arm.
        arm: Arm,
    },
}

impl Arm {
    /// What the arm shows in the first half ([`Arm::second_half`] has an example).
    ///
    /// # Errors
    ///
    /// [`ArmError`] when there is nothing to show.
    pub fn first_half(self, candidates: &Candidates<'_>) -> Result<Plan, ArmError> {
        let trains_on_a = !self.pretrains_on_b();
        self.plan(candidates, |candidate, is_b| {
            let weight = candidates.base_weight(candidate);
            (is_b || trains_on_a).then_some((weight, Reason::Base))
        })
    }

    /// What the arm shows in the second half, given what was found of the training slices: a plan
    /// for each of its parts, which are equally long. Most arms have one part.
    ///
    /// `found` holds A's scores, and B's for the arms that
    /// [need them](Self::needs_cross_fold). The policies, all in multiples of a slice's ordinary
    /// weight ([`RepeatFactors::weight_of`](super::RepeatFactors::weight_of)), with `e` for the emphasis:
    ///
    /// - `hard`, `rounds`: 1 for B, `e` for the hard slices of A;
    /// - `random_matched`, `rounds_random`: the same for as many others of A, of each patient as many with the same
    ///   organs; `random`, `easy`: for as many others of A. The weights of what is drawn are scaled so
    ///   that it is shown as often as the hard slices are (of these more are positive, and weigh more);
    /// - `cross_fold`: `e` for every hard slice, 1 for the rest of B; `cross_fold_random`: the same for
    ///   as many others of the same patients;
    /// - `all_emphasised`: `e` for every hard slice, 1 for the rest of A and B; `all_random`: the same
    ///   for as many others of the same patients;
    /// - `worst_patients`: `e` for every slice of the patients whose positive slices are the hardest
    ///   on average, 1 for the rest of A and B; `random_patients`: the same for as many others;
    /// - `probabilistic`: `max(floor, difficulty)` for every slice of A and B; `probabilistic_random`:
    ///   the same, the difficulties dealt out at random among the slices of a patient with the same
    ///   organs;
    /// - `annealed`, stage `k` of `K`: `max(floor, difficulty)` to the power of `k / K`, scaled so that two
    ///   thirds of what is shown keep the share that each organ has in the baseline, and one third goes
    ///   where the difficulty is; `annealed_random`: the same with difficulties dealt out as for
    ///   `probabilistic_random`;
    /// - `gradual`, stage `k` of `K`, with `f = k / K`: `1 + f · (e - 1)` for hard slices,
    ///   `1 - f · (1 - floor)` for easy negative ones, 1 for the rest; `gradual_random`: the same for as
    ///   many others of the same patients.
    ///
    /// What is [excluded](HardSlices::excluded) is in none of these plans, and no control draws it; arms
    /// that know of no mining show it.
    ///
    /// ```
    /// use hardslice_data::balance::{
    ///     Arm, BalanceOptions, Candidate, Candidates, HardSlices, PlanEntry, Reason, RepeatFactors,
    /// };
    /// use hardslice_data::{OutputIdx, PatientId, SliceRef};
    ///
    /// let slice = |case, z| Candidate {
    ///     slice: SliceRef::at(case, z),
    ///     patient: PatientId::new(format!("p{case}")).unwrap(),
    ///     organs: vec![OutputIdx::new(0)],
    /// };
    /// let (a, b) = ([slice(0, 0), slice(0, 1)], [slice(1, 0)]);
    /// let factors = &RepeatFactors::of(a.iter().chain(&b), 1.0);
    /// let candidates = Candidates { a: &a, b: &b, factors, seed: 7 };
    /// let found = HardSlices { hard: [SliceRef::at(0, 1)].into(), ..HardSlices::default() };
    /// let plans = Arm::Hard.second_half(&candidates, &found, &BalanceOptions::default())?;
    /// let entry = |case, z, weight, reason| PlanEntry { slice: SliceRef::at(case, z), weight, reason };
    /// assert_eq!(
    ///     plans[0].entries(),
    ///     [entry(0, 1, 2.0, Reason::Hard), entry(1, 0, 1.0, Reason::Base)],
    ///     "B, and the hard slice of A with its flipped copy"
    /// );
    /// # Ok::<(), hardslice_data::balance::ArmError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ArmError`] when there is nothing to show.
    pub fn second_half(
        self,
        candidates: &Candidates<'_>,
        found: &HardSlices,
        options: &BalanceOptions,
    ) -> Result<Vec<Plan>, ArmError> {
        let [a, b] = [candidates.a, candidates.b].map(|slices| kept(slices, &found.excluded));
        let candidates = &Candidates {
            a: &a,
            b: &b,
            ..*candidates
        };
        let chosen = &Chosen::of(self, candidates, found, options);
        let one_part = match self {
            Self::Baseline | Self::BOnly | Self::BaselineFocal | Self::BaselineTopK => {
                self.first_half(candidates)
            }
            Self::Hard
            | Self::Rounds
            | Self::Random
            | Self::RandomMatched
            | Self::RoundsRandom
            | Self::Easy => self.adding(candidates, &chosen.among(candidates.a)),
            Self::CrossFold | Self::CrossFoldRandom => self.adding(candidates, chosen),
            Self::AllEmphasised | Self::AllRandom | Self::WorstPatients | Self::RandomPatients => {
                self.emphasising(candidates, chosen)
            }
            Self::Probabilistic => self.plan(candidates, |candidate, _| {
                let difficulty = found.difficulty_of(candidate.slice).max(options.floor);
                let weight = difficulty * candidates.base_weight(candidate);
                Some((weight, Reason::Difficulty))
            }),
            Self::ProbabilisticRandom => {
                let dealt = dealt_difficulties(candidates, found);
                self.plan(candidates, |candidate, _| {
                    let difficulty = dealt[&candidate.slice];
                    let weight = difficulty.max(options.floor) * candidates.base_weight(candidate);
                    Some((weight, reason_of_dealt(difficulty, options)))
                })
            }
            Self::Gradual | Self::GradualRandom => {
                return self.stages(candidates, chosen, options);
            }
            Self::Annealed => {
                let difficulty = |of: &Candidate| found.difficulty_of(of.slice);
                let stages = annealed(candidates, difficulty, options);
                return self.weighing(candidates, &stages, |_| Reason::Difficulty);
            }
            Self::AnnealedRandom => {
                let dealt = dealt_difficulties(candidates, found);
                let stages = annealed(candidates, |of| dealt[&of.slice], options);
                let reason = |of: &Candidate| reason_of_dealt(dealt[&of.slice], options);
                return self.weighing(candidates, &stages, reason);
            }
        };
        one_part.map(|plan| vec![plan])
    }

    /// A and B in stages: some slices emphasised more and more, other negative ones less and less.
    fn stages(
        self,
        candidates: &Candidates<'_>,
        chosen: &Chosen,
        options: &BalanceOptions,
    ) -> Result<Vec<Plan>, ArmError> {
        let n_stages = options.stages.max(1);
        let stage = |stage: u32| {
            let done = f64::from(stage) / f64::from(n_stages);
            self.plan(candidates, |candidate, is_b| {
                let (factor, reason) = match (chosen.has(candidate), candidate.is_positive()) {
                    (true, _) => (1.0 + done * chosen.more(is_b), chosen.reason),
                    (false, true) => (1.0, Reason::Base),
                    (false, false) => (1.0 - done * (1.0 - options.floor), Reason::Thinned),
                };
                Some((factor * candidates.base_weight(candidate), reason))
            })
        };
        (1..=n_stages).map(stage).collect()
    }

    /// All slices of A and B with the weights of each stage.
    fn weighing(
        self,
        candidates: &Candidates<'_>,
        stages: &[BTreeMap<SliceRef, f64>],
        reason: impl Fn(&Candidate) -> Reason,
    ) -> Result<Vec<Plan>, ArmError> {
        let stages = stages.iter();
        let plans = stages
            .map(|weights| self.plan(candidates, |of, _| Some((weights[&of.slice], reason(of)))));
        plans.collect()
    }

    /// A and B, some slices of them emphasised.
    fn emphasising(self, candidates: &Candidates<'_>, chosen: &Chosen) -> Result<Plan, ArmError> {
        self.plan(candidates, |candidate, is_b| {
            let weight = candidates.base_weight(candidate);
            Some(if chosen.has(candidate) {
                (weight * (1.0 + chosen.more(is_b)), chosen.reason)
            } else {
                (weight, Reason::Base)
            })
        })
    }

    /// B and some slices of A, these and those of them in B emphasised.
    fn adding(self, candidates: &Candidates<'_>, chosen: &Chosen) -> Result<Plan, ArmError> {
        self.plan(candidates, |candidate, is_b| {
            let weight = candidates.base_weight(candidate);
            match (chosen.has(candidate), is_b) {
                (true, true) => Some((weight * (1.0 + chosen.more(is_b)), chosen.reason)),
                (true, false) => Some((weight * chosen.added(), chosen.reason)),
                (false, true) => Some((weight, Reason::Base)),
                (false, false) => None,
            }
        })
    }

    /// The plan that gives each slice of A and B the weight and reason that `weigh` says; slices
    /// without are not in it.
    fn plan(
        self,
        candidates: &Candidates<'_>,
        weigh: impl Fn(&Candidate, bool) -> Option<(f64, Reason)>,
    ) -> Result<Plan, ArmError> {
        let b = candidates.b.iter().map(|candidate| (candidate, true));
        let a = candidates.a.iter().map(|candidate| (candidate, false));
        let entries = b.chain(a).filter_map(|(candidate, is_b)| {
            let (weight, reason) = weigh(candidate, is_b)?;
            Some(PlanEntry {
                slice: candidate.slice,
                weight,
                reason,
            })
        });
        let plan = Plan::new(entries).map_err(|source| ArmError::Plan { arm: self, source })?;
        if plan.entries().is_empty() {
            return Err(ArmError::Empty { arm: self });
        }
        Ok(plan)
    }
}

/// Why a slice weighs what a dealt difficulty says. Most slices are at the floor, in the arm and in its
/// control: that they have the same weight there says nothing of the deal.
fn reason_of_dealt(difficulty: f64, options: &BalanceOptions) -> Reason {
    if difficulty > options.floor {
        Reason::RandomDifficulty
    } else {
        Reason::Difficulty
    }
}

/// What may be shown.
fn kept<'c>(slices: &'c [Candidate], excluded: &BTreeSet<SliceRef>) -> Cow<'c, [Candidate]> {
    if excluded.is_empty() {
        return Cow::Borrowed(slices);
    }
    let kept = slices
        .iter()
        .filter(|candidate| !excluded.contains(&candidate.slice));
    Cow::Owned(kept.cloned().collect())
}

#[cfg(test)]
mod tests;
