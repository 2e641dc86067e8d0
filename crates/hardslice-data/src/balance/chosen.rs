//! Which slices an arm emphasises, and how much.

use std::collections::BTreeSet;

use super::controls::{draw_easy, draw_matched, draw_matched_of_all, draw_uniform};
use super::patients::{random_patients, worst_patients};
use super::{Arm, BalanceOptions, Candidate, Candidates, HardSlices, Reason};
use crate::{PatientId, SliceRef};

/// The slices that an arm emphasises.
pub(super) struct Chosen {
    slices: BTreeSet<SliceRef>,
    /// Why.
    pub(super) reason: Reason,
    /// How many times its own weight each of them weighs, if it is hard.
    emphasis: f64,
    /// How much heavier hard slices of A and of B are on average than those that were drawn there: what
    /// is drawn comes in for as much as they do.
    scales: [f64; 2],
}

impl Chosen {
    /// The hard slices, or as many that a control draws, or all slices of some patients; none of an arm
    /// that emphasises nothing.
    pub(super) fn of(
        arm: Arm,
        candidates: &Candidates<'_>,
        found: &HardSlices,
        options: &BalanceOptions,
    ) -> Self {
        let hard = &found.hard;
        let (slices, reason) = match arm {
            Arm::Random => (draw_uniform(candidates, hard), Reason::Random),
            Arm::RandomMatched | Arm::RoundsRandom => {
                (draw_matched(candidates, hard), Reason::RandomMatched)
            }
            Arm::Easy => (draw_easy(candidates, hard), Reason::Easy),
            Arm::AllRandom | Arm::CrossFoldRandom | Arm::GradualRandom => {
                (draw_matched_of_all(candidates, hard), Reason::RandomMatched)
            }
            Arm::Hard | Arm::Rounds | Arm::CrossFold | Arm::AllEmphasised | Arm::Gradual => {
                (hard.clone(), Reason::Hard)
            }
            Arm::WorstPatients => {
                let worst = worst_patients(candidates, found, options.worst_patients);
                (slices_of(candidates, &worst), Reason::WorstPatient)
            }
            Arm::RandomPatients => {
                let drawn = random_patients(candidates, found, options.worst_patients);
                (slices_of(candidates, &drawn), Reason::RandomPatient)
            }
            Arm::Baseline
            | Arm::BOnly
            | Arm::BaselineFocal
            | Arm::BaselineTopK
            | Arm::Probabilistic
            | Arm::ProbabilisticRandom
            | Arm::Annealed
            | Arm::AnnealedRandom => (BTreeSet::new(), Reason::Base),
        };
        // Patients are not drawn in place of hard slices.
        let is_drawn_by_patient = matches!(reason, Reason::WorstPatient | Reason::RandomPatient);
        let scales = [candidates.a, candidates.b].map(|of| {
            let means = [hard, &slices].map(|slices| mean_weight(candidates, of, slices));
            match means {
                [Some(of_hard), Some(of_chosen)] if !is_drawn_by_patient => of_hard / of_chosen,
                _ => 1.0,
            }
        });
        Self {
            slices,
            reason,
            emphasis: options.emphasis,
            scales,
        }
    }

    /// Those of them that are among these.
    pub(super) fn among(&self, slices: &[Candidate]) -> Self {
        let slices = slices.iter().map(|candidate| candidate.slice);
        Self {
            slices: slices.filter(|slice| self.slices.contains(slice)).collect(),
            ..*self
        }
    }

    pub(super) fn has(&self, candidate: &Candidate) -> bool {
        self.slices.contains(&candidate.slice)
    }

    /// How many times its own weight a slice of A weighs that is not shown otherwise.
    pub(super) fn added(&self) -> f64 {
        self.emphasis * self.scales[0]
    }

    /// By how many times its own weight a slice weighs more that is shown anyway.
    pub(super) fn more(&self, is_b: bool) -> f64 {
        (self.emphasis - 1.0) * self.scales[usize::from(is_b)]
    }
}

/// All slices of some patients of A and B.
fn slices_of(candidates: &Candidates<'_>, patients: &BTreeSet<PatientId>) -> BTreeSet<SliceRef> {
    let all = candidates.a.iter().chain(candidates.b);
    let of_patients = all.filter(|candidate| patients.contains(&candidate.patient));
    of_patients.map(|candidate| candidate.slice).collect()
}

/// The mean ordinary weight of some slices, of those among `of`; `None` of none.
fn mean_weight(
    candidates: &Candidates<'_>,
    of: &[Candidate],
    slices: &BTreeSet<SliceRef>,
) -> Option<f64> {
    let among = of
        .iter()
        .filter(|candidate| slices.contains(&candidate.slice));
    let weights: Vec<f64> = among
        .map(|candidate| candidates.base_weight(candidate))
        .collect();
    (!weights.is_empty()).then(|| weights.iter().sum::<f64>() / weights.len() as f64)
}
