//! The stages of a round, each done once.

mod arms;
mod mining;

use hardslice_data::balance::{
    Arm, Candidate, Candidates, HardSlices, Plan, PlanSummary, RepeatFactors, hard_in_controls,
};
use hardslice_data::mining::{FoldCases, candidates};
use hardslice_data::{Organ, StoreOrgan};
use hardslice_volume::whole_file::write_json;

pub(super) use mining::{MiningRecord, Shared};

use super::chain::PhaseChain;
use super::trainer::Trainer;
use super::{Protocol, RoundContext, RoundError};
use crate::confidence::Confidence;
use crate::dataset::SliceDataset;
use crate::evaluate::{TestScore, evaluate};
use crate::layout::TrainingDir;
use crate::model::{Model, ModelRecord};
use crate::net::NetConfig;
use crate::progress::{Event, Reporter, Warning};
use crate::weights::Weights;

/// What stays the same over a round.
pub(super) struct Stages<'a> {
    pub(super) trainer: Trainer<'a>,
    pub(super) folds: FoldSlices,
}

/// The slices of the folds that are trained on, and the cases of validation and test patients. Cases without an
/// annotated organ of the net take no part.
pub(super) struct FoldSlices {
    pub(super) a: Vec<Candidate>,
    pub(super) b: Vec<Candidate>,
    factors: RepeatFactors,
    pub(super) validation: Vec<usize>,
    pub(super) test: Vec<usize>,
}

impl<'a> Stages<'a> {
    /// Looks up the protocol's organs and slices. `n_neighbours` is the context of the net that is
    /// used.
    pub(super) fn new(
        protocol: &'a Protocol,
        context: &'a RoundContext<'a>,
        n_neighbours: usize,
    ) -> Result<Self, RoundError> {
        let store = context.store;
        let organs = store_organs(protocol, context)?;
        let cases = FoldCases::of(store, &organs, Some(context.split));
        let slices = |cases: &[usize]| candidates(store, &organs, cases);
        let validation = slices(&cases.validation).into_iter();
        let [a, b] = [&cases.a, &cases.b].map(|cases| slices(cases));
        let factors = RepeatFactors::of(a.iter().chain(&b), protocol.train.positive_weight);
        Ok(Self {
            folds: FoldSlices {
                a,
                b,
                factors,
                validation: cases.validation,
                test: cases.test,
            },
            trainer: Trainer {
                protocol,
                context,
                validation: validation.map(|candidate| candidate.slice).collect(),
                dataset: SliceDataset::new(store, organs, n_neighbours),
                may_train: true,
            },
        })
    }

    fn second_half(&self, arm: Arm, hard: &HardSlices) -> Result<Vec<Plan>, RoundError> {
        Ok(arm.second_half(&self.candidates(), hard, &self.trainer.protocol.balance)?)
    }

    /// Predicts and scores the test patients with an arm's model, or finds that done.
    pub(super) fn evaluate(&self, arm: Arm) -> Result<Vec<TestScore>, RoundError> {
        let dir = self.trainer.context.dir.arm(arm);
        let model = Model::read(&dir.training().model(), self.trainer.context.device)?;
        let reporter = Reporter {
            stage: &self.trainer.stage("evaluate", arm.name()),
            observer: self.trainer.context.observer,
        };
        Ok(evaluate(
            &model,
            self.trainer.context.store,
            &self.folds.test,
            &self.trainer.protocol.score,
            &dir,
            &reporter,
        )?)
    }

    /// Writes what a phase of an arm shows, slice by slice and in a few figures, and warns where a
    /// control shares what it is a control of.
    fn write_plan(
        &self,
        plan: &Plan,
        hard: &HardSlices,
        is_leaky: bool,
        dir: &TrainingDir,
    ) -> Result<(), RoundError> {
        let cases = self.trainer.context.store.cases();
        let name = |case_idx: u32| cases[case_idx as usize].id.to_string();
        plan.write_csv(&dir.plan(), is_leaky, name)?;
        Ok(write_json(
            &dir.plan_summary(),
            &PlanSummary::of(plan, hard),
        )?)
    }

    /// Warns where the plan of a random control shows hard slices. What is only evaluated was warned of
    /// when it was trained.
    fn warn_of_plan(&self, arm: Arm, plan: &Plan, hard: &HardSlices) {
        if self.trainer.may_train {
            self.warn_of_hard_in_control(arm, &PlanSummary::of(plan, hard));
        }
    }

