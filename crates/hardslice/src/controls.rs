//! What random controls share with the arms that they are compared with.

use std::collections::BTreeMap;

use hardslice_data::SliceRef;
use hardslice_data::balance::{Arm, Plan, PlanEntry, PlanError, Reason};
use hardslice_data::mining::read_plan;
use hardslice_data::store::Store;
use hardslice_eval::compare::{ComparisonPlan, Role, SharedSlices};
use hardslice_train::layout::RoundDir;

use crate::training::Training;

/// For each arm of a comparison and its control, the slices that the control drew in a round, and how
/// many of them the arm chose too; pairs of which one was not trained to the end are left out.
///
/// # Errors
///
/// [`PlanError`] when the plan of an arm cannot be read.
pub(crate) fn shared_slices(
    store: &Store,
    round: &RoundDir,
    training: Training,
    plan: &ComparisonPlan,
) -> Result<Vec<SharedSlices>, PlanError> {
    let pairs = plan.pairs().into_iter();
    let of_controls = pairs.filter(|(_, reference)| reference.role == Role::Control);
    let mut found = Vec::new();
    for (arm, reference) in of_controls {
        let plans = [arm, &reference.arm].map(|name| plan_of(store, round, name));
        let [Some(of_arm), Some(of_control)] = plans else {
            continue;
        };
        let (n_shared, n_slices) = shared(&of_arm?, &of_control?);
        found.push(SharedSlices {
            arm: arm.to_owned(),
            reference: reference.arm.clone(),
            seed: training.seed,
            split: training.split,
            n_shared,
            n_slices,
        });
    }
    Ok(found)
}

/// The plan of an arm's last part; `None` where that is not over. A training that failed leaves a plan,
/// too.
fn plan_of(store: &Store, round: &RoundDir, arm: &str) -> Option<Result<Plan, PlanError>> {
    let training = round.arm(arm.parse::<Arm>().ok()?).training();
    let path = training.plan();
    (path.exists() && training.receipt().exists()).then(|| read_plan(&path, store))
}

/// How many of the slices that a control drew the arm emphasises, too, and how many the control drew;
/// where difficulties were dealt out, how many kept the one that they have.
fn shared(of_arm: &Plan, of_control: &Plan) -> (usize, usize) {
    let shown = of_arm.entries().iter();
    let shown: BTreeMap<SliceRef, &PlanEntry> = shown.map(|entry| (entry.slice, entry)).collect();
    let drawn: Vec<&PlanEntry> = {
        let entries = of_control.entries().iter();
        entries.filter(|entry| entry.reason.is_drawn()).collect()
    };
    let is_shared = |entry: &&&PlanEntry| {
        let of_arm = shown.get(&entry.slice);
        of_arm.is_some_and(|of_arm| match entry.reason {
            Reason::RandomDifficulty => (of_arm.weight - entry.weight).abs() < 1e-9,
            _ => of_arm.reason.is_emphasised(),
        })
    };
    (drawn.iter().filter(is_shared).count(), drawn.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(entries: &[(u32, f64, Reason)]) -> Plan {
        let entry = |(z, weight, reason): &(u32, f64, Reason)| PlanEntry {
            slice: SliceRef { case_idx: 0, z: *z },
            weight: *weight,
            reason: *reason,
        };
        Plan::new(entries.iter().map(entry)).unwrap()
    }

    #[test]
    fn what_both_chose_is_shared_and_what_both_train_on_anyway_is_not() {
        let control = plan(&[
            (0, 1.0, Reason::Base),
            (1, 2.0, Reason::RandomMatched),
            (2, 2.0, Reason::RandomMatched),
            (3, 2.0, Reason::RandomMatched),
        ]);
        let hard = plan(&[
            (0, 1.0, Reason::Base),
            // A control's slices are scaled, if those that it draws are lighter.
            (1, 1.9, Reason::Hard),
            (4, 2.0, Reason::Hard),
        ]);
        assert_eq!(shared(&hard, &control), (1, 3), "slice 1");
        let staged = plan(&[(1, 0.1, Reason::Thinned), (2, 2.0, Reason::Hard)]);
        assert_eq!(shared(&staged, &control), (1, 3), "1 is thinned out");
        let weighed = plan(&[(1, 2.0, Reason::Difficulty), (2, 0.5, Reason::Difficulty)]);
        assert_eq!(shared(&hard, &hard), (0, 0), "no control");
        let dealt = plan(&[
            (1, 0.5, Reason::RandomDifficulty),
            (2, 0.5, Reason::RandomDifficulty),
            (3, 0.1, Reason::Difficulty),
        ]);
        assert_eq!(shared(&weighed, &dealt), (1, 2), "slice 2 kept its own");
    }
}
