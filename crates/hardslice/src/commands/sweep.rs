//! `hardslice sweep`: the paper's tables.

use std::collections::BTreeMap;
use std::path::Path;

use crate::experiment::Experiment;
use anyhow::anyhow;
use clap::Args;
use hardslice_data::Organ;
use hardslice_data::balance::Arm;
use hardslice_eval::{OVER_TRAININGS, Summary};
use hardslice_view::paper_tables::{PaperKey, PaperNet, PaperOrgan, PaperTable, paper_tables};
use hardslice_volume::FileError;

use hardslice_view::table::{Metric, Table};

use super::campaign_args::{CampaignArgs, announce, check_all_folds};
use super::net_arg::NetArg;
use crate::arms::paper_row;
use crate::bars::{self, Bars};
use crate::campaign::{ScoreRow, Trial, fail_if_an_arm_did, write_scores};
use crate::cohort::{read_manifest, trained_organs};
use crate::done::Done;
use crate::folder_lock::FolderLock;
use crate::layout::RoundName;
use crate::report;
use crate::results::{LEAKY, LEAKY_BECAUSE, Trainings, write_forms};

/// Selection ratios of the paper's tables beside 1, which is the baseline.
const RATIOS: [f64; 4] = [0.8, 0.5, 0.3, 0.2];

/// The ratio of the proposed arm, fixed beforehand; the paper chose it by its test results.
const PROPOSED: f64 = 0.5;

/// The paper's Tables 1 and A1 to A5 on your own cohort, beside what is printed.
///
/// For each organ and net: the selection ratios 1 (all training patients), 0.8, 0.5, 0.3 and 0.2
/// (B alone), and the proposed arm (B of ratio 0.5, then its hard slices). All ratios have the same
/// test and validation patients; what two arms share, the store, the split, the pre-training on B,
/// is done once. Stopped at any moment, the same command goes on where it was.
///
/// The experiment's own arms, net kind and ratio are replaced; its other settings hold for all.
///
/// Leaves in DIR: report.html, tables/ (table-1, table-a1 to table-a5 as .csv, .md, .tex and .html), scores.csv,
/// store/, split-<ratio>.json and <net>/seed-<n>/ratio-<r>/<organ>/ with a folder for each arm, as
/// `run` leaves it.
#[derive(Debug, Args)]
pub(crate) struct Sweep {
    #[command(flatten)]
    common: CampaignArgs,
    /// Only these nets.
    #[arg(long = "net", value_enum, value_name = "NET", num_args = 1.., default_values = ["fcn", "unet"])]
    nets: Vec<NetArg>,
}

impl Sweep {
    pub(crate) fn run(self) -> anyhow::Result<Done> {
        let experiment = self.common.experiment()?;
        let (device, bars) = (self.common.device.open()?, Bars::new());
        let campaign = self.common.campaign(&experiment, &device, &bars);
        let manifest = read_manifest(&experiment)?;
        let organs = trained_organs(&experiment, &manifest.organs)?;
        let trials = self.trials(&experiment, &organs);
        check_all_folds(&manifest, &trials)?;
        announce(&campaign, &trials)?;
        if self.common.dry_run {
            return Ok(Done::Clean);
        }
        let lock = FolderLock::of(&self.common.out)?;
        let cohort = campaign.prepare()?;
        campaign.record(&cohort)?;
        let splits = campaign.splits(&cohort, &trials)?;
        let failed = campaign.train(&cohort, &trials, &splits)?;
        let outcomes = campaign.evaluate(&cohort, &trials, &splits, &failed)?;
        let rows: Vec<ScoreRow> = trials
            .iter()
            .zip(&outcomes)
            .flat_map(|(trial, outcome)| trial.scores(outcome))
            .collect();
        let is_leaky = outcomes.iter().any(|outcome| outcome.leaky);
        write_scores(
            &campaign.out.scores(),
            &rows,
            cohort.store.cases(),
            is_leaky,
        )?;
        let tables = paper_tables(&summaries(&rows));
        let shown: Vec<&PaperTable> = tables
            .iter()
            .filter(|table| table.rows.iter().any(|row| row.ours.is_some()))
            .collect();
        if shown.is_empty() {
            let known = "liver, kidney and spleen";
            return Err(anyhow!(
                "the paper has tables of {known}; none of these was trained"
            ));
        }
        for table in shown {
            let mut shown = table.to_table();
            if self.common.seeds().len() > 1 {
                shown.notes.push(OVER_TRAININGS.to_owned());
            }
            if is_leaky {
                shown = shown.stamped(LEAKY, LEAKY_BECAUSE);
            }
            write_table(table.number, &shown, &campaign.out.paper_tables())?;
            bars::print(&shown.to_markdown())?;
        }
        lock.check()?;
        report::write_or_warn(&self.common.out, &bars)?;
        fail_if_an_arm_did(&trials, &outcomes)?;
        Ok(cohort.done)
    }

    /// A round for each organ, net, seed and ratio.
    fn trials(&self, experiment: &Experiment, organs: &[Organ]) -> Vec<Trial> {
        let mut trials = Vec::new();
        for organ in organs {
            for net in &self.nets {
                for seed in self.common.seeds() {
                    for ratio in RATIOS {
                        trials.push(trial(experiment, organ, *net, *seed, ratio));
                    }
                }
            }
        }
        trials
    }
}

fn trial(experiment: &Experiment, organ: &Organ, net: NetArg, seed: u64, ratio: f64) -> Trial {
    let mut experiment = experiment.clone();
    experiment.net.kind = net.kind();
    experiment.final_net = None;
    experiment.seed = seed;
    experiment.split.ratio = ratio;
    let is_proposed = (ratio - PROPOSED).abs() < 1e-9;
    experiment.arms = if is_proposed {
        vec![Arm::Baseline, Arm::BOnly, Arm::Hard]
    } else {
        vec![Arm::BOnly]
    };
    let organs = vec![organ.clone()];
    Trial {
        name: RoundName {
            net: Some(experiment.net.name().to_owned()),
            seed: Some(seed),
            ratio: Some(ratio),
            ..RoundName::of_organs(&organs)
        },
        experiment,
        organs,
    }
}

/// The summary of each row of the paper's tables: the test Dice of each seed's training.
fn summaries(rows: &[ScoreRow]) -> BTreeMap<PaperKey, Summary> {
    let mut groups: BTreeMap<PaperKey, Trainings<'_>> = BTreeMap::new();
    for row in rows {
        let key = PaperOrgan::from_name(row.score.organ.as_str())
            .zip(PaperNet::from_name(&row.net))
            .zip(paper_row(row.arm.name(), row.ratio));
        if let Some(((organ, net), arm)) = key {
            let trainings = groups.entry(PaperKey { organ, net, arm }).or_default();
            trainings.add(row.training, &row.score);
        }
    }
    let summaries = groups.into_iter();
    summaries
        .map(|(key, trainings)| (key, trainings.summary(Metric::Dice)))
        .collect()
}

fn write_table(number: &str, table: &Table, dir: &Path) -> Result<(), FileError> {
    let name = number.to_lowercase().replace(' ', "-");
    let forms = [
        ("csv", table.to_csv()),
        ("md", table.to_markdown()),
        ("tex", table.to_latex()),
        ("html", table.to_html()),
    ];
    write_forms(&dir.join(name), forms)
}
