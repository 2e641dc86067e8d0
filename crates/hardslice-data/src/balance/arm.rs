//! The arms of the experiment: which slices each one trains on in each half.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Plan, PlanEntry, PlanError, Reason};
use crate::random::Stream;
use crate::{PatientId, SliceRef};

/// Weight of a slice that is added to B: itself and its flipped copy.
const ADDED_WEIGHT: f64 = 2.0;

/// One arm of the experiment: a policy that says what is shown in the second half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// All training patients, in both halves.
    Baseline,
    /// B alone, in both halves.
    BOnly,
    /// B, then B and the hard slices of A: the paper's proposal.
    Hard,
    /// B, then B and as many slices drawn at random from A: the control.
    Random,
    /// B, then B and as many random slices of A with the hard ones' patients and share of
    /// positives: the control that tells "hard" from "positive".
    RandomMatched,
}

/// No arm has this name.
#[derive(Debug, Error)]
#[error("there is no arm `{got}`; the arms are {}", Arm::ALL.map(Arm::name).join(", "))]
pub struct UnknownArm {
    /// What was written.
    pub got: String,
}

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

/// The slices that an arm may choose from.
#[derive(Debug, Clone, Copy)]
pub struct Candidates<'a> {
    /// Slices of A.
    pub a: &'a [Candidate],
    /// Slices of B.
    pub b: &'a [Candidate],
    /// How much more often positive slices are shown than negative ones; 1 is as often.
    pub positive_weight: f64,
    /// Seed of the random controls.
    pub seed: u64,
}

/// A slice with what a policy may know of it before any model has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The slice.
    pub slice: SliceRef,
    /// Whose it is.
    pub patient: PatientId,
    /// Whether it holds an organ that the arm trains on.
    pub is_positive: bool,
}

impl Arm {
    /// All arms, in the order in which they run and are reported.
    pub const ALL: [Self; 5] = [
        Self::Baseline,
        Self::BOnly,
        Self::Hard,
        Self::Random,
        Self::RandomMatched,
    ];

    /// The arm's name in configurations, tables and folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::BOnly => "b_only",
            Self::Hard => "hard",
            Self::Random => "random",
            Self::RandomMatched => "random_matched",
        }
    }

    /// Whether the arm's first half is the pre-training on B, which is done once for all such arms.
    pub fn pretrains_on_b(self) -> bool {
        self != Self::Baseline
    }

    /// Whether the arm's second half depends on which slices of A are hard.
    pub fn needs_mining(self) -> bool {
        matches!(self, Self::Hard | Self::Random | Self::RandomMatched)
    }

    /// What the arm shows in the first half.
    ///
    /// # Errors
    ///
    /// [`ArmError`] when there is nothing to show.
    pub fn first_half(self, candidates: &Candidates<'_>) -> Result<Plan, ArmError> {
        match self {
            Self::Baseline => {
                self.plan(candidates, &[candidates.b, candidates.a], &[], Reason::Base)
            }
            _ => self.plan(candidates, &[candidates.b], &[], Reason::Base),
        }
    }

    /// What the arm shows in the second half, given the hard slices of A.
    ///
    /// # Errors
    ///
    /// [`ArmError`] when there is nothing to show.
    pub fn second_half(
        self,
        candidates: &Candidates<'_>,
        hard: &BTreeSet<SliceRef>,
    ) -> Result<Plan, ArmError> {
        let (added, reason) = match self {
            Self::Baseline | Self::BOnly => return self.first_half(candidates),
            Self::Hard => (hard.iter().copied().collect(), Reason::Hard),
            Self::Random => (draw_uniform(candidates, hard.len()), Reason::Random),
            Self::RandomMatched => (draw_matched(candidates, hard), Reason::RandomMatched),
        };
        self.plan(candidates, &[candidates.b], &added, reason)
    }

    fn plan(
        self,
        candidates: &Candidates<'_>,
        base: &[&[Candidate]],
        added: &[SliceRef],
        reason: Reason,
    ) -> Result<Plan, ArmError> {
        let base = base
            .iter()
            .flat_map(|part| part.iter())
            .map(|candidate| PlanEntry {
                slice: candidate.slice,
                weight: if candidate.is_positive {
                    candidates.positive_weight
                } else {
                    1.0
                },
                reason: Reason::Base,
            });
        let added = added.iter().map(|slice| PlanEntry {
            slice: *slice,
            weight: ADDED_WEIGHT,
            reason,
        });
        let plan =
            Plan::new(base.chain(added)).map_err(|source| ArmError::Plan { arm: self, source })?;
        if plan.entries().is_empty() {
            return Err(ArmError::Empty { arm: self });
        }
        Ok(plan)
    }
}

/// `n` slices of A, each as likely as any other.
fn draw_uniform(candidates: &Candidates<'_>, n: usize) -> Vec<SliceRef> {
    let mut slices: Vec<SliceRef> = candidates
        .a
        .iter()
        .map(|candidate| candidate.slice)
        .collect();
    Stream::new(candidates.seed, "arm/random").shuffle(&mut slices);
    slices.truncate(n);
    slices
}

