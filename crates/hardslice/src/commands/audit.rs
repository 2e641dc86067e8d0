//! `hardslice audit`: what is wrong with a cohort.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use burn::tensor::Device;
use clap::Args;
use hardslice_data::audit::{
    AUDIT_COLUMNS, AuditOptions, AuditReport, CaseAudit, Kind, Severity, audit,
};
use hardslice_data::manifest::{self, Case, Manifest, PatientPattern, PatientRule, ReadOptions};
use hardslice_data::split::{Fold, Split};
use hardslice_data::{CaseId, Organ};
use hardslice_eval::compare::counted;

use super::label_args::organ_map;
use crate::bars::Bars;
use crate::cohort::{check_organs, read_manifest};
use crate::done::Done;
use crate::experiment::Experiment;
use crate::layout::provenance_beside;
use crate::notes::Notes;
use crate::outputs::{
    file_out, refuse_among_records, refuse_over_inputs, refuse_over_other_tables,
};
use crate::provenance;
use crate::provenance::MadeOf;

/// Read a cohort and tell what is wrong with it, case by case, before anything is trained.
///
/// Finds scans and labels that cannot be read, grids that differ (and by how much), labels outside
/// the map, empty labels, odd spacing, constant or clipped intensities, the same scan under two
/// names, one patient in two folds. Exit status 1 when a case cannot be used as it is.
///
/// The cohort is a table (columns case, patient, image, labels, organs), a TOML manifest, an
/// nnU-Net raw folder, a Decathlon dataset.json, or a folder of scans with their labels; or an
/// experiment's file, which says all of it.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// The cohort's table or folder, or the file of an experiment on it.
    #[arg(value_name = "COHORT")]
    cohort: PathBuf,
    /// An organ and its label values, as kidney=2,3, or the names of its structures, as
    /// `kidney=kidney_left,kidney_right`; the cohort's own list where it has one.
    #[arg(long = "label", value_name = "ORGAN=LABELS")]
    labels: Vec<String>,
    /// Finds the patient in a case's name where the cohort names none: a regular expression with one
    /// group, as ^(p[0-9]+)_.
    #[arg(long, value_name = "PATTERN", value_parser = PatientPattern::new)]
    patient: Option<PatientPattern>,
    /// A table with the columns case and patient, in place of --patient.
    #[arg(long, value_name = "FILE.csv", conflicts_with = "patient")]
    patients: Option<PathBuf>,
    /// How far the corners of a scan and of its labels may lie apart; what rounding to four
    /// decimals makes of a header when absent.
    #[arg(long, value_name = "MM", value_parser = super::distance_mm)]
    grid_tolerance_mm: Option<f64>,
    /// Folds to check.
    #[arg(long, value_name = "FILE.json")]
    split: Option<PathBuf>,
    /// Also write the findings as a table.
    #[arg(long, value_name = "FILE.csv", value_parser = file_out(&[".csv"]))]
    out: Option<PathBuf>,
    /// Print JSON for scripts, in place of text.
    #[arg(long)]
    json: bool,
}

/// A cohort, and how it is looked at.
struct Asked {
    manifest: Manifest,
    grid_tolerance_mm: Option<f64>,
    /// Files that name its cases.
    lists: Vec<PathBuf>,
}

