//! What the arms share: pre-training and mining.

use hardslice_data::balance::{Arm, Candidate, Candidates, HardSlices};
use hardslice_data::mining::{ResolvedTau, ScoredSlice, SliceScore, Tau, TauBasis, mine};
use hardslice_data::{Left, Missing, Share, SliceRef};
use hardslice_volume::whole_file::{read_sealed_if_there, write_sealed};
use serde::{Deserialize, Serialize};

use super::Stages;
use crate::layout::MiningDir;
use crate::model::ModelRecord;
use crate::net::Net;
use crate::progress::{Event, Observer, Reporter, Warning};
use crate::round::RoundError;
use crate::round::chain::PhaseChain;
use crate::score::{score_for_mining, score_slices};

/// What a mining leaves for the arms: `mining.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::round) struct MiningRecord {
    /// Hash of all that decided it.
    pub(in crate::round) identity: String,
    /// The threshold of each organ.
    pub(in crate::round) taus: Vec<ResolvedTau>,
    /// The hard slices, and how hard each one is.
    #[serde(flatten)]
    pub(in crate::round) hard: HardSlices,
}

/// What arms share: the trainings that they begin with, and what was mined.
#[derive(Default)]
pub(in crate::round) struct Shared<'a> {
    /// On B.
    pretrained: Option<PhaseChain<'a>>,
    /// On all training patients.
    pub(in crate::round) pretrained_on_all: Option<PhaseChain<'a>>,
    pub(in crate::round) of_a: Option<MiningRecord>,
    /// B, scored by a net that was trained on A.
    pub(in crate::round) of_b: Option<MiningRecord>,
}

impl<'a> Shared<'a> {
    /// The training that an arm begins with and others do, too.
    pub(super) fn first_half(&self, arm: Arm) -> Option<PhaseChain<'a>> {
        let shared = if arm.pretrains_on_b() {
            &self.pretrained
        } else if arm.pretrains_on_all() {
            &self.pretrained_on_all
        } else {
            &None
        };
        shared.clone()
    }

    /// The hard slices that an arm may know of.
    pub(super) fn hard_slices(&self, arm: Arm) -> HardSlices {
        let mut hard = HardSlices::default();
        if arm.needs_mining() {
            hard = hard.and(&mined(self.of_a.as_ref()).hard);
        }
        if arm.needs_cross_fold() {
            hard = hard.and(&mined(self.of_b.as_ref()).hard);
        }
        hard
    }

    /// Whether an arm rests on a threshold that was taken from the test set.
    pub(super) fn is_leaky(&self, arm: Arm) -> bool {
        arm.needs_mining() && mined(self.of_a.as_ref()).taus.iter().any(|tau| tau.leaky)
    }
}

fn mined(record: Option<&MiningRecord>) -> &MiningRecord {
    record.expect("what an arm needs is mined before the arm is trained")
}

/// What is mined, where to, and whose plan the ledger shows.
struct MiningJob<'j> {
    /// Whose slices, for messages.
    fold: &'static str,
    dir: MiningDir,
    slices: &'j [Candidate],
    /// Round of mining, from 0.
    round: u32,
    /// Its plan, given what is found now.
    arm: Arm,
    /// The hard slices among those that are not mined now.
    others: HardSlices,
    baseline: Option<&'j ModelRecord>,
}