/// As many slices of each patient, positive and negative counted apart, as are hard.
fn draw_matched(candidates: &Candidates<'_>, hard: &BTreeSet<SliceRef>) -> Vec<SliceRef> {
    let mut groups: BTreeMap<(&PatientId, bool), (Vec<SliceRef>, usize)> = BTreeMap::new();
    for candidate in candidates.a {
        let key = (&candidate.patient, candidate.is_positive);
        let (slices, n_hard) = groups.entry(key).or_default();
        slices.push(candidate.slice);
        *n_hard += usize::from(hard.contains(&candidate.slice));
    }
    let mut drawn = Vec::new();
    for ((patient, is_positive), (mut slices, n_hard)) in groups {
        let name = format!("arm/random_matched/{patient}/{is_positive}");
        Stream::new(candidates.seed, &name).shuffle(&mut slices);
        drawn.extend_from_slice(&slices[..n_hard]);
    }
    drawn
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Arm {
    type Err = UnknownArm;

    fn from_str(text: &str) -> Result<Self, UnknownArm> {
        let arm = Self::ALL.into_iter().find(|arm| arm.name() == text);
        arm.ok_or_else(|| UnknownArm {
            got: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three patients of ten slices; slices 3 to 6 are positive.
    fn slices(cases: std::ops::Range<u32>) -> Vec<Candidate> {
        cases
            .flat_map(|case_idx| (0..10).map(move |z| (case_idx, z)))
            .map(|(case_idx, z)| Candidate {
                slice: SliceRef { case_idx, z },
                patient: PatientId::new(format!("p{case_idx}")).unwrap(),
                is_positive: (3..7).contains(&z),
            })
            .collect()
    }

    fn hard() -> BTreeSet<SliceRef> {
        [(2, 3), (2, 4), (2, 9), (3, 0)]
            .map(|(case_idx, z)| SliceRef { case_idx, z })
            .into()
    }

    fn with_candidates<T>(test: impl FnOnce(&Candidates<'_>) -> T) -> T {
        let (b, a) = (slices(0..2), slices(2..5));
        test(&Candidates {
            a: &a,
            b: &b,
            positive_weight: 1.0,
            seed: 7,
        })
    }

    fn added(plan: &Plan) -> Vec<SliceRef> {
        let is_added = |entry: &&PlanEntry| entry.reason != Reason::Base;
        plan.entries()
            .iter()
            .filter(is_added)
            .map(|entry| entry.slice)
            .collect()
    }

    #[test]
    fn the_paper_s_arm_adds_the_hard_slices_twice_to_b() {
        with_candidates(|candidates| {
            let plan = Arm::Hard.second_half(candidates, &hard()).unwrap();
            assert_eq!(
                added(&plan),
                hard().into_iter().collect::<Vec<_>>(),
                "exactly these"
            );
            assert!(
                (plan.total_weight() - (20.0 + 2.0 * 4.0)).abs() < 1e-12,
                "each twice"
            );
        });
    }

    #[test]
    fn b_only_and_baseline_ignore_what_is_hard() {
        with_candidates(|candidates| {
            for (arm, n) in [(Arm::BOnly, 20), (Arm::Baseline, 50)] {
                let second = arm.second_half(candidates, &hard()).unwrap();
                assert_eq!(second, arm.first_half(candidates).unwrap(), "{arm}");
                assert_eq!(second.entries().len(), n, "{arm}");
            }
        });
    }

    #[test]
    fn the_controls_add_as_much_as_the_hard_arm() {
        with_candidates(|candidates| {
            let hard_weight = Arm::Hard
                .second_half(candidates, &hard())
                .unwrap()
                .total_weight();
            for arm in [Arm::Random, Arm::RandomMatched] {
                let plan = arm.second_half(candidates, &hard()).unwrap();
                assert!((plan.total_weight() - hard_weight).abs() < 1e-12, "{arm}");
                assert!(
                    added(&plan).iter().all(|s| s.case_idx >= 2),
                    "{arm} draws from A"
                );
            }
        });
    }

    #[test]
    fn the_matched_control_has_the_hard_slices_patients_and_positives() {
        with_candidates(|candidates| {
            let plan = Arm::RandomMatched.second_half(candidates, &hard()).unwrap();
            let mut counts = BTreeMap::new();
            for slice in added(&plan) {
                let is_positive = (3..7).contains(&slice.z);
                *counts.entry((slice.case_idx, is_positive)).or_insert(0) += 1;
            }
            let want = BTreeMap::from([((2, true), 2), ((2, false), 1), ((3, false), 1)]);
            assert_eq!(counts, want, "patient by patient, positive and negative");
        });
    }

    #[test]
    fn no_hard_slice_leaves_b_alone_and_no_slice_at_all_is_refused() {
        with_candidates(|candidates| {
            let plan = Arm::Hard.second_half(candidates, &BTreeSet::new()).unwrap();
            assert_eq!(
                plan,
                Arm::BOnly.first_half(candidates).unwrap(),
                "nothing to add"
            );
        });
        let nothing = Candidates {
            a: &[],
            b: &[],
            positive_weight: 1.0,
            seed: 7,
        };
        let refused = Arm::BOnly.first_half(&nothing);
        assert!(
            matches!(refused, Err(ArmError::Empty { arm: Arm::BOnly })),
            "no slice"
        );
    }
}
