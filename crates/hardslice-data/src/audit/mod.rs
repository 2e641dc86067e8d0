//! What is wrong with a cohort, before anything is trained on it.
//!
//! Every scan is opened once, a few at a time. What is found is reported per case, with what to do
//! about it; nothing is changed and nothing stops the audit.

mod cohort;
mod finding;
mod intensities;
mod geometry;
mod labels;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError, PerAxis, read_scan_series};
use serde::{Deserialize, Serialize};

pub use finding::{Finding, Kind, Severity};

use crate::bounded_parallel_map::bounded_parallel_map;
use crate::manifest::{Case, Manifest};
use crate::progress::{Progress, ProgressCounter, Step};
use crate::store::voxels_blake3;
use crate::{CaseId, Organ, PatientId};

/// What an audit takes for granted.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditOptions {
    /// Window that training will keep, Hounsfield units: clipping beyond it is harmless.
    pub window_hu: [f32; 2],
    /// How far the corners of a scan and of its labels may lie apart, millimetres; absent: a
    /// hundredth of the scan's smallest spacing.
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
    let mut cases = bounded_parallel_map(&manifest.cases, options.n_at_once, |case| {
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
    cohort::compare(&mut cases, &options.folds);
    let count = |severity| {
        let findings = cases.iter().flat_map(|case| &case.findings);
        findings
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let (n_errors, n_warnings) = (count(Severity::Error), count(Severity::Warning));
    AuditReport {
        cases,
        n_errors,
        n_warnings,
    }
}

fn one_case(manifest: &Manifest, case: &Case, options: &AuditOptions) -> CaseAudit {
    let mut audit = CaseAudit {
        case: case.id.clone(),
        patient: case.patient.clone(),
        scan: None,
        organs_ml: Vec::new(),
        findings: Vec::new(),
    };
    let scan = match read_scan_series(&case.image, case.series_uid.as_deref()) {
        Ok(scan) => scan,
        Err(error) => {
            audit
                .findings
                .push(finding::unreadable(Kind::ImageUnreadable, &error));
            return audit;
        }
    };
    let stats = intensities::Stats::of(scan.volume.voxels(), options.window_hu);
    audit.scan = Some(ScanFacts {
        shape: scan.volume.shape(),
        spacing_mm: scan.volume.grid().spacing_mm(),
        range_hu: [stats.min_hu, stats.max_hu],
        voxels_blake3: voxels_blake3(&scan.volume),
    });
    audit
        .findings
        .extend(geometry::findings(scan.volume.grid()));
    audit.findings.extend(stats.findings());
    if case.labels.is_some() {
        labels::check(case, &scan, &manifest.organs, options, &mut audit);
    }
    audit
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
    /// Whether nothing is wrong.
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
        table.write_record(["case", "patient", "severity", "kind", "message", "fix"])?;
        for row in self.rows() {
            table.serialize(row)?;
        }
        table.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}
