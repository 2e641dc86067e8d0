//! The stages of a round, each done once.

mod arms;
mod mining;

use hardslice_data::balance::{Arm, BalanceOptions, Candidate, Candidates, HardSlices, Plan};
use hardslice_data::mining::{FoldCases, MiningOptions, candidates};
use hardslice_data::{Organ, SliceRef, StoreOrgan, identity};
use hardslice_eval::ScoreOptions;
use serde::Serialize;

pub(super) use mining::{MiningRecord, Shared};

use super::chain::PhaseChain;
use super::{Protocol, RoundContext, RoundError};
use crate::config::TrainConfig;
use crate::dataset::SliceDataset;
use crate::evaluate::{TestScore, evaluate};
use crate::fit::{FitContext, FitError, Phase, TrainState, fit};
use crate::layout::TrainingDir;
use crate::model::{Model, ModelRecord};
use crate::net::{Net, NetConfig};
use crate::predict_options::PredictOptions;
use crate::progress::{Event, Reporter};
use crate::warm_start::warm_start;
use crate::weights::Weights;

/// What stays the same over a round.
pub(super) struct Stages<'a> {
    pub(super) protocol: &'a Protocol,
    pub(super) context: &'a RoundContext<'a>,
    pub(super) dataset: SliceDataset<'a>,
    pub(super) folds: FoldSlices,
    /// Whether what is missing is trained; otherwise it is an error.
    pub(super) may_train: bool,
}

/// The slices of each fold. Cases without an annotated organ of the net take no part.
pub(super) struct FoldSlices {
    pub(super) a: Vec<Candidate>,
    pub(super) b: Vec<Candidate>,
    validation: Vec<SliceRef>,
    /// The cases of the test patients.
    test: Vec<usize>,
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
        Ok(Self {
            protocol,
            context,
            folds: FoldSlices {
                a: slices(&cases.a),
                b: slices(&cases.b),
                validation: validation.map(|candidate| candidate.slice).collect(),
                test: cases.test,
            },
            dataset: SliceDataset::new(store, organs, n_neighbours),
            may_train: true,
        })
    }

    fn second_half(&self, arm: Arm, hard: &HardSlices) -> Result<Vec<Plan>, RoundError> {
        Ok(arm.second_half(&self.candidates(), hard, &self.protocol.balance)?)
    }

    /// Predicts and scores the test patients with an arm's model, or finds that done.
    pub(super) fn evaluate(&self, arm: Arm) -> Result<Vec<TestScore>, RoundError> {
        let dir = self.context.dir.arm(arm);
        let model = Model::read(&dir.training().model(), self.context.device)?;
        let reporter = Reporter {
            stage: &self.stage("evaluate", arm.name()),
            observer: self.context.observer,
        };
        Ok(evaluate(
            &model,
            self.context.store,
            &self.folds.test,
            &self.protocol.score,
            &dir,
            &reporter,
        )?)
    }

    fn write_plan(&self, plan: &Plan, dir: &TrainingDir) -> Result<(), RoundError> {
        let cases = self.context.store.cases();
        let name = |case_idx: u32| cases[case_idx as usize].id.to_string();
        Ok(plan.write_csv(&dir.plan(), name)?)
    }

    pub(super) fn candidates(&self) -> Candidates<'_> {
        Candidates {
            a: &self.folds.a,
            b: &self.folds.b,
            positive_weight: self.protocol.train.positive_weight,
            seed: self.protocol.seed,
        }
    }

    /// A net before its first step.
    pub(super) fn fresh(&self, config: &NetConfig) -> Result<TrainState, RoundError> {
        let device = self.context.device.clone().autodiff();
        let mut net = Net::new(
            config,
            self.protocol.organs.len(),
            self.protocol.seed,
            &device,
        );
        if let Some(path) = self.context.init {
            net = warm_start(net, path)?;
        }
        Ok(TrainState::new(net, &self.protocol.train))
    }

    pub(super) fn fit(
        &self,
        start: TrainState,
        phase: &Phase<'_>,
        identity: &str,
        dir: &TrainingDir,
    ) -> Result<TrainState, FitError> {
        let context = FitContext {
            dataset: &self.dataset,
            validation: &self.folds.validation,
            device: self.context.device,
            seed: self.protocol.seed,
            observer: self.context.observer,
            wall_time_s: self.context.wall_time_s,
            force: self.context.force,
        };
        fit(start, phase, identity, dir, &context)
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
        let (store, receipt) = (self.context.store, chain.receipt());
        let organs: Vec<usize> = self
            .dataset
            .organs()
            .iter()
            .map(|organ| organ.idx())
            .collect();
        let organs = store.organs().select(&organs);
        let record = ModelRecord {
            predict: self.protocol.predict,
            identity: receipt.identity.clone(),
            steps: receipt.steps,
            weights_blake3: receipt.weights_blake3.clone(),
            leaky,
            ..ModelRecord::new(net.clone(), organs, store.size(), store.options().window_hu)
        };
        if ModelRecord::read(&dir)?.as_ref() == Some(&record) {
            return Ok(record);
        }
        let weights = Weights::of(&chain.state(self)?.net);
        Model::write(&record, &weights, &dir)?;
        Ok(record)
    }

    /// Hash of all that decides a training beside what a stage adds: nets, settings, seed, data.
    ///
    /// Left out is what may change between two runs of one experiment: the list of arms, how
    /// often is saved, and what comes after training.
    pub(super) fn identity(&self, stage: &impl Serialize) -> String {
        let protocol = Protocol {
            train: TrainConfig {
                checkpoint_minutes: 0.0,
                keep_checkpoints: 0,
                ..self.protocol.train.clone()
            },
            arms: Vec::new(),
            balance: BalanceOptions::default(),
            mining: MiningOptions::default(),
            predict: PredictOptions::default(),
            score: ScoreOptions::default(),
            ..self.protocol.clone()
        };
        let (store, split) = (self.context.store, self.context.split);
        let folds = (&split.test, &split.validation, &split.a, &split.b);
        let program = env!("CARGO_PKG_VERSION");
        identity(&(protocol, store.content_hash(), folds, program, stage))
    }

    pub(super) fn stage(&self, what: &str, of: &str) -> String {
        let organs: Vec<&str> = self.protocol.organs.iter().map(Organ::as_str).collect();
        format!("{what} {} {of}", organs.join("+"))
    }

    pub(super) fn skipped(&self, stage: &str) {
        self.context.observer.notify(&Event::Skipped { stage });
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
