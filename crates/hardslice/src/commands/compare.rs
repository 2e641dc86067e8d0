//! `hardslice compare`: arms against their controls, over patients and seeds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow};
use clap::Args;
use hardslice::experiment::Experiment;
use hardslice_data::split::Rule;
use hardslice_data::{Organ, PatientId};
use hardslice_eval::compare::{ArmScore, Comparison, ComparisonPlan, compare};
use hardslice_train::round::RoundOutcome;
use hardslice_view::table::{Table, comparison_tables, stacked};
use hardslice_volume::whole_file::write_whole_bytes;
use serde::{Deserialize, Serialize};

use super::campaign_args::{CampaignArgs, announce};
use crate::arms::{arm_words, comparison_plan};
use crate::bars::{self, Bars};
use crate::campaign::{ScoreRow, Trial, write_scores};
use crate::cohort::{PreparedCohort, read_manifest, trained_organs};
use crate::folder_lock::FolderLock;
use crate::layout::{OutDir, RoundName};
use crate::pipeline::nets;
use crate::results::{LEAKY, LEAKY_BECAUSE, arm_score, write_forms};
use crate::{Done, report};

/// Compare arms at the same number of steps, over patients and seeds, with controls.
///
/// Every arm of the experiment is trained with every seed; then, and not before, the test set is
/// opened. How arms will be compared is written and hashed first: the worst tenth of the patients'
/// Dice decides, mean and minimum stand beside it, patients are the units, seeds a second level,
/// and `p` is corrected for the number of comparisons. Where nothing is significant, it says so.
///
/// Arms that add slices are compared with the baseline and with the random control that adds as
/// many; a baseline with another loss is compared with the baseline alone. With a rule of the split
/// that has folds (`k_fold`, `leave_one_out`) all of them are run, and each patient is scored by
/// the nets that did not see them.
///
/// Stopped at any moment, the same command goes on where it was.
///
/// Leaves in DIR: report.html, comparison.md (also .tex, .html), comparison.csv and estimates.csv,
/// comparison.json, `comparison_plan.json`, scores.csv, store/, split.json and seed-<n>/<organ>/
/// with a folder for each arm, as `run` leaves it; with folds split-<k>.json and
/// seed-<n>/fold-<k>/<organ>/.
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
        let plan = comparison_plan(&experiment.arms)?;
        let (device, bars) = (self.common.device.open()?, Bars::new());
        let campaign = self.common.campaign(&experiment, &device, &bars);
        let manifest = read_manifest(&experiment)?;
        let organs = trained_organs(&experiment, &manifest.organs)?;
        if self.common.dry_run {
            let cases = manifest.cases.iter();
            let cases = cases.map(|case| (&case.patient, case.organs_annotated.as_slice()));
            announce(&campaign, &self.trials(&experiment, &organs, cases))?;
            return Ok(Done::Clean);
        }
        let _lock = FolderLock::of(&self.common.out)?;
        let cohort = campaign.prepare()?;
        let cases = cohort.store.cases().iter();
        let cases = cases.map(|case| (&case.patient, case.organs_annotated.as_slice()));
        let trials = self.trials(&experiment, &organs, cases);
        announce(&campaign, &trials)?;
        // Before anything is trained: with tau = "paper" the test set is opened for the threshold.
        let of_all = (experiment.to_toml()?, &organs, self.common.seeds());
        let hash = blake3::hash(&serde_json::to_vec(&(of_all, cohort.store.content_hash()))?);
        fix(
            &plan,
            hash.to_hex().to_string(),
            &campaign.out.comparison_plan(),
        )?;
        let splits = campaign.splits(&cohort, &trials)?;
        campaign.train(&cohort, &trials, &splits)?;

        campaign.record(&cohort)?;
        let outcomes = campaign.evaluate(&cohort, &trials, &splits)?;
        self.compare(&cohort, &trials, &outcomes, &plan)?;
        report::write_or_warn(&self.common.out, &bars);
        Ok(cohort.done)
    }

    fn compare(
        &self,
        cohort: &PreparedCohort,
        trials: &[Trial],
        outcomes: &[RoundOutcome],
        plan: &ComparisonPlan,
    ) -> anyhow::Result<()> {
        let out = OutDir::new(&self.common.out);
        let rows: Vec<ScoreRow> = trials
            .iter()
            .zip(outcomes)
            .flat_map(|(trial, outcome)| trial.scores(outcome))
            .collect();
        let is_leaky = outcomes.iter().any(|outcome| outcome.leaky);
        write_scores(&out.scores(), &rows, is_leaky).context("cannot write scores.csv")?;
        let mut comparisons: BTreeMap<String, Comparison> = BTreeMap::new();
        for organ in &cohort.organs {
            let of_organ = rows.iter().filter(|row| row.score.organ == *organ);
            let cases = cohort.store.cases();
            let scores: Vec<ArmScore> = of_organ
                .map(|row| arm_score(cases, row.arm.name(), row.seed, &row.score))
                .collect();
            let mut compared = compare(plan, &arm_words(), &scores)
                .with_context(|| format!("the arms cannot be compared on the {organ}"))?;
            if is_leaky {
                compared.verdict = format!("{LEAKY}. {}", compared.verdict);
                compared.notes.insert(0, LEAKY_BECAUSE.to_owned());
            }
            comparisons.insert(organ.to_string(), compared);
        }
        let json = serde_json::to_vec_pretty(&comparisons)?;
        write_whole_bytes(&out.comparison(), &json).context("cannot write comparison.json")?;
        write_tables(&comparisons, is_leaky, out.path())?;
        for (organ, comparison) in &comparisons {
            bars::print(&format!("{organ}: {}", comparison.verdict))?;
        }
        Ok(())
    }

    /// A round for each net, seed and fold. The folds depend on the patients of whom some organ is
    /// annotated.
    fn trials<'c>(
        &self,
        experiment: &Experiment,
        organs: &[Organ],
        cases: impl Iterator<Item = (&'c PatientId, &'c [Organ])>,
    ) -> Vec<Trial> {
        let is_usable = |annotated: &[Organ]| annotated.iter().any(|organ| organs.contains(organ));
        let usable = cases.filter(|(_, annotated)| is_usable(annotated));
        let rule = &experiment.split.rule;
        let rules = rule.all_folds(usable.map(|(patient, _)| patient));
        let rules = rules.map_or(vec![None], |rules| rules.into_iter().map(Some).collect());
        let mut trials = Vec::new();
        for organs in nets(experiment, organs) {
            for seed in self.common.seeds() {
                for (fold, rule) in rules.iter().enumerate() {
                    trials.push(trial(
                        experiment,
                        &organs,
                        *seed,
                        rule.as_ref().map(|rule| (fold, rule)),
                    ));
                }
            }
        }
        trials
    }
}

