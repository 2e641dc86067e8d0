//! Finding the hard slices of A.

use std::collections::BTreeMap;

use hardslice_data::SliceRef;
use hardslice_data::balance::{
    Plan, ResolvedTau, SliceScore, Tau, TauError, TauInputs, Verdict, Verdicts,
};
use hardslice_data::ledger::LedgerRow;
use serde::{Deserialize, Serialize};

use crate::batch::Lens;
use crate::net::Net;
use crate::progress::{Event, Observer, Warning};
use crate::score::{case_dice, score_slices};

/// What makes a slice hard.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MiningConfig {
    /// How the threshold is set.
    pub tau: Tau,
    /// Smallest area, in pixels of the store, that counts as a false positive where the organ is
    /// absent; 1 counts every pixel.
    pub min_false_positive_px: u32,
}

impl Default for MiningConfig {
    fn default() -> Self {
        Self {
            tau: Tau::default(),
            min_false_positive_px: 1,
        }
    }
}

/// What is mined, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Mine<'a> {
    /// The pre-trained net, without gradients.
    pub net: &'a Net,
    /// What it sees.
    pub lens: &'a Lens<'a>,
    /// The slices to score: A, or B by a net that was trained on A.
    pub slices: &'a [SliceRef],
    /// Round of mining, from 0.
    pub round: i32,
    /// Slices of the validation patients.
    pub validation: &'a [SliceRef],
    /// For each organ of the net, the baseline's lowest test Dice; read only by tau = `paper`.
    pub baseline_test_min_dice: &'a [Option<f64>],
    /// What makes a slice hard.
    pub config: &'a MiningConfig,
    /// Slices scored at once.
    pub batch_size: usize,
}

impl Mine<'_> {
    /// Scores every slice and judges it.
    ///
    /// # Errors
    ///
    /// [`TauError`] when what the threshold is based on is missing.
    pub fn run(&self, observer: &dyn Observer) -> Result<Verdicts, TauError> {
        observer.notify(&Event::Started {
            stage: "score slices",
            n: self.slices.len() as u64,
            done: 0,
        });
        let scores = score_slices(self.net, self.lens, self.slices, self.batch_size, observer);
        observer.notify(&Event::Finished);
        let validation = match self.config.tau {
            Tau::Validation => score_slices(
                self.net,
                self.lens,
                self.validation,
                self.batch_size,
                &crate::Silent,
            ),
            _ => Vec::new(),
        };
        let taus = (0..self.lens.organs().len())
            .map(|organ| self.resolve(organ, &scores, &validation, observer))
            .collect::<Result<_, _>>()?;
        Ok(Verdicts::judge(
            &scores,
            taus,
            self.config.min_false_positive_px,
        ))
    }

    fn resolve(
        &self,
        organ: usize,
        scores: &[SliceScore],
        validation: &[SliceScore],
        observer: &dyn Observer,
    ) -> Result<ResolvedTau, TauError> {
        let organ_idx = u16::try_from(organ).unwrap_or(u16::MAX);
        let of_organ = scores.iter().filter(|score| score.organ_idx == organ_idx);
        let slice_dice: Vec<Option<f64>> = of_organ
            .map(|score| score.dice(self.config.min_false_positive_px))
            .collect();
        let validation_dice = case_dice(validation, organ_idx)
            .into_iter()
            .map(|(_, dice)| dice);
        let tau = self.config.tau.resolve(TauInputs {
            organ: organ_name(self.lens, organ),
            slice_dice: &slice_dice,
            validation_min_dice: validation_dice.reduce(f64::min),
            baseline_test_min_dice: self.baseline_test_min_dice.get(organ).copied().flatten(),
        })?;
        if let Some(warning) = tau.warning() {
            let organ = organ_name(self.lens, organ);
            observer.notify(&Event::Warning(Warning::Tau { organ, warning }));
        }
        Ok(tau)
    }

    /// The ledger's rows of these verdicts, with each slice's weight in `plan`.
    pub fn ledger(&self, verdicts: &Verdicts, plan: &Plan, model: &str) -> Vec<LedgerRow> {
        let weights: BTreeMap<SliceRef, f64> = plan
            .entries()
            .iter()
            .map(|entry| (entry.slice, entry.weight))
            .collect();
        let row = |verdict: &Verdict| {
            let SliceScore {
                slice, organ_idx, ..
            } = verdict.score;
            let organ = usize::from(organ_idx);
            let case = &self.lens.store().cases()[slice.case_idx as usize];
            let tau = verdicts.taus[organ];
            let rule = verdict.score.rule(self.config.min_false_positive_px);
            let kind = self
                .lens
                .store()
                .slice_kind(self.lens.organs()[organ], slice);
            LedgerRow {
                round: self.round,
                case: case.id.to_string(),
                patient: case.patient.to_string(),
                z: integer(slice.z),
                slice_spacing_mm: case.spacing_mm.z,
                organ: organ_name(self.lens, organ).to_owned(),
                kind: kind.name().to_owned(),
                truth_px: integer(verdict.score.n_truth),
                predicted_px: integer(verdict.score.n_predicted),
                shared_px: integer(verdict.score.n_shared),
                rule: rule.name().to_owned(),
                dice: verdict.dice,
                tau: tau.value,
                tau_rule: self.config.tau.to_string(),
                decision: if verdict.is_hard { "hard" } else { "easy" }.to_owned(),
                reason: reason(verdict, tau),
                weight: weights.get(&slice).copied().unwrap_or(0.0),
                model: model.to_owned(),
            }
        };
        verdicts.verdicts.iter().map(row).collect()
    }
}

fn organ_name<'a>(lens: &Lens<'a>, organ: usize) -> &'a str {
    let name = lens.store().organs().organ(lens.organs()[organ]);
    name.map_or("organ", |name| name.as_str())
}

fn integer(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
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
