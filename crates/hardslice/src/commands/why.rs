//! `hardslice why`: why a slice is in the training set, or is not.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, anyhow};
use clap::Args;
use hardslice_data::balance::{Arm, Plan, PlanEntry};
use hardslice_data::mining::ledger::{self, LedgerRow};
use hardslice_data::mining::read_plan;
use hardslice_data::mining::triage::Triage;
use hardslice_data::split::{Fold, Split};
use hardslice_data::store::Store;
use hardslice_data::{CaseId, Organ};
use hardslice_train::layout::RoundDir;
use hardslice_volume::whole_file::read_json;
use serde_json::{Value, json};

use super::label_args::organ;
use crate::bars::Bars;
use crate::by_hand::ByHand;
use crate::done::Done;
use crate::hard_slices::check_scored;
use crate::layout::{OutDir, RoundName};
use crate::review::verdicts_on;

/// Say why a slice is in the training set, or is not.
///
/// A sentence for its fold, one for what each mining said of it, and one for each arm: how often an
/// epoch of its second half shows the slice, and why; and what reviewers said (`review`). `CASE` alone lists the slices of the case.
///
/// Reads what `run`, `compare` or `sweep` left, or `mine` (with --store). Slices are
/// counted from 0, from the feet up.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The case and the slice, as `phantom_003:17`, or the case alone.
    #[arg(value_name = "CASE[:SLICE]")]
    what: Asked,
    /// The folder that the command left.
    #[arg(long = "in", value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// The prepared cohort, in place of DIR/store.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The folds, in place of those in DIR.
    #[arg(long, value_name = "FILE.json")]
    split: Option<PathBuf>,
    /// Only this arm.
    #[arg(long, value_name = "ARM")]
    arm: Option<Arm>,
    /// Only this organ.
    #[arg(long, value_name = "ORGAN", value_parser = organ)]
    organ: Option<Organ>,
    /// Print JSON for scripts, in place of text.
    #[arg(long)]
    json: bool,
}

/// A case, and one of its slices.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    case: String,
    z: Option<u32>,
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A case's own name may hold colons; the number after the last one is the slice.
        let (case, z) = match text.rsplit_once(':') {
            Some((case, z)) => {
                let z = z.parse().ok().ok_or_else(|| {
                    format!("`{z}` is no slice: wanted CASE:SLICE, as phantom_003:17")
                })?;
                (case, Some(z))
            }
            None => (text, None),
        };
        let case = case.to_owned();
        Ok(Self { case, z })
    }
}

