//! What is wrong with a cohort, before anything is trained on it.
//!
//! Every scan is opened once, a few at a time. What is found is reported per case, with what to do
//! about it; nothing is changed and nothing stops the audit.

mod cohort;
mod finding;
mod intensities;
mod geometry;
mod labels;
mod notes;
mod of_case;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{
    Action, FileError, PerAxis, Volume, default_tolerance_mm, read_labels_within, read_scan_series,
};
use serde::{Deserialize, Serialize};

pub use finding::{Accepted, Finding, Kind, Severity};
pub(crate) use intensities::Stats;
pub use intensities::intensity_findings;
pub(crate) use labels::LabelCounts;
pub(crate) use of_case::Observed;

use crate::bounded_parallel_map::bounded_parallel_map;
use crate::fingerprint::voxels_blake3;
use crate::manifest::{Case, Manifest};
use crate::progress::{Progress, ProgressCounter, Step};
use crate::{CaseId, Organ, OrganMap, PatientId};

/// The columns of an audit's table.
pub const AUDIT_COLUMNS: [&str; 6] = ["case", "patient", "severity", "kind", "message", "fix"];

/// What an audit takes for granted.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditOptions {
    /// Window that training will keep, Hounsfield units: clipping beyond it is harmless.
    pub window_hu: [f32; 2],
    /// How far the corners of a scan and of its labels may lie apart, millimetres; absent:
    /// [`default_tolerance_mm`].
    pub grid_tolerance_mm: Option<f64>,
    /// Scans in memory at a time. Does not change the result.
    pub n_at_once: usize,
    /// Folds to check, by case: `test`, `train`, ...
    pub folds: BTreeMap<CaseId, String>,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            window_hu: [-150.0, 250.0],
            grid_tolerance_mm: None,
            n_at_once: 2,
            folds: BTreeMap::new(),
        }
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditReport {
    /// The cases, in the order of the manifest.
    pub cases: Vec<CaseAudit>,
    /// Findings that keep a case from being used.
    pub n_errors: usize,
    /// Findings to look at.
    pub n_warnings: usize,
    /// What was read by a rule, though nothing is wrong.
    #[serde(default)]
    pub n_notes: usize,
}

/// One case and what was found in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseAudit {
    /// The case.
    pub case: CaseId,
    /// Whose scan it is.
    pub patient: PatientId,
    /// What the scan is like; absent when it could not be read.
    pub scan: Option<ScanFacts>,
    /// Volume of each annotated organ, millilitres; empty without readable labels.
    pub organs_ml: Vec<(Organ, f64)>,
    /// Values of the label map that have voxels, but for 0; empty without readable labels.
    #[serde(default)]
    pub label_values: Vec<u16>,
    /// BLAKE3 of the labels' organs, equal for the same labels in two files; absent where they show
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_blake3: Option<String>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// What a scan is like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanFacts {
    /// Voxels, canonical axes.
    pub shape: PerAxis<usize>,
    /// Spacing, canonical axes, millimetres.
    pub spacing_mm: PerAxis<f64>,
    /// Lowest and highest value, Hounsfield units.
    pub range_hu: [f32; 2],
    /// BLAKE3 of shape and voxels: equal for one scan in two files.
    pub voxels_blake3: String,
}

