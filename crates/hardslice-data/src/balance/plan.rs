//! The sampling plan: how often each slice is shown (its sampling weight), and why.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use hardslice_volume::whole_file::write_whole;
use hardslice_volume::{Action, FileError};
use thiserror::Error;

use super::Reason;
use crate::SliceRef;
use crate::text::{TableError, TableFile};

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
///
/// ```
/// use hardslice_data::SliceRef;
/// use hardslice_data::balance::{Plan, PlanEntry, Reason};
///
/// let entry = |z, weight| PlanEntry { slice: SliceRef::at(0, z), weight, reason: Reason::Hard };
/// let plan = Plan::new([entry(7, 2.0), entry(3, 0.5)])?;
/// assert_eq!(plan.total_weight(), 2.5);
/// assert!(Plan::new([entry(7, 2.0), entry(7, 1.0)]).is_err(), "slice 7 comes twice");
///
/// # let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("plan.csv");
/// plan.write_csv(&path, false, |case_idx| format!("patient_{case_idx}"))?;
/// let place_of = |name: &str| (name == "patient_0").then_some(0);
/// assert_eq!(Plan::read_csv(&path, place_of, |_| 10)?, plan);
/// # Ok::<(), hardslice_data::balance::PlanError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    // Invariant: slices ascend strictly, weights are finite and positive.
    entries: Vec<PlanEntry>,
}

/// Slices of an average epoch: a sampler passes over epochs that are empty, and holds one that is not.
const EPOCH: RangeInclusive<f64> = 1e-3..=2e7;

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
    /// Weights that make an epoch of next to nothing, or of more than memory holds.
    #[error(
        "the weights of the plan sum to {sum}, and an epoch shows as many slices: wanted 0.001 to 20 \
         million; scale them"
    )]
    Epoch {
        /// The sum.
        sum: f64,
    },
    /// A row of a plan's file that makes no sense.
    #[error("line {line} of the plan: `{column}` is `{found}`, wanted {wanted}: {}", path.display())]
    Row {
        /// Line of the file, from 1.
        line: usize,
        /// The column.
        column: &'static str,
        /// What stands there.
        found: String,
        /// What should.
        wanted: String,
        /// The file.
        path: PathBuf,
    },
    /// A plan's file without a column that it needs.
    #[error(
        "the plan has the columns {found}, wanted case, z, weight and reason: {}", path.display()
    )]
    Columns {
        /// Its columns.
        found: String,
        /// The file.
        path: PathBuf,
    },
    /// The file is no table.
    #[error(transparent)]
    Table(TableError),
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<TableError> for PlanError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::File(error) => Self::File(error),
            error => Self::Table(error),
        }
    }
}

