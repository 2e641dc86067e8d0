//! The stages of a round, each done once.

mod arms;
mod mining;

use std::path::Path;

use hardslice_data::Organ;
use hardslice_data::balance::{Arm, BalanceOptions, Candidates, Found, Plan};
use hardslice_eval::ScoreOptions;
use serde::Serialize;

pub(super) use mining::{Mined, Shared};

use super::{Folds, Protocol, RoundError, Workplace, store_organs};
use crate::batch::Lens;
use crate::config::TrainConfig;
use crate::evaluate::{TestScore, evaluate};
use crate::fit::{FitContext, Half, Trainee, fit};
use crate::mine::MiningConfig;
use crate::model::{Model, ModelRecord};
use crate::net::{Net, NetConfig};
use crate::predict::PredictOptions;
use crate::progress::Event;
use crate::warm_start::warm_start;
use crate::weights::Weights;

/// What stays the same over a round.
pub(super) struct Stages<'a> {
    pub(super) protocol: &'a Protocol,
    pub(super) place: &'a Workplace<'a>,
    pub(super) lens: Lens<'a>,
    pub(super) folds: Folds,
}

impl<'a> Stages<'a> {
    /// Looks up the protocol's organs and slices. `context` is that of the net that is used.
    pub(super) fn new(
        protocol: &'a Protocol,
        place: &'a Workplace<'a>,
        context: usize,
    ) -> Result<Self, RoundError> {
        let lens = Lens::new(place.store, store_organs(protocol, place.store)?, context);
        Ok(Self {
            protocol,
            place,
            folds: Folds::of(&lens, place.split),
            lens,
        })
    }

    /// Trains on B over the first half; done once for all arms that begin so.
    pub(super) fn pretrain(&self) -> Result<Trainee, RoundError> {
        let plan = Arm::BOnly.first_half(&self.candidates())?;
        let half = Half {
            name: "first",
            stage: &self.stage("train", "pretrained"),
            plan,
            steps: 0..self.protocol.train.first_half(),
        };
        let dir = self.place.dir.join("pretrained");
        let start = self.fresh(&self.protocol.net)?;
        let config = &self.protocol.train;
        let trainee = self.fit(start, &half, ("pretrained", config), &dir)?;
        self.write_model(&trainee, &self.protocol.net, false, &dir)?;
        Ok(trainee)
    }

    fn second_half(&self, arm: Arm, found: &Found) -> Result<Vec<Plan>, RoundError> {
        Ok(arm.second_half(&self.candidates(), found, &self.protocol.balance)?)
    }

    /// Predicts and scores the test patients.
    pub(super) fn evaluate(&self, arm: Arm, model: &Model) -> Result<Vec<TestScore>, RoundError> {
        let stage = self.stage("evaluate", arm.name());
        Ok(evaluate(
            model,
            self.place.store,
            &self.folds.test,
            &self.protocol.score,
            &self.place.dir.join(arm.name()),
            (&stage, self.place.observer),
        )?)
    }

    fn write_plan(&self, plan: &Plan, dir: &Path) -> Result<(), RoundError> {
        let name = |case_idx: u32| self.place.store.cases()[case_idx as usize].id.to_string();
        Ok(plan.write_csv(&dir.join("plan.csv"), name)?)
    }

    pub(super) fn candidates(&self) -> Candidates<'_> {
        self.folds
            .candidates(self.protocol.train.positive_weight, self.protocol.seed)
    }

    /// A net before its first step.
    pub(super) fn fresh(&self, config: &NetConfig) -> Result<Trainee, RoundError> {
        let device = self.place.device.clone().autodiff();
        let mut net = Net::new(
            config,
            self.protocol.organs.len(),
            self.protocol.seed,
            &device,
        );
        if let Some(path) = self.place.init {
            net = warm_start(net, path)?;
        }
        Ok(Trainee::new(net, &self.protocol.train))
    }

    pub(super) fn fit(
        &self,
        start: Trainee,
        half: &Half<'_>,
        (arm, config): (&str, &TrainConfig),
        dir: &Path,
    ) -> Result<Trainee, RoundError> {
        let from = Weights::of(&start.net).hash();
        let plan: Vec<_> = half
            .plan
            .entries()
            .iter()
            .map(|e| (e.slice, e.weight))
            .collect();
        let identity = self.identity(&(arm, half.name, from, plan));
        let context = FitContext {
            lens: &self.lens,
            config,
            validation: &self.folds.validation,
            device: self.place.device,
            seed: self.protocol.seed,
            observer: self.place.observer,
            wall_time_s: self.place.wall_time_s,
            force: self.place.force,
        };
        fit(start, half, &identity, dir, &context).map_err(|source| RoundError::Fit {
            arm: arm.to_owned(),
            source,
        })
    }

    pub(super) fn write_model(
        &self,
        trainee: &Trainee,
        net: &NetConfig,
        leaky: bool,
        dir: &Path,
    ) -> Result<Model, RoundError> {
        let dir = dir.join("model");
        let (store, protocol) = (self.place.store, self.protocol);
        let organs = store.organs().select(self.lens.organs());
        let record = ModelRecord {
            predict: protocol.predict,
            identity: trainee.position.identity.clone(),
            steps: trainee.position.step,
            leaky,
            ..ModelRecord::new(net.clone(), organs, store.size(), store.options().window_hu)
        };
        let weights = Weights::of(&trainee.net);
        let record = ModelRecord {
            weights_blake3: weights.hash(),
            ..record
        };
        if ModelRecord::read(&dir)?.as_ref() != Some(&record) {
            Model::write(&record, &weights, &dir)?;
        }
        Ok(Model {
            record,
            net: trainee.net.for_prediction(),
        })
    }

    /// Hash of all that decides a training beside what a stage adds: nets, settings, seed, data.
    ///
    /// Left out is what may change between two runs of one experiment: the list of arms, how
    /// often is saved, and what comes after training.
    fn identity(&self, stage: &impl Serialize) -> String {
        let protocol = Protocol {
            train: TrainConfig {
                checkpoint_minutes: 0.0,
                keep_checkpoints: 0,
                ..self.protocol.train.clone()
            },
            arms: Vec::new(),
            balance: BalanceOptions::default(),
            mining: MiningConfig::default(),
            predict: PredictOptions::default(),
            score: ScoreOptions::default(),
            ..self.protocol.clone()
        };
        let split = self.place.split;
        let folds = (&split.test, &split.validation, &split.a, &split.b);
        let program = env!("CARGO_PKG_VERSION");
        let all = (
            protocol,
            self.place.store.content_hash(),
            folds,
            program,
            stage,
        );
        // Plain data of numbers and text always has a JSON form.
        let json = serde_json::to_vec(&all).unwrap_or_default();
        blake3::hash(&json).to_hex().to_string()
    }

    pub(super) fn stage(&self, what: &str, of: &str) -> String {
        let organs: Vec<&str> = self.protocol.organs.iter().map(Organ::as_str).collect();
        format!("{what} {} {of}", organs.join("+"))
    }

    fn skipped(&self, stage: &str) {
        self.place.observer.notify(&Event::Skipped { stage });
    }
}
