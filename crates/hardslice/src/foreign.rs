//! Mining the predictions of other programs.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, anyhow};
use blake3::Hasher;
use burn::tensor::Device;
use hardslice::experiment::Experiment;
use hardslice_data::balance::{Arm, ArmError, Candidate, Candidates, Plan, SliceScore, Tau};
use hardslice_data::ledger;
use hardslice_data::split::{Fold, Split, facts};
use hardslice_data::store::{Foreign, Store};
use hardslice_data::triage::Sighting;
use hardslice_data::{Organ, OrganMap};
use hardslice_train::Judge;

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
    let n_failed = a.n_failed + validation.n_failed;
    if a.sightings.is_empty() {
        return Err(anyhow!(
            "none of the predictions in {} could be scored",
            job.predictions.display()
        ));
    }
    let judge = Judge {
        store: job.store,
        organs: &places,
        config: mining,
    };
    let validation = validation.sightings.iter().map(|sighting| sighting.score);
    let validation: Vec<SliceScore> = validation.collect();
    let mined = judge.judge(a.sightings, &validation, &[], &bars)?;
    let found = mined.found(mining.exclude);
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
    let dir = job.out.join("mining");
    plan.write_csv(&dir.join("plan.csv"), |case| {
        job.store.cases()[case as usize].id.to_string()
    })?;
    let rows = judge.ledger(&mined, &plan, 0, &model);
    ledger::write(&dir.join("ledger.parquet"), &rows)?;
    let inputs: Vec<&Path> = job.split.into_iter().chain([job.predictions]).collect();
    let settings = job.experiment.to_toml()?;
    provenance::of_command(job.out, "mine", &settings, &inputs, &Device::flex())?;
    for (organ, tau) in organs.iter().zip(&mined.verdicts.taus) {
        bars::print(&format!(
            "{organ}: {} of {} slices of A are below tau {:.3}",
            tau.n_hard, tau.n_scored, tau.value
        ))?;
    }
    Ok(if n_failed == 0 {
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

impl ForeignMining<'_> {
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
