//! `hardslice triage`: which hard slices look mislabelled, broken or redundant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use hardslice_data::mining::ledger::LedgerRow;
use hardslice_data::mining::triage::Triage;
use hardslice_data::store::Store;
use hardslice_data::text::TableFile;
use hardslice_data::{Organ, OrganMap};
use hardslice_phantom::ErrorKind;
use hardslice_volume::Action;
use hardslice_volume::whole_file::write_whole_bytes;
use serde::Deserialize;
use serde::de::IntoDeserializer;

use super::label_args::organ;
use serde_json::json;

use crate::bars::Bars;
use crate::done::Done;
use crate::hard_slices::hard_slices;
use crate::outputs::{
    file_out, refuse_among_records, refuse_over_inputs, refuse_over_other_tables,
};
use crate::report::ledgers;

/// Say which hard slices look mislabelled, broken or redundant, rather than hard.
///
/// Suspect: the labels around a slice are like the model's prediction and not like its label, a label
/// ends where it is still large and the prediction goes on, or all that is labelled is a speck apart from
/// the organ. Broken: the slice is blank, or out
/// of line with its neighbours. Redundant: nearly the hard slice below it. Each finding says what it
/// rests on; look at the slice before you believe it (the report shows some).
///
/// Reads the ledgers that `run`, `compare`, `sweep` or `mine` left; of a comparison or a sweep those
/// of all rounds, each slice once. To keep such slices out of the training, mine with
/// `--exclude suspects`, or `exclude` in [mining].
#[derive(Debug, Args)]
pub(crate) struct TriageArgs {
    /// The folder that the command left.
    #[arg(long = "in", value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Only this organ.
    #[arg(long, value_name = "ORGAN", value_parser = organ)]
    organ: Option<Organ>,
    /// Also write all findings to this table.
    #[arg(long, value_name = "FILE.csv", value_parser = file_out(&[".csv"]))]
    out: Option<PathBuf>,
    /// The errors that were planted in phantoms (errors.csv): prints precision and recall.
    #[arg(long, value_name = "FILE.csv", requires = "store")]
    truth: Option<PathBuf>,
    /// The prepared cohort, to know the label values of organs.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Print JSON for scripts, in place of text.
    #[arg(long, conflicts_with = "truth")]
    json: bool,
}

/// The columns of the table of findings.
const COLUMNS: [&str; 7] = ["case", "z", "organ", "dice", "kind", "triage", "reason"];

impl TriageArgs {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        self.refuse_over_inputs()?;
        let hard = self.hard_slices()?;
        if self.json {
            bars.print(&as_json(&hard)?)?;
        } else if hard.is_empty() {
            bars.print("no slice was hard: there is nothing to look through")?;
        } else {
            for organ in organs(&hard) {
                let of_organ: Vec<&LedgerRow> =
                    hard.iter().filter(|row| row.organ == organ).collect();
                for line in lines(&organ, &of_organ) {
                    bars.print(&line)?;
                }
            }
        }
        if let (Some(truth), Some(store)) = (&self.truth, &self.store) {
            let store = Store::open(store)?;
            let planted = Planted::read(truth)?;
            for line in planted.compared(&hard, store.organs())? {
                bars.print(&line)?;
            }
        }
        if let Some(out) = &self.out {
            write_table(out, &hard)?;
        }
        Ok(if hard.iter().any(|row| row.triage.is_some()) {
            Done::Findings
        } else {
            Done::Clean
        })
    }

    fn refuse_over_inputs(&self) -> anyhow::Result<()> {
        let Some(out) = &self.out else {
            return Ok(());
        };
        let read = ledgers(&self.dir)?.into_iter().chain(self.truth.clone());
        let read = read.chain(self.store.clone());
        refuse_over_inputs([out.clone()], read)?;
        refuse_among_records(out)?;
        refuse_over_other_tables(out, &COLUMNS.join(","))
    }

    /// The hard rows of all ledgers, each slice and organ once: the first ledger that holds it.
    fn hard_slices(&self) -> anyhow::Result<Vec<LedgerRow>> {
        hard_slices(&self.dir, self.organ.as_ref())
    }
}

