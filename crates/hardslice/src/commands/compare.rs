//! `hardslice compare`: arms against their controls, over patients and seeds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use hardslice_data::manifest::Manifest;
use hardslice_data::mining::triage::Exclude;
use hardslice_data::split::{CaseFacts, facts};
use hardslice_data::{CaseId, Organ, PatientId, identity};
use hardslice_eval::OVER_TRAININGS;
use hardslice_eval::compare::{ArmScore, CompareError, Comparison, ComparisonPlan};
use hardslice_train::round::RoundOutcome;
use hardslice_view::table::{Table, comparison_tables, stacked};
use hardslice_volume::whole_file::{read_json_if_there, write_json, write_whole_bytes};
use hardslice_volume::{Action, FileError};
use serde::{Deserialize, Serialize};

use super::campaign_args::{CampaignArgs, all_listed_folds, announce};
use crate::arms::{compare_arms, comparison_plan};
use crate::bars::Bars;
use crate::campaign::{JobsOrigin, ScoreRow, Seeds, Splits, Trial, named_outcomes, write_scores};
use crate::cohort::{PreparedCohort, read_manifest, trained_organs};
use crate::controls::shared_slices;
use crate::done::Done;
use crate::experiment::Experiment;
use crate::job_folder::Alone;
use crate::layout::{COMPARISON_FORMS, LeftBy, OutDir, RoundName};
use crate::pipeline::{conclude, fail_if_an_arm_did, nets};
use crate::power::{Planned, lacking_references};
use crate::report;
use crate::results::{LEAKY, LEAKY_BECAUSE, arm_score, write_forms};

/// Compare arms at the same number of steps, over patients and seeds, with controls.
///
/// Every arm of the experiment is trained with every seed and every division of the training
/// patients into A and B; then, and not before, the test set is opened. How arms will be compared is
/// written and hashed first: the Dice that the worst of five patients is expected to have decides,
/// the mean is tested beside it, worst tenth and minimum are described. Patients, trainings and
/// divisions are all taken to be random: that hard slices help is said where the interval of the
/// difference lies above 0 against the baseline and against the random control, and of fewer than
/// three trainings nothing is said, and neither from a random control more than half of whose slices
/// are those of the arm, because its patients had too few others left. p and intervals are corrected
/// for the number of arms and organs.
/// Where nothing is significant, it says so.
///
/// An arm that chooses slices is compared with the baseline and with the control that draws as many
/// at random (`hard`: `random_matched`; `all_emphasised`: `all_random`; docs/experiment.md has all);
/// a baseline with another loss is compared with the baseline alone. With a rule of the split that
/// has folds (`k_fold`, `leave_one_out`) all of them are run, and each patient is scored by the nets
/// that did not see them.
///
/// With --dry-run it prints what it would take, how likely a gain would be found, and what would be
/// needed to find it in 80 of 100 experiments; with --like EARLIER for patients and nets that vary as
/// those of an earlier comparison did.
///
/// Stopped at any moment, the same command goes on where it was.
///
/// Leaves in DIR: report.html, comparison.md (also .tex, .html), comparison.csv and estimates.csv,
/// comparison.json, `comparison_plan.json`, scores.csv, store/, split.json and seed-<n>/<organ>/
/// with a folder for each arm, as `run` leaves it; with folds split-<k>.json and
/// seed-<n>/fold-<k>/<organ>/, with several divisions split-division-<m>.json and
/// seed-<n>/division-<m>/<organ>/. scores.csv has the score of every training: with
/// `comparison_plan.json` it is all that differences and tests are made of. The notes of the verdict
/// tell which gains such a comparison finds, with patients and nets that vary as these do.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    #[command(flatten)]
    common: CampaignArgs,
    /// How many seeds (5 is 0 to 4), or which (3,7,11; `7,` is one). They change the training, not
    /// the folds. Of fewer than three trainings an arm (seeds times divisions) nothing can be said.
    #[arg(long, value_name = "SEEDS", default_value = "3")]
    seeds: Seeds,
    /// How many divisions of the same training patients into A and B; each is trained with every
    /// seed. The test patients stay the same. Two tell next to nothing of how divisions vary: take
    /// one, or three and more.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    splits: u64,
    /// With --dry-run: an earlier comparison's folder, or its scores.csv, as whose patients and nets
    /// those of this one are taken to vary. Without it they are assumed.
    #[arg(long, value_name = "EARLIER", requires = "dry_run")]
    like: Option<PathBuf>,
}

