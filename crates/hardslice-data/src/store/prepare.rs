//! From a cohort to a store.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use hardslice_volume::whole_file::{read_json, remove_if_there, write_whole_bytes};
use hardslice_volume::{Action, FileError};
use serde::{Deserialize, Serialize};

use super::one_case::{CaseError, Plan};
use super::record::{FORMAT, IGNORED, LeftOut, StoreRecord};
use super::{Store, StoreError, StoreOptions, StoredCase, record_path};
use crate::audit::{Accepted, AuditReport, CaseAudit};
use crate::bounded_parallel_map::bounded_parallel_map;
use crate::manifest::{Case, Manifest};
use crate::progress::{Progress, ProgressCounter, Step};
use crate::{CaseId, OrganMap, SettingError};

/// How to prepare a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrepareOptions {
    /// Rows and columns of a slice, pixels. Every slice is brought to this size, keeping its
    /// proportions.
    pub size: usize,
    /// Lowest and highest value kept, Hounsfield units.
    pub window_hu: [i16; 2],
    /// How far the corners of a scan and of its labels may lie apart, millimetres; absent:
    /// [`default_tolerance_mm`](hardslice_volume::default_tolerance_mm).
    pub grid_tolerance_mm: Option<f64>,
    /// Scans in memory at a time. Does not change the result.
    pub n_at_once: usize,
}

impl Default for PrepareOptions {
    /// The paper's: 512 × 512 pixels, -150 to 250 HU.
    fn default() -> Self {
        Self {
            size: 512,
            window_hu: [-150, 250],
            grid_tolerance_mm: None,
            n_at_once: 2,
        }
    }
}

impl PrepareOptions {
    /// Checks that every setting is in its range.
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), SettingError> {
        let options = self.of_store();
        SettingError::check(
            "prepare",
            [
                (!options.has_size(), "size must be 1 to 8192 pixels"),
                (self.n_at_once == 0, "n_at_once must be 1 at least"),
                (
                    !options.has_window(),
                    "window_hu must have the lower value first, as [-150, 250]",
                ),
                (
                    !options.has_tolerance(),
                    "grid_tolerance_mm must be 0 or more",
                ),
            ],
        )
    }
}

/// What became of the cases of a cohort.
#[derive(Debug)]
pub struct PrepareReport {
    /// Cases prepared now.
    pub n_prepared: usize,
    /// Cases that had been prepared before from the same inputs.
    pub n_kept: usize,
    /// Cases that are not in the store, with the reason.
    pub failures: Vec<CaseFailure>,
    /// What an audit finds in the cohort, found while its scans were read.
    pub audit: AuditReport,
    /// Errors of the audit that were not accepted. Unless it is 0 the store is not finished, so that
    /// nothing can be trained on it; its cases are kept.
    pub n_refused: usize,
}

/// A case that could not be prepared.
#[derive(Debug)]
pub struct CaseFailure {
    /// The case.
    pub case: CaseId,
    /// Why not.
    pub error: CaseError,
}

/// Writes the store of a cohort into `dir`, or completes one that was begun there.
///
/// A case is read, converted and written before the next one of its worker is begun: memory holds
/// `n_at_once` scans however large the cohort is. Stopped at any moment it goes on where it was and
/// ends with the same bytes; a case is done again only when its files, the organs or the options
/// have changed. A case that cannot be prepared is reported at the end and the others go on.
///
/// What an [audit](crate::audit) finds is found on the way, from what is read anyway. The store is
/// finished only where each of its errors is `accepted`.
///
/// # Errors
///
/// [`StoreError`] when the options make no sense, the folder cannot be written, or no case at all
/// could be prepared.
pub fn prepare(
    manifest: &Manifest,
    options: &PrepareOptions,
    accepted: Accepted<'_>,
    dir: &Path,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<PrepareReport, StoreError> {
    prepare_over(
        Existing::Replace,
        manifest,
        options,
        accepted,
        dir,
        progress,
    )
}

/// What may become of a finished store that is in the folder already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Anything.
    Replace,
    /// Its cases may be others; options and organs are the same.
    Update,
    /// Nothing: results rest on it. What was damaged is made anew.
    Keep,
}

