//! Mining the predictions of other programs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, anyhow};
use blake3::Hasher;
use burn::tensor::Device;
use hardslice_data::balance::{
    Arm, ArmError, Candidates, HardSlices, Plan, RepeatFactors, hard_in_controls,
};
use hardslice_data::mining::{
    ExternalPredictions, FoldCases, MinedSlices, ResolvedTau, ScoredSlice, SliceScore, Tau,
    TauBasis, candidates, mine, prediction_folders,
};
use hardslice_data::split::{Split, facts};
use hardslice_data::store::Store;
use hardslice_data::{Left, Missing, Organ, OrganMap, Share, StoreOrgan, identity};
use hardslice_train::layout::RoundDir;
use hardslice_train::{Event, Observer, Warning};
use serde::{Deserialize, Serialize};

use crate::bars::Bars;
use crate::by_hand::{ByHand, ScoredBy, ScoredPredictions};
use crate::causes::causes;
use crate::cohort::{refuse_other_store, trained_organs};
use crate::done::Done;
use crate::experiment::Experiment;
use crate::notes::Notes;
use crate::provenance;
use crate::provenance::MadeOf;

/// Predictions in memory at once, at most.
const CASES_AT_ONCE: usize = 4;

/// What is mined, and where to.
pub(crate) struct ExternalMining<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) store: &'a Store,
    /// The folds; all labelled cases are A when absent.
    pub(crate) split: Option<&'a Path>,
    pub(crate) predictions: &'a Path,
    /// Which values are which organ in the predictions.
    pub(crate) labels: Option<&'a OrganMap>,
    /// Whether losses are computed from the probabilities beside the predictions.
    pub(crate) probabilities: bool,
    /// Which share of A is scored here, where others are scored elsewhere.
    pub(crate) share: Option<Share>,
    /// What the plan shows.
    pub(crate) arm: Arm,
    pub(crate) out: &'a Path,
}

/// Scores A by the predictions, mines it and leaves `mining/ledger.parquet` and `mining/plan.csv`, as
/// mining with a model does.
pub(crate) fn mine_predictions(job: &ExternalMining<'_>, bars: &Bars) -> anyhow::Result<Done> {
    let (store, options) = (job.store, &job.experiment.mining);
    if options.tau == Tau::Paper {
        return Err(anyhow!(
            "tau = \"paper\" needs the test scores of a baseline; take a number, a quantile or \
             \"validation\""
        ));
    }
    check_arm(job)?;
    let names = trained_organs(job.experiment, store.organs())?;
    let place = |organ| {
        store
            .organ_of(organ)
            .expect("trained organs are the store's")
    };
    let organs: Vec<StoreOrgan> = names.iter().map(place).collect();
    let split = job.split_of(&names)?;
    let folds = FoldCases::of(store, &organs, split.as_ref());

    if options.tau == Tau::Validation && folds.validation.is_empty() {
        return Err(anyhow!(
            "tau = \"validation\" needs validation patients, and there are none: give a split that has \
             some (--split FILE.json), or take a number or a share (--tau \"hardest 15 %\")"
        ));
    }
    let Some(a) = job.scores_of_a(&folds.a, &organs, bars)? else {
        return Ok(Done::Clean);
    };
    let validation = match options.tau {
        Tau::Validation => {
            let stage = "score validation";
            job.scores(&folds.validation, &organs, stage, bars)
        }
        _ => Scored::default(),
    };
    let scored_by = hash_of_files([&a, &validation]);
    if a.slices.is_empty() {
        return Err(anyhow!(
            "none of the predictions in {} could be scored",
            job.predictions.display()
        ));
    }
    let n_failed = a.n_failed + validation.n_failed;
    let mut notes = a.notes;
    notes.append(validation.notes);
    notes.tell(bars);
    let validation: Vec<SliceScore> = validation.slices.iter().map(|slice| slice.score).collect();
    let basis = TauBasis {
        validation: &validation,
        ..TauBasis::default()
    };
    let mined = mine(store, &organs, a.slices, options, &basis)?;
    for (organ, warning) in &mined.warnings {
        bars.line(&format!("warning: {organ}: {warning}"));
    }
    let plan = plan_of(job, &organs, &folds, &mined, bars)?;
    let round = RoundDir::new(job.out);
    let dir = round.mining();
    mined.write(store, &plan, 0, &scored_by, dir.path())?;
    let by_hand = ByHand {
        scored_by: ScoredBy::Predictions(ScoredPredictions {
            folder: job.predictions.to_owned(),
            labels: job.labels.cloned(),
        }),
        split: job.split.map(Path::to_owned),
        arm: job.arm,
    };
    by_hand.write(&round)?;
    job.record(&notes)?;
    if let Some(share) = job.share {
        share.clear(|share| dir.share(share))?;
    }
    print_taus(&names, &mined.taus, bars)?;
    Ok(if n_failed == 0 {
        Done::Clean
    } else {
        Done::Findings
    })
}