/// `comparison_plan.json`: what was fixed before the test set was opened.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct FixedPlan {
    plan: ComparisonPlan,
    plan_blake3: String,
    /// Hash of the experiment, the organs, the seeds, the number of divisions and the cohort.
    experiment_blake3: String,
}

impl Compare {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let mut experiment = self.common.experiment()?;
        let out = OutDir::new(&self.common.out);
        let device = self.common.device.open_in(&mut experiment, &out)?;
        let campaign = self.common.campaign(&experiment, &device, bars);
        if let Some(id) = self.common.queue.job {
            return campaign.do_job(id, |cohort| {
                let trials = self.trials_of(&experiment, cohort);
                Ok((trials, self.identity(&experiment, cohort)?))
            });
        }
        let manifest = read_manifest(&experiment)?;
        let organs = trained_organs(&experiment, &manifest.organs)?;
        let plan = comparison_plan(&experiment.arms, organs.len())?;
        if self.common.dry_run {
            let cases = manifest.cases.iter();
            let cases = cases.map(|case| (&case.patient, case.organs_annotated.as_slice()));
            let trials = self.trials(&experiment, &organs, cases);
            let splits = all_listed_folds(&manifest, &organs, &trials)?;
            announce(&campaign, &trials)?;
            let tested = tested(&manifest, &organs, &splits);
            for line in self.power(&plan, &tested, bars)? {
                bars.print(&line)?;
            }
            return Ok(Done::Clean);
        }
        out.refuse_other_command(LeftBy::Compare)?;
        let mut lock = Alone::of(&out)?;
        let cohort = campaign.prepare()?;
        let trials = self.trials_of(&experiment, &cohort);
        announce(&campaign, &trials)?;
        for line in lacking_references(&plan) {
            bars.line(&format!("warning: {line}"));
        }
        // Before anything is trained: with tau = "paper" the test set is opened for the threshold.
        let hash = self.identity(&experiment, &cohort)?;
        let is_open = campaign.out.holds_an_evaluation()?;
        fix(
            &plan,
            hash.clone(),
            is_open,
            &campaign.out.comparison_plan(),
            bars,
        )?;
        let splits = campaign.splits(&cohort, &trials)?;
        check_that_organs_are_tested(&cohort, &splits)?;
        campaign.check(&cohort, &trials, &splits)?;
        if self.common.queue.write_jobs {
            let splits = ["--splits".to_owned(), self.splits.to_string()];
            let own = self.seeds.as_given().into_iter().chain(splits).collect();
            let origin = JobsOrigin {
                command: self.common.command("compare", own)?,
                campaign_blake3: hash,
            };
            campaign.write_jobs(&mut lock, &trials, &origin)?;
            return Ok(cohort.done);
        }
        let failed = campaign.train(&cohort, &trials, &splits)?;
        campaign.mark_jobs_done(&trials, &hash, &failed)?;

