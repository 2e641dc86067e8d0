//! What the mining saw and decided: one row per slice, organ and round.
//!
//! The ledger is a Parquet file, so that a cohort's hundred thousand rows stay small, typed and
//! readable with pandas, Polars or DuckDB (`pandas.read_parquet("ledger.parquet")`). Rows stand in
//! the order of rounds, cases, slices and organs, and the same rows give the same bytes.

mod rows;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hardslice_volume::whole_file::write_whole;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::record::{Row, RowAccessor};
use parquet::schema::parser::parse_message_type;
use thiserror::Error;

pub use rows::{Entry, ledger_rows};

/// Columns, in the order of [`LedgerRow`]'s fields.
const SCHEMA: &str = "
message ledger {
    REQUIRED INT32 round;
    REQUIRED BYTE_ARRAY case (STRING);
    REQUIRED BYTE_ARRAY patient (STRING);
    REQUIRED INT32 z;
    REQUIRED DOUBLE slice_spacing_mm;
    REQUIRED BYTE_ARRAY organ (STRING);
    REQUIRED BYTE_ARRAY kind (STRING);
    REQUIRED INT32 truth_px;
    REQUIRED INT32 predicted_px;
    REQUIRED INT32 shared_px;
    REQUIRED BYTE_ARRAY rule (STRING);
    OPTIONAL DOUBLE dice;
    REQUIRED DOUBLE tau;
    REQUIRED BYTE_ARRAY tau_rule (STRING);
    REQUIRED BYTE_ARRAY decision (STRING);
    REQUIRED BYTE_ARRAY reason (STRING);
    REQUIRED DOUBLE weight;
    REQUIRED BYTE_ARRAY model (STRING);
    OPTIONAL DOUBLE truth_mm2;
    OPTIONAL DOUBLE loss;
    OPTIONAL BYTE_ARRAY triage (STRING);
    OPTIONAL BYTE_ARRAY triage_reason (STRING);
}";

/// Rows in one row group of the file; the writer holds one at a time.
const ROWS_PER_GROUP: usize = 64 * 1024;

/// What the mining saw and decided of one slice for one organ.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRow {
    /// Round of mining, from 0.
    pub round: i32,
    /// Case.
    pub case: String,
    /// Whose scan it is.
    pub patient: String,
    /// Slice, from the feet up.
    pub z: i32,
    /// Distance between neighbouring slices, in millimetres.
    pub slice_spacing_mm: f64,
    /// Organ.
    pub organ: String,
    /// `positive`, `end_of_organ` or `negative`.
    pub kind: String,
    /// Pixels of the organ in the labels, on the store's grid.
    pub truth_px: i32,
    /// Pixels of the organ in the prediction.
    pub predicted_px: i32,
    /// Pixels in both.
    pub shared_px: i32,
    /// Which rule scored the slice ([`crate::balance::Rule`]).
    pub rule: String,
    /// Dice, absent where the slice counts as empty.
    pub dice: Option<f64>,
    /// The organ's threshold.
    pub tau: f64,
    /// How the threshold was set; `paper` means that the test set was used.
    pub tau_rule: String,
    /// `hard` or `easy`.
    pub decision: String,
    /// The decision in words.
    pub reason: String,
    /// Weight of the slice in the plan of the arm `hard`; 0 when it is not in it.
    pub weight: f64,
    /// Hash of the weights of the model that scored it.
    pub model: String,
    /// Area of the organ in the labels, on the store's grid, in square millimetres.
    pub truth_mm2: Option<f64>,
    /// Mean binary cross-entropy of the slice's pixels, natural logarithm; absent where there were
    /// no probabilities.
    pub loss: Option<f64>,
    /// `suspect`, `broken` or `redundant`; absent for other slices ([`crate::triage`]).
    pub triage: Option<String>,
    /// What that rests on, in words.
    pub triage_reason: Option<String>,
}

