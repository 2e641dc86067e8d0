//! A setting that makes no sense.

use thiserror::Error;

/// A setting of an experiment is out of range: its table, and what must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{}{must}", heading(table))]
pub struct SettingError {
    /// The table of the experiment's file, `train`; empty for keys above all tables.
    pub table: &'static str,
    /// What must hold: "batch must be 1 at least".
    pub must: &'static str,
}

fn heading(table: &str) -> String {
    if table.is_empty() {
        String::new()
    } else {
        format!("[{table}] ")
    }
}

impl SettingError {
    /// Checks settings of a table, each given as whether it is wrong and what must hold.
    ///
    /// # Errors
    ///
    /// The first that is wrong.
    pub fn check(
        table: &'static str,
        settings: impl IntoIterator<Item = (bool, &'static str)>,
    ) -> Result<(), Self> {
        match settings.into_iter().find(|(is_wrong, _)| *is_wrong) {
            Some((_, must)) => Err(Self { table, must }),
            None => Ok(()),
        }
    }
}