        campaign.record(&cohort)?;
        let outcomes = campaign.evaluate(&cohort, &trials, &splits, &failed)?;
        let compared = self.compare(&cohort, &trials, &outcomes, &plan, bars);
        // What an arm's failure leaves of the comparison is told with that failure.
        if compared.is_err() {
            fail_if_an_arm_did(named_outcomes(&trials, &outcomes))?;
        }
        let compared = compared?;
        lock.check()?;
        report::write_or_warn(&self.common.out, bars)?;
        let ended = conclude(named_outcomes(&trials, &outcomes), bars)?;
        Ok(cohort.done.and(compared).and(ended))
    }

    /// The rounds over the patients of a cohort that is prepared.
    fn trials_of(&self, experiment: &Experiment, cohort: &PreparedCohort) -> Vec<Trial> {
        let cases = cohort.store.cases().iter();
        let cases = cases.map(|case| (&case.patient, case.organs_annotated.as_slice()));
        self.trials(experiment, &cohort.organs, cases)
    }

    /// Hash of all that decides which rounds there are and what they leave.
    fn identity(&self, experiment: &Experiment, cohort: &PreparedCohort) -> anyhow::Result<String> {
        let of_all = (
            experiment.without_folders()?,
            &cohort.organs,
            &self.seeds.0,
            self.splits,
        );
        Ok(identity(&(of_all, cohort.store.content_hash())))
    }

    fn compare(
        &self,
        cohort: &PreparedCohort,
        trials: &[Trial],
        outcomes: &[RoundOutcome],
        plan: &ComparisonPlan,
        bars: &Bars,
    ) -> anyhow::Result<Done> {
        let out = OutDir::new(&self.common.out);
        let rows: Vec<ScoreRow> = trials
            .iter()
            .zip(outcomes)
            .flat_map(|(trial, outcome)| trial.scores(outcome))
            .collect();
        let is_leaky = outcomes.iter().any(|outcome| outcome.leaky);
        write_scores(&out.scores(), &rows, cohort.store.cases(), is_leaky)?;
        let failed: Vec<String> = failed_notes(trials, outcomes);
        let mut comparisons: BTreeMap<String, Comparison> = BTreeMap::new();
        let mut not_compared: Vec<(&Organ, CompareError)> = Vec::new();
        for organ in &cohort.organs {
            let of_organ = rows.iter().filter(|row| row.score.organ == *organ);
            let cases = cohort.store.cases();
            let scores =
                of_organ.map(|row| arm_score(cases, row.arm.name(), row.training, &row.score));
            let scores: Vec<ArmScore> = scores.collect::<anyhow::Result<_>>()?;
            let mut shared = Vec::new();
            for trial in trials.iter().filter(|trial| trial.organs.contains(organ)) {
                let (round, training) = (out.round(&trial.name), trial.name.training());
                shared.extend(shared_slices(&cohort.store, &round, training, plan)?);
            }
            let mut compared = match compare_arms(plan, &scores, &shared) {
                Ok(compared) => compared,
                Err(error @ CompareError::NothingShared { .. }) => {
                    not_compared.push((organ, error));
                    continue;
                }
                Err(error) => return Err(cannot_be_compared(organ, error)),
            };
            if trials
                .iter()
                .any(|trial| trial.name.training() != trials[0].name.training())
            {
                compared.notes.push(OVER_TRAININGS.to_owned());
            }
            compared.notes.extend(failed.iter().cloned());
            compared.notes.extend(cleaned_note(&trials[0].experiment));
            if is_leaky {
                compared.verdict = format!("{LEAKY}. {}", compared.verdict);
                compared.notes.insert(0, LEAKY_BECAUSE.to_owned());
            }
            comparisons.insert(organ.to_string(), compared);
        }
        for (organ, error) in &not_compared {
            let said = format!("The arms cannot be compared on the {organ}: {error}.");
            bars.line(&format!("warning: {said}"));
            let notes = comparisons.values_mut().map(|compared| &mut compared.notes);
            notes.for_each(|notes| notes.push(said.clone()));
        }
        if comparisons.is_empty()
            && let Some((organ, error)) = not_compared.pop()
        {
            return Err(cannot_be_compared(organ, error));
        }
        write_json(&out.comparison(), &comparisons)?;
        write_tables(&comparisons, is_leaky, &out)?;
        for (organ, comparison) in &comparisons {
            bars.print(&format!("{organ}: {}", comparison.verdict))?;
        }
        Ok(if not_compared.is_empty() {
            Done::Clean
        } else {
            Done::Findings
        })
    }

    /// How likely a gain is found, and what it would take to find it in 80 of 100 experiments, with so
    /// many test patients of each organ.
    fn power(
        &self,
        plan: &ComparisonPlan,
        tested: &[(Organ, usize)],
        bars: &Bars,
    ) -> anyhow::Result<Vec<String>> {
        let planned = Planned {
            plan,
            tested,
            n_splits: usize::try_from(self.splits)?,
            n_seeds: self.seeds.0.len(),
        };
        match &self.like {
            Some(earlier) => planned.power_like(earlier, bars),
            None => Ok(planned.power(bars)),
        }
    }

    /// A round for each net, seed, division and fold. The folds depend on the patients of whom some
    /// organ is annotated.
    fn trials<'c>(
        &self,
        experiment: &Experiment,
        organs: &[Organ],
        cases: impl Iterator<Item = (&'c PatientId, &'c [Organ])>,
    ) -> Vec<Trial> {
        let rule = &experiment.split.rule;
        let rules = rule.all_folds(usable(organs, cases));
        let rules = rules.map_or(vec![None], |rules| rules.into_iter().map(Some).collect());
        let mut trials = Vec::new();
        for organs in nets(experiment, organs) {
            for seed in &self.seeds.0 {
                for division in 0..self.splits {
                    for (fold, rule) in rules.iter().enumerate() {
                        let mut trial = trial(experiment, &organs, *seed);
                        if self.splits > 1 {
                            trial.experiment.split.division = division;
                            trial.name.division = Some(division);
                        }
                        if let Some(rule) = rule {
                            trial.experiment.split.rule = rule.clone();
                            trial.name.fold = Some(fold);
                        }
                        trials.push(trial);
                    }
                }
            }
        }
        trials
    }
}