fn trial(
    experiment: &Experiment,
    organs: &[Organ],
    seed: u64,
    fold: Option<(usize, &Rule)>,
) -> Trial {
    let mut experiment = experiment.clone();
    experiment.seed = seed;
    if let Some((_, rule)) = fold {
        experiment.split.rule = rule.clone();
    }
    Trial {
        name: RoundName {
            seed: Some(seed),
            fold: fold.map(|(fold, _)| fold),
            ..RoundName::of_organs(organs)
        },
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

/// `estimates.csv` and `comparison.csv` for programs, and for people one document in each form,
/// organ by organ, the verdict first.
fn write_tables(
    comparisons: &BTreeMap<String, Comparison>,
    is_leaky: bool,
    out: &Path,
) -> anyhow::Result<()> {
    let by_organ: Vec<(&String, [Table; 2])> = comparisons
        .iter()
        .map(|(organ, comparison)| {
            let tables = comparison_tables(comparison);
            let stamped = |table: Table| {
                if is_leaky {
                    table.stamped(LEAKY, LEAKY_BECAUSE)
                } else {
                    table
                }
            };
            (organ, tables.map(stamped))
        })
        .collect();
    for (idx, name) in ["estimates.csv", "comparison.csv"].into_iter().enumerate() {
        let of_organs = by_organ
            .iter()
            .map(|(organ, tables)| (*organ, &tables[idx]));
        let csv = stacked("organ", of_organs).map_or(String::new(), |table| table.to_csv());
        write_whole_bytes(&out.join(name), csv.as_bytes())
            .with_context(|| format!("cannot write {name}"))?;
    }
    let tables: Vec<(&String, Table)> = by_organ
        .into_iter()
        .flat_map(|(organ, tables)| tables.map(|table| (organ, table)))
        .map(|(organ, table)| {
            let title = format!("{organ}: {}", table.title);
            (organ, Table { title, ..table })
        })
        .collect();
    let all = |form: fn(&Table) -> String| -> String {
        let forms = tables.iter().map(|(_, table)| form(table));
        forms.collect::<Vec<_>>().join("\n")
    };
    let mut markdown = String::new();
    if is_leaky {
        markdown.push_str(LEAKY_BECAUSE);
        markdown.push_str("\n\n");
    }
    for (organ, comparison) in comparisons {
        markdown.extend(["## ", organ, "\n\n**", &comparison.verdict, "**\n\n"]);
        let of_organ = tables.iter().filter(|(of, _)| *of == organ);
        markdown.extend(of_organ.map(|(_, table)| table.to_markdown() + "\n"));
    }
    let forms = [
        ("md", markdown),
        ("tex", all(Table::to_latex)),
        ("html", all(Table::to_html)),
    ];
    write_forms(&out.join("comparison"), forms)
}