/// A ledger cannot be written or read.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// It cannot be written.
    #[error("cannot write the ledger {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be opened.
    #[error("cannot open the ledger {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a ledger, or damaged.
    #[error("the ledger is damaged or was not written by this program: {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
}

/// Writes a ledger, whole or not at all.
///
/// # Errors
///
/// [`LedgerError::Write`] when the file cannot be written.
pub fn write(path: &Path, rows: &[LedgerRow]) -> Result<(), LedgerError> {
    let written = write_whole(path, |file| {
        write_groups(file, rows).map_err(io::Error::other)
    });
    written.map_err(|source| LedgerError::Write {
        path: path.to_owned(),
        source,
    })
}

fn write_groups(
    file: &mut (impl io::Write + Send),
    rows: &[LedgerRow],
) -> Result<(), ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("hardslice".to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    for rows in rows.chunks(ROWS_PER_GROUP) {
        let mut group = writer.next_row_group()?;
        write_columns(&mut group, rows)?;
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

fn write_columns<W: io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[LedgerRow],
) -> Result<(), ParquetError> {
    column::<Int32Type, W>(group, rows, |row| row.round)?;
    column::<ByteArrayType, W>(group, rows, |row| text(&row.case))?;
    column::<ByteArrayType, W>(group, rows, |row| text(&row.patient))?;
    column::<Int32Type, W>(group, rows, |row| row.z)?;
    column::<DoubleType, W>(group, rows, |row| row.slice_spacing_mm)?;
    column::<ByteArrayType, W>(group, rows, |row| text(&row.organ))?;
    column::<ByteArrayType, W>(group, rows, |row| text(&row.kind))?;
    column::<Int32Type, W>(group, rows, |row| row.truth_px)?;
    column::<Int32Type, W>(group, rows, |row| row.predicted_px)?;
    column::<Int32Type, W>(group, rows, |row| row.shared_px)?;
    column::<ByteArrayType, W>(group, rows, |row| text(&row.rule))?;
    optional::<DoubleType, W>(group, rows, |row| row.dice)?;
    column::<DoubleType, W>(group, rows, |row| row.tau)?;
    column::<ByteArrayType, W>(group, rows, |row| text(&row.tau_rule))?;
    column::<ByteArrayType, W>(group, rows, |row| text(&row.decision))?;
    column::<ByteArrayType, W>(group, rows, |row| text(&row.reason))?;
    column::<DoubleType, W>(group, rows, |row| row.weight)?;
    column::<ByteArrayType, W>(group, rows, |row| text(&row.model))?;
    optional::<DoubleType, W>(group, rows, |row| row.truth_mm2)?;
    optional::<DoubleType, W>(group, rows, |row| row.loss)?;
    optional::<ByteArrayType, W>(group, rows, |row| row.triage.as_deref().map(text))?;
    optional::<ByteArrayType, W>(group, rows, |row| row.triage_reason.as_deref().map(text))
}

fn text(value: &str) -> ByteArray {
    ByteArray::from(value)
}

fn missing_column() -> ParquetError {
    ParquetError::General("the schema has fewer columns than a row".to_owned())
}

fn column<T: DataType, W: io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[LedgerRow],
    value: impl Fn(&LedgerRow) -> T::T,
) -> Result<(), ParquetError> {
    let values: Vec<T::T> = rows.iter().map(value).collect();
    let mut column = group.next_column()?.ok_or_else(missing_column)?;
    column.typed::<T>().write_batch(&values, None, None)?;
    column.close()
}

fn optional<T: DataType, W: io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[LedgerRow],
    value: impl Fn(&LedgerRow) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = rows.iter().map(value).collect();
    let is_present: Vec<i16> = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    let mut column = group.next_column()?.ok_or_else(missing_column)?;
    column
        .typed::<T>()
        .write_batch(&values, Some(&is_present), None)?;
    column.close()
}

