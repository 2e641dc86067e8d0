//! A sampling plan in a few figures: `plan.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{HardSlices, Plan, Reason};

/// What a plan comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// Slices in the plan.
    pub n_slices: usize,
    /// Samples in an average epoch, before flips are enumerated.
    pub total_weight: f64,
    /// Slices and their weights by reason.
    pub reasons: BTreeMap<String, ReasonSummary>,
    /// Hard slices that a random control had to take, because its patients had too few others.
    pub n_hard_in_control: usize,
}

/// The slices that are in a plan for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ReasonSummary {
    /// How many.
    pub n_slices: usize,
    /// The sum of their weights.
    pub weight: f64,
}

impl PlanSummary {
    /// Slices that a random control drew, hard ones among them; 0 in the plan of another arm.
    pub fn n_of_control(&self) -> usize {
        let of_control = [Reason::Random, Reason::RandomMatched];
        let drawn = of_control.map(|reason| self.reasons.get(reason.name()));
        drawn
            .into_iter()
            .flatten()
            .map(|drawn| drawn.n_slices)
            .sum()
    }

    /// The summary of a plan, given which slices are hard.
    pub fn of(plan: &Plan, hard: &HardSlices) -> Self {
        let mut reasons: BTreeMap<String, ReasonSummary> = BTreeMap::new();
        let mut n_hard_in_control = 0;
        for entry in plan.entries() {
            let summary = reasons.entry(entry.reason.to_string()).or_default();
            summary.n_slices += 1;
            summary.weight += entry.weight;
            let is_control = matches!(entry.reason, Reason::Random | Reason::RandomMatched);
            n_hard_in_control += usize::from(is_control && hard.hard.contains(&entry.slice));
        }
        Self {
            n_slices: plan.entries().len(),
            total_weight: plan.total_weight(),
            reasons,
            n_hard_in_control,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PlanEntry;
    use super::*;
    use crate::SliceRef;

    #[test]
    fn slices_are_counted_by_reason_and_hard_ones_in_a_control_are_told() {
        let entries = [
            (0, 1.0, Reason::Base),
            (1, 2.0, Reason::Random),
            (2, 2.0, Reason::Random),
        ];
        let plan = Plan::new(entries.map(|(z, weight, reason)| PlanEntry {
            slice: SliceRef { case_idx: 0, z },
            weight,
            reason,
        }));
        let hard = HardSlices {
            hard: [0, 2].map(|z| SliceRef { case_idx: 0, z }).into(),
            ..HardSlices::default()
        };
        let summary = PlanSummary::of(&plan.unwrap(), &hard);
        assert_eq!(summary.n_slices, 3);
        assert_eq!(
            summary.n_hard_in_control, 1,
            "slice 2; slice 0 is no control's"
        );
        assert_eq!(summary.n_of_control(), 2, "slices 1 and 2");
        let random = summary.reasons["random"];
        assert_eq!((random.n_slices, random.weight), (2, 4.0));
    }
}
