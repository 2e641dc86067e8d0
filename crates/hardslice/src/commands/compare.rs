//! `hardslice compare`: arms against their controls, over patients and seeds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use hardslice::experiment::Experiment;
use hardslice_data::Organ;
use hardslice_data::split::facts;
use hardslice_eval::compare::{ArmScore, Comparison, ComparisonPlan, compare};
use hardslice_train::round::RoundOutcome;
use hardslice_view::table::{Table, comparison_tables};
use hardslice_volume::whole_file::write_whole_bytes;
use serde::{Deserialize, Serialize};

use super::campaign_args::{CampaignArgs, announce};
use crate::bars::{self, Bars};
use crate::campaign::{Cell, ScoreRow, write_scores};
use crate::results::{arm_score, write_forms};
use crate::whole::{Ground, folder_of, nets, read_manifest, trained_organs};
use crate::{Done, report};

/// Compare arms at the same number of steps, over patients and seeds, with controls.
///
/// Every arm of the experiment is trained with every seed; then, and not before, the test set is
/// opened. How arms will be compared is written and hashed first: the worst tenth of the patients'
/// Dice decides, mean and minimum stand beside it, patients are the units, seeds a second level,
/// and `p` is corrected for the number of comparisons. Where nothing is significant, it says so.
///
/// Arms that add slices are compared with the baseline and with the random control that adds as
/// many. With a rule of the split that has folds (`k_fold`, `leave_one_out`) all of them are run,
/// and each patient is scored by the nets that did not see them.
///
/// Stopped at any moment, the same command goes on where it was.
///
/// Leaves in DIR: report.html, comparison.md (also .csv, .tex, .html), comparison.json, `comparison_plan.json`,
/// scores.csv, store/, split.json and seed-<n>/<organ>/ with a folder for each arm, as `run` leaves
/// it; with folds split-<k>.json and seed-<n>/fold-<k>/<organ>/.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    #[command(flatten)]
    common: CampaignArgs,
}

/// `comparison_plan.json`: what was fixed before the test set was opened.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct FixedPlan {
    plan: ComparisonPlan,
    plan_blake3: String,
    /// Hash of the experiment, the organs, the seeds and the cohort.
    experiment_blake3: String,
}

impl Compare {
    pub(crate) fn run(self) -> anyhow::Result<Done> {
        let experiment = self.common.experiment()?;
        let arms: Vec<&str> = experiment.arms.iter().map(|arm| arm.name()).collect();
        let plan = ComparisonPlan::of_protocol(&arms)?;
        let (device, bars) = (self.common.device.open()?, Bars::new());
        let campaign = self.common.campaign(&experiment, &device, &bars);
        let organs = trained_organs(&experiment, &read_manifest(&experiment)?.organs)?;
        if self.common.dry_run {
            announce(&campaign, &self.cells(&experiment, &organs, &[None]))?;
            return Ok(Done::Clean);
        }
        let ground = campaign.ground()?;
        let rules = experiment
            .split
            .rule
            .all_folds(&facts(&ground.store, &ground.organs));
        let rules = rules.map_or(vec![None], |rules| rules.into_iter().map(Some).collect());
        let cells = self.cells(&experiment, &organs, &rules);
        announce(&campaign, &cells)?;
        let splits = campaign.splits(&ground, &cells)?;
        campaign.train(&ground, &cells, &splits)?;

        let out = &self.common.out;
        let of_all = (experiment.to_toml(), &organs, self.common.seeds());
        let hash = blake3::hash(&serde_json::to_vec(&(of_all, ground.store.content_hash()))?);
        fix(
            &plan,
            hash.to_hex().to_string(),
            &out.join("comparison_plan.json"),
        )?;
        campaign.record(&ground)?;
        let outcomes = campaign.evaluate(&ground, &cells, &splits)?;
        self.compare(&ground, &cells, &outcomes, &plan)?;
        report::write_or_warn(out, &bars);
        Ok(ground.done)
    }