impl Why {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let store = self.store.clone().unwrap_or_else(|| self.dir.join("store"));
        let store = Store::open(&store).with_context(|| {
            format!(
                "there is no prepared cohort in {}: name the folder that the command left with --in, or \
                 the cohort with --store",
                store.display()
            )
        })?;
        let case_idx = self.case_idx(&store)?;
        let case = &store.cases()[case_idx];
        let out = OutDir::new(&self.dir);
        // What `mine` leaves is the mining of one round.
        let of_mine = RoundDir::new(&self.dir);
        let rounds: Vec<(RoundName, RoundDir)> = if of_mine.mining().plan().exists() {
            vec![(RoundName::default(), of_mine)]
        } else {
            let names = out.rounds()?.into_iter();
            names.map(|name| (name.clone(), out.round(&name))).collect()
        };
        if rounds.is_empty() {
            return Err(anyhow!(
                "nothing was trained or mined in {}: wanted the folder that `run`, `compare`, \
                 `sweep` or `mine` left",
                self.dir.display()
            ));
        }
        self.check_what_is_asked(&rounds)?;
        let reviewed = match self.what.z {
            Some(z) => verdicts_on(&self.dir, &store, case_idx, z)?,
            None => Vec::new(),
        };
        let mut in_json = Vec::new();
        for (name, round) in rounds {
            let answer = Answer {
                round: &round,
                store: &store,
                case: &case.id,
                case_idx,
                arm: self.arm,
                organ: self.organ.as_ref(),
            };
            if self.json {
                let mut of_round = answer.as_json(self.what.z)?;
                of_round["round"] = json!(name.to_string());
                if self.what.z.is_some() {
                    let fold = self.fold(&name, &round, &case.id)?.fold();
                    of_round["reviewed"] = json!(reviewed);
                    of_round["fold"] = json!(fold.map(|fold| format!("{fold:?}").to_lowercase()));
                }
                in_json.push(of_round);
                continue;
            }
            bars.print(&name.to_string())?;
            let lines = match self.what.z {
                Some(z) => answer.of_slice(z, self.fold(&name, &round, &case.id)?)?,
                None => answer.of_case(self.fold(&name, &round, &case.id)?)?,
            };
            for line in lines.iter().chain(&reviewed) {
                bars.print(&format!("  {line}"))?;
            }
        }
        if self.json {
            bars.print(&serde_json::to_string_pretty(&in_json)?)?;
        }
        Ok(Done::Clean)
    }

    /// The place of the case in the store; refused is one that is not there, or lacks the slice.
    fn case_idx(&self, store: &Store) -> anyhow::Result<usize> {
        let cases = store.cases();
        let case_idx = store.place_of(&self.what.case);
        let case_idx = case_idx.ok_or_else(|| {
            anyhow!(
                "there is no case `{}` in {}; it has {}",
                self.what.case,
                store.dir().display(),
                cases
                    .iter()
                    .map(|case| case.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        })?;
        let case = &cases[case_idx];
        if let Some(z) = self.what.z
            && z as usize >= case.n_slices
        {
            return Err(anyhow!(
                "the case `{}` has slices 0 to {}, not {z}",
                case.id,
                case.n_slices - 1
            ));
        }
        Ok(case_idx)
    }

    /// Refuses an organ that no mining scored, and an arm that was not trained.
    fn check_what_is_asked(&self, rounds: &[(RoundName, RoundDir)]) -> anyhow::Result<()> {
        if let Some(organ) = &self.organ {
            let mut scored = BTreeSet::new();
            for (_, round) in rounds {
                for mining in round.minings() {
                    scored.extend(
                        ledger::read(&mining.ledger())?
                            .into_iter()
                            .map(|row| row.organ),
                    );
                }
            }
            check_scored(organ, &scored)?;
        }
        let Some(arm) = self.arm else {
            return Ok(());
        };
        let mut there = BTreeSet::new();
        for (_, round) in rounds {
            there.extend(plans_of(round)?.into_iter().map(|(arm, _)| arm));
        }
        if there.contains(&arm) {
            return Ok(());
        }
        let there: Vec<&str> = there.into_iter().map(Arm::name).collect();
        Err(anyhow!(
            "the arm `{arm}` was not trained in {}: there is {}",
            self.dir.display(),
            there.join(", ")
        ))
    }

    /// The fold of a case in the split that a round was made with.
    fn fold(&self, round: &RoundName, dir: &RoundDir, case: &CaseId) -> anyhow::Result<FoldOf> {
        let by_hand = ByHand::of(dir)?;
        let path = match (&self.split, by_hand) {
            (Some(path), _) => path.clone(),
            (None, None) => self.dir.join(round.split()),
            (None, Some(by_hand)) => match by_hand.split {
                Some(path) => path,
                None => return Ok(FoldOf::NoFolds),
            },
        };
        let split = read_json::<Split>(&path).context("give the file of the folds with --split")?;
        Ok(match split.fold_of(case) {
            Some(fold) => FoldOf::In(fold),
            None => FoldOf::LeftOut,
        })
    }
}

/// Where a case is in a round's split.
#[derive(Clone, Copy)]
enum FoldOf {
    In(Fold),
    LeftOut,
    /// The predictions of another program were mined, of whom nobody said whom it knows.
    NoFolds,
}

impl FoldOf {
    fn fold(self) -> Option<Fold> {
        match self {
            Self::In(fold) => Some(fold),
            Self::LeftOut | Self::NoFolds => None,
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::In(Fold::Test) => "its patient is a test patient: no arm may train on it",
            Self::In(Fold::Validation) => {
                "its patient is held out for validation: no arm trains on it"
            }
            Self::In(Fold::A) => "its patient is in A, which is mined",
            Self::In(Fold::B) => "its patient is in B, which is trained on from the start",
            Self::LeftOut => "its case was left out of the split",
            Self::NoFolds => "mined without folds: every case that was predicted is taken for A",
        }
    }
}

/// What a round knows of a case.
struct Answer<'a> {
    round: &'a RoundDir,
    store: &'a Store,
    case: &'a CaseId,
    case_idx: usize,
    arm: Option<Arm>,
    organ: Option<&'a Organ>,
}