impl<'a> Stages<'a> {
    /// Pre-trains and mines as far as these arms need it.
    pub(in crate::round) fn share(
        &self,
        arms: &[Arm],
        baseline: Option<&ModelRecord>,
    ) -> Result<Shared<'a>, RoundError> {
        let mut shared = Shared::default();
        if !arms.iter().any(|arm| arm.needs_shared()) {
            return Ok(shared);
        }
        let mut pretrained = self.pretrain()?;
        if arms.iter().any(|arm| arm.needs_mining()) {
            shared.of_a = Some(self.mine_a(&mut pretrained, baseline)?);
        }
        shared.pretrained = Some(pretrained);
        Ok(shared)
    }

    /// Trains on B over the first half; done once for all arms that begin so.
    fn pretrain(&self) -> Result<PhaseChain<'a>, RoundError> {
        let dir = self.trainer.context.dir.pretrained();
        let slices = self.candidates();
        let name = "pretrained";
        let mut chain = self.train_first_half(Arm::BOnly, name, name, &slices, dir.clone())?;
        self.write_model(&mut chain, &self.trainer.protocol.net, false, &dir)?;
        Ok(chain)
    }

    /// Trains on all training patients over the first half; done once for all arms that begin so and
    /// know of hard slices.
    pub(in crate::round) fn pretrain_on_all(&self) -> Result<PhaseChain<'a>, RoundError> {
        let dir = self.trainer.context.dir.pretrained_on_all();
        let (name, of) = ("pretrained_on_all", "on all patients");
        self.train_first_half(Arm::Baseline, name, of, &self.candidates(), dir)
    }

    /// Scores A with the pre-trained net.
    fn mine_a(
        &self,
        pretrained: &mut PhaseChain<'a>,
        baseline: Option<&ModelRecord>,
    ) -> Result<MiningRecord, RoundError> {
        self.mine_with(&self.job_of_a(baseline), pretrained)
    }

    /// All of A, for the arm of hard slices.
    fn job_of_a<'j>(&'j self, baseline: Option<&'j ModelRecord>) -> MiningJob<'j> {
        MiningJob {
            fold: "A",
            dir: self.trainer.context.dir.mining(),
            slices: &self.folds.a,
            round: 0,
            arm: Arm::Hard,
            others: HardSlices::default(),
            baseline,
        }
    }

    /// Trains a second net on A over the first half and scores B with it, after A was mined.
    pub(in crate::round) fn mine_b(
        &self,
        shared: &Shared<'a>,
        baseline: Option<&ModelRecord>,
    ) -> Result<MiningRecord, RoundError> {
        let hard_in_a = mined(shared.of_a.as_ref()).hard.clone();
        let swapped = Candidates {
            a: &self.folds.b,
            b: &self.folds.a,
            ..self.candidates()
        };
        let dir = self.trainer.context.dir.trained_on_a();
        let of = "on A, to score B";
        let mut chain = self.train_first_half(Arm::BOnly, "on_a", of, &swapped, dir)?;
        let job = MiningJob {
            fold: "B",
            dir: self.trainer.context.dir.mining_of_b(),
            slices: &self.folds.b,
            round: 0,
            arm: Arm::CrossFold,
            others: hard_in_a,
            baseline,
        };
        self.mine_with(&job, &mut chain)
    }

    /// Scores A before a later part of the second half, with the net as it stands.
    pub(super) fn mine_again(
        &self,
        arm: Arm,
        chain: &mut PhaseChain<'a>,
        dir: MiningDir,
        round: u64,
    ) -> Result<HardSlices, RoundError> {
        let job = MiningJob {
            fold: "A",
            dir,
            slices: &self.folds.a,
            round: u32::try_from(round).expect("rounds of mining are few"),
            arm,
            others: HardSlices::default(),
            baseline: None,
        };
        Ok(self.mine_with(&job, chain)?.hard)
    }

    fn mine_with(
        &self,
        job: &MiningJob<'_>,
        chain: &mut PhaseChain<'a>,
    ) -> Result<MiningRecord, RoundError> {
        let scored_by = chain.weights_blake3().to_owned();
        if let Some(record) = self.mined_before(job, &scored_by)? {
            return Ok(record);
        }
        let net = chain.state(&self.trainer)?.predictor().for_prediction();
        self.score_and_mine(job, &net, &scored_by)
    }

    /// Scores A with a model that somebody has trained.
    pub(in crate::round) fn mine_by_model(
        &self,
        net: &Net,
        weights_blake3: &str,
    ) -> Result<MiningRecord, RoundError> {
        let job = self.job_of_a(None);
        match self.mined_before(&job, weights_blake3)? {
            Some(record) => Ok(record),
            None => self.score_and_mine(&job, net, weights_blake3),
        }
    }

    /// As [`mine_by_model`](Self::mine_by_model), of one of several shares of A: whoever comes last
    /// mines what all scored. Gives the shares that are missing where others are still to come.
    pub(in crate::round) fn mine_share_by_model(
        &self,
        net: &Net,
        weights_blake3: &str,
        share: Share,
    ) -> Result<Result<MiningRecord, Missing>, RoundError> {
        let job = self.job_of_a(None);
        if let Some(record) = self.mined_before(&job, weights_blake3)? {
            return Ok(Ok(record));
        }
        // Whole batches, the same as in one run.
        let batch = self.trainer.protocol.predict.batch.max(1);
        let batches: Vec<&[Candidate]> = job.slices.chunks(batch).collect();
        let slices = batches[share.range(batches.len())].concat();
        let scored = self.score(&slices, net);
        // Scores of another instruction set are others.
        let identity = self.mining_identity(&job, weights_blake3);
        let identity = hardslice_data::identity(&(identity, batch, net.arithmetic()));
        let path = |share| job.dir.share(share);
        match share.leave(&identity, scored, path)? {
            Left::Missing(missing) => Ok(Err(missing)),
            Left::All(shares) => {
                let record = self.mine_scored(&job, net, weights_blake3, shares.concat())?;
                share.clear(path)?;
                Ok(Ok(record))
            }
        }
    }

    /// What the same mining found in an earlier run.
    fn mined_before(
        &self,
        job: &MiningJob<'_>,
        scored_by: &str,
    ) -> Result<Option<MiningRecord>, RoundError> {
        let path = job.dir.record();
        let Some(record) = read_sealed_if_there::<MiningRecord>(&path)? else {
            return Ok(None);
        };
        if record.identity != self.mining_identity(job, scored_by) {
            return Err(RoundError::OtherExperiment { path });
        }
        // A ledger that somebody removed is made again.
        if !job.dir.ledger().exists() {
            return Ok(None);
        }
        self.trainer.skipped(&self.trainer.stage("mine", job.fold));
        Ok(Some(record))
    }

    fn mining_identity(&self, job: &MiningJob<'_>, scored_by: &str) -> String {
        let baseline = self.leaky_baseline(job).map(|model| &model.weights_blake3);
        let protocol = &self.trainer.protocol;
        // The plan and the ledger's weights hold the emphasis.
        let options = (&protocol.mining, protocol.balance.emphasis);
        self.trainer
            .identity(&("mining", options, scored_by, baseline))
    }

    /// Scores slices, mines them and writes what was found.
    fn score_and_mine(
        &self,
        job: &MiningJob<'_>,
        net: &Net,
        scored_by: &str,
    ) -> Result<MiningRecord, RoundError> {
        let scored = self.score(job.slices, net);
        self.mine_scored(job, net, scored_by, scored)
    }

    /// Scores slices.
    fn score(&self, slices: &[Candidate], net: &Net) -> Vec<ScoredSlice> {
        let slices: Vec<SliceRef> = slices.iter().map(|candidate| candidate.slice).collect();
        let batch_size = self.trainer.protocol.predict.batch;
        self.told("score slices", &slices, |observer| {
            score_for_mining(net, &self.trainer.dataset, &slices, batch_size, observer)
        })
    }

    /// Scores the slices of the validation patients.
    fn score_validation(&self, net: &Net) -> Vec<SliceScore> {
        let slices = &self.trainer.validation;
        let batch_size = self.trainer.protocol.predict.batch;
        self.told("score validation", slices, |observer| {
            score_slices(net, &self.trainer.dataset, slices, batch_size, observer)
        })
    }

    /// Scores slices and tells how far it is.
    fn told<T>(
        &self,
        stage: &str,
        slices: &[SliceRef],
        score: impl FnOnce(&dyn Observer) -> T,
    ) -> T {
        let observer = self.trainer.context.observer;
        let reporter = Reporter { stage, observer };
        reporter.started(slices.len() as u64, 0);
        let scored = score(observer);
        reporter.finished();
        scored
    }

    /// Mines scored slices and writes what was found.
    fn mine_scored(
        &self,
        job: &MiningJob<'_>,
        net: &Net,
        scored_by: &str,
        scored: Vec<ScoredSlice>,
    ) -> Result<MiningRecord, RoundError> {
        let options = &self.trainer.protocol.mining;
        let validation = match options.tau {
            Tau::Validation => self.score_validation(net),
            _ => Vec::new(),
        };
        let basis = TauBasis {
            validation: &validation,
            baseline_test_min_dice: &self.baseline_test_min_dice(job)?,
        };
        let store = self.trainer.context.store;
        let mined = mine(
            store,
            self.trainer.dataset.organs(),
            scored,
            options,
            &basis,
        )?;
        for (organ, warning) in &mined.warnings {
            let (organ, warning) = (organ.as_str(), *warning);
            let warning = Event::Warning(Warning::Tau { organ, warning });
            self.trainer.context.observer.notify(&warning);
        }
        let plans = self.second_half(job.arm, &mined.hard.and(&job.others))?;
        let plan = &plans[0];
        mined.write(store, plan, job.round, scored_by, job.dir.path())?;
        let record = MiningRecord {
            identity: self.mining_identity(job, scored_by),
            taus: mined.taus,
            hard: mined.hard,
        };
        write_sealed(&job.dir.record(), &record)?;
        Ok(record)
    }

    /// The baseline, where its test scores set the threshold: tau = `paper`.
    fn leaky_baseline<'m>(&self, job: &MiningJob<'m>) -> Option<&'m ModelRecord> {
        job.baseline
            .filter(|_| self.trainer.protocol.mining.tau == Tau::Paper)
    }

    /// The baseline's lowest test Dice of each organ; only tau = `paper` looks at it.
    fn baseline_test_min_dice(&self, job: &MiningJob<'_>) -> Result<Vec<Option<f64>>, RoundError> {
        if self.leaky_baseline(job).is_none() {
            return Ok(Vec::new());
        }
        let scores = self.evaluate(Arm::Baseline)?;
        let lowest = self.trainer.protocol.organs.iter().map(|organ| {
            let of_organ = scores.iter().filter(|score| score.organ == *organ);
            of_organ
                .filter_map(|score| score.scores.dice)
                .reduce(f64::min)
        });
        Ok(lowest.collect())
    }
}
