//! The rows of what a mining decided.

use std::collections::BTreeMap;

use super::LedgerRow;
use crate::SliceRef;
use crate::balance::{Plan, ResolvedTau, SliceScore, Tau, Verdict, Verdicts};
use crate::store::Store;
use crate::triage::{Exclude, Finding, Findings, Sighting};

/// What a mining decided, and what it rests on.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The cohort.
    pub store: &'a Store,
    /// The scored organs' places in the store.
    pub organs: &'a [usize],
    /// The verdicts.
    pub verdicts: &'a Verdicts,
    /// What they were made from, in their order.
    pub sightings: &'a [Sighting],
    /// What the triage found.
    pub findings: &'a Findings,
    /// Which of that keeps a slice out of the plan.
    pub exclude: Exclude,
    /// The plan whose weights are noted.
    pub plan: &'a Plan,
    /// How the thresholds were set.
    pub tau: Tau,
    /// Smallest area that counted as a false positive.
    pub min_false_positive_px: u32,
    /// Round of mining, from 0.
    pub round: i32,
    /// Hash of what scored: a model's weights, or the files of predictions.
    pub model: &'a str,
}

/// A row for each verdict, in their order.
pub fn ledger_rows(entry: &Entry<'_>) -> Vec<LedgerRow> {
    let entries = entry.plan.entries().iter();
    let weights: BTreeMap<SliceRef, f64> =
        entries.map(|entry| (entry.slice, entry.weight)).collect();
    let row = |(verdict, sighting): (&Verdict, &Sighting)| {
        let SliceScore {
            slice, organ_idx, ..
        } = verdict.score;
        let case = &entry.store.cases()[slice.case_idx as usize];
        let organ_idx = usize::from(organ_idx);
        let store_idx = entry.organs[organ_idx];
        let organ = entry.store.organs().organ(store_idx);
        let tau = entry.verdicts.taus[organ_idx];
        let finding = entry.findings.get(slice, verdict.score.organ_idx);
        LedgerRow {
            round: entry.round,
            case: case.id.to_string(),
            patient: case.patient.to_string(),
            z: integer(slice.z),
            slice_spacing_mm: case.spacing_mm.z,
            organ: organ.map_or_else(|| "organ".to_owned(), ToString::to_string),
            kind: entry.store.slice_kind(store_idx, slice).name().to_owned(),
            truth_px: integer(verdict.score.n_truth),
            predicted_px: integer(verdict.score.n_predicted),
            shared_px: integer(verdict.score.n_shared),
            rule: verdict
                .score
                .rule(entry.min_false_positive_px)
                .name()
                .to_owned(),
            dice: verdict.dice,
            tau: tau.value,
            tau_rule: entry.tau.to_string(),
            decision: if verdict.is_hard { "hard" } else { "easy" }.to_owned(),
            reason: reason(verdict, tau),
            weight: weights.get(&slice).copied().unwrap_or(0.0),
            model: entry.model.to_owned(),
            truth_mm2: Some(
                f64::from(verdict.score.n_truth) * case.spacing_mm.y * case.spacing_mm.x,
            ),
            loss: sighting.loss,
            triage: finding.map(|finding| finding.triage.name().to_owned()),
            triage_reason: finding.map(|finding| triage_reason(finding, entry.exclude)),
        }
    };
    let verdicts = entry.verdicts.verdicts.iter();
    verdicts.zip(entry.sightings).map(row).collect()
}

fn integer(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// What the triage found, and what came of it.
fn triage_reason(finding: &Finding, exclude: Exclude) -> String {
    let reason = &finding.reason;
    if exclude.holds(finding.triage) {
        format!("{reason}; kept out of the plans")
    } else {
        reason.clone()
    }
}

/// The decision in words.
fn reason(verdict: &Verdict, tau: ResolvedTau) -> String {
    let tau = tau.value;
    match (verdict.dice, verdict.score.n_truth) {
        (None, _) => "the organ is neither labelled nor predicted".to_owned(),
        (Some(_), 0) => format!(
            "the organ is not labelled but predicted on {} pixels",
            verdict.score.n_predicted
        ),
        (Some(dice), _) if verdict.is_hard => format!("Dice {dice:.3} is below tau {tau:.3}"),
        (Some(dice), _) => format!("Dice {dice:.3} is not below tau {tau:.3}"),
    }
}