impl Answer<'_> {
    fn of_slice(&self, z: u32, fold: FoldOf) -> anyhow::Result<Vec<String>> {
        let mut lines = vec![fold.in_words().to_owned()];
        for row in self.ledger_rows()? {
            if row.z == z {
                lines.push(row_in_words(&row));
            }
        }
        for (arm, plan) in self.plans()? {
            let entry = plan.entries().iter().find(|entry| self.is_its(entry, z));
            lines.push(format!("{arm}: {}", entry_in_words(entry)));
        }
        Ok(lines)
    }

    /// What each mining saw and decided, and, for one slice, its weight in each arm.
    fn as_json(&self, z: Option<u32>) -> anyhow::Result<Value> {
        let rows = self.ledger_rows()?.into_iter();
        let rows = rows.filter(|row| z.is_none_or(|z| row.z == z)).map(|row| {
            json!({
                "z": row.z,
                "organ": row.organ,
                "mining_round": row.round,
                "kind": row.kind.name(),
                "dice": row.dice,
                "tau": row.tau,
                "decision": row.decision.to_string(),
                "reason": row.reason,
                "triage": row.triage.map(Triage::name),
                "triage_reason": row.triage_reason,
            })
        });
        let mut answer = json!({ "case": self.case, "mined": rows.collect::<Vec<_>>() });
        if let Some(z) = z {
            let plans = self.plans()?.into_iter();
            let arms = plans.map(|(arm, plan)| {
                let entry = plan.entries().iter().find(|entry| self.is_its(entry, z));
                json!({
                    "arm": arm.name(),
                    "weight": entry.map_or(0.0, |entry| entry.weight),
                    "reason": entry.map(|entry| entry.reason.sentence()),
                })
            });
            answer["arms"] = arms.collect();
        }
        Ok(answer)
    }

    /// A line for each slice that a mining scored.
    fn of_case(&self, fold: FoldOf) -> anyhow::Result<Vec<String>> {
        let rows = self.ledger_rows()?;
        if rows.is_empty() {
            let is_mined = self
                .round
                .minings()
                .iter()
                .any(|mining| mining.ledger().exists());
            let why = match (fold, self.organ) {
                (FoldOf::In(Fold::A), _) if !is_mined => "nothing was mined here",
                (FoldOf::In(Fold::A), Some(_)) => "the organ is not annotated in it",
                (FoldOf::In(Fold::A), None) => "no organ is annotated in it",
                (FoldOf::NoFolds, _) => {
                    "there was no prediction of it, or the organ is not annotated in it"
                }
                (fold, _) => fold.in_words(),
            };
            return Ok(vec![format!("none of its slices was scored: {why}")]);
        }
        let line = |row: &LedgerRow| {
            format!(
                "{:>4}  {:<12} {:<4} {}",
                row.z, row.kind, row.decision, row.reason
            )
        };
        Ok(rows.iter().map(line).collect())
    }

    fn is_its(&self, entry: &PlanEntry, z: u32) -> bool {
        entry.slice.case() == self.case_idx && entry.slice.z == z
    }

    /// The rows of the case in every ledger of the round: of A, of B, and of later rounds.
    fn ledger_rows(&self) -> anyhow::Result<Vec<LedgerRow>> {
        let mut rows = Vec::new();
        for mining in self.round.minings() {
            let of_case = ledger::read(&mining.ledger())?.into_iter();
            rows.extend(of_case.filter(|row| {
                row.case == *self.case && self.organ.is_none_or(|organ| *organ == row.organ)
            }));
        }
        Ok(rows)
    }

    /// The plans of the arms.
    fn plans(&self) -> anyhow::Result<Vec<(Arm, Plan)>> {
        let mut plans = Vec::new();
        for (arm, path) in plans_of(self.round)? {
            if self.arm.is_none_or(|wanted| wanted == arm) {
                plans.push((arm, read_plan(&path, self.store)?));
            }
        }
        Ok(plans)
    }
}

/// The plans of the arms that were trained, of one in several parts that of the last, and the one that
/// mining left where its arm was not trained.
fn plans_of(round: &RoundDir) -> anyhow::Result<Vec<(Arm, PathBuf)>> {
    let mined = ByHand::of(round)?.map_or(Arm::Hard, |by_hand| by_hand.arm);
    let plans = Arm::ALL.into_iter().filter_map(|arm| {
        let of_arm = round.arm(arm).training().plan();
        let of_mining = (arm == mined).then(|| round.mining().plan());
        let plan = std::iter::once(of_arm)
            .chain(of_mining)
            .find(|path| path.exists())?;
        Some((arm, plan))
    });
    Ok(plans.collect())
}

fn row_in_words(row: &LedgerRow) -> String {
    let round = if row.round > 0 {
        format!(" in round {}", row.round)
    } else {
        String::new()
    };
    let triage = match (&row.triage, &row.triage_reason) {
        (Some(triage), Some(reason)) => format!("; {triage}: {reason}"),
        _ => String::new(),
    };
    format!(
        "{} for the {}{round}: {}{triage}",
        row.decision, row.organ, row.reason
    )
}

fn entry_in_words(entry: Option<&PlanEntry>) -> String {
    let Some(PlanEntry { weight, reason, .. }) = entry else {
        return "not shown".to_owned();
    };
    let why = reason.sentence();
    format!("shown {weight:.2} times an epoch: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_a_case_and_maybe_a_slice() {
        let asked = |text: &str| text.parse::<Asked>();
        let of = |case: &str, z| {
            Ok(Asked {
                case: case.to_owned(),
                z,
            })
        };
        assert_eq!(asked("phantom_003:17"), of("phantom_003", Some(17)));
        assert_eq!(
            asked("site:3:17"),
            of("site:3", Some(17)),
            "the last one counts"
        );
        assert_eq!(asked("phantom_003"), of("phantom_003", None));
        assert!(asked("phantom_003:x").unwrap_err().contains("no slice"));
    }
}