/// What must be known where slices are kept out of some arms.
fn cleaned_note(experiment: &Experiment) -> Option<String> {
    let kept_out = experiment.mining.exclude != Exclude::default();
    kept_out.then(|| {
        "Slices are excluded from the second halves of the arms that mine, and not from the baseline: a \
         gain over it may be one of cleaner labels. The random controls leave them out, too."
            .to_owned()
    })
}

fn cannot_be_compared(organ: &Organ, error: CompareError) -> anyhow::Error {
    anyhow::Error::from(error).context(format!("the arms cannot be compared on the {organ}"))
}

/// What must be known of a comparison in which trainings failed.
fn failed_notes(trials: &[Trial], outcomes: &[RoundOutcome]) -> Vec<String> {
    let of_trial = |(trial, outcome): (&Trial, &RoundOutcome)| {
        let failed = outcome.failed.iter();
        let note = failed.map(|failed| {
            format!(
                "The arm `{}` has no scores in {}: {}.",
                failed.arm, trial.name, failed.because
            )
        });
        let not_learnt = outcome.not_learnt.iter();
        let not_learnt = not_learnt.map(|net| {
            format!(
                "In {} {}, and was not given up: the scores that it has or led to count all the same.",
                trial.name,
                net.sentence()
            )
        });
        note.chain(not_learnt).collect::<Vec<_>>()
    };
    trials.iter().zip(outcomes).flat_map(of_trial).collect()
}

/// How many patients are tested of each organ, in all folds together.
fn tested(manifest: &Manifest, organs: &[Organ], splits: &Splits) -> Vec<(Organ, usize)> {
    let test: BTreeSet<&CaseId> = splits.values().flat_map(|split| &split.test).collect();
    let of_organ = |organ: &Organ| {
        let cases = manifest.cases.iter().filter(|case| test.contains(&case.id));
        let annotated = cases.filter(|case| case.organs_annotated.contains(organ));
        let patients: BTreeSet<&PatientId> = annotated.map(|case| &case.patient).collect();
        (organ.clone(), patients.len())
    };
    organs.iter().map(of_organ).collect()
}

/// The patients of whom some organ is annotated.
fn usable<'c>(
    organs: &[Organ],
    cases: impl Iterator<Item = (&'c PatientId, &'c [Organ])>,
) -> impl Iterator<Item = &'c PatientId> {
    let is_usable = |annotated: &[Organ]| annotated.iter().any(|organ| organs.contains(organ));
    let usable = cases.filter(move |(_, annotated)| is_usable(annotated));
    usable.map(|(patient, _)| patient)
}