/// Reads a ledger.
///
/// # Errors
///
/// [`LedgerError`] when it cannot be opened or is not a ledger.
pub fn read(path: &Path) -> Result<Vec<LedgerRow>, LedgerError> {
    let file = File::open(path).map_err(|source| LedgerError::Open {
        path: path.to_owned(),
        source,
    })?;
    read_rows(file).map_err(|source| LedgerError::Read {
        path: path.to_owned(),
        source,
    })
}

fn read_rows(file: File) -> Result<Vec<LedgerRow>, ParquetError> {
    let reader = SerializedFileReader::new(file)?;
    // Ledgers of earlier versions lack the last columns; what is missing must be optional.
    let n_columns = reader
        .metadata()
        .file_metadata()
        .schema_descr()
        .num_columns();
    let columns: Vec<&str> = SCHEMA.lines().filter(|line| line.ends_with(';')).collect();
    let schema = columns[..n_columns.min(columns.len())].join("\n");
    let schema = parse_message_type(&format!("message ledger {{ {schema} }}"))?;
    reader
        .get_row_iter(Some(schema))?
        .map(|row| ledger_row(&row?))
        .collect()
}

fn ledger_row(row: &Row) -> Result<LedgerRow, ParquetError> {
    let text = |column| row.get_string(column).cloned();
    let is_there = |column: &usize| *column < row.len();
    let optional = |column| Some(column).filter(is_there).and_then(|at| text(at).ok());
    let optional_double = |column| {
        let there = Some(column).filter(is_there);
        there.and_then(|at| row.get_double(at).ok())
    };
    Ok(LedgerRow {
        round: row.get_int(0)?,
        case: text(1)?,
        patient: text(2)?,
        z: row.get_int(3)?,
        slice_spacing_mm: row.get_double(4)?,
        organ: text(5)?,
        kind: text(6)?,
        truth_px: row.get_int(7)?,
        predicted_px: row.get_int(8)?,
        shared_px: row.get_int(9)?,
        rule: text(10)?,
        dice: optional_double(11),
        tau: row.get_double(12)?,
        tau_rule: text(13)?,
        decision: text(14)?,
        reason: text(15)?,
        weight: row.get_double(16)?,
        model: text(17)?,
        truth_mm2: optional_double(18),
        loss: optional_double(19),
        triage: optional(20),
        triage_reason: optional(21),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(z: i32, dice: Option<f64>) -> LedgerRow {
        LedgerRow {
            round: 0,
            case: "case é".to_owned(),
            patient: "p1".to_owned(),
            z,
            slice_spacing_mm: 2.5,
            organ: "liver".to_owned(),
            kind: "positive".to_owned(),
            truth_px: 100,
            predicted_px: 80,
            shared_px: 70,
            rule: "overlap".to_owned(),
            dice,
            tau: 0.9,
            tau_rule: "validation".to_owned(),
            decision: "hard".to_owned(),
            reason: "Dice 0.778 is below tau 0.900".to_owned(),
            weight: 2.0,
            model: "abc".to_owned(),
            truth_mm2: Some(156.25),
            loss: dice.map(|dice| 1.0 - dice),
            triage: (z == 2).then(|| "suspect".to_owned()),
            triage_reason: (z == 2).then(|| "the label is mirrored".to_owned()),
        }
    }

    #[test]
    fn a_ledger_reads_back_as_it_was_written_and_its_bytes_repeat() {
        let dir = tempfile::tempdir().unwrap();
        let (path, again) = (dir.path().join("a.parquet"), dir.path().join("b.parquet"));
        let rows = [row(0, Some(1.0 / 3.0)), row(1, None), row(2, Some(0.0))];
        write(&path, &rows).unwrap();
        write(&again, &rows).unwrap();
        assert_eq!(read(&path).unwrap(), rows, "absent Dice stays absent");
        assert_eq!(
            std::fs::read(&path).unwrap(),
            std::fs::read(&again).unwrap(),
            "the same rows give the same bytes"
        );
    }

    #[test]
    fn a_file_that_is_no_ledger_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        std::fs::write(&path, "case,z\n").unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(
            message.contains("damaged") && message.contains("x.parquet"),
            "{message}"
        );
    }
}
