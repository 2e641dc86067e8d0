//! The stages of a round, each done once.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hardslice_data::balance::{
    Arm, BalanceOptions, Candidate, Candidates, Found, Plan, ResolvedTau, Tau,
};
use hardslice_data::{Organ, OrganMap, SliceRef, ledger};
use hardslice_eval::ScoreOptions;
use hardslice_volume::whole_file::write_whole_bytes;
use serde::{Deserialize, Serialize};

use super::{Folds, Protocol, RoundError, Workplace, store_organs};
use crate::batch::Lens;
use crate::config::TrainConfig;
use crate::evaluate::{TestScore, evaluate};
use crate::fit::{FitContext, Half, Trainee, fit};
use crate::loss::Loss;
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
    /// The hard slices, and how hard each one is.
    #[serde(flatten)]
    pub(super) found: Found,
}

/// What all arms that begin with pre-training on B share.
#[derive(Default)]
pub(super) struct Shared {
    pretrained: Option<Trainee>,
    pub(super) mined: Option<Mined>,
    /// B, scored by a net that was trained on A.
    of_b: Option<Mined>,
}

impl Shared {
    /// What an arm may know of the training slices.
    fn found(&self, arm: Arm) -> Found {
        let found = |mined: &Option<Mined>| {
            let found = mined.as_ref().map(|mined| mined.found.clone());
            found.unwrap_or_default()
        };
        if arm.needs_cross_fold() {
            found(&self.mined).and(&found(&self.of_b))
        } else {
            found(&self.mined)
        }
    }

    /// Whether an arm rests on a threshold that was taken from the test set.
    fn is_leaky(&self, arm: Arm) -> bool {
        let taus = self.mined.iter().flat_map(|mined| &mined.taus);
        arm.needs_mining() && taus.into_iter().any(|tau| tau.leaky)
    }
}