    fn compare(
        &self,
        ground: &Ground,
        cells: &[Cell],
        outcomes: &[RoundOutcome],
        plan: &ComparisonPlan,
    ) -> anyhow::Result<()> {
        let out = &self.common.out;
        let rows: Vec<ScoreRow> = cells
            .iter()
            .zip(outcomes)
            .flat_map(|(cell, outcome)| cell.scores(outcome))
            .collect();
        let is_leaky = outcomes.iter().any(|outcome| outcome.leaky);
        write_scores(&out.join("scores.csv"), &rows, is_leaky)
            .context("cannot write scores.csv")?;
        let mut comparisons: BTreeMap<String, Comparison> = BTreeMap::new();
        for organ in &ground.organs {
            let of_organ = rows.iter().filter(|row| row.score.organ == organ.as_str());
            let cases = ground.store.cases();
            let scores: Vec<ArmScore> = of_organ
                .map(|row| arm_score(cases, &row.arm, row.seed, &row.score))
                .collect();
            let compared = compare(plan, &scores)
                .with_context(|| format!("the arms cannot be compared on the {organ}"))?;
            comparisons.insert(organ.to_string(), compared);
        }
        let json = serde_json::to_vec_pretty(&comparisons)?;
        write_whole_bytes(&out.join("comparison.json"), &json)
            .context("cannot write comparison.json")?;
        write_tables(&comparisons, is_leaky, out)?;
        for (organ, comparison) in &comparisons {
            bars::print(&format!("{organ}: {}", comparison.verdict))?;
        }
        Ok(())
    }

    /// A round for each net, seed and fold.
    fn cells(
        &self,
        experiment: &Experiment,
        organs: &[Organ],
        rules: &[Option<hardslice_data::split::Rule>],
    ) -> Vec<Cell> {
        let mut cells = Vec::new();
        for organs in nets(experiment, organs) {
            for seed in self.common.seeds() {
                for (fold, rule) in rules.iter().enumerate() {
                    cells.push(cell(
                        experiment,
                        &organs,
                        *seed,
                        rule.as_ref().map(|rule| (fold, rule)),
                    ));
                }
            }
        }
        cells
    }
}

fn cell(
    experiment: &Experiment,
    organs: &[Organ],
    seed: u64,
    fold: Option<(usize, &hardslice_data::split::Rule)>,
) -> Cell {
    let mut experiment = experiment.clone();
    experiment.seed = seed;
    let mut dir = PathBuf::from(format!("seed-{seed}"));
    let mut split = "split.json".to_owned();
    if let Some((fold, rule)) = fold {
        experiment.split.rule = rule.clone();
        dir.push(format!("fold-{fold}"));
        split = format!("split-{fold}.json");
    }
    Cell {
        dir: dir.join(folder_of(organs)),
        split: PathBuf::from(split),
        experiment,
        organs: organs.to_vec(),
    }
}

/// Writes the plan, or checks that it is the one that was fixed before.
fn fix(plan: &ComparisonPlan, experiment_blake3: String, path: &Path) -> anyhow::Result<()> {
    let fixed = FixedPlan {
        plan: plan.clone(),
        plan_blake3: plan.hash(),
        experiment_blake3,
    };
    if let Ok(json) = fs::read(path) {
        let before: FixedPlan = serde_json::from_slice(&json)
            .with_context(|| format!("{} is damaged", path.display()))?;
        if before != fixed {
            return Err(anyhow!(
                "the test set was opened for another plan, seeds, experiment or cohort, which \
                 stands in {}: a plan must not change by what it found; take another --out folder",
                path.display()
            ));
        }
        return Ok(());
    }
    let json = serde_json::to_vec_pretty(&fixed)?;
    write_whole_bytes(path, &json).with_context(|| format!("cannot write {}", path.display()))
}

/// One document in each form, organ by organ, the verdict first.
fn write_tables(
    comparisons: &BTreeMap<String, Comparison>,
    is_leaky: bool,
    out: &Path,
) -> anyhow::Result<()> {
    let tables: Vec<(&String, &Comparison, [Table; 2])> = comparisons
        .iter()
        .map(|(organ, comparison)| {
            let tables = comparison_tables(comparison).map(|table| Table {
                title: format!("{organ}: {}", table.title),
                ..table
            });
            (organ, comparison, tables)
        })
        .collect();
    let all = |form: fn(&Table) -> String| -> String {
        let tables = tables.iter().flat_map(|(_, _, tables)| tables);
        tables.map(form).collect::<Vec<_>>().join("\n")
    };
    let mut markdown = String::new();
    if is_leaky {
        markdown.push_str("LEAKY: the threshold was taken from the test set.\n\n");
    }
    for (organ, comparison, tables) in &tables {
        markdown.extend(["## ", organ, "\n\n**", &comparison.verdict, "**\n\n"]);
        markdown.extend(tables.iter().map(|table| table.to_markdown() + "\n"));
    }
    let forms = [
        ("md", markdown),
        ("csv", all(Table::to_csv)),
        ("tex", all(Table::to_latex)),
        ("html", all(Table::to_html)),
    ];
    write_forms(&out.join("comparison"), forms)
}