fn organs(rows: &[LedgerRow]) -> BTreeSet<Organ> {
    rows.iter().map(|row| row.organ.clone()).collect()
}

/// How many of an organ's hard slices are what, and which.
fn lines(organ: &Organ, rows: &[&LedgerRow]) -> Vec<String> {
    let of = |triage: Triage| -> Vec<&LedgerRow> {
        let mut of_triage: Vec<&LedgerRow> = rows.to_vec();
        of_triage.retain(|row| row.triage == Some(triage));
        of_triage
    };
    let counts = Triage::ALL.map(|triage| format!("{} {triage}", of(triage).len()));
    let mut lines = vec![format!(
        "{organ}: of {} hard slices {}",
        rows.len(),
        counts.join(", ")
    )];
    for triage in [Triage::Suspect, Triage::Broken] {
        for stretch in of(triage).chunk_by(|a, b| a.case == b.case && b.z == a.z + 1) {
            let (first, last) = (stretch[0], stretch[stretch.len() - 1]);
            let slices = if first.z == last.z {
                format!("slice {}", first.z)
            } else {
                format!("slices {} to {}", first.z, last.z)
            };
            let reason = first.triage_reason.as_deref().unwrap_or("no reason noted");
            lines.push(format!("  {triage:<8} {}, {slices}: {reason}", first.case));
        }
    }
    lines
}

/// How many slices were hard, and what was found of them: the table's columns.
fn as_json(rows: &[LedgerRow]) -> serde_json::Result<String> {
    let found = rows.iter().filter_map(|row| {
        Some(json!({
            "case": row.case,
            "z": row.z,
            "organ": row.organ,
            "dice": row.dice,
            "kind": row.kind.name(),
            "triage": row.triage?.name(),
            "reason": row.triage_reason,
        }))
    });
    serde_json::to_string_pretty(&json!({
        "n_hard": rows.len(),
        "findings": found.collect::<Vec<_>>(),
    }))
}

fn write_table(path: &Path, rows: &[LedgerRow]) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS)?;
    for row in rows {
        let Some(triage) = row.triage else { continue };
        table.write_record([
            row.case.as_str(),
            &row.z.to_string(),
            row.organ.as_str(),
            &row.dice.map_or(String::new(), |dice| dice.to_string()),
            row.kind.name(),
            triage.name(),
            row.triage_reason.as_deref().unwrap_or_default(),
        ])?;
    }
    Ok(write_whole_bytes(path, &table.into_inner()?).map_err(Action::Write.on(path))?)
}

/// The errors that were planted: kinds by case and slice, with the label that is wrong, or 0 where
/// the slice itself is.
struct Planted {
    kinds: BTreeMap<(String, u32, u16), ErrorKind>,
}

fn planted_kind(name: &str) -> Result<ErrorKind, serde::de::value::Error> {
    ErrorKind::deserialize(name.into_deserializer())
}