/// Where slices are scored, which, by what, and whose plan the ledger shows.
struct MiningJob<'j> {
    dir: &'j Path,
    slices: &'j [Candidate],
    net: &'j Net,
    round: i32,
    /// Its plan, given what is found now.
    arm: Arm,
    /// What was found of the other slices.
    others: Found,
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

    /// Pre-trains and mines as far as these arms need it.
    pub(super) fn share(
        &self,
        arms: &[Arm],
        baseline: Option<&Model>,
    ) -> Result<Shared, RoundError> {
        if !arms.iter().any(|arm| arm.pretrains_on_b()) {
            return Ok(Shared::default());
        }
        let mut shared = Shared::default();
        let pretrained = self.pretrain()?;
        if arms.iter().any(|arm| arm.needs_mining()) {
            shared.mined = Some(self.mine(&pretrained.net, baseline)?);
        }
        if arms.iter().any(|arm| arm.needs_cross_fold()) {
            let of_a = shared.mined.as_ref().map(|mined| mined.found.clone());
            shared.of_b = Some(self.mine_b(of_a.unwrap_or_default(), baseline)?);
        }
        shared.pretrained = Some(pretrained);
        Ok(shared)
    }

    /// Scores A with the pre-trained net.
    pub(super) fn mine(
        &self,
        pretrained: &Net,
        baseline: Option<&Model>,
    ) -> Result<Mined, RoundError> {
        let job = MiningJob {
            dir: &self.place.dir.join("mining"),
            slices: &self.folds.a,
            net: pretrained,
            round: 0,
            arm: Arm::Hard,
            others: Found::default(),
        };
        self.score_and_judge(&job, baseline)
    }

    /// Trains a second net on A over the first half and scores B with it.
    fn mine_b(&self, of_a: Found, baseline: Option<&Model>) -> Result<Mined, RoundError> {
        let dir = self.place.dir.join("mining").join("of_b");
        let swapped = Candidates {
            a: &self.folds.b,
            b: &self.folds.a,
            ..self.candidates()
        };
        let half = Half {
            name: "first",
            stage: &self.stage("train", "on A, to score B"),
            plan: Arm::BOnly.first_half(&swapped)?,
            steps: 0..self.protocol.train.first_half(),
        };
        let start = self.fresh(&self.protocol.net)?;
        let config = &self.protocol.train;
        let trainee = self.fit(start, &half, ("on_a", config), &dir.join("pretrained"))?;
        let job = MiningJob {
            dir: &dir,
            slices: &self.folds.b,
            net: &trainee.net,
            round: 0,
            arm: Arm::CrossFold,
            others: of_a,
        };
        self.score_and_judge(&job, baseline)
    }

    /// Scores slices, judges them and writes the ledger, or finds that done.
    fn score_and_judge(
        &self,
        job: &MiningJob<'_>,
        baseline: Option<&Model>,
    ) -> Result<Mined, RoundError> {
        let path = job.dir.join("mining.json");
        let model = Weights::of(job.net).hash();
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
        let slices: Vec<SliceRef> = job.slices.iter().map(|candidate| candidate.slice).collect();
        let mine = Mine {
            net: &job.net.for_prediction(),
            lens: &self.lens,
            slices: &slices,
            round: job.round,
            validation: &self.folds.validation,
            baseline_test_min_dice: &self.baseline_test_min_dice(baseline)?,
            config: &self.protocol.mining,
            batch_size: self.protocol.predict.batch,
        };
        let verdicts = mine.run(self.place.observer)?;
        let found = Found::of(&verdicts);
        let plans = self.second_half(job.arm, &found.and(&job.others))?;
        let plan = plans.into_iter().next().unwrap_or_default();
        self.write_plan(&plan, job.dir)?;
        ledger::write(
            &job.dir.join("ledger.parquet"),
            &mine.ledger(&verdicts, &plan, &model),
        )?;
        let mined = Mined {
            identity,
            taus: verdicts.taus,
            found,
        };
        write_json(&path, &mined)?;
        Ok(mined)
    }

    fn second_half(&self, arm: Arm, found: &Found) -> Result<Vec<Plan>, RoundError> {
        Ok(arm.second_half(&self.candidates(), found, &self.protocol.balance)?)
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
    pub(super) fn train_arm(&self, arm: Arm, shared: &Shared) -> Result<Model, RoundError> {
        let dir = self.place.dir.join(arm.name());
        let (n, middle) = (self.protocol.train.steps, self.protocol.train.first_half());
        let is_leaky = shared.is_leaky(arm);
        if let Some(other) = &self.protocol.final_net {
            if arm == Arm::Rounds {
                return Err(RoundError::RoundsWithFinalNet);
            }
            // Another net has nothing to go on from: it trains from scratch, schedule from 0.
            let trainee = self.fit_parts(self.fresh(other)?, arm, shared, 0..n, None)?;
            return self.write_model(&trainee, other, is_leaky, &dir);
        }
        let (at_middle, first_dir) = if let Some(pretrained) = &shared.pretrained
            && arm.pretrains_on_b()
        {
            (pretrained.clone(), self.place.dir.join("pretrained"))
        } else {
            let half = Half {
                name: "first",
                stage: &self.stage("train", &format!("{arm} (first half)")),
                plan: arm.first_half(&self.candidates())?,
                steps: 0..middle,
            };
            let (start, dir) = (self.fresh(&self.protocol.net)?, dir.join("first_half"));
            let config = self.train_config(arm);
            let trainee = self.fit(start, &half, (arm.name(), &config), &dir)?;
            (trainee, dir)
        };
        let trainee = self.fit_parts(at_middle, arm, shared, middle..n, Some(first_dir))?;
        self.write_model(&trainee, &self.protocol.net, is_leaky, &dir)
    }

    /// Trains over the parts of an arm's second half, the last one in the arm's own folder.
    /// `before` is where the training before it lies, if it goes on from one.
    fn fit_parts(
        &self,
        mut trainee: Trainee,
        arm: Arm,
        shared: &Shared,
        steps: Range<u64>,
        mut before: Option<PathBuf>,
    ) -> Result<Trainee, RoundError> {
        let mut found = shared.found(arm);
        let mut plans = self.second_half(arm, &found)?;
        let n_parts = match arm {
            Arm::Rounds => u64::from(self.protocol.balance.rounds),
            _ => plans.len() as u64,
        };
        let n_steps = steps.end - steps.start;
        let config = self.train_config(arm);
        let mut is_settled = arm != Arm::Rounds;
        for part in 0..n_parts {
            let [name, shown] = part_names(part, n_parts);
            let mut dir = self.place.dir.join(arm.name());
            if part + 1 < n_parts {
                dir.push(format!("part-{}", part + 1));
            }
            if part > 0 && !is_settled {
                let again = self.mine_again(arm, part, &trainee.net)?;
                let is_same = again.found.overlap(&found) >= self.protocol.balance.settled;
                is_settled = is_same || again.found.hard.is_empty();
                if !is_settled {
                    found = again.found;
                    plans = self.second_half(arm, &found)?;
                }
            }
            let plan = &plans[usize::try_from(part).map_or(0, |part| part.min(plans.len() - 1))];
            self.write_plan(plan, &dir)?;
            if let Some(before) = &before {
                hand_on_best(before, &dir)?;
            }
            let half = Half {
                name: &name,
                stage: &self.stage("train", &format!("{arm} ({shown})")),
                plan: plan.clone(),
                steps: steps.start + part * n_steps / n_parts
                    ..steps.start + (part + 1) * n_steps / n_parts,
            };
            trainee = self.fit(trainee, &half, (arm.name(), &config), &dir)?;
            before = Some(dir);
        }
        Ok(trainee)
    }

    /// Scores A before a later part of the second half, with the net as it stands.
    fn mine_again(&self, arm: Arm, part: u64, net: &Net) -> Result<Mined, RoundError> {
        let dir = self.place.dir.join(arm.name());
        let job = MiningJob {
            dir: &dir.join(format!("mining-{part}")),
            slices: &self.folds.a,
            net,
            round: i32::try_from(part).unwrap_or(i32::MAX),
            arm,
            others: Found::default(),
        };
        self.score_and_judge(&job, None)
    }

    /// How an arm is trained: as all others, but for the loss of a rival.
    fn train_config(&self, arm: Arm) -> Cow<'_, TrainConfig> {
        let config = &self.protocol.train;
        let loss = match arm {
            Arm::BaselineFocal => Loss::focal_of_its_authors(),
            Arm::BaselineTopK => Loss::top_k_by_default(),
            _ => return Cow::Borrowed(config),
        };
        Cow::Owned(TrainConfig {
            loss,
            ..config.clone()
        })
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

/// A part's name in random streams and in progress bars.
fn part_names(part: u64, n_parts: u64) -> [String; 2] {
    if n_parts == 1 {
        return ["second", "second half"].map(str::to_owned);
    }
    let part = part + 1;
    [
        format!("second_{part}_of_{n_parts}"),
        format!("second half, part {part} of {n_parts}"),
    ]
}

/// A training starts with the best weights of the one before it, until it finds better ones.
fn hand_on_best(from: &Path, to: &Path) -> Result<(), RoundError> {
    const BEST: &str = "best.safetensors";
    let (from, to) = (from.join(BEST), to.join(BEST));
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
