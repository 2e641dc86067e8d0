//! `hardslice sweep`: the paper's tables, and learning curves.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use hardslice_data::balance::Arm;
use hardslice_data::{CaseId, Organ, identity};
use hardslice_eval::OVER_TRAININGS;
use hardslice_view::paper_tables::paper_tables;
use hardslice_volume::FileError;

use hardslice_view::table::Table;

use super::campaign_args::{CampaignArgs, all_listed_folds, announce};
use super::learning_curves;
use super::net_arg::NetArg;
use crate::bars::Bars;
use crate::campaign::{JobsOrigin, ScoreRow, Seeds, Splits, Trial, named_outcomes, write_scores};
use crate::cohort::{PreparedCohort, read_manifest, trained_organs};
use crate::done::Done;
use crate::experiment::Experiment;
use crate::job_folder::Alone;
use crate::layout::{LeftBy, OutDir, RoundName};
use crate::pipeline::conclude;
use crate::report;
use crate::results::{LEAKY, LEAKY_BECAUSE, write_forms};
use crate::selection_ratios::{PROPOSED, SelectionRatios, gather, paper_summaries};

/// Selection ratios of the paper's tables beside 1, which is the baseline.
const RATIOS: [f64; 4] = [0.8, 0.5, 0.3, 0.2];

/// The paper's tables on your own cohort, of any organ, and how much more patients would give.
///
/// For each organ and net: the selection ratios 1 (all training patients), 0.8, 0.5, 0.3 and 0.2
/// (B alone), and the proposed arm (B of ratio 0.5, then its hard slices). All ratios have the same
/// test and validation patients and the same number of steps; what two arms share, the store, the
/// split, the pre-training on B, is done once. Stopped at any moment, the same command goes on where it
/// was.
///
/// Of liver, kidney and spleen the paper's Tables 1 and A1 to A5 are made, ours beside what is printed;
/// of every other organ a table of the same rows.
///
/// The learning curve: test Dice, the mean and that of the worst of five patients, against the number
/// of training patients of whom the organ is annotated, by a straight line in its logarithm. It says
/// what more patients would give and what half of them cost ("40 more patients: +0.004 (0.001 to
/// 0.008)"), with intervals for other test patients and other trainings, and whether the line fits. Of
/// fewer than three seeds nothing is concluded. The proposed arm is drawn beside the line.
///
/// The experiment's own arms, net kind and ratio are replaced; its other settings hold for all.
///
/// Leaves in DIR: report.html, tables/ (table-1, table-a1 to table-a5, of other organs
/// table-<organ>-<net>, and learning-curve, each as .csv, .md, .tex and .html;
/// learning-curve-points.csv), scores.csv, store/, split-<ratio>.json and
/// <net>/seed-<n>/ratio-<r>/<organ>/ with a folder for each arm, as `run` leaves it.
#[derive(Debug, Args)]
pub(crate) struct Sweep {
    #[command(flatten)]
    common: CampaignArgs,
    /// How many seeds (5 is 0 to 4), or which (3,7,11; `7,` is one). They change the training, not
    /// the folds.
    #[arg(long, value_name = "SEEDS", default_value = "1")]
    seeds: Seeds,
    /// Only these nets.
    #[arg(long = "net", value_enum, value_name = "NET", num_args = 1.., default_values = ["fcn", "unet"])]
    nets: Vec<NetArg>,
}

impl Sweep {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let mut experiment = self.common.experiment()?;
        let out = OutDir::new(&self.common.out);
        let device = self.common.device.open_in(&mut experiment, &out)?;
        let campaign = self.common.campaign(&experiment, &device, bars);
        if let Some(id) = self.common.queue.job {
            return campaign.do_job(id, |cohort| {
                let trials = self.trials(&experiment, &cohort.organs);
                Ok((trials, self.identity(&experiment, cohort)?))
            });
        }
        let manifest = read_manifest(&experiment)?;
        let organs = trained_organs(&experiment, &manifest.organs)?;
        let trials = self.trials(&experiment, &organs);
        all_listed_folds(&manifest, &organs, &trials)?;
        announce(&campaign, &trials)?;
        if self.common.dry_run {
            return Ok(Done::Clean);
        }
        out.refuse_other_command(LeftBy::Sweep)?;
        let mut lock = Alone::of(&out)?;
        let cohort = campaign.prepare()?;
        let splits = campaign.splits(&cohort, &trials)?;
        campaign.check(&cohort, &trials, &splits)?;
        campaign.record_begin(&cohort)?;
        let alike = ratios_alike(&splits, &trials);
        for note in &alike {
            bars.line(&format!("warning: {note}"));
        }
        let hash = self.identity(&experiment, &cohort)?;
        if self.common.queue.write_jobs {
            let origin = JobsOrigin {
                command: self.common.command("sweep", self.as_given())?,
                campaign_blake3: hash,
            };
            campaign.write_jobs(&mut lock, &trials, &origin)?;
            return Ok(cohort.done);
        }
        let failed = campaign.train(&cohort, &trials, &splits)?;
        campaign.mark_jobs_done(&trials, &hash, &failed)?;

