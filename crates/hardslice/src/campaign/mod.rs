//! Many rounds of one cohort: over organs, nets, ratios, folds and seeds.
//!
//! ```text
//! cells ── train: what the arms of a cell share, then the arms, side by side
//!      └── evaluate: the test set is opened here, when every arm of every cell is trained
//! ```
//!
//! A cell is a round in a folder of its own, so a campaign goes on where it was stopped as a round
//! does. Cells share the store, and their split where it is the same.

mod forecast;
mod jobs;
mod progress;
mod scores;
mod seeds;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use burn::tensor::Device;
use hardslice::experiment::Experiment;
use hardslice_data::Organ;
use hardslice_data::split::Split;
use hardslice_train::round::{self, Protocol, RoundOutcome, Workplace};
use hardslice_train::{Observer, TestScore};
use hardslice_volume::whole_file::write_whole_bytes;

pub(crate) use forecast::Forecast;
pub(crate) use scores::{ScoreRow, mean_over_seeds, write_scores};
pub(crate) use seeds::Seeds;

use crate::bars::{Bars, wall_time_s};
use crate::provenance;
use crate::whole::{Ground, ground, make_split, protocol};

/// The splits of a campaign, by their files.
pub(crate) type Splits = BTreeMap<PathBuf, Split>;

/// One round of a campaign.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// Its settings: net, seed, split, arms.
    pub(crate) experiment: Experiment,
    /// The organs of its net.
    pub(crate) organs: Vec<Organ>,
    /// Its folder, within the campaign's.
    pub(crate) dir: PathBuf,
    /// Its split's file, within the campaign's.
    pub(crate) split: PathBuf,
}

/// Where a campaign works.
pub(crate) struct Campaign<'a> {
    /// What all cells have in common.
    pub(crate) experiment: &'a Experiment,
    pub(crate) out: &'a Path,
    pub(crate) device: &'a Device,
    pub(crate) bars: &'a Bars,
    /// Trainings at a time.
    pub(crate) jobs: usize,
    /// Whether to go on from checkpoints of another instruction set.
    pub(crate) force: bool,
}

impl Campaign<'_> {
    /// Prepares the cohort.
    pub(crate) fn ground(&self) -> anyhow::Result<Ground> {
        ground(self.experiment, self.out, self.bars)
    }

    /// Writes down what was done: not before a comparison's plan is known to be the one that was
    /// fixed.
    pub(crate) fn record(&self, ground: &Ground) -> anyhow::Result<()> {
        let Self {
            experiment, out, ..
        } = *self;
        let path = out.join("experiment.toml");
        write_whole_bytes(&path, experiment.to_toml()?.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
        provenance::write(out, experiment, &ground.store, self.device)
    }

    /// Trains every arm of every cell. The test set stays closed (but for tau = `paper`).
    pub(crate) fn train(
        &self,
        ground: &Ground,
        cells: &[Cell],
        splits: &Splits,
    ) -> anyhow::Result<()> {
        jobs::train(self, ground, cells, splits)
    }

    /// Predicts and scores the test patients of every cell, which are trained.
    pub(crate) fn evaluate(
        &self,
        ground: &Ground,
        cells: &[Cell],
        splits: &Splits,
    ) -> anyhow::Result<Vec<RoundOutcome>> {
        self.bars.begin("evaluate", cells.len() as u64, 0);
        let observer = progress::Quiet { bars: self.bars };
        let mut outcomes = Vec::new();
        for cell in cells {
            let dir = self.out.join(&cell.dir);
            let place = self.place(ground, (cell, splits), &dir, &observer);
            outcomes.push(round::run(&cell.protocol()?, &place)?);
            self.bars.advance(outcomes.len() as u64);
        }
        self.bars.end();
        Ok(outcomes)
    }

    /// The splits of the cells, each made once.
    pub(crate) fn splits(&self, ground: &Ground, cells: &[Cell]) -> anyhow::Result<Splits> {
        let mut splits = BTreeMap::new();
        for cell in cells {
            if !splits.contains_key(&cell.split) {
                let path = self.out.join(&cell.split);
                let (store, organs) = (&ground.store, &ground.organs);
                let split = make_split(&cell.experiment, store, organs, &path, self.bars)?;
                splits.insert(cell.split.clone(), split);
            }
        }
        Ok(splits)
    }

    fn place<'p>(
        &'p self,
        ground: &'p Ground,
        (cell, splits): (&'p Cell, &'p Splits),
        dir: &'p Path,
        observer: &'p dyn Observer,
    ) -> Workplace<'p> {
        Workplace {
            store: &ground.store,
            split: &splits[&cell.split],
            dir,
            init: cell.experiment.init.as_deref(),
            device: self.device,
            observer,
            wall_time_s,
            force: self.force,
        }
    }
}

impl Cell {
    fn protocol(&self) -> anyhow::Result<Protocol> {
        protocol(&self.experiment, self.organs.clone())
    }

    /// The rows that its outcome adds to the table of scores.
    pub(crate) fn scores<'o>(
        &'o self,
        outcome: &'o RoundOutcome,
    ) -> impl Iterator<Item = ScoreRow> {
        let of_arm = |(arm, scores): &'o (hardslice_data::balance::Arm, Vec<TestScore>)| {
            scores.iter().map(|score| ScoreRow {
                arm: arm.to_string(),
                seed: self.experiment.seed,
                net: self.net_name().to_owned(),
                ratio: self.experiment.split.ratio,
                score: score.clone(),
            })
        };
        outcome.arms.iter().flat_map(of_arm)
    }

    /// The net that is scored in the end: `unet` or `fcn8s`.
    pub(crate) fn net_name(&self) -> &'static str {
        let net = self.experiment.final_net.as_ref();
        net.unwrap_or(&self.experiment.net).name()
    }
}
