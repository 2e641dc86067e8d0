//! How a net is trained in a round: what every phase of every training has in common.

use hardslice_data::balance::BalanceOptions;
use hardslice_data::mining::MiningOptions;
use hardslice_data::{Organ, SliceRef, identity};
use hardslice_eval::ScoreOptions;
use serde::Serialize;

use super::{Protocol, RoundContext, RoundError};
use crate::config::TrainConfig;
use crate::dataset::SliceDataset;
use crate::fit::{FitContext, FitError, Phase, TrainState, fit};
use crate::layout::TrainingDir;
use crate::net::{Net, NetConfig};
use crate::predict_options::PredictOptions;
use crate::progress::Event;
use crate::warm_start::warm_start;

/// What trains nets in a round.
pub(super) struct Trainer<'a> {
    pub(super) protocol: &'a Protocol,
    pub(super) context: &'a RoundContext<'a>,
    pub(super) dataset: SliceDataset<'a>,
    /// Slices of the validation patients.
    pub(super) validation: Vec<SliceRef>,
    /// Whether what is missing is trained; otherwise it is an error.
    pub(super) may_train: bool,
}

impl Trainer<'_> {
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
            validation: &self.validation,
            device: self.context.device,
            seed: self.protocol.seed,
            observer: self.context.observer,
            wall_time_s: self.context.wall_time_s,
            force: self.context.force,
        };
        fit(start, phase, identity, dir, &context)
    }

    /// Hash of all that decides a training beside what a stage adds: nets, settings, seed, data.
    ///
    /// Left out is what may change between two runs of one experiment: the list of arms, how
    /// often is saved, and what comes after training.
    pub(super) fn identity(&self, stage: &impl Serialize) -> String {
        let protocol = Protocol {
            train: TrainConfig {
                checkpoint_minutes: 0.0,
                // Part of the identity of the arms that they are for.
                focal_lr0: None,
                top_k_lr0: None,
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
