//! `confidence.csv`: what is to be expected, a row for each slice and organ.

use std::path::Path;

use hardslice_data::{CaseId, Organ};
use hardslice_eval::confidence::Expected;
use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError};
use serde::{Deserialize, Serialize};

use super::{JudgedConfidence, SliceConfidence};

/// A line of the table.
#[derive(Debug, Serialize)]
struct Row<'a> {
    case: &'a str,
    z: usize,
    organ: &'a Organ,
    pixels: usize,
    /// Of what was found.
    expected_dice: Option<String>,
    /// Where nothing was found, how likely the organ is there.
    missed: Option<String>,
    look: &'static str,
}

impl<'a> Row<'a> {
    fn new(case: &'a str, slice: &'a SliceConfidence) -> Self {
        let digits = |value: f64| format!("{value:.3}");
        let (expected_dice, missed) = match slice.expected {
            Some(Expected::Dice(dice)) => (Some(digits(dice)), None),
            Some(Expected::Missed(chance)) => (None, Some(digits(chance))),
            None => (None, None),
        };
        Self {
            case,
            z: slice.z,
            organ: &slice.organ,
            pixels: slice.n_predicted,
            expected_dice,
            missed,
            look: if slice.look { "yes" } else { "no" },
        }
    }
}

/// Writes a table of what is to be expected, a row for each slice and organ.
///
/// # Errors
///
/// [`FileError`] when it cannot be written.
pub fn write_confidence(
    path: &Path,
    case: &str,
    slices: &[SliceConfidence],
) -> Result<(), FileError> {
    let rows = slices.iter().map(|slice| Row::new(case, slice));
    write_rows(path, rows)
}

/// The same for scans with a known truth, with the Dice that each slice had; empty where the organ is
/// neither there nor predicted.
pub(crate) fn write_judged(
    path: &Path,
    judged: &[(CaseId, JudgedConfidence)],
) -> Result<(), FileError> {
    let rows = judged.iter().map(|(case, slice)| {
        let dice = slice.overlap.dice().map(|dice| format!("{dice:.3}"));
        (Row::new(case.as_str(), &slice.expected), Dice { dice })
    });
    write_rows(path, rows)
}

/// The last column of scans with a known truth.
#[derive(Debug, Serialize)]
struct Dice {
    dice: Option<String>,
}

/// A line of the table of scans with a known truth.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct JudgedRow {
    /// The scan.
    pub case: String,
    /// The slice, from 0 at the feet.
    pub z: usize,
    /// The organ.
    pub organ: Organ,
    /// Pixels of the answer.
    pub pixels: usize,
    /// The Dice that was expected of what was found.
    pub expected_dice: Option<f64>,
    /// Where nothing was found, how likely the organ was said to be there.
    pub missed: Option<f64>,
    /// `yes` where a person should have looked.
    pub look: String,
    /// The Dice that it had; `None` where the organ was neither there nor predicted.
    pub dice: Option<f64>,
}

/// Reads the table of scans with a known truth.
///
/// # Errors
///
/// [`csv::Error`] when it is not there or none of this program's.
pub fn read_judged(path: &Path) -> Result<Vec<JudgedRow>, csv::Error> {
    csv::Reader::from_path(path)?.deserialize().collect()
}

fn write_rows(path: &Path, rows: impl Iterator<Item = impl Serialize>) -> Result<(), FileError> {
    let mut table = csv::Writer::from_writer(Vec::new());
    for row in rows {
        let written = table.serialize(row);
        written.expect("rows of text and numbers are written into memory");
    }
    let bytes = table.into_inner().expect("memory takes what is written");
    write_whole_bytes(path, &bytes).map_err(Action::Write.on(path))
}

#[cfg(test)]
mod tests {
    use hardslice_eval::Overlap;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("confidence.csv");
        let organ = Organ::new("liver").unwrap();
        let slice = |expected, n_predicted, n_truth, n_shared| JudgedConfidence {
            expected: SliceConfidence {
                z: 7,
                organ: organ.clone(),
                n_predicted,
                expected,
                look: n_predicted == 0,
            },
            overlap: Overlap {
                n_truth,
                n_predicted,
                n_shared,
            },
        };
        let case = CaseId::new("a, b").unwrap();
        let written = [
            slice(Some(Expected::Dice(0.75)), 10, 10, 8),
            slice(Some(Expected::Missed(0.25)), 0, 0, 0),
            slice(None, 0, 5, 0),
        ];
        let written: Vec<_> = written.map(|slice| (case.clone(), slice)).into();
        write_judged(&path, &written).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let header = "case,z,organ,pixels,expected_dice,missed,look,dice\n";
        assert!(text.starts_with(header), "{text}");
        let read = read_judged(&path).unwrap();
        let told = |row: &JudgedRow| (row.expected_dice, row.missed, row.dice);
        assert_eq!(told(&read[0]), (Some(0.75), None, Some(0.8)));
        assert_eq!(told(&read[1]), (None, Some(0.25), None));
        assert_eq!(told(&read[2]), (None, None, Some(0.0)));
        assert_eq!(
            (read[0].case.as_str(), read[0].z, read[0].pixels),
            ("a, b", 7, 10)
        );
        assert_eq!(
            (read[0].look.as_str(), read[1].look.as_str()),
            ("no", "yes")
        );
    }
}
