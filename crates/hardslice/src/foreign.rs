//! Mining the predictions of other programs.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, anyhow};
use blake3::Hasher;
use burn::tensor::Device;
use hardslice::experiment::Experiment;
use hardslice_data::balance::{
    Arm, ArmError, Candidate, Candidates, Found, Judging, Plan, SliceScore, Tau,
};
use hardslice_data::ledger::{self, Entry, ledger_rows};
use hardslice_data::split::{Fold, Split, facts};
use hardslice_data::store::{Foreign, Store};
use hardslice_data::triage::{Findings, Sighting};
use hardslice_data::{Organ, OrganMap};

use hardslice_train::Mining;

use crate::bars::{self, Bars};
use crate::whole::trained_organs;
use crate::{Done, causes, provenance};

/// Predictions in memory at once, at most.
const CASES_AT_ONCE: usize = 4;

/// What is mined, and where to.
pub(crate) struct ForeignMining<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) store: &'a Store,
    /// The folds; all labelled cases are A when absent.
    pub(crate) split: Option<&'a Path>,
    pub(crate) predictions: &'a Path,
    /// Which values are which organ in the predictions.
    pub(crate) labels: Option<&'a OrganMap>,
    pub(crate) out: &'a Path,
}

/// Scores A by the predictions, judges its slices and leaves `mining/ledger.parquet` and
/// `mining/plan.csv`, as mining with a model does.
pub(crate) fn mine_predictions(job: &ForeignMining<'_>) -> anyhow::Result<Done> {
    let mining = &job.experiment.mining;
    if mining.tau == Tau::Paper {
        return Err(anyhow!(
            "tau = \"paper\" needs the test scores of a baseline; take a number, a quantile or \
             \"validation\""
        ));
    }
    let bars = Bars::new();
    let organs = trained_organs(job.experiment, job.store.organs())?;
    let places: Vec<usize> = organs
        .iter()
        .filter_map(|organ| job.store.organs().index_of(organ))
        .collect();
    let folds = Folds::of(job, &organs)?;
    let mut hasher = Hasher::new();
    let a = job.scores(&folds.a, &places, "score predictions", (&bars, &mut hasher));
    let validation = match mining.tau {
        Tau::Validation => {
            let stage = "score validation";
            job.scores(&folds.validation, &places, stage, (&bars, &mut hasher))
        }
        _ => Scored::default(),
    };
    let model = hasher.finalize().to_hex().to_string();
    if a.sightings.is_empty() {
        return Err(anyhow!(
            "none of the predictions in {} could be scored",
            job.predictions.display()
        ));
    }
    let names: Vec<&str> = organs.iter().map(Organ::as_str).collect();
    let judging = Judging {
        tau: mining.tau,
        min_false_positive_px: mining.min_false_positive_px,
        organs: &names,
        scores: &a.scores(),
        validation: &validation.scores(),
        baseline_test_min_dice: &[],
    };
    let verdicts = judging.verdicts()?;
    for (organ, tau) in names.iter().zip(&verdicts.taus) {
        if let Some(warning) = tau.warning() {
            bars.line(&format!("warning: {organ}: {warning}"));
        }
    }
    let findings = Findings::of(job.store, &places, &verdicts.verdicts, &a.sightings);
    let found = Found::of(&verdicts).without(findings.excluded(mining.exclude));
    let [of_a, of_b] = [&folds.a, &folds.b].map(|cases| -> Vec<Candidate> {
        let slices = cases
            .iter()
            .map(|case_idx| Candidate::of_case(job.store, *case_idx, &places));
        slices.flatten().collect()
    });
    let candidates = Candidates {
        a: &of_a,
        b: &of_b,
        positive_weight: job.experiment.train.positive_weight,
        seed: job.experiment.seed,
    };
    let plan = match Arm::Hard.second_half(&candidates, &found, &job.experiment.balance) {
        // Without a split there is no B, and nothing may be hard.
        Err(ArmError::Empty { .. }) => Plan::default(),
        plans => plans?.into_iter().next().unwrap_or_default(),
    };
    let mining = Mining {
        verdicts,
        sightings: a.sightings,
        findings,
    };
    job.write(&mining, &plan, &places, &model)?;
    for (organ, tau) in names.iter().zip(&mining.verdicts.taus) {
        bars::print(&format!(
            "{organ}: {} of {} slices of A are below tau {:.3}",
            tau.n_hard, tau.n_scored, tau.value
        ))?;
    }
    Ok(if a.n_failed + validation.n_failed == 0 {
        Done::Clean
    } else {
        Done::Findings
    })
}

