//! Which random controls would have to draw hard slices.

use super::{Arm, ArmError, ArmRole, BalanceOptions, Candidates, HardSlices, PlanSummary};

/// Those of these arms that are random controls and would draw hard slices of A, because too few others are left, with the
/// summaries of their plans. Empty where none would, and where there is nothing to draw from. Controls
/// that draw from B, too, are left out: what is hard there is not known yet.
///
/// # Errors
///
/// [`ArmError`] when a control has no sensible plan.
pub fn hard_in_controls(
    arms: &[Arm],
    candidates: &Candidates<'_>,
    hard: &HardSlices,
    options: &BalanceOptions,
) -> Result<Vec<(Arm, PlanSummary)>, ArmError> {
    let mut found = Vec::new();
    for arm in arms.iter().copied() {
        if arm.role() != ArmRole::Control || arm.needs_cross_fold() {
            continue;
        }
        let plans = match arm.second_half(candidates, hard, options) {
            Err(ArmError::Empty { .. }) => continue,
            plans => plans?,
        };
        let summaries = plans.iter().map(|plan| PlanSummary::of(plan, hard));
        let shares = |summary: &PlanSummary| summary.n_hard_in_control > 0;
        found.extend(summaries.filter(shares).map(|summary| (arm, summary)));
    }
    Ok(found)
}
