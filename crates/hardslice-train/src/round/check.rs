//! What would stop a round after hours, told before its first step.

use std::collections::BTreeSet;

use hardslice_data::balance::{Arm, Candidate, Candidates};
use hardslice_data::mining::{Tau, TauError, candidates};
use hardslice_data::{Organ, OutputIdx};

use super::stages::Stages;
use super::{Protocol, RoundContext, RoundError};

/// Refuses a round whose arms cannot all be trained: a fold that shows them nothing, a threshold that
/// rests on patients whom nobody has. Nothing is trained or written.
///
/// # Errors
///
/// [`RoundError`] of the first thing that is wrong.
pub fn check(protocol: &Protocol, context: &RoundContext<'_>) -> Result<(), RoundError> {
    let stages = Stages::new(protocol, context, protocol.net.context)?;
    if protocol.arms.iter().any(|arm| arm.needs_mining()) {
        validation_for_tau(&stages)?;
    }
    let candidates = stages.candidates();
    for arm in &protocol.arms {
        arm.first_half(&candidates)?;
        shown_to_nets_that_mine(*arm, &protocol.organs, &candidates)?;
    }
    Ok(())
}

/// tau = `validation` takes a validation patient who shows the organ.
pub(super) fn validation_for_tau(stages: &Stages<'_>) -> Result<(), RoundError> {
    let trainer = &stages.trainer;
    let protocol = trainer.protocol;
    if protocol.mining.tau != Tau::Validation {
        return Ok(());
    }
    let store = trainer.context.store;
    let cases = &stages.folds.validation;
    let shown = shown_in(&candidates(store, trainer.dataset.organs(), cases));
    match not_among(&shown, &protocol.organs) {
        None => Ok(()),
        Some(organ) => Err(TauError::NoValidation {
            organ: organ.to_string(),
        }
        .into()),
    }
}

/// A net that scores slices must have seen every organ: it calls all slices of one that it was never
/// shown hard.
fn shown_to_nets_that_mine(
    arm: Arm,
    organs: &[Organ],
    candidates: &Candidates<'_>,
) -> Result<(), RoundError> {
    let nets = [
        (arm.needs_mining(), "B", "A", candidates.b),
        (arm.needs_cross_fold(), "A", "B", candidates.a),
    ];
    for (is_needed, fold, scored, slices) in nets {
        if !is_needed {
            continue;
        }
        if let Some(organ) = not_among(&shown_in(slices), organs) {
            return Err(RoundError::NotShown {
                arm,
                organ: organ.clone(),
                fold,
                scored,
            });
        }
    }
    Ok(())
}

fn shown_in(slices: &[Candidate]) -> BTreeSet<OutputIdx> {
    let organs = slices.iter().flat_map(|candidate| &candidate.organs);
    organs.copied().collect()
}

/// The first of the organs that is not shown.
fn not_among<'o>(shown: &BTreeSet<OutputIdx>, organs: &'o [Organ]) -> Option<&'o Organ> {
    let mut organs = organs.iter().enumerate();
    let organ = organs.find(|(idx, _)| !shown.contains(&OutputIdx::new(*idx)));
    organ.map(|(_, organ)| organ)
}
