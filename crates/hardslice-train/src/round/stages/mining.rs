//! What the arms share: pre-training and mining.

use std::fs;
use std::io;
use std::path::Path;

use hardslice_data::balance::{Arm, Candidate, Candidates, Found, ResolvedTau, Tau};
use hardslice_data::{SliceRef, ledger};
use hardslice_volume::whole_file::write_whole_bytes;
use serde::{Deserialize, Serialize};

use super::Stages;
use crate::fit::{Half, Trainee};
use crate::mine::Mine;
use crate::model::Model;
use crate::net::Net;
use crate::round::RoundError;
use crate::weights::Weights;

/// What the mining leaves: `mining.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::round) struct Mined {
    /// Hash of all that decided it.
    pub(in crate::round) identity: String,
    /// The threshold of each organ.
    pub(in crate::round) taus: Vec<ResolvedTau>,
    /// The hard slices, and how hard each one is.
    #[serde(flatten)]
    pub(in crate::round) found: Found,
}

/// What all arms that begin with pre-training on B share.
#[derive(Default)]
pub(in crate::round) struct Shared {
    pub(super) pretrained: Option<Trainee>,
    pub(in crate::round) mined: Option<Mined>,
    /// B, scored by a net that was trained on A.
    of_b: Option<Mined>,
}

impl Shared {
    /// What an arm may know of the training slices.
    pub(super) fn found(&self, arm: Arm) -> Found {
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
    pub(super) fn is_leaky(&self, arm: Arm) -> bool {
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

impl Stages<'_> {
    /// Pre-trains and mines as far as these arms need it.
    pub(in crate::round) fn share(
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
    pub(in crate::round) fn mine(
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
        let mining = mine.run(self.place.observer)?;
        let found = mining.found(self.protocol.mining.exclude);
        let plans = self.second_half(job.arm, &found.and(&job.others))?;
        let plan = plans.into_iter().next().unwrap_or_default();
        self.write_plan(&plan, job.dir)?;
        ledger::write(
            &job.dir.join("ledger.parquet"),
            &mine.ledger(&mining, &plan, &model),
        )?;
        let mined = Mined {
            identity,
            taus: mining.verdicts.taus,
            found,
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

    /// Scores A before a later part of the second half, with the net as it stands.
    pub(super) fn mine_again(&self, arm: Arm, part: u64, net: &Net) -> Result<Mined, RoundError> {
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