/// Audits a cohort.
///
/// Findings are in the order of the manifest and do not depend on how many scans are read at once.
pub fn audit(
    manifest: &Manifest,
    options: &AuditOptions,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> AuditReport {
    let counter = ProgressCounter::new(manifest.cases.len(), progress);
    let cases = bounded_parallel_map(&manifest.cases, options.n_at_once, |case| {
        counter.tell(&case.id, Step::Begun);
        let audit = one_case(manifest, case, options);
        let step = if audit.scan.is_some() {
            Step::Done
        } else {
            Step::Failed
        };
        counter.tell(&case.id, step);
        audit
    });
    AuditReport::of(cases, manifest, &options.folds)
}

fn one_case(manifest: &Manifest, case: &Case, options: &AuditOptions) -> CaseAudit {
    let scan = match read_scan_series(&case.image, case.series_uid.as_deref()) {
        Ok(scan) => scan,
        Err(error) => return CaseAudit::of_unreadable_scan(case, &error),
    };
    let grid = scan.volume.grid();
    let labels = case.labels.as_ref().map(|path| {
        let names = manifest.organs.label_names();
        let tolerance_mm = options
            .grid_tolerance_mm
            .unwrap_or(default_tolerance_mm(grid));
        let labels = read_labels_within(path, &scan, names, tolerance_mm)?;
        let counts = LabelCounts::of(&labels.volume);
        let hash = organs_blake3(&labels.volume, &manifest.organs);
        Ok((counts, hash, labels.notes))
    });
    let observed = Observed {
        grid,
        stats: Stats::of(scan.volume.voxels(), options.window_hu),
        voxels_blake3: voxels_blake3(&scan.volume),
    };
    let (labels, labels_error) = match labels {
        None => (None, None),
        Some(Ok(labels)) => (Some(labels), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let seen = labels
        .as_ref()
        .map(|(counts, hash, _)| (counts, hash.as_str()));
    let mut audit = CaseAudit::of(
        case,
        &observed,
        seen,
        &manifest.organs,
        &manifest.ignored_labels,
    );
    audit.add_notes(&scan.notes);
    if let Some((_, _, notes)) = &labels {
        audit.add_notes(notes);
    }
    audit
        .findings
        .extend(labels_error.as_ref().map(labels::not_read));
    audit
}

/// BLAKE3 of which organ each voxel shows.
fn organs_blake3(labels: &Volume<u16>, organs: &OrganMap) -> String {
    let table = organs.store_values();
    let mut hasher = blake3::Hasher::new();
    let n_pixels = labels.shape().n_pixels().max(1);
    let mut stored = Vec::with_capacity(n_pixels);
    for slice in labels.voxels().chunks(n_pixels) {
        stored.clear();
        stored.extend(slice.iter().map(|label| table[usize::from(*label)]));
        hasher.update(&stored);
    }
    hasher.finalize().to_hex().to_string()
}

/// One finding on one line of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditRow<'a> {
    /// The case.
    pub case: &'a CaseId,
    /// Whose scan it is.
    pub patient: &'a PatientId,
    /// Whether the case can be used.
    pub severity: Severity,
    /// What kind of finding.
    pub kind: Kind,
    /// What was found.
    pub message: &'a str,
    /// What to do.
    pub fix: &'a str,
}

impl AuditReport {
    /// The report of these cases: what they share, and what the cohort's list says of all, is found
    /// here.
    pub(crate) fn of(
        mut cases: Vec<CaseAudit>,
        manifest: &Manifest,
        folds: &BTreeMap<CaseId, String>,
    ) -> Self {
        cohort::compare(&mut cases, folds);
        cohort::find_unusual_volumes(&mut cases);
        if let (Some(first), Some(channel)) = (cases.first_mut(), &manifest.other_channel) {
            first.findings.push(cohort::other_channel(channel));
        }
        let count = |severity| {
            let findings = cases.iter().flat_map(|case| &case.findings);
            findings
                .filter(|finding| finding.severity == severity)
                .count()
        };
        Self {
            n_errors: count(Severity::Error),
            n_warnings: count(Severity::Warning),
            n_notes: count(Severity::Note),
            cases,
        }
    }

    /// The errors that are not accepted, in the order of the manifest.
    pub fn refused<'a>(&'a self, accepted: Accepted<'a>) -> impl Iterator<Item = AuditRow<'a>> {
        self.rows()
            .filter(move |row| row.severity == Severity::Error && !accepted.has(row.kind))
    }

    /// Whether nothing is wrong: there are no errors and no warnings.
    pub fn is_clean(&self) -> bool {
        self.n_errors + self.n_warnings == 0
    }

    /// The findings, one a row, in the order of the manifest.
    pub fn rows(&self) -> impl Iterator<Item = AuditRow<'_>> {
        self.cases.iter().flat_map(|audit| {
            audit.findings.iter().map(|finding| AuditRow {
                case: &audit.case,
                patient: &audit.patient,
                severity: finding.severity,
                kind: finding.kind,
                message: &finding.message,
                fix: &finding.fix,
            })
        })
    }

    /// Writes the findings as a table: `case,patient,severity,kind,message,fix`.
    ///
    /// # Errors
    ///
    /// [`FileError`] when the file system refuses.
    pub fn write_csv(&self, path: &Path) -> Result<(), FileError> {
        let written = self.to_csv().and_then(|csv| write_whole_bytes(path, &csv));
        written.map_err(Action::Write.on(path))
    }

    fn to_csv(&self) -> io::Result<Vec<u8>> {
        let mut table = csv::WriterBuilder::new()
            .has_headers(false)
            .from_writer(Vec::new());
        table.write_record(AUDIT_COLUMNS)?;
        for row in self.rows() {
            table.serialize(row)?;
        }
        table.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}