/// As [`prepare`], where a store may be there whose contents somebody needs.
///
/// # Errors
///
/// As [`prepare`], and [`StoreError::Other`] where the finished store there would become another than it may.
/// Nothing is written then.
pub fn prepare_over(
    existing: Existing,
    manifest: &Manifest,
    options: &PrepareOptions,
    accepted: Accepted<'_>,
    dir: &Path,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<PrepareReport, StoreError> {
    let store_options = options.checked()?;
    let plan = Plan {
        options: &store_options,
        organs: &manifest.organs,
        ignored_labels: &manifest.ignored_labels,
        dir,
        store_values: store_values(manifest),
    };
    let counter = ProgressCounter::new(manifest.cases.len(), progress);
    let inputs = plan.known_inputs(existing, &manifest.cases, options.n_at_once, &counter)?;
    let cases: Vec<_> = manifest.cases.iter().zip(inputs).collect();
    let outcomes = bounded_parallel_map(&cases, options.n_at_once, |(case, inputs)| {
        let outcome = one_case(&plan, case, inputs.as_deref(), &counter);
        let step = outcome.as_ref().map_or(Step::Failed, |(_, _, step)| *step);
        counter.tell(&case.id, step);
        outcome
    });
    let (mut n_prepared, mut n_kept, mut failures) = (0, 0, Vec::new());
    let (mut cases, mut audits, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for (case, outcome) in manifest.cases.iter().zip(outcomes) {
        match outcome {
            // A full disk is no fault of the scan: going on would leave the case out unseen.
            Err(CaseError::Store(error)) => return Err(error.into()),
            Err(error) => {
                audits.push(error.audited(case));
                left_out.push(LeftOut {
                    id: case.id.clone(),
                    patient: case.patient.clone(),
                });
                failures.push(CaseFailure {
                    case: case.id.clone(),
                    error,
                });
            }
            Ok((stored, audit, step)) => {
                n_prepared += usize::from(step == Step::Done);
                n_kept += usize::from(step == Step::Kept);
                cases.push(stored);
                audits.push(audit);
            }
        }
    }
    let audit = AuditReport::of(audits, manifest, &BTreeMap::new());
    let report = PrepareReport {
        n_prepared,
        n_kept,
        failures,
        n_refused: audit.refused(accepted).count(),
        audit,
    };
    if cases.is_empty() {
        return Err(nothing_prepared(&report.failures));
    }
    if report.n_refused > 0 {
        remove_if_there(&record_path(dir))?;
        return Ok(report);
    }
    let organs = manifest.organs.clone();
    write_record(
        &StoreRecord {
            format: FORMAT,
            options: store_options,
            organs,
            ignored_labels: manifest.ignored_labels.clone(),
            left_out,
            cases,
        },
        dir,
    )?;
    Ok(report)
}

impl Plan<'_> {
    /// The hashes of the cases' inputs, where the finished store in the folder may not become another: it
    /// would not. Elsewhere they are not known yet.
    fn known_inputs(
        &self,
        existing: Existing,
        cases: &[Case],
        n_at_once: usize,
        counter: &ProgressCounter<'_>,
    ) -> Result<Vec<Option<String>>, StoreError> {
        let unknown = vec![None; cases.len()];
        if existing == Existing::Replace {
            return Ok(unknown);
        }
        let Some(finished) = StoreRecord::read_finished(self.dir) else {
            return Ok(unknown);
        };
        self.refuse_other(&finished.changed_settings(self))?;
        if existing == Existing::Update {
            return Ok(unknown);
        }
        let inputs = bounded_parallel_map(cases, n_at_once, |case| {
            counter.tell(&case.id, Step::Begun);
            self.inputs_blake3(case).ok()
        });
        self.refuse_other(&finished.changed_cases(cases, &inputs))?;
        Ok(inputs)
    }

    fn refuse_other(&self, what: &[String]) -> Result<(), StoreError> {
        if what.is_empty() {
            return Ok(());
        }
        Err(StoreError::Other {
            what: what.join("; "),
            dir: self.dir.to_owned(),
        })
    }
}

impl StoreRecord {
    /// That of a finished store; `None` where there is none that this version reads.
    fn read_finished(dir: &Path) -> Option<Self> {
        read_json(&record_path(dir)).ok()
    }

    /// What would be prepared otherwise now, in words.
    fn changed_settings(&self, plan: &Plan<'_>) -> Vec<String> {
        let mut changes = self.options.changes(plan.options);
        changes.extend(self.changed_labels(plan.organs, plan.ignored_labels));
        changes
    }

    /// Which label values are other organs now, or ignored, in words.
    fn changed_labels(&self, organs: &OrganMap, ignored_labels: &[u16]) -> Vec<String> {
        let mut changes = Vec::new();
        if self.organs != *organs {
            changes.push(format!("the organs were {}, now {organs}", self.organs));
        }
        if self.ignored_labels != ignored_labels {
            changes.push(format!(
                "the label values to be ignored were {:?}, now {ignored_labels:?}",
                self.ignored_labels
            ));
        }
        changes
    }

    /// Which cases are new, gone or others, in words; `inputs` are their hashes, absent where they cannot be
    /// read.
    fn changed_cases(&self, cases: &[Case], inputs: &[Option<String>]) -> Vec<String> {
        /// Cases that are named, of each kind.
        const MOST_NAMED: usize = 3;
        let (mut new, mut others, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for (case, inputs) in cases.iter().zip(inputs) {
            if self.left_out.iter().any(|left_out| left_out.id == case.id) {
                continue;
            }
            let mut stored = self.cases.iter();
            match stored.find(|stored| stored.id == case.id) {
                None => new.push(&case.id),
                Some(stored) if inputs.as_ref() != Some(&stored.source.inputs_blake3) => {
                    others.push(&case.id);
                }
                Some(_) => {}
            }
        }
        for stored in &self.cases {
            if !cases.iter().any(|case| case.id == stored.id) {
                gone.push(&stored.id);
            }
        }
        let kinds = [
            (new, "are new"),
            (
                others,
                "have other scans, labels or rows than they had, or cannot be read",
            ),
            (gone, "are gone"),
        ];
        let said = kinds.iter().filter(|(cases, _)| !cases.is_empty());
        let said = said.map(|(cases, what)| {
            let names = cases
                .iter()
                .take(MOST_NAMED)
                .map(|case| format!("`{case}`"));
            let names: Vec<String> = names.collect();
            let rest = if cases.len() > MOST_NAMED {
                ", ..."
            } else {
                ""
            };
            format!("{} cases {what} ({}{rest})", cases.len(), names.join(", "))
        });
        said.collect()
    }
}

impl Store {
    /// What would be otherwise in a store that is prepared with these options and, where they are known, of
    /// these organs, in words; empty where nothing would.
    pub fn changes(
        &self,
        options: &PrepareOptions,
        organs: Option<&OrganMap>,
        ignored_labels: &[u16],
    ) -> Vec<String> {
        let mut changes = self.record().options.changes(&options.of_store());
        let organs = organs.unwrap_or(&self.record().organs);
        changes.extend(self.record().changed_labels(organs, ignored_labels));
        changes
    }
}

/// Prepares one case, or finds that it has been; `inputs_blake3` where it is known.
fn one_case(
    plan: &Plan<'_>,
    case: &Case,
    inputs_blake3: Option<&str>,
    counter: &ProgressCounter<'_>,
) -> Result<(StoredCase, CaseAudit, Step), CaseError> {
    counter.tell(&case.id, Step::Begun);
    let inputs_blake3 = match inputs_blake3 {
        Some(known) => known.to_owned(),
        None => plan.inputs_blake3(case)?,
    };
    let (stored, audit, step) = if let Some((stored, audit)) = plan.kept(case, &inputs_blake3)? {
        (stored, audit, Step::Kept)
    } else {
        // From here on the folder is no finished store.
        remove_if_there(&record_path(plan.dir))?;
        let (stored, audit) = plan.prepared(case, inputs_blake3)?;
        (stored, audit, Step::Done)
    };
    plan.finish(&stored)?;
    Ok((stored, audit, step))
}

/// The store's value for each label value: organs, and what nobody has judged.
fn store_values(manifest: &Manifest) -> Vec<u8> {
    let mut values = manifest.organs.store_values();
    for label in &manifest.ignored_labels {
        values[usize::from(*label)] = IGNORED;
    }
    values
}

impl PrepareOptions {
    fn of_store(&self) -> StoreOptions {
        StoreOptions {
            size: self.size,
            window_hu: self.window_hu,
            grid_tolerance_mm: self.grid_tolerance_mm,
        }
    }

    fn checked(&self) -> Result<StoreOptions, StoreError> {
        let options = self.of_store();
        match options.problem() {
            Some(what) => Err(StoreError::Options { what }),
            None => Ok(options),
        }
    }
}

fn nothing_prepared(failures: &[CaseFailure]) -> StoreError {
    let first = failures
        .first()
        .map(|failure| format!("`{}`: {}", failure.case, failure.error));
    StoreError::NothingPrepared {
        n_cases: failures.len(),
        first: first.unwrap_or_else(|| "the cohort is empty".to_owned()),
    }
}

/// Writes `store.json`, one case a line, unless it already says the same.
fn write_record(record: &StoreRecord, dir: &Path) -> Result<(), StoreError> {
    let path = record_path(dir);
    let json = |part: serde_json::Result<String>| -> Result<String, FileError> {
        part.map_err(io::Error::from)
            .map_err(Action::Write.on(&path))
    };
    let cases = record
        .cases
        .iter()
        .map(|case| json(serde_json::to_string(case)));
    let ignored = match record.ignored_labels.as_slice() {
        [] => String::new(),
        labels => format!(
            "\n\"ignored_labels\": {},",
            json(serde_json::to_string(labels))?
        ),
    };
    let left_out = match record.left_out.as_slice() {
        [] => String::new(),
        cases => format!("\n\"left_out\": {},", json(serde_json::to_string(cases))?),
    };
    let text = format!(
        "{{\n\"format\": {},\n\"options\": {},\n\"organs\": {},{ignored}{left_out}\n\"cases\": [\n{}\n]\n}}\n",
        record.format,
        json(serde_json::to_string(&record.options))?,
        json(serde_json::to_string(&record.organs))?,
        cases.collect::<Result<Vec<_>, _>>()?.join(",\n"),
    );
    // One that cannot be read is written anew, and that says what is wrong.
    if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    Ok(write_whole_bytes(&path, text.as_bytes()).map_err(Action::Write.on(&path))?)
}