/// Refuses organs that no test patient shows: where nothing is, Dice has no value.
fn check_that_organs_are_tested(cohort: &PreparedCohort, splits: &Splits) -> anyhow::Result<()> {
    let tested: BTreeSet<&CaseId> = splits.values().flat_map(|split| &split.test).collect();
    let facts = facts(&cohort.store, &cohort.organs);
    for (organ_idx, organ) in cohort.organs.iter().enumerate() {
        let shows = |case: &CaseFacts| {
            let (_, n_positive) = case.n_positive[organ_idx];
            tested.contains(&case.id) && n_positive.is_some_and(|n| n > 0)
        };
        if !facts.iter().any(shows) {
            return Err(anyhow!(
                "no slice of a test patient shows `{organ}`, so that no score of it could be compared: \
                 take other test patients in [split], or take the organ out of organs"
            ));
        }
    }
    Ok(())
}

fn trial(experiment: &Experiment, organs: &[Organ], seed: u64) -> Trial {
    let experiment = Experiment {
        seed,
        ..experiment.clone()
    };
    Trial {
        name: RoundName {
            seed: Some(seed),
            ..RoundName::of_organs(organs)
        },
        experiment,
        organs: organs.to_vec(),
    }
}

/// Writes the plan, or checks that it is the one that was fixed before. One that was fixed may be
/// changed as long as no test patient was looked at.
fn fix(
    plan: &ComparisonPlan,
    experiment_blake3: String,
    is_open: bool,
    path: &Path,
    bars: &Bars,
) -> anyhow::Result<()> {
    let fixed = FixedPlan {
        plan: plan.clone(),
        plan_blake3: plan.hash(),
        experiment_blake3,
    };
    if let Some(before) = read_json_if_there::<FixedPlan>(path)? {
        if before == fixed {
            return Ok(());
        }
        if is_open {
            return Err(anyhow!(
                "the test set was opened for another plan, seeds, experiment or cohort, which \
                 stands in {}: a plan must not change by what it found; take another --out folder",
                path.display()
            ));
        }
        bars.tell(&format!(
            "note: no test patient was looked at yet: the plan is fixed anew ({})",
            path.display()
        ));
    }
    Ok(write_json(path, &fixed)?)
}

/// `estimates.csv` and `comparison.csv` for programs, and for people one document in each form,
/// organ by organ, the verdict first.
fn write_tables(
    comparisons: &BTreeMap<String, Comparison>,
    is_leaky: bool,
    out: &OutDir,
) -> Result<(), FileError> {
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
    for (idx, path) in out.comparison_tables().into_iter().enumerate() {
        let of_organs = by_organ
            .iter()
            .map(|(organ, tables)| (*organ, &tables[idx]));
        let csv = stacked("organ", of_organs).map_or(String::new(), |table| table.to_csv());
        write_whole_bytes(&path, csv.as_bytes()).map_err(Action::Write.on(&path))?;
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
    let forms = [markdown, all(Table::to_latex), all(Table::to_html)];
    write_forms(
        &out.comparison_stem(),
        COMPARISON_FORMS.into_iter().zip(forms),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use hardslice_data::balance::Arm;

    #[test]
    fn a_plan_that_was_fixed_and_cannot_be_read_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("comparison_plan.json");
        let plan = comparison_plan(&[Arm::Baseline, Arm::Hard], 1).unwrap();
        let bars = Bars::new(true);
        let fix = |of: &str, is_open| super::fix(&plan, of.to_owned(), is_open, &path, &bars);
        let fixed = || fix("of this experiment", true);
        fix("of one that was mistyped", false).unwrap();
        fix("of this experiment", false).unwrap();
        fixed().unwrap();
        let other = fix("of another one", true).unwrap_err();
        assert!(
            other.to_string().contains("opened for another plan"),
            "{other}"
        );
        std::fs::write(&path, "{").unwrap();
        let refused = fixed().unwrap_err().to_string();
        assert!(refused.starts_with("cannot read"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), b"{", "left as it is");
    }
}