/// What the arm shows, given what was mined.
fn plan_of(
    job: &ExternalMining<'_>,
    organs: &[StoreOrgan],
    folds: &FoldCases,
    mined: &MinedSlices,
    bars: &Bars,
) -> Result<Plan, ArmError> {
    // Of a scan that has no prediction nothing is known, and so nothing of it is planned.
    let scored = mined.scored.iter();
    let scored: BTreeSet<usize> = scored.map(|slice| slice.score.slice.case()).collect();
    let mut of_a = folds.a.clone();
    of_a.retain(|case| scored.contains(case));
    let slices = [&of_a, &folds.b].map(|cases| candidates(job.store, organs, cases));
    let positive_weight = job.experiment.train.positive_weight;
    let slices = Candidates {
        a: &slices[0],
        b: &slices[1],
        factors: &RepeatFactors::of(slices.iter().flatten(), positive_weight),
        seed: job.experiment.training_seed(),
    };
    if job.arm.chooses_of_a() {
        warn_of_controls(job.experiment, &slices, &mined.hard, bars)?;
    }
    let balance = &job.experiment.balance;
    match job.arm.second_half(&slices, &mined.hard, balance) {
        // Of no case with a prediction there is nothing to show.
        Err(ArmError::Empty { .. }) => Ok(Plan::default()),
        plans => Ok(plans?.swap_remove(0)),
    }
}

/// Prints how many slices of A are hard for each organ.
pub(crate) fn print_taus(
    organs: &[Organ],
    taus: &[ResolvedTau],
    bars: &Bars,
) -> anyhow::Result<()> {
    for (organ, tau) in organs.iter().zip(taus) {
        bars.print(&format!("{organ}: {tau}"))?;
    }
    Ok(())
}

/// Hash of all predictions that were scored, in place of a model's.
fn hash_of_files(scored: [&Scored; 2]) -> String {
    let mut files = Hasher::new();
    for hash in scored.iter().flat_map(|scored| &scored.files_blake3) {
        files.update(hash.as_bytes());
    }
    files.finalize().to_hex().to_string()
}

/// What is said where other shares are still to come.
pub(crate) fn said_of_missing(share: Share, missing: &Missing) -> String {
    let list = |shares: &[Share]| {
        let shares: Vec<String> = shares.iter().map(Share::to_string).collect();
        shares.join(", ")
    };
    let absent = match missing.absent.as_slice() {
        [] => String::new(),
        absent => format!("; not there are {}", list(absent)),
    };
    let other = match missing.of_other_work.as_slice() {
        [] => String::new(),
        other => format!(
            "; with other settings, or of other inputs, {} were done",
            list(other)
        ),
    };
    format!(
        "part {share} is done{absent}{other}: whichever comes last joins them, unless all were joined \
         before"
    )
}

/// One mining of A leads to the plans of some arms only.
fn check_arm(job: &ExternalMining<'_>) -> anyhow::Result<()> {
    let arm = job.arm;
    if arm.mines_again() || arm.is_staged() {
        return Err(anyhow!(
            "the arm `{arm}` has several plans, one after the other: take hard, all_emphasised or \
             another arm of one plan"
        ));
    }
    if job.split.is_none() && arm.chooses_of_a() {
        return Err(anyhow!(
            "the arm `{arm}` shows B, and of A the chosen slices alone, and without --split there is no B: \
             who trains by such a plan never sees an easy slice; give --split, or leave out --arm, so that \
             every slice is shown and the hard ones more often (all_emphasised)"
        ));
    }
    if job.split.is_some() && arm.needs_cross_fold() {
        return Err(anyhow!(
            "the arm `{arm}` goes by the scores of B, too, and with a split A alone is mined: leave out \
             --split, so that every labelled case is mined"
        ));
    }
    Ok(())
}