impl Plan {
    /// Makes a plan from its entries, in any order.
    ///
    /// # Errors
    ///
    /// [`PlanError`] when a slice comes twice, a weight is not positive, or an epoch would show next to
    /// nothing or more than memory holds.
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
        let plan = Self {
            entries: sorted.into_values().collect(),
        };
        let sum = plan.total_weight();
        if plan.entries.is_empty() || EPOCH.contains(&sum) {
            Ok(plan)
        } else {
            Err(PlanError::Epoch { sum })
        }
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
        Ok(written.map_err(Action::Write.on(path))?)
    }

    /// Whether a plan's file says that it rests on a threshold from the test set.
    ///
    /// # Errors
    ///
    /// [`PlanError`] when it cannot be read.
    pub fn is_leaky_csv(path: &Path) -> Result<bool, PlanError> {
        Ok(TableFile::read(path)?.column(&["leaky"]).is_some())
    }

    /// Reads a plan that [`Plan::write_csv`] wrote, or one made by hand.
    ///
    /// `case_idx` finds a case's place in the store by its name, and `n_slices` says how many slices
    /// the case of a place has.
    ///
    /// # Errors
    ///
    /// [`PlanError`] when the file or a row cannot be read, a case or a slice does not exist, or the
    /// plan makes no sense.
    pub fn read_csv(
        path: &Path,
        case_idx: impl Fn(&str) -> Option<usize>,
        n_slices: impl Fn(usize) -> usize,
    ) -> Result<Self, PlanError> {
        let reasons = format!("one of {}", Reason::ALL.map(Reason::name).join(", "));
        let table = TableFile::read(path)?;
        let columns = ["case", "z", "weight", "reason"];
        let places = columns.map(|column| table.column(&[column]));
        let [Some(case_at), Some(z_at), Some(weight_at), Some(reason_at)] = places else {
            return Err(PlanError::Columns {
                found: table.header.join(", "),
                path: path.to_owned(),
            });
        };
        let mut entries = Vec::new();
        let mut lines = BTreeMap::new();
        for row in &table.rows {
            let refused = |column: &'static str, at: usize, wanted: &str| PlanError::Row {
                line: row.line,
                column,
                found: row.cells[at].clone(),
                wanted: wanted.to_owned(),
                path: path.to_owned(),
            };
            let case = case_idx(&row.cells[case_at]);
            let case = case.ok_or_else(|| refused("case", case_at, "a case of the store"))?;
            let n = n_slices(case);
            let z = row.cells[z_at].parse().ok().filter(|z| *z < n);
            let below = format!("a slice of the case, below {n}");
            let slice = SliceRef::at(case, z.ok_or_else(|| refused("z", z_at, &below))?);
            if let Some(line) = lines.insert(slice, row.line) {
                let once = format!("a slice that line {line} does not have");
                return Err(refused("z", z_at, &once));
            }
            let weight = table.number(&row.cells[weight_at]);
            let weight = weight.filter(|weight| weight.is_finite() && *weight > 0.0);
            let positive = "a number above 0: leave out what is not to be shown";
            let reason = row.cells[reason_at].parse().ok();
            entries.push(PlanEntry {
                slice,
                weight: weight.ok_or_else(|| refused("weight", weight_at, positive))?,
                reason: reason.ok_or_else(|| refused("reason", reason_at, &reasons))?,
            });
        }
        Self::new(entries)
    }
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
        for weight in [1e-12, 1e10] {
            let refused = Plan::new([entry(1, weight)]);
            assert!(
                matches!(refused, Err(PlanError::Epoch { .. })),
                "an epoch of {weight}"
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
        let case_idx = |name: &str| name.strip_prefix("case_")?.parse().ok();
        let read = Plan::read_csv(&path, case_idx, |_| 6);
        assert_eq!(read.unwrap(), plan, "every digit of the weights is kept");
        let leaky = dir.path().join("leaky.csv");
        plan.write_csv(&leaky, true, |case| format!("case_{case}"))
            .unwrap();
        let text = std::fs::read_to_string(&leaky).unwrap();
        assert!(text.lines().all(|line| line.ends_with(",LEAKY")), "{text}");
        let read = Plan::read_csv(&leaky, case_idx, |_| 6);
        assert_eq!(read.unwrap(), plan, "the mark is no part of the plan");
    }

    #[test]
    fn a_row_that_makes_no_sense_is_named_with_what_was_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.csv");
        for (row, complaint) in [
            ("b,1,2,hard", "`case` is `b`, wanted a case of the store"),
            (
                "a,6,2,hard",
                "`z` is `6`, wanted a slice of the case, below 6",
            ),
            ("a,-1,2,hard", "`z` is `-1`, wanted a slice"),
            ("a,1,much,hard", "`weight` is `much`, wanted a number"),
            ("a,1,0,hard", "`weight` is `0`, wanted a number above 0"),
            ("a,1,-1,hard", "`weight` is `-1`, wanted a number above 0"),
            ("a,1,inf,hard", "`weight` is `inf`, wanted a number above 0"),
            ("a,1,NaN,hard", "`weight` is `NaN`, wanted a number above 0"),
            (
                "a,0,2,hard",
                "`z` is `0`, wanted a slice that line 2 does not have",
            ),
            ("a,1,2,why", "`reason` is `why`, wanted one of base, hard"),
        ] {
            std::fs::write(&path, format!("case,z,weight,reason\na,0,1,base\n{row}\n")).unwrap();
            let read = Plan::read_csv(&path, |name| (name == "a").then_some(0), |_| 6);
            let refused = read.unwrap_err().to_string();
            let wanted = format!("line 3 of the plan: {complaint}");
            assert!(refused.starts_with(&wanted), "{refused}");
            assert!(refused.ends_with("plan.csv"), "{refused}");
        }
    }

    #[test]
    fn a_plan_that_is_not_there_is_named() {
        let read = Plan::read_csv(Path::new("/no/plan.csv"), |_| None, |_| 0);
        let refused = read.unwrap_err();
        assert!(
            matches!(&refused, PlanError::File(error) if error.is_missing()),
            "{refused}"
        );
        assert_eq!(refused.to_string(), "cannot read /no/plan.csv");
    }
}