        campaign.record(&cohort)?;
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
        let by_ratio = gather(
            rows.iter().map(ScoreRow::of_sweep),
            &cohort.store,
            &splits,
            &campaign.out,
        )?;
        for (name, table) in tables(&by_ratio)? {
            let mut shown = table;
            shown.notes.extend(alike.iter().cloned());
            if self.seeds.0.len() > 1 {
                shown.notes.push(OVER_TRAININGS.to_owned());
            }
            if is_leaky {
                shown = shown.stamped(LEAKY, LEAKY_BECAUSE);
            }
            write_table(&name, &shown, &campaign.out.tables())?;
            bars.print(&shown.to_markdown())?;
        }
        for said in learning_curves::write(&by_ratio, is_leaky, &campaign.out)? {
            bars.print(&said)?;
        }
        lock.check()?;
        report::write_or_warn(&self.common.out, bars)?;
        let ended = conclude(named_outcomes(&trials, &outcomes), bars)?;
        Ok(cohort.done.and(ended))
    }

    /// Its own options, as jobs repeat them.
    fn as_given(&self) -> Vec<String> {
        let nets = self.nets.iter().map(|net| net.as_given());
        let nets = std::iter::once("--net".to_owned()).chain(nets);
        self.seeds.as_given().into_iter().chain(nets).collect()
    }

    /// Hash of all that decides which rounds there are and what they leave.
    fn identity(&self, experiment: &Experiment, cohort: &PreparedCohort) -> anyhow::Result<String> {
        let nets: Vec<String> = self.nets.iter().map(|net| net.as_given()).collect();
        let of_all = ("sweep", experiment.without_folders()?, &cohort.organs, nets);
        let of_all = (of_all, &self.seeds.0, cohort.store.content_hash());
        Ok(identity(&of_all))
    }

    /// A round for each organ, net, seed and ratio.
    fn trials(&self, experiment: &Experiment, organs: &[Organ]) -> Vec<Trial> {
        let mut trials = Vec::new();
        for organ in organs {
            for net in &self.nets {
                for seed in &self.seeds.0 {
                    for ratio in RATIOS {
                        trials.push(trial(experiment, organ, *net, *seed, ratio));
                    }
                }
            }
        }
        trials
    }
}

/// Which selection ratios put the same patients into B, as lists of the split or few patients make them:
/// one training then stands in the rows of several.
fn ratios_alike(splits: &Splits, trials: &[Trial]) -> Vec<String> {
    let ratios: BTreeMap<String, f64> = trials
        .iter()
        .filter_map(|trial| Some((trial.name.split(), trial.name.ratio?)))
        .collect();
    let mut by_b: BTreeMap<&[CaseId], Vec<f64>> = BTreeMap::new();
    for (file, ratio) in ratios {
        by_b.entry(&splits[&file].b).or_default().push(ratio);
    }
    let alike = by_b.into_values().filter(|ratios| ratios.len() > 1);
    let note = alike.map(|ratios| {
        let ratios: Vec<String> = ratios.iter().map(f64::to_string).collect();
        format!(
            "The selection ratios {} put the same patients into B: their rows are one training.",
            ratios.join(" and ")
        )
    });
    note.collect()
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

/// The paper's tables, as far as something of them was run, and ours of the organs that it does not
/// have, each with the name of its files.
fn tables(by_ratio: &[SelectionRatios<'_>]) -> anyhow::Result<Vec<(String, Table)>> {
    let mut tables = Vec::new();
    for table in paper_tables(&paper_summaries(by_ratio)) {
        if table.rows.iter().any(|row| row.ours.is_some()) {
            let name = table.number.to_lowercase().replace(' ', "-");
            tables.push((name, table.to_table()));
        }
    }
    for of in by_ratio.iter().filter(|of| !of.is_the_papers()) {
        tables.push((format!("table-{}", of.stem()), of.table()?));
    }
    Ok(tables)
}

fn write_table(name: &str, table: &Table, dir: &Path) -> Result<(), FileError> {
    let forms = [
        ("csv", table.to_csv()),
        ("md", table.to_markdown()),
        ("tex", table.to_latex()),
        ("html", table.to_html()),
    ];
    write_forms(&dir.join(name), forms)
}
