//! Finding the hard slices of A.

use hardslice_data::SliceRef;
use hardslice_data::balance::{Found, Judging, Plan, SliceScore, Tau, TauError, Verdicts};
use hardslice_data::ledger::{Entry, LedgerRow, ledger_rows};
use hardslice_data::store::Store;
use hardslice_data::triage::{Exclude, Findings, Sighting};
use serde::{Deserialize, Serialize};

use crate::batch::Lens;
use crate::net::Net;
use crate::progress::{Event, Observer, Warning};
use crate::score::{score_slices, see_slices};

/// What makes a slice hard.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MiningConfig {
    /// How the threshold is set.
    pub tau: Tau,
    /// Smallest area, in pixels of the store, that counts as a false positive where the organ is
    /// absent; 1 counts every pixel.
    pub min_false_positive_px: u32,
    /// Which hard slices are kept out of the plans: those whose labels look wrong (`suspects`),
    /// those that look `broken`, and `redundant` ones.
    #[serde(skip_serializing_if = "Exclude::is_empty")]
    pub exclude: Exclude,
}

impl Default for MiningConfig {
    fn default() -> Self {
        Self {
            tau: Tau::default(),
            min_false_positive_px: 1,
            exclude: Exclude::default(),
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

/// Who judges scored slices, whoever scored them.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// The cohort.
    pub store: &'a Store,
    /// The organs that were scored, by their places in the store.
    pub organs: &'a [usize],
    /// What makes a slice hard.
    pub config: &'a MiningConfig,
}

/// What a mining saw and made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mining {
    /// Which slices are hard.
    pub verdicts: Verdicts,
    /// What that rests on, in the verdicts' order.
    pub sightings: Vec<Sighting>,
    /// Which of the hard slices look wrong or redundant.
    pub findings: Findings,
}

impl Mining {
    /// The hard slices without those that are kept out.
    pub fn found(&self, exclude: Exclude) -> Found {
        Found::of(&self.verdicts).without(self.findings.excluded(exclude))
    }
}

impl Mine<'_> {
    /// Scores every slice, judges it and looks through the hard ones.
    ///
    /// # Errors
    ///
    /// [`TauError`] when what the threshold is based on is missing.
    pub fn run(&self, observer: &dyn Observer) -> Result<Mining, TauError> {
        observer.notify(&Event::Started {
            stage: "score slices",
            n: self.slices.len() as u64,
            done: 0,
        });
        let sightings = see_slices(self.net, self.lens, self.slices, self.batch_size, observer);
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
        self.judge().judge(
            sightings,
            &validation,
            self.baseline_test_min_dice,
            observer,
        )
    }

    /// The ledger's rows of a mining, with each slice's weight in `plan`.
    pub fn ledger(&self, mining: &Mining, plan: &Plan, model: &str) -> Vec<LedgerRow> {
        self.judge().ledger(mining, plan, self.round, model)
    }

    fn judge(&self) -> Judge<'_> {
        Judge {
            store: self.lens.store(),
            organs: self.lens.organs(),
            config: self.config,
        }
    }
}

impl Judge<'_> {
    /// Judges what was seen of each slice, looks through the hard ones, and warns of a threshold
    /// that makes no sense.
    ///
    /// `validation` is read only by tau = `validation`, and `baseline_test_min_dice` (for each
    /// organ, the baseline's lowest test Dice) only by tau = `paper`.
    ///
    /// # Errors
    ///
    /// [`TauError`] when what the threshold is based on is missing.
    pub fn judge(
        &self,
        sightings: Vec<Sighting>,
        validation: &[SliceScore],
        baseline_test_min_dice: &[Option<f64>],
        observer: &dyn Observer,
    ) -> Result<Mining, TauError> {
        let names = self.organs.iter().map(|organ| {
            let name = self.store.organs().organ(*organ);
            name.map_or("organ", |name| name.as_str())
        });
        let names: Vec<&str> = names.collect();
        let scores: Vec<SliceScore> = sightings.iter().map(|sighting| sighting.score).collect();
        let judging = Judging {
            tau: self.config.tau,
            min_false_positive_px: self.config.min_false_positive_px,
            organs: &names,
            scores: &scores,
            validation,
            baseline_test_min_dice,
        };
        let verdicts = judging.verdicts()?;
        for (organ, tau) in names.into_iter().zip(&verdicts.taus) {
            if let Some(warning) = tau.warning() {
                observer.notify(&Event::Warning(Warning::Tau { organ, warning }));
            }
        }
        let findings = Findings::of(self.store, self.organs, &verdicts.verdicts, &sightings);
        Ok(Mining {
            verdicts,
            sightings,
            findings,
        })
    }

    /// The ledger's rows of a mining, with each slice's weight in `plan`; `model` is the hash of
    /// what scored.
    pub fn ledger(&self, mining: &Mining, plan: &Plan, round: i32, model: &str) -> Vec<LedgerRow> {
        ledger_rows(&Entry {
            store: self.store,
            organs: self.organs,
            verdicts: &mining.verdicts,
            sightings: &mining.sightings,
            findings: &mining.findings,
            exclude: self.config.exclude,
            plan,
            tau: self.config.tau,
            min_false_positive_px: self.config.min_false_positive_px,
            round,
            model,
        })
    }
}
