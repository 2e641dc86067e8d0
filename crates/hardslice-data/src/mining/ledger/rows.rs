//! The rows of what a mining decided.

use std::collections::BTreeMap;

use super::LedgerRow;
use crate::SliceRef;
use crate::balance::Plan;
use crate::mining::triage::{Exclude, Finding};
use crate::mining::{MinedSlices, ScoredSlice, Verdict};
use crate::store::Store;

/// A row for each verdict of a mining, in their order.
pub(in crate::mining) fn rows(
    mined: &MinedSlices,
    store: &Store,
    plan: &Plan,
    round: u32,
    scored_by: &str,
) -> Vec<LedgerRow> {
    let entries = plan.entries().iter();
    let weights: BTreeMap<SliceRef, f64> =
        entries.map(|entry| (entry.slice, entry.weight)).collect();
    let options = &mined.options;
    let row = |(verdict, scored): (&Verdict, &ScoredSlice)| {
        let score = verdict.score;
        let case = &store.cases()[score.slice.case()];
        let organ = mined.organs[score.output.idx()];
        let tau = &mined.taus[score.output.idx()];
        let finding = mined.findings.get(score.slice, score.output);
        LedgerRow {
            round,
            case: case.id.clone(),
            patient: case.patient.clone(),
            z: score.slice.z,
            slice_spacing_mm: case.spacing_mm.z,
            organ: store.organ(organ).clone(),
            kind: store.slice_kind(organ, score.slice),
            truth_px: score.n_truth,
            predicted_px: score.n_predicted,
            shared_px: score.n_shared,
            rule: score.rule(options.min_false_positive_px),
            dice: verdict.dice,
            tau: tau.value,
            tau_rule: options.tau,
            decision: verdict.decision,
            reason: verdict.reason(tau),
            weight: weights.get(&score.slice).copied().unwrap_or(0.0),
            model: scored_by.to_owned(),
            truth_mm2: Some(f64::from(score.n_truth) * case.spacing_mm.y * case.spacing_mm.x),
            loss: scored.loss,
            triage: finding.map(|finding| finding.triage),
            triage_reason: finding.map(|finding| triage_reason(finding, options.exclude)),
        }
    };
    mined.verdicts.iter().zip(&mined.scored).map(row).collect()
}

/// What the triage found, and what came of it.
fn triage_reason(finding: &Finding, exclude: Exclude) -> String {
    let reason = &finding.reason;
    if finding.is_excluded_by(exclude) {
        format!("{reason}; kept out of the plans")
    } else {
        reason.clone()
    }
}
