//! The sampling plan: how often each slice is shown (its sampling weight), and why.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use hardslice_volume::whole_file::write_whole;
use thiserror::Error;

use super::Reason;
use crate::SliceRef;

/// One slice of a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanEntry {
    /// The slice.
    pub slice: SliceRef,
    /// How often an epoch shows it, on average; positive.
    pub weight: f64,
    /// Why it is there.
    pub reason: Reason,
}

/// A sampling plan: a weight per slice with its reason, each slice at most once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    // Invariant: slices ascend strictly, weights are finite and positive.
    entries: Vec<PlanEntry>,
}

/// A plan that makes no sense or cannot be read.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A slice is in the plan twice.
    #[error("slice {} of case {} is in the plan twice", slice.z, slice.case_idx)]
    Twice {
        /// The slice.
        slice: SliceRef,
    },
    /// A weight that is not a positive number.
    #[error(
        "slice {} of case {} weighs {weight}, wanted a positive number: leave out what is not to \
         be shown", slice.z, slice.case_idx
    )]
    Weight {
        /// The slice.
        slice: SliceRef,
        /// Its weight.
        weight: f64,
    },
    /// A row of a plan's file that cannot be read.
    #[error("row {row} of the plan is not `case,z,weight,reason` of a known case: {}", path.display())]
    Row {
        /// Row, counted from 1 below the header.
        row: usize,
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("cannot access the plan {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Plan {
    /// Makes a plan from its entries, in any order.
    ///
    /// # Errors
    ///
    /// [`PlanError`] when a slice comes twice or a weight is not positive.
    pub fn new(entries: impl IntoIterator<Item = PlanEntry>) -> Result<Self, PlanError> {
        let mut sorted = BTreeMap::new();
        for entry in entries {
            let PlanEntry { slice, weight, .. } = entry;
            if !(weight.is_finite() && weight > 0.0) {
                return Err(PlanError::Weight { slice, weight });
            }
            if sorted.insert(slice, entry).is_some() {
                return Err(PlanError::Twice { slice });
            }
        }
        let entries = sorted.into_values().collect();
        Ok(Self { entries })
    }

    /// The entries, ascending by slice.
    pub fn entries(&self) -> &[PlanEntry] {
        &self.entries
    }

    /// Draws in an average epoch before augmentation: the sum of the weights.
    pub fn total_weight(&self) -> f64 {
        self.entries.iter().map(|entry| entry.weight).sum()
    }

    /// Writes the plan as CSV: `case,z,weight,reason`, and where it rests on a threshold from the test
    /// set a last column `LEAKY` that says so in every row.
    ///
    /// `case_name` gives the name of a case by its place in the store.
    ///
    /// # Errors
    ///
    /// [`PlanError::File`] when the file cannot be written.
    pub fn write_csv(
        &self,
        path: &Path,
        is_leaky: bool,
        case_name: impl Fn(u32) -> String,
    ) -> Result<(), PlanError> {
        let stamp = is_leaky.then(|| "LEAKY".to_owned());
        let written = write_whole(path, |file| {
            let mut csv = csv::Writer::from_writer(file);
            let columns = ["case", "z", "weight", "reason"].map(str::to_owned);
            csv.write_record(columns.into_iter().chain(stamp.clone()))?;
            for entry in &self.entries {
                let cells = [
                    case_name(entry.slice.case_idx),
                    entry.slice.z.to_string(),
                    entry.weight.to_string(),
                    entry.reason.name().to_owned(),
                ];
                csv.write_record(cells.into_iter().chain(stamp.clone()))?;
            }
            csv.flush()
        });
        written.map_err(|source| PlanError::File {
            path: path.to_owned(),
            source,
        })
    }

    /// Reads a plan that [`Plan::write_csv`] wrote, or one made by hand.
    ///
    /// `case_idx` finds a case's place in the store by its name.
    ///
    /// # Errors
    ///
    /// [`PlanError`] when the file or a row cannot be read, or the plan makes no sense.
    pub fn read_csv(
        path: &Path,
        case_idx: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self, PlanError> {
        let file_error = |source: csv::Error| PlanError::File {
            path: path.to_owned(),
            source: io::Error::other(source),
        };
        let mut csv = csv::Reader::from_path(path).map_err(file_error)?;
        let mut entries = Vec::new();
        for (index, row) in csv.records().enumerate() {
            let row = row.map_err(file_error)?;
            let entry = parse_row(&row, &case_idx).ok_or_else(|| PlanError::Row {
                row: index + 1,
                path: path.to_owned(),
            })?;
            entries.push(entry);
        }
        Self::new(entries)
    }
}

fn parse_row(
    row: &csv::StringRecord,
    case_idx: &impl Fn(&str) -> Option<usize>,
) -> Option<PlanEntry> {
    Some(PlanEntry {
        slice: SliceRef::at(case_idx(row.get(0)?)?, row.get(1)?.parse().ok()?),
        weight: row.get(2)?.parse().ok()?,
        reason: row.get(3)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(z: u32, weight: f64) -> PlanEntry {
        PlanEntry {
            slice: SliceRef { case_idx: 0, z },
            weight,
            reason: Reason::Hard,
        }
    }

    #[test]
    fn a_plan_is_sorted_and_refuses_doubles_and_odd_weights() {
        let plan = Plan::new([entry(5, 2.0), entry(1, 0.5)]).unwrap();
        assert_eq!(
            plan.entries(),
            [entry(1, 0.5), entry(5, 2.0)],
            "ascending by slice"
        );
        assert!(
            (plan.total_weight() - 2.5).abs() < 1e-12,
            "the weights' sum"
        );
        assert!(matches!(
            Plan::new([entry(5, 2.0), entry(5, 1.0)]),
            Err(PlanError::Twice { .. })
        ));
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let refused = Plan::new([entry(1, weight)]);
            assert!(
                matches!(refused, Err(PlanError::Weight { .. })),
                "weight {weight}"
            );
        }
    }

    #[test]
    fn a_plan_reads_back_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.csv");
        let plan = Plan::new([entry(1, 1.0 / 3.0), entry(5, 2.0)]).unwrap();
        plan.write_csv(&path, false, |case| format!("case_{case}"))
            .unwrap();
        let read = Plan::read_csv(&path, |name| name.strip_prefix("case_")?.parse().ok());
        assert_eq!(read.unwrap(), plan, "every digit of the weights is kept");
        let leaky = dir.path().join("leaky.csv");
        plan.write_csv(&leaky, true, |case| format!("case_{case}"))
            .unwrap();
        let text = std::fs::read_to_string(&leaky).unwrap();
        assert!(text.lines().all(|line| line.ends_with(",LEAKY")), "{text}");
        let read = Plan::read_csv(&leaky, |name| name.strip_prefix("case_")?.parse().ok());
        assert_eq!(read.unwrap(), plan, "the mark is no part of the plan");
        let unknown = Plan::read_csv(&path, |_| None).unwrap_err().to_string();
        assert!(unknown.starts_with("row 1 of the plan"), "{unknown}");
    }
}
