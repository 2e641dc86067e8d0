//! `hardslice demo`: phantoms and the whole protocol, in minutes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use hardslice_data::mining::ledger;
use hardslice_eval::auc;
use hardslice_phantom::{PhantomOptions, write_cohort};

use super::device_arg::DeviceArg;
use crate::bars::Bars;
use crate::done::Done;
use crate::experiment::Experiment;
use crate::layout::{OutDir, RoundName};
use crate::outputs::folder_out;
use crate::pipeline::{RunArgs, run_whole};
use crate::report;

/// The experiment that the demonstration runs.
const EXPERIMENT: &str = include_str!("demo.toml");

/// Make a phantom cohort and run the whole protocol on it, in minutes on two cores.
///
/// Trains a small U-Net for the liver in four arms (baseline, `b_only`, hard, random), evaluates
/// them on test phantoms, and tells whether the slices that the mining found hard are those that
/// were made difficult. Leaves in DIR the same files as `run`, and the cohort in DIR/phantoms.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where everything is written.
    #[arg(long, value_name = "DIR", value_parser = folder_out())]
    out: PathBuf,
    /// Seed of everything random, the phantoms included.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    device: DeviceArg,
}

impl Demo {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let phantoms = self.out.join("phantoms");
        let options = PhantomOptions {
            n_patients: 26,
            seed: self.seed,
            size: 96,
            n_slices: [32, 48],
            ..PhantomOptions::default()
        };
        if !phantoms.join("phantom.json").exists() {
            bars.begin("make phantoms", options.n_patients as u64, 0);
            write_cohort(&phantoms, &options, &|done, _| bars.advance(done as u64))?;
            bars.end();
        }
        let text = format!("seed = {}\n{EXPERIMENT}", self.seed);
        let mut experiment = Experiment::parse(&text, Path::new("demo.toml"))?;
        experiment.cohort.path = phantoms.join("cohort.csv");
        let device = self.device.open_for(&mut experiment)?;
        let finished = run_whole(&RunArgs {
            experiment: &experiment,
            out: &self.out,
            device: &device,
            bars,
            force: false,
        })?;
        for (organs, _) in &finished.rounds {
            let round = OutDir::new(&self.out).round(&RoundName::of_organs(organs));
            let ledger = round.mining().ledger();
            print_separation(&ledger, &phantoms.join("truth.csv"), bars)?;
        }
        if finished.n_evaluated() > 0 {
            report::write_or_warn(&self.out, bars)?;
        }
        finished.conclude(bars)
    }
}

/// Tells whether slice Dice is lower where difficulty was planted, over A's slices with the organ.
fn print_separation(ledger: &Path, truth: &Path, bars: &Bars) -> anyhow::Result<()> {
    let planted = planted_slices(truth).context("cannot read truth.csv")?;
    let rows = ledger::read(ledger)?;
    let (mut difficult, mut plain) = (Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| row.truth_px > 0) {
        let key = (row.case.to_string(), row.z, row.organ.to_string());
        let group = if planted.contains(&key) {
            &mut difficult
        } else {
            &mut plain
        };
        group.extend(row.dice);
    }
    let area = auc(&difficult, &plain).map_or_else(|| "–".to_owned(), |area| format!("{area:.3}"));
    bars.print(&format!(
        "planted difficulty: {} difficult and {} plain slices of A with the organ; slice Dice tells \
         them apart with an area under the curve of {area}",
        difficult.len(),
        plain.len()
    ))?;
    Ok(())
}

/// Case, slice and organ of each row of `truth.csv`.
fn planted_slices(path: &Path) -> anyhow::Result<BTreeSet<(String, u32, String)>> {
    let mut csv = csv::Reader::from_path(path)?;
    let mut planted = BTreeSet::new();
    for row in csv.deserialize() {
        let (case, z, organ, _kinds, _severity): (String, u32, String, String, f64) = row?;
        planted.insert((case, z, organ));
    }
    Ok(planted)
}
