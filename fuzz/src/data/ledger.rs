//! `ledger.parquet`.

use std::fs;
use std::path::Path;

use hardslice_data::mining::ledger;

use crate::target::names_the_file;

pub(crate) fn run(input: &[u8], folder: &Path) {
    let path = folder.join("ledger.parquet");
    fs::write(&path, input).expect("a folder to write to");
    match ledger::read(&path) {
        Ok(rows) => {
            ledger::write(&path, &rows).expect("what was read can be written");
            let again = ledger::read(&path).expect("what was written can be read");
            // Not by `==`, as a number may be none.
            assert_eq!(
                format!("{again:?}"),
                format!("{rows:?}"),
                "as it was written"
            );
        }
        Err(error) => names_the_file(&error, "ledger.parquet"),
    }
}
