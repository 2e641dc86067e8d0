//! What readers took for granted, told once and kept with the result.

use std::collections::BTreeMap;

use hardslice_data::audit::{Finding, Kind, Severity};
use hardslice_volume::Note;
use serde::{Deserialize, Serialize};

use crate::bars::Bars;

/// Notes of all files that a command read, in their order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Notes(Vec<Finding>);

impl Notes {
    /// Adds those of another reading behind.
    pub(crate) fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Adds what the reader of a file returned.
    pub(crate) fn add(&mut self, read: &[Note]) {
        self.0.extend(read.iter().map(Finding::of_note));
    }

    /// Adds what is odd about a scan, which is named.
    pub(crate) fn add_of_scan(&mut self, scan: &str, odd: Vec<Finding>) {
        self.0.extend(odd.into_iter().map(|finding| Finding {
            message: format!("{scan}: {}", finding.message),
            ..finding
        }));
    }

    /// Whether one of them says that what was read is not what it should be.
    pub(crate) fn has_errors(&self) -> bool {
        self.0
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// Says them, a line for each kind: the first of them, and how many there are.
    pub(crate) fn tell(&self, bars: &Bars) {
        let mut kinds: BTreeMap<(Severity, Kind), Vec<&Finding>> = BTreeMap::new();
        for finding in &self.0 {
            let key = (finding.severity, finding.kind);
            kinds.entry(key).or_default().push(finding);
        }
        for ((severity, kind), findings) in kinds {
            let Finding { message, fix, .. } = findings[0];
            let n = match findings.len() {
                1 => String::new(),
                n => format!("{n} files, the first: "),
            };
            let said = format!("{severity}: {kind}: {n}{message} ({fix})");
            match severity {
                Severity::Note => bars.tell(&said),
                _ => bars.line(&said),
            }
        }
    }

    /// Each of them in words, as provenance keeps them.
    pub(crate) fn in_words(&self) -> Vec<String> {
        let words = |finding: &Finding| {
            let Finding {
                severity,
                kind,
                message,
                ..
            } = finding;
            format!("{severity}: {kind}: {message}")
        };
        self.0.iter().map(words).collect()
    }
}
