//! Which slices are hard, and how often each is shown.

use std::path::PathBuf;

use anyhow::anyhow;
use hardslice::data::balance::{Arm, BalanceOptions, Candidate, Candidates, RepeatFactors};
use hardslice::data::mining::triage::Triage;
use hardslice::data::mining::{MiningOptions, SliceScore, TauBasis, judge};
use hardslice::data::{Organ, OutputIdx, PatientId, SettingError, SliceRef};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde::Deserialize;
use serde_json::json;

use crate::failure::in_json;
use crate::work::work;

/// A score as Python gives it: case, slice, organ (all by their places), pixels in the truth, in the
/// prediction, in both.
type GivenScore = (usize, usize, usize, u32, u32, u32);

/// What is mined, and what an arm makes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    organs: Vec<Organ>,
    /// Of each case.
    patients: Vec<PatientId>,
    /// Whether each case belongs to B, which is not mined.
    is_b: Vec<bool>,
    mining: MiningOptions,
    balance: BalanceOptions,
    arm: String,
    positive_weight: f64,
    seed: u64,
}

/// Judges slices by their scores and makes an arm's plan of them; as JSON.
#[pyfunction]
pub(crate) fn judge_slices(
    py: Python<'_>,
    request: &str,
    scores: Vec<GivenScore>,
    validation: Vec<GivenScore>,
) -> PyResult<String> {
    let request: Request = serde_json::from_str(request)
        .map_err(|error| PyValueError::new_err(format!("the settings are refused: {error}")))?;
    work(py, None, |_watch| judged(&request, &scores, &validation))
        .and_then(|found| in_json(&found))
}

fn judged(
    request: &Request,
    scores: &[GivenScore],
    validation: &[GivenScore],
) -> anyhow::Result<serde_json::Value> {
    let arm: Arm = request.arm.parse()?;
    if arm.chooses_of_a() && !request.is_b.contains(&true) {
        return Err(anyhow!(
            "the arm `{arm}` shows the cases of b, and of the others the chosen slices alone, and b is empty: \
             who trains by that never sees an easy slice; name b, or take arm=\"all_emphasised\""
        ));
    }
    request.balance.check()?;
    SettingError::check(
        "mine",
        [(
            !(request.positive_weight.is_finite() && request.positive_weight > 0.0),
            "positive_weight must be above 0",
        )],
    )?;
    let mined: Vec<SliceScore> = scores
        .iter()
        .map(score_of)
        .filter(|score| !request.is_b[score.slice.case()])
        .collect();
    let validation: Vec<SliceScore> = validation.iter().map(score_of).collect();
    let basis = TauBasis {
        validation: &validation,
        ..TauBasis::default()
    };
    let judged = judge(&request.organs, &mined, &request.mining, &basis)?;
    let [a, b] = [false, true].map(|is_b| candidates(request, scores, is_b));
    let candidates = Candidates {
        a: &a,
        b: &b,
        factors: &RepeatFactors::of(a.iter().chain(&b), request.positive_weight),
        seed: request.seed,
    };
    let plans = arm.second_half(&candidates, &judged.hard, &request.balance)?;
    // Of an arm in several parts the last, which the training ends with.
    let plan = plans.last();
    let entries = plan.iter().flat_map(|plan| plan.entries()).map(|entry| {
        json!([
            entry.slice.case_idx,
            entry.slice.z,
            entry.weight,
            entry.reason.name()
        ])
    });
    let rows = judged.verdicts.iter().map(|verdict| {
        let score = verdict.score;
        json!([
            score.slice.case_idx,
            score.slice.z,
            score.output.idx(),
            score.rule(request.mining.min_false_positive_px).name(),
            verdict.dice,
            verdict.is_hard(),
            verdict.reason(&judged.taus[score.output.idx()]),
        ])
    });
    let warnings = judged.warnings.iter();
    Ok(json!({
        "verdicts": rows.collect::<Vec<_>>(),
        "plan": entries.collect::<Vec<_>>(),
        "taus": judged.taus,
        "warnings": warnings.map(|(organ, warning)| format!("{organ}: {warning}")).collect::<Vec<_>>(),
    }))
}

fn score_of(given: &GivenScore) -> SliceScore {
    let (case_idx, z, output, n_truth, n_predicted, n_shared) = *given;
    SliceScore {
        slice: SliceRef::at(case_idx, z),
        output: OutputIdx::new(output),
        n_truth,
        n_predicted,
        n_shared,
    }
}

/// The slices of A or of B, each once; scores of a slice stand together.
fn candidates(request: &Request, scores: &[GivenScore], is_b: bool) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for score in scores.iter().map(score_of) {
        if request.is_b[score.slice.case()] != is_b {
            continue;
        }
        let shown = (score.n_truth > 0).then_some(score.output).into_iter();
        match found.last_mut() {
            Some(last) if last.slice == score.slice => last.organs.extend(shown),
            _ => found.push(Candidate {
                slice: score.slice,
                patient: request.patients[score.slice.case()].clone(),
                organs: shown.collect(),
            }),
        }
    }
    found
}

/// The hard slices that a command left in its ledgers, as JSON.
#[pyfunction]
pub(crate) fn hard_slices(py: Python<'_>, dir: PathBuf, organ: Option<String>) -> PyResult<String> {
    let rows = work(py, None, |_watch| {
        let organ = organ.map(Organ::new).transpose()?;
        hardslice::hard_slices::hard_slices(&dir, organ.as_ref())
    })?;
    let rows = rows.iter().map(|row| {
        json!({
            "case": row.case.as_str(),
            "patient": row.patient.as_str(),
            "z": row.z,
            "organ": row.organ.as_str(),
            "kind": row.kind.name(),
            "dice": row.dice,
            "tau": row.tau,
            "reason": row.reason,
            "weight": row.weight,
            "loss": row.loss,
            "triage": row.triage.map(Triage::name),
            "triage_reason": row.triage_reason,
        })
    });
    in_json(&rows.collect::<Vec<_>>())
}