/// The cases of each fold, by their places in the store.
struct Folds {
    a: Vec<usize>,
    b: Vec<usize>,
    validation: Vec<usize>,
}

impl Folds {
    fn of(job: &ForeignMining<'_>, organs: &[Organ]) -> anyhow::Result<Self> {
        let split = match job.split {
            None => None,
            Some(path) => Some(
                Split::load(path, &facts(job.store, organs))
                    .with_context(|| format!("cannot use the split {}", path.display()))?,
            ),
        };
        // Without a split every case is A.
        let of_fold = |fold: Fold| -> Vec<usize> {
            let cases = job.store.cases().iter().enumerate();
            let of_fold = cases.filter(|(_, case)| {
                let its = split
                    .as_ref()
                    .map_or(Some(Fold::A), |split| split.fold_of(&case.id));
                its == Some(fold) && organs.iter().any(|organ| case.is_annotated(organ))
            });
            of_fold.map(|(case_idx, _)| case_idx).collect()
        };
        Ok(Self {
            a: of_fold(Fold::A),
            b: of_fold(Fold::B),
            validation: of_fold(Fold::Validation),
        })
    }
}

/// The scores of some cases.
#[derive(Default)]
struct Scored {
    sightings: Vec<Sighting>,
    n_failed: usize,
}

impl Scored {
    fn scores(&self) -> Vec<SliceScore> {
        self.sightings
            .iter()
            .map(|sighting| sighting.score)
            .collect()
    }
}

impl ForeignMining<'_> {
    /// Leaves the plan, the ledger and what they were made of.
    fn write(
        &self,
        mining: &Mining,
        plan: &Plan,
        places: &[usize],
        model: &str,
    ) -> anyhow::Result<()> {
        let dir = self.out.join("mining");
        plan.write_csv(&dir.join("plan.csv"), |case| {
            self.store.cases()[case as usize].id.to_string()
        })?;
        let rows = ledger_rows(&Entry {
            store: self.store,
            organs: places,
            verdicts: &mining.verdicts,
            sightings: &mining.sightings,
            findings: &mining.findings,
            exclude: self.experiment.mining.exclude,
            plan,
            tau: self.experiment.mining.tau,
            min_false_positive_px: self.experiment.mining.min_false_positive_px,
            round: 0,
            model,
        });
        ledger::write(&dir.join("ledger.parquet"), &rows)?;
        let inputs: Vec<&Path> = self.split.into_iter().chain([self.predictions]).collect();
        let settings = self.experiment.to_toml();
        provenance::of_command(self.out, "mine", &settings, &inputs, &Device::flex())
    }

    /// Scores cases, tells which cannot be scored, and adds the predictions of the others to a hash.
    fn scores(
        &self,
        cases: &[usize],
        organs: &[usize],
        stage: &str,
        (bars, hasher): (&Bars, &mut Hasher),
    ) -> Scored {
        let foreign = Foreign {
            store: self.store,
            organs,
            dir: self.predictions,
            labels: self.labels,
        };
        bars.begin(stage, cases.len() as u64, 0);
        let n_done = AtomicU64::new(0);
        let advanced = || bars.advance(1 + n_done.fetch_add(1, Ordering::Relaxed));
        let n_at_once = CASES_AT_ONCE.min(rayon::current_num_threads());
        let outcomes = foreign.scores(cases, n_at_once, &advanced);
        bars.end();
        let mut scored = Scored::default();
        for (case_idx, outcome) in cases.iter().zip(outcomes) {
            match outcome {
                Ok(counts) => {
                    hasher.update(counts.blake3.as_bytes());
                    scored.sightings.extend(counts.sightings);
                }
                Err(error) => {
                    scored.n_failed += 1;
                    let case = &self.store.cases()[*case_idx].id;
                    bars.line(&format!("not scored: {case}: {}", causes(&error)));
                }
            }
        }
        scored
    }
}
