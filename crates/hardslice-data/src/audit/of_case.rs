//! What is found in one case, from what was seen of it: by an audit, which reads it whole, or by
//! the making of a store, which reads it slice by slice.

use std::error::Error;

use hardslice_volume::{Grid, Note, ReadError};

use super::finding::{Finding, Kind, unreadable};
use super::labels::{self, LabelCounts};
use super::{CaseAudit, ScanFacts, Stats, geometry};
use crate::OrganMap;
use crate::manifest::Case;

/// What was seen of a scan.
pub(crate) struct Observed<'a> {
    /// Its canonical grid.
    pub(crate) grid: &'a Grid,
    /// Its values.
    pub(crate) stats: Stats,
    /// BLAKE3 of its shape and voxels.
    pub(crate) voxels_blake3: String,
}

impl CaseAudit {
    fn new(case: &Case) -> Self {
        Self {
            case: case.id.clone(),
            patient: case.patient.clone(),
            scan: None,
            organs_ml: Vec::new(),
            label_values: Vec::new(),
            labels_blake3: None,
            findings: Vec::new(),
        }
    }

    /// Of a scan and, where they were read, the counts of its labels and their hash.
    pub(crate) fn of(
        case: &Case,
        scan: &Observed<'_>,
        labels: Option<(&LabelCounts, &str)>,
        organs: &OrganMap,
        ignored: &[u16],
    ) -> Self {
        let mut audit = Self::new(case);
        let stats = &scan.stats;
        audit.scan = Some(ScanFacts {
            shape: scan.grid.shape,
            spacing_mm: scan.grid.spacing_mm(),
            range_hu: [stats.min_hu, stats.max_hu],
            voxels_blake3: scan.voxels_blake3.clone(),
        });
        audit.findings.extend(geometry::findings(scan.grid));
        audit.findings.extend(stats.findings());
        if let Some((counts, hash)) = labels {
            labels::check(case, scan.grid, counts, organs, ignored, &mut audit);
            let table = organs.store_values();
            let mut values = audit.label_values.iter();
            let shows_organs = values.any(|value| table[usize::from(*value)] > 0);
            audit.labels_blake3 = shows_organs.then(|| hash.to_owned());
        }
        audit
    }

    /// Adds what a reader took for granted.
    pub(crate) fn add_notes(&mut self, notes: &[Note]) {
        self.findings.extend(notes.iter().map(Finding::of_note));
    }

    /// Of a scan that cannot be read.
    pub(crate) fn of_unreadable_scan(case: &Case, error: &dyn Error) -> Self {
        let mut audit = Self::new(case);
        audit
            .findings
            .push(unreadable(Kind::ImageUnreadable, error));
        audit
    }

    /// Of labels that cannot be read or lie elsewhere, so that the scan was not looked at.
    pub(crate) fn of_unreadable_labels(case: &Case, error: &ReadError) -> Self {
        let mut audit = Self::new(case);
        audit.findings.push(labels::not_read(error));
        audit
    }
}