impl Planted {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let table = TableFile::read(path)?;
        let columns = ["case", "z", "label", "kind"].map(|name| table.column(&[name]));
        let [Some(case), Some(z), Some(label), Some(kind)] = columns else {
            return Err(anyhow!(
                "the columns are {}, wanted case, z, label and kind: {}",
                table.header.join(", "),
                path.display()
            ));
        };
        let mut kinds = BTreeMap::new();
        for row in &table.rows {
            let number = |at: usize, what: &str| {
                let cell = &row.cells[at];
                cell.parse::<u32>().with_context(|| {
                    format!(
                        "line {}: `{what}` is `{cell}`: {}",
                        row.line,
                        path.display()
                    )
                })
            };
            let label = if row.cells[label].is_empty() {
                0
            } else {
                u16::try_from(number(label, "label")?)?
            };
            let key = (row.cells[case].clone(), number(z, "z")?, label);
            let kind = planted_kind(&row.cells[kind]).with_context(|| {
                format!(
                    "line {} is not case,z,label,kind: {}",
                    row.line,
                    path.display()
                )
            })?;
            kinds.insert(key, kind);
        }
        Ok(Self { kinds })
    }

    /// The error of a slice that concerns an organ: that of its label before that of the scan.
    fn of(&self, row: &LedgerRow, labels: &[u16]) -> Option<ErrorKind> {
        let labels = labels.iter().copied().chain([0]);
        let mut kinds =
            labels.filter_map(|label| self.kinds.get(&(row.case.to_string(), row.z, label)));
        kinds.next().copied()
    }

    fn compared(&self, hard: &[LedgerRow], organs: &OrganMap) -> anyhow::Result<Vec<String>> {
        let rows = hard.iter().map(|row| {
            let mut entries = organs.entries().iter();
            let entry = entries.find(|entry| entry.organ == row.organ);
            let entry = entry.ok_or_else(|| {
                let organ = &row.organ;
                anyhow!("the ledger is of {organ}, which is not in the store; it has {organs}")
            })?;
            Ok((row.triage, self.of(row, &entry.labels)))
        });
        let rows: Vec<(Option<Triage>, Option<ErrorKind>)> = rows.collect::<anyhow::Result<_>>()?;
        let mut lines = Vec::new();
        for triage in Triage::ALL {
            let is_found = |found: Option<Triage>| found == Some(triage);
            let is_true =
                |kind: Option<ErrorKind>| kind.is_some_and(|kind| triage_of(kind) == triage);
            let n_found = rows.iter().filter(|(found, _)| is_found(*found)).count();
            let n_true = rows.iter().filter(|(_, kind)| is_true(*kind)).count();
            let both = |(found, kind): &&(Option<Triage>, Option<ErrorKind>)| {
                is_found(*found) && is_true(*kind)
            };
            let n_both = rows.iter().filter(both).count();
            let share = |of: usize| match of {
                0 => "none".to_owned(),
                of => format!("{:.3}", n_both as f64 / of as f64),
            };
            lines.push(format!(
                "planted, {triage}: precision {} ({n_both} of {n_found} found), recall {} ({n_both} \
                 of {n_true} hard slices with such an error)",
                share(n_found),
                share(n_true)
            ));
            let kinds = rows.iter().filter_map(|(_, kind)| *kind);
            let kinds: BTreeMap<&str, ErrorKind> = kinds.map(|kind| (kind.name(), kind)).collect();
            for (name, kind) in kinds {
                if triage_of(kind) != triage {
                    continue;
                }
                let of_kind = || rows.iter().filter(|(_, its)| *its == Some(kind));
                let n_found = of_kind().filter(|(found, _)| is_found(*found)).count();
                lines.push(format!("  {name:<10} {n_found} of {}", of_kind().count()));
            }
        }
        Ok(lines)
    }
}

/// What a planted error should be found as.
fn triage_of(kind: ErrorKind) -> Triage {
    match kind {
        ErrorKind::Blank | ErrorKind::Offset | ErrorKind::Misplaced => Triage::Broken,
        ErrorKind::Repeated => Triage::Redundant,
        ErrorKind::Missing
        | ErrorKind::CutShort
        | ErrorKind::Half
        | ErrorKind::Spilled
        | ErrorKind::Shifted
        | ErrorKind::Mirrored => Triage::Suspect,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_error_of_an_unknown_kind_is_refused_and_not_taken_for_a_wrong_label() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("errors.csv");
        let read = |row: &str| {
            fs::write(&path, format!("case,z,label,kind\n{row}\n")).unwrap();
            Planted::read(&path)
        };
        let planted = read("a,3,1,cut_short").unwrap();
        let key = ("a".to_owned(), 3, 1);
        assert_eq!(planted.kinds.get(&key), Some(&ErrorKind::CutShort));
        let refused = read("a,3,1,crooked").err().unwrap().to_string();
        assert!(
            refused.starts_with("line 2 is not case,z,label,kind"),
            "{refused}"
        );
    }
}
