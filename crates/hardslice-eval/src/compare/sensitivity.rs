//! What a comparison could have found: its power with patients and trainings that vary as those do
//! that were scored.
//!
//! The gains are assumed, never the difference that was found: the power against that is another way
//! of writing its p, and says nothing. What is taken from the scores is how they vary: patients are
//! drawn among those that were tested, with replacement, each with its own luck of nets (a patient
//! with a low score mostly has more of it); nets and splits vary by the variance components of the
//! crossed table, pooled over arms.
//!
//! # Sources
//!
//! J. M. Hoenig and D. M. Heisey (2001), "The abuse of power: the pervasive fallacy of power
//! calculations for data analysis", The American Statistician 55(1), 19–24.

use super::comparison::Sensitivity;
use super::error::CompareError;
use super::observed::{DrawnComparison, ObservedSpread};
use super::paired::Paired;
use super::plan::{ClaimedArm, ComparisonPlan};
use super::scores::{ArmScore, Scores};
use super::shared::{SharedOverall, SharedSlices};

/// Repetitions: a power of 80 % has a standard error of 1.3 %.
const N_REPETITIONS: usize = 1000;

/// What a comparison of these scores, which are between 0 and 1 as Dice is, could have found of each
/// arm of the plan; nothing of an arm that has too few patients or trainings for a test, none that all
/// its references share, or a reference that cannot answer: by what it shares with the arm, or because it
/// is the same net.
///
/// # Errors
///
/// [`CompareError`] for a plan that makes no sense, a score that is no finite number and a case scored
/// twice.
pub fn sensitivity(
    plan: &ComparisonPlan,
    rows: &[ArmScore],
    shared: &[SharedSlices],
) -> Result<Vec<Sensitivity>, CompareError> {
    plan.check()?;
    let scores = Scores::new(rows)?;
    let mut found = Vec::new();
    for ClaimedArm { arm, .. } in &plan.arms {
        let references = plan.references_of(arm).into_iter();
        let references: Vec<&str> = references.map(|reference| &*reference.arm).collect();
        let cannot_answer = |reference: &&str| {
            SharedOverall::of(shared, arm, reference).is_some_and(|shared| shared.is_too_much())
        };
        let is_same_net = |reference: &&str| {
            Paired::new(&scores, &[arm, reference]).is_ok_and(|paired| paired.n_same() > 0)
        };
        let cannot_answer = |reference: &&str| cannot_answer(reference) || is_same_net(reference);
        if references.is_empty() || references.iter().any(cannot_answer) {
            continue;
        }
        let arms: Vec<&str> = [arm.as_str()].into_iter().chain(references).collect();
        let Ok(paired) = Paired::new(&scores, &arms) else {
            continue;
        };
        let Some(observed) = ObservedSpread::of_paired(&paired, &paired.scores()[1..]) else {
            continue;
        };
        let drawn = DrawnComparison {
            observed: &observed,
            n_patients: paired.n_patients(),
            splits: &paired.splits(),
            n_references: arms.len() - 1,
            end_point: plan.end_points[0],
            alpha: plan.alpha / plan.n_claims() as f64,
        };
        let shown = drawn.shown(N_REPETITIONS);
        found.push(Sensitivity {
            arm: arm.clone(),
            lowest_tenth_gains: shown.lowest_tenth_gains,
            all_gain: shown.all_gain,
            found_in_80: shown.found_in_80,
        });
    }
    Ok(found)
}