    fn warn_of_hard_in_control(&self, arm: Arm, summary: &PlanSummary) {
        if let Some(warning) = Warning::of_control(arm, summary) {
            self.trainer
                .context
                .observer
                .notify(&Event::Warning(warning));
        }
    }

    /// Warns where a random control of these hard slices would have to draw them itself.
    pub(super) fn warn_of_controls(&self, hard: &HardSlices) -> Result<(), RoundError> {
        let protocol = self.trainer.protocol;
        let (arms, options) = (&protocol.arms, &protocol.balance);
        for (arm, summary) in hard_in_controls(arms, &self.candidates(), hard, options)? {
            self.warn_of_hard_in_control(arm, &summary);
        }
        Ok(())
    }

    pub(super) fn candidates(&self) -> Candidates<'_> {
        Candidates {
            a: &self.folds.a,
            b: &self.folds.b,
            factors: &self.folds.factors,
            seed: self.trainer.protocol.seed,
        }
    }

    /// Writes the model that a chain has come to, or finds it there: then no state is loaded.
    pub(super) fn write_model(
        &self,
        chain: &mut PhaseChain<'a>,
        net: &NetConfig,
        leaky: bool,
        training: &TrainingDir,
    ) -> Result<ModelRecord, RoundError> {
        let dir = training.model();
        let (store, receipt) = (self.trainer.context.store, chain.receipt());
        let organs: Vec<usize> = self
            .trainer
            .dataset
            .organs()
            .iter()
            .map(|organ| organ.idx())
            .collect();
        let organs = store.organs().select(&organs);
        let record = ModelRecord {
            predict: self.trainer.protocol.predict,
            copies: self.trainer.protocol.train.flip_mode,
            can_mirror: self.trainer.dataset.can_mirror(),
            identity: receipt.identity.clone(),
            steps: receipt.steps,
            weights_blake3: receipt.weights_blake3.clone(),
            leaky,
            trained_on: chain.trained_on(store),
            ..ModelRecord::new(net.clone(), organs, store.size(), store.options().window_hu)
        };
        let found = ModelRecord::read(&dir)?;
        let confidence = found.as_ref().and_then(|found| found.confidence.clone());
        let mut record = ModelRecord {
            confidence,
            ..record
        };
        if found.as_ref() != Some(&record) {
            record.confidence = None;
            let weights = Weights::of(&chain.state(&self.trainer)?.predictor());
            assert_eq!(
                weights.hash(),
                record.weights_blake3,
                "a model has the weights that its training ended with"
            );
            Model::write(&record, &weights, &dir)?;
        }
        if !self.is_calibrated(&record) {
            record.confidence = self.calibrate(&Model::read(&dir, self.trainer.context.device)?)?;
            record.write(&dir)?;
        }
        Ok(record)
    }

    /// Whether there is nothing to calibrate a model on, or that was done.
    fn is_calibrated(&self, record: &ModelRecord) -> bool {
        let store = self.trainer.context.store;
        let is_annotated = |case: &usize| {
            let case = &store.cases()[*case];
            record.organ_names().any(|organ| case.is_annotated(organ))
        };
        record.confidence.is_some() || !self.folds.validation.iter().any(is_annotated)
    }

    /// How far a model can be trusted, by the validation patients.
    fn calibrate(&self, model: &Model) -> Result<Option<Confidence>, RoundError> {
        let (store, validation) = (self.trainer.context.store, &self.folds.validation);
        let reporter = Reporter {
            stage: &self.trainer.stage("calibrate", "confidence"),
            observer: self.trainer.context.observer,
        };
        let n_slices = validation.iter().map(|case| store.cases()[*case].n_slices);
        reporter.started(n_slices.sum::<usize>() as u64, 0);
        let progress = |done: usize| reporter.advanced(done as u64);
        let calibrated = Confidence::calibrate(model, store, validation, &progress)?;
        reporter.finished();
        Ok(calibrated)
    }
}

fn store_organs(
    protocol: &Protocol,
    context: &RoundContext<'_>,
) -> Result<Vec<StoreOrgan>, RoundError> {
    let store = context.store;
    let place_of = |organ: &Organ| {
        store
            .organ_of(organ)
            .ok_or_else(|| RoundError::UnknownOrgan {
                organ: organ.to_string(),
                known: store.organs().to_string(),
            })
    };
    protocol.organs.iter().map(place_of).collect()
}
