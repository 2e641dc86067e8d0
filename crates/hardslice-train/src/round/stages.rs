//! The stages of a round, each done once.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

use hardslice_data::balance::{Arm, Plan, ResolvedTau, Tau};
use hardslice_data::{Organ, OrganMap, SliceRef, ledger};
use hardslice_eval::ScoreOptions;
use hardslice_volume::whole_file::write_whole_bytes;
use serde::{Deserialize, Serialize};

use super::{Folds, Protocol, RoundError, Workplace, store_organs};
use crate::batch::Lens;
use crate::config::TrainConfig;
use crate::evaluate::{TestScore, evaluate};
use crate::fit::{FitContext, Half, Trainee, fit};
use crate::mine::{Mine, MiningConfig};
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

/// What the mining leaves: `mining.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mined {
    /// Hash of all that decided it.
    pub(super) identity: String,
    /// The threshold of each organ.
    pub(super) taus: Vec<ResolvedTau>,
    /// The hard slices.
    pub(super) hard: BTreeSet<SliceRef>,
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
        let trainee = self.fit(start, &half, "pretrained", &dir)?;
        self.write_model(&trainee, &self.protocol.net, false, &dir)?;
        Ok(trainee)
    }

    /// Scores A with the pre-trained net and writes the ledger.
    pub(super) fn mine(
        &self,
        pretrained: &Net,
        baseline: Option<&Model>,
    ) -> Result<Mined, RoundError> {
        let dir = self.place.dir.join("mining");
        let path = dir.join("mining.json");
        let model = Weights::of(pretrained).hash();
        let identity = self.identity(&(
            "mining",
            self.protocol.mining,
            &model,
            self.leaky_baseline(baseline)
                .map(|baseline| &baseline.record.weights_blake3),
        ));
        if let Some(mined) = read_json::<Mined>(&path)? {
            if mined.identity != identity {
                return Err(RoundError::OtherExperiment { path });
            }
            self.skipped(&self.stage("mine", "A"));
            return Ok(mined);
        }
        let slices: Vec<SliceRef> = self
            .folds
            .a
            .iter()
            .map(|candidate| candidate.slice)
            .collect();
        let mine = Mine {
            net: &pretrained.for_prediction(),
            lens: &self.lens,
            a: &slices,
            validation: &self.folds.validation,
            baseline_test_min_dice: &self.baseline_test_min_dice(baseline)?,
            config: &self.protocol.mining,
            batch_size: self.protocol.predict.batch,
        };
        let verdicts = mine.run(self.place.observer)?;
        let hard: BTreeSet<SliceRef> = verdicts.hard().into_keys().collect();
        let plan = Arm::Hard.second_half(&self.candidates(), &hard)?;
        self.write_plan(&plan, &dir)?;
        ledger::write(
            &dir.join("ledger.parquet"),
            &mine.ledger(&verdicts, &plan, &model),
        )?;
        let mined = Mined {
            identity,
            taus: verdicts.taus,
            hard,
        };
        write_json(&path, &mined)?;
        Ok(mined)
    }

    /// The baseline, where its test scores set the threshold: tau = `paper`.
    fn leaky_baseline<'m>(&self, baseline: Option<&'m Model>) -> Option<&'m Model> {
        baseline.filter(|_| self.protocol.mining.tau == Tau::Paper)
    }

    /// The baseline's lowest test Dice of each organ; only tau = `paper` looks at it.
    fn baseline_test_min_dice(
        &self,
        baseline: Option<&Model>,
    ) -> Result<Vec<Option<f64>>, RoundError> {
        let Some(model) = self.leaky_baseline(baseline) else {
            return Ok(Vec::new());
        };
        let scores = self.evaluate(Arm::Baseline, model)?;
        let lowest = |organ: &str| {
            let of_organ = scores.iter().filter(|score| score.organ == organ);
            of_organ
                .filter_map(|score| score.scores.dice)
                .reduce(f64::min)
        };
        Ok(self
            .protocol
            .organs
            .iter()
            .map(|organ| lowest(organ.as_str()))
            .collect())
    }

    /// Trains an arm to the end, or finds it done.
    pub(super) fn train_arm(
        &self,
        arm: Arm,
        pretrained: Option<&Trainee>,
        hard: &BTreeSet<SliceRef>,
        leaky: bool,
    ) -> Result<Model, RoundError> {
        let dir = self.place.dir.join(arm.name());
        let (n, middle) = (self.protocol.train.steps, self.protocol.train.first_half());
        let candidates = self.candidates();
        let plan = arm.second_half(&candidates, hard)?;
        let store = self.place.store;
        plan.write_csv(&dir.join("plan.csv"), |case| {
            store.cases()[case as usize].id.to_string()
        })?;
        let leaky = leaky && arm.needs_mining();

        if let Some(other) = &self.protocol.final_net {
            // Another net has nothing to go on from: it trains from scratch, schedule from 0.
            let trainee = self.fit_part(self.fresh(other)?, arm, "second", plan, 0..n)?;
            return self.write_model(&trainee, other, leaky, &dir);
        }
        let at_middle = if let Some(pretrained) = pretrained {
            pretrained.clone()
        } else {
            let first = arm.first_half(&candidates)?;
            self.fit_part(
                self.fresh(&self.protocol.net)?,
                arm,
                "first",
                first,
                0..middle,
            )?
        };
        self.hand_on_best(&dir)?;
        let trainee = self.fit_part(at_middle, arm, "second", plan, middle..n)?;
        self.write_model(&trainee, &self.protocol.net, leaky, &dir)
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

    pub(super) fn candidates(&self) -> hardslice_data::balance::Candidates<'_> {
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

    fn fit_part(
        &self,
        start: Trainee,
        arm: Arm,
        name: &str,
        plan: Plan,
        steps: Range<u64>,
    ) -> Result<Trainee, RoundError> {
        let half = Half {
            name,
            stage: &self.stage("train", &format!("{arm} ({name} half)")),
            plan,
            steps,
        };
        // Each half has its own checkpoints: the second one's plan belongs to its identity.
        let dir = self.place.dir.join(arm.name());
        let dir = if name == "first" {
            dir.join("first_half")
        } else {
            dir
        };
        self.fit(start, &half, arm.name(), &dir)
    }

    pub(super) fn fit(
        &self,
        start: Trainee,
        half: &Half<'_>,
        arm: &str,
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
            config: &self.protocol.train,
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

    /// The second half starts with the best weights of the first, until it finds better ones.
    fn hand_on_best(&self, dir: &Path) -> Result<(), RoundError> {
        const BEST: &str = "best.safetensors";
        let to = dir.join(BEST);
        let own = dir.join("first_half").join(BEST);
        let from = if own.exists() {
            own
        } else {
            self.place.dir.join("pretrained").join(BEST)
        };
        if to.exists() || !from.exists() {
            return Ok(());
        }
        let copied = fs::read(&from).and_then(|bytes| write_whole_bytes(&to, &bytes));
        copied.map_err(|source| RoundError::File {
            action: "write",
            path: to,
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
        let organs = self.lens.organs().iter().map(|idx| {
            let entry = &store.organs().entries()[*idx];
            (entry.organ.clone(), entry.labels.clone())
        });
        // Part of a valid map is a valid map.
        let organs = OrganMap::new(organs).unwrap_or_else(|_| store.organs().clone());
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

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, RoundError> {
    let file_error = |source| RoundError::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    match fs::read(path) {
        Ok(json) => serde_json::from_slice(&json)
            .map(Some)
            .map_err(|source| file_error(io::Error::other(source))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(file_error(source)),
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RoundError> {
    let json = serde_json::to_vec_pretty(value).map_err(io::Error::other);
    let written = json.and_then(|json| write_whole_bytes(path, &json));
    written.map_err(|source| RoundError::File {
        action: "write",
        path: path.to_owned(),
        source,
    })
}
