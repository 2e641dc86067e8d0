//! The jobs of a folder, a row each: `jobs.csv`.

use std::path::Path;

use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError};
use serde::{Deserialize, Serialize};

/// A job, as an engine is told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Counted from 1.
    pub(crate) id: usize,
    /// 1, or 2 of a job that needs one of wave 1.
    pub(crate) wave: usize,
    /// The job that must be done before, where there is one.
    pub(crate) needs: Option<usize>,
    /// The round that it trains in.
    pub(crate) round: String,
    /// What it does there: `shared` (pre-training and mining), an arm, or `all`.
    pub(crate) work: String,
    /// Steps of training.
    pub(crate) steps: u64,
    pub(crate) cores: usize,
    /// 10⁶ bytes.
    pub(crate) memory_mb: u64,
    /// What to ask of a queue: the forecast and half as much, for all that is not training.
    pub(crate) minutes: u64,
    /// What it computes on.
    pub(crate) instructions: String,
    /// The file that shows it done, from the folder of the jobs.
    pub(crate) done: String,
    /// For a shell.
    pub(crate) command: String,
}

/// Writes the table.
pub(crate) fn write_table(path: &Path, rows: &[Row]) -> Result<(), FileError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).expect("rows are text and numbers");
    }
    let bytes = writer.into_inner().expect("memory takes all");
    write_whole_bytes(path, &bytes).map_err(Action::Write.on(path))
}

/// Reads the table.
pub(crate) fn read_table(path: &Path) -> Result<Vec<Row>, FileError> {
    let bytes = std::fs::read(path).map_err(Action::Read.on(path))?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let rows = reader.deserialize().collect::<Result<_, csv::Error>>();
    rows.map_err(|error| Action::Read.on(path)(error.into()))
}