/// Says which random controls would have to draw hard slices themselves.
fn warn_of_controls(
    experiment: &Experiment,
    slices: &Candidates<'_>,
    hard: &HardSlices,
    bars: &Bars,
) -> Result<(), ArmError> {
    let (arms, options) = (&experiment.arms, &experiment.balance);
    for (arm, summary) in hard_in_controls(arms, slices, hard, options)? {
        if let Some(warning) = Warning::of_control(arm, &summary) {
            bars.notify(&Event::Warning(warning));
        }
    }
    Ok(())
}

/// The scores of some cases.
#[derive(Default, Serialize, Deserialize)]
struct Scored {
    slices: Vec<ScoredSlice>,
    n_failed: usize,
    /// What the readers of the predictions took for granted.
    notes: Notes,
    /// Hash of each prediction.
    files_blake3: Vec<String>,
}

impl Scored {
    /// Those of all shares, one after the other.
    fn joined(shares: Vec<Self>) -> Self {
        let mut all = Self::default();
        for share in shares {
            all.slices.extend(share.slices);
            all.n_failed += share.n_failed;
            all.notes.append(share.notes);
            all.files_blake3.extend(share.files_blake3);
        }
        all
    }
}

impl ExternalMining<'_> {
    /// Writes down what the ledger and the plan were made of.
    fn record(&self, notes: &Notes) -> anyhow::Result<()> {
        let folders = prediction_folders(self.predictions)?;
        let folders = folders.iter().map(PathBuf::as_path);
        let inputs: Vec<&Path> = self.split.into_iter().chain(folders).collect();
        let made_of = MadeOf {
            command: "mine",
            settings: &self.experiment.to_toml()?,
            inputs: &inputs,
            notes,
        };
        Ok(provenance::of_command(self.out, &made_of, &Device::flex())?)
    }

    /// The scores of A: where shares are scored, of all when the last one is, and else `None`.
    /// The folds, where they are given, of the store that the experiment prepared.
    fn split_of(&self, organs: &[Organ]) -> anyhow::Result<Option<Split>> {
        let load = |path: &Path| {
            Split::load(path, &facts(self.store, organs))
                .with_context(|| format!("cannot use the split {}", path.display()))
        };
        let split = self.split.map(load).transpose()?;
        refuse_other_store(self.experiment, self.store, split.as_ref().zip(self.split))?;
        Ok(split)
    }

    fn scores_of_a(
        &self,
        cases: &[usize],
        organs: &[StoreOrgan],
        bars: &Bars,
    ) -> anyhow::Result<Option<Scored>> {
        let stage = "score predictions";
        let Some(share) = self.share else {
            return Ok(Some(self.scores(cases, organs, stage, bars)));
        };
        let scored = self.scores(&cases[share.range(cases.len())], organs, stage, bars);
        let settings = self.experiment.to_toml()?;
        let (store, labels) = (self.store.content_hash(), self.labels);
        let read = (self.predictions.to_str(), labels, self.probabilities);
        let identity = identity(&(settings, store, cases, read));
        let dir = RoundDir::new(self.out).mining();
        match share.leave(&identity, scored, |share| dir.share(share))? {
            Left::All(shares) => Ok(Some(Scored::joined(shares))),
            Left::Missing(missing) => {
                bars.print(&said_of_missing(share, &missing))?;
                Ok(None)
            }
        }
    }

    /// Scores cases, and tells which cannot be scored.
    fn scores(&self, cases: &[usize], organs: &[StoreOrgan], stage: &str, bars: &Bars) -> Scored {
        let predictions = ExternalPredictions {
            store: self.store,
            organs,
            dir: self.predictions,
            labels: self.labels,
            probabilities: self.probabilities,
        };
        bars.begin(stage, cases.len() as u64, 0);
        let n_done = AtomicU64::new(0);
        let advanced = || bars.advance(1 + n_done.fetch_add(1, Ordering::Relaxed));
        // Probabilities take eight times the memory of a label map, and threads of their own.
        let at_most = if self.probabilities { 1 } else { CASES_AT_ONCE };
        let n_at_once = at_most.min(rayon::current_num_threads());
        let outcomes = predictions.scores(cases, n_at_once, &advanced);
        bars.end();
        let mut scored = Scored::default();
        for (case_idx, outcome) in cases.iter().zip(outcomes) {
            match outcome {
                Ok(case) => {
                    scored.files_blake3.push(case.blake3);
                    scored.slices.extend(case.scored);
                    scored.notes.add(&case.notes);
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