impl Audit {
    fn read(&self) -> anyhow::Result<Asked> {
        let mut lists = vec![self.cohort.clone()];
        if is_experiment(&self.cohort) {
            if !self.labels.is_empty() || self.patient.is_some() || self.patients.is_some() {
                return Err(anyhow!(
                    "an experiment says itself which labels are which organ, and whose scans they are: leave \
                     out --label, --patient and --patients, or name its cohort in its place ({})",
                    self.cohort.display()
                ));
            }
            let experiment = Experiment::read(&self.cohort)?;
            lists.push(experiment.cohort.path.clone());
            return Ok(Asked {
                manifest: read_manifest(&experiment)?,
                grid_tolerance_mm: self
                    .grid_tolerance_mm
                    .or(experiment.prepare.grid_tolerance_mm),
                lists,
            });
        }
        let organs = organ_map(&self.labels)?;
        let pattern = self.patient.clone().map(PatientRule::Pattern);
        let patients = pattern.or_else(|| self.patients.clone().map(PatientRule::Table));
        let options = ReadOptions {
            organs: organs.as_ref(),
            patients: patients.as_ref(),
            ..ReadOptions::default()
        };
        lists.extend(self.patients.clone());
        Ok(Asked {
            manifest: manifest::read_with(&self.cohort, &options)?,
            grid_tolerance_mm: self.grid_tolerance_mm,
            lists,
        })
    }

    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let Asked {
            manifest,
            grid_tolerance_mm,
            lists,
        } = self.read()?;
        if let Some(out) = &self.out {
            let cases = manifest.cases.iter();
            let scans = cases.flat_map(Case::inputs);
            let inputs = lists.iter().chain(&self.split).chain(scans).cloned();
            refuse_over_inputs([out.clone(), provenance_beside(out)?], inputs)?;
            refuse_among_records(out)?;
            refuse_over_other_tables(out, &AUDIT_COLUMNS.join(","))?;
        }
        for note in &manifest.notes {
            bars.tell(&format!("note: {note}"));
        }
        let options = AuditOptions {
            folds: self.folds(&manifest, bars)?,
            grid_tolerance_mm,
            ..AuditOptions::default()
        };
        bars.begin("audit", manifest.cases.len() as u64, 0);
        let report = audit(&manifest, &options, &|progress| {
            bars.advance(progress.n_over as u64);
        });
        bars.end();
        if let Some(path) = &self.out {
            report.write_csv(path)?;
            let lists = lists.iter().map(PathBuf::as_path);
            let inputs: Vec<&Path> = lists.filter(|list| list.is_file()).collect();
            let made_of = MadeOf {
                command: "audit",
                settings: &self.labels,
                inputs: &inputs,
                notes: &Notes::default(),
            };
            provenance::of_command(path, &made_of, &Device::flex())?;
        }
        let text = if self.json {
            serde_json::to_string_pretty(&report)?
        } else {
            in_words(&report)
        };
        bars.print(&text)?;
        let organs: Vec<Organ> = manifest.organs.organs().cloned().collect();
        let learnable = check_organs(&report, &organs, &manifest.organs);
        if let Err(nothing_to_learn) = &learnable {
            bars.line(&format!("error: {nothing_to_learn}"));
        }
        Ok(if report.n_errors == 0 && learnable.is_ok() {
            Done::Clean
        } else {
            Done::Findings
        })
    }

    /// The fold of each case.
    fn folds(&self, manifest: &Manifest, bars: &Bars) -> anyhow::Result<BTreeMap<CaseId, String>> {
        let Some(path) = &self.split else {
            return Ok(BTreeMap::new());
        };
        let split = Split::read(path)?;
        let folds = Fold::ALL.into_iter().flat_map(|fold| {
            let name = format!("{fold:?}").to_lowercase();
            split
                .cases(fold)
                .iter()
                .map(move |case| (case.clone(), name.clone()))
        });
        let folds: BTreeMap<CaseId, String> = folds.collect();
        let cases: BTreeSet<&CaseId> = manifest.cases.iter().map(|case| &case.id).collect();
        let strange: Vec<&CaseId> = folds.keys().filter(|case| !cases.contains(case)).collect();
        if let Some(first) = strange.first() {
            if strange.len() == folds.len() {
                return Err(anyhow!(
                    "none of the cases of the split is in the cohort: it is another cohort's ({}; `{first}`)",
                    path.display()
                ));
            }
            bars.tell(&format!(
                "note: {} of the {} cases of the split are not in the cohort, as `{first}` ({})",
                strange.len(),
                folds.len(),
                path.display()
            ));
        }
        Ok(folds)
    }
}

/// Whether a file is an experiment's, not a manifest: a manifest names cases, an experiment a cohort.
fn is_experiment(path: &Path) -> bool {
    let is_toml = path.extension().is_some_and(|ending| ending == "toml");
    let text = if is_toml {
        std::fs::read_to_string(path).unwrap_or_default()
    } else {
        String::new()
    };
    // What cannot be read is told by whoever reads the manifest.
    let table: toml::Table = text.parse().unwrap_or_default();
    table.contains_key("cohort")
}

fn in_words(report: &AuditReport) -> String {
    let mut text = String::new();
    let mut n_of_kind: BTreeMap<(Reverse<Severity>, Kind), usize> = BTreeMap::new();
    for case in &report.cases {
        text += &case_line(case);
        for finding in &case.findings {
            let (severity, kind) = (finding.severity, finding.kind);
            let lines = [
                format!("    {severity}: {kind}: {}\n", finding.message),
                format!("        {}\n", finding.fix),
            ];
            text += &lines.concat();
            *n_of_kind.entry((Reverse(severity), kind)).or_default() += 1;
        }
    }
    let counts = [
        counted(report.cases.len(), "case"),
        counted(report.n_errors, "error"),
        counted(report.n_warnings, "warning"),
    ];
    let notes = (report.n_notes > 0).then(|| counted(report.n_notes, "note"));
    let counts: Vec<String> = counts.into_iter().chain(notes).collect();
    let by_kind = n_of_kind.into_iter();
    let by_kind = by_kind.map(|((severity, kind), n)| format!("    {n:>5} {}: {kind}", severity.0));
    let lines: Vec<String> = std::iter::once(counts.join(", ")).chain(by_kind).collect();
    text + &lines.join("\n")
}

/// One case on one line: what its scan is like and how large its organs are.
fn case_line(case: &CaseAudit) -> String {
    let scan = case.scan.as_ref().map_or_else(
        || "not readable".to_owned(),
        |scan| {
            let [low, high] = scan.range_hu;
            format!(
                "{} voxels, {:.2} mm, {low:.0} to {high:.0} HU",
                scan.shape, scan.spacing_mm
            )
        },
    );
    let organs = case
        .organs_ml
        .iter()
        .map(|(organ, ml)| format!(", {organ} {ml:.0} ml"));
    let organs = organs.collect::<String>();
    let has_labels = !case.organs_ml.is_empty() || !case.label_values.is_empty();
    let labels = if has_labels { "" } else { ", no labels" };
    format!("{}: {scan}{organs}{labels}\n", case.case)
}
