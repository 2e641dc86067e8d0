//! The ledger: what the mining saw and decided, one row per slice, organ and round.
//!
//! A Parquet file, so that a cohort's hundred thousand rows stay small, typed and readable with
//! pandas, Polars or DuckDB (`pandas.read_parquet("ledger.parquet")`). Rows stand in the order of
//! rounds, cases, slices and organs, and the same rows give the same bytes.

mod columns;
mod guarded;
mod order;
mod pages;
mod row;
mod rows;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hardslice_volume::whole_file::write_whole;
use hardslice_volume::{Action, FileError};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;
use thiserror::Error;

use guarded::guarded;
use order::Order;
use pages::check_pages;
pub use row::LedgerRow;
pub(super) use rows::rows;

/// Rows in one row group of the file; the writer holds one at a time.
const ROWS_PER_GROUP: usize = 64 * 1024;

/// A ledger cannot be written or read.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// It cannot be written or opened.
    #[error(transparent)]
    File(#[from] FileError),
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
/// ```
/// use hardslice_data::balance::Plan;
/// use hardslice_data::mining::{MiningOptions, Tau, TauBasis, ledger, mine};
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/example_store.rs"));
/// # }
/// # let dir = tempfile::tempdir()?;
/// # let store = example::store(dir.path());
/// # let organs: Vec<_> = store.all_organs().collect();
/// # let options = MiningOptions { tau: Tau::Fixed(0.8), ..MiningOptions::default() };
/// # let scored = example::scored(&store, 0);
/// # let mined = mine(&store, &organs, scored, &options, &TauBasis::default())?;
///
/// let rows = mined.ledger(&store, &Plan::default(), 0, "net of yesterday");
/// let path = dir.path().join("ledger.parquet");
/// ledger::write(&path, &rows)?;
/// assert_eq!(ledger::read(&path)?, rows);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`LedgerError::File`] when the file cannot be written.
pub fn write(path: &Path, rows: &[LedgerRow]) -> Result<(), LedgerError> {
    let written = write_whole(path, |file| {
        write_groups(file, rows).map_err(io::Error::other)
    });
    Ok(written.map_err(Action::Write.on(path))?)
}

fn write_groups(
    file: &mut (impl io::Write + Send),
    rows: &[LedgerRow],
) -> Result<(), ParquetError> {
    let schema = Arc::new(schema(usize::MAX)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("hardslice".to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    for rows in rows.chunks(ROWS_PER_GROUP) {
        let mut group = writer.next_row_group()?;
        LedgerRow::write_columns(&mut group, rows)?;
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// Reads a ledger. Columns that an older one lacks are absent in every row.
///
/// ```
/// use std::path::Path;
///
/// use hardslice_data::mining::ledger;
///
/// let refused = ledger::read(Path::new("/no/ledger.parquet")).unwrap_err();
/// assert_eq!(refused.to_string(), "cannot read /no/ledger.parquet");
/// ```
///
/// # Errors
///
/// [`LedgerError`] when it cannot be opened or is not a ledger.
pub fn read(path: &Path) -> Result<Vec<LedgerRow>, LedgerError> {
    let file = File::open(path).map_err(Action::Read.on(path))?;
    // The parquet crate (60) checks little of what a damaged file says and panics later.
    let rows =
        guarded(|| read_rows(&file)).unwrap_or_else(|panic| Err(ParquetError::General(panic)));
    rows.map_err(|source| LedgerError::Read {
        path: path.to_owned(),
        source,
    })
}

fn read_rows(file: &File) -> Result<Vec<LedgerRow>, ParquetError> {
    let reader = SerializedFileReader::new(file.try_clone()?)?;
    check_pages(file, reader.metadata())?;
    // Ledgers of earlier versions lack the last columns; what is missing must be optional.
    let n_columns = reader
        .metadata()
        .file_metadata()
        .schema_descr()
        .num_columns();
    let rows = reader.get_row_iter(Some(schema(n_columns)?))?;
    let mut order = Order::default();
    rows.map(|row| {
        let row = row?;
        let row = LedgerRow::from_fields(row.get_column_iter().map(|(_, field)| field))?;
        order.check(&row)?;
        Ok(row)
    })
    .collect()
}

/// The schema of the first columns.
fn schema(n_columns: usize) -> Result<Type, ParquetError> {
    let columns = LedgerRow::schema_lines();
    let columns = columns[..n_columns.min(columns.len())].join("\n");
    parse_message_type(&format!("message ledger {{\n{columns}\n}}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mining::triage::Triage;
    use crate::mining::{Decision, ScoreRule, Tau};
    use crate::{CaseId, Organ, PatientId, SliceKind};

    fn row(z: u32, dice: Option<f64>) -> LedgerRow {
        LedgerRow {
            round: 0,
            case: CaseId::new("case é").unwrap(),
            patient: PatientId::new("p1").unwrap(),
            z,
            slice_spacing_mm: 2.5,
            organ: Organ::new("liver").unwrap(),
            kind: SliceKind::Positive,
            truth_px: 100,
            predicted_px: 80,
            shared_px: 70,
            rule: ScoreRule::Overlap,
            dice,
            tau: 0.9,
            tau_rule: Tau::Validation,
            decision: Decision::Hard,
            reason: "Dice 0.778 is below tau 0.900".to_owned(),
            weight: 2.0,
            model: "abc".to_owned(),
            truth_mm2: Some(156.25),
            loss: dice.map(|dice| 1.0 - dice),
            triage: (z == 2).then_some(Triage::Suspect),
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
    fn a_slice_that_comes_twice_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        let other_organ = LedgerRow {
            organ: Organ::new("spleen").unwrap(),
            ..row(1, None)
        };
        write(&path, &[row(1, None), other_organ, row(2, None)]).unwrap();
        assert_eq!(
            read(&path).unwrap().len(),
            3,
            "each organ has its own slices"
        );
        write(&path, &[row(1, None), row(2, None), row(2, None)]).unwrap();
        let refused = read(&path).unwrap_err();
        let LedgerError::Read { source, .. } = &refused else {
            panic!("{refused}");
        };
        assert!(source.to_string().contains("slice 2"), "{source}");
    }

    #[test]
    fn a_ledger_of_an_older_version_lacks_the_last_columns_and_no_others() {
        use parquet::record::Field;
        let text = |text: &str| Field::Str(text.to_owned());
        let mut fields = vec![
            Field::Int(0),
            text("case é"),
            text("p1"),
            Field::Int(4),
            Field::Double(2.5),
            text("liver"),
            text("positive"),
            Field::Int(100),
            Field::Int(80),
            Field::Int(70),
            text("overlap"),
            Field::Null,
            Field::Double(0.9),
            text("validation"),
            text("hard"),
            text("Dice 0.778 is below tau 0.900"),
            Field::Double(2.0),
            text("abc"),
        ];
        let older = LedgerRow {
            truth_mm2: None,
            ..row(4, None)
        };
        assert_eq!(LedgerRow::from_fields(fields.iter()).unwrap(), older);
        fields[14] = text("perhaps");
        let refused = LedgerRow::from_fields(fields.iter())
            .unwrap_err()
            .to_string();
        assert!(refused.contains("column `decision` holds"), "{refused}");
        assert!(
            LedgerRow::from_fields(fields[..14].iter()).is_err(),
            "too few"
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
