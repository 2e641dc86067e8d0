//! The order of a ledger's rows.

use std::collections::BTreeMap;

use parquet::errors::ParquetError;

use super::LedgerRow;
use crate::{CaseId, Organ};

/// The highest slice so far of each round, case and organ.
///
/// A file can say the same row a billion times in a few bytes; no slice comes twice, so that a reader
/// that checks the order stops at the second one.
#[derive(Default)]
pub(super) struct Order(BTreeMap<(u32, CaseId, Organ), u32>);

impl Order {
    /// Takes the next row.
    ///
    /// # Errors
    ///
    /// Its slice is not above the last one of the same round, case and organ.
    pub(super) fn check(&mut self, row: &LedgerRow) -> Result<(), ParquetError> {
        let key = (row.round, row.case.clone(), row.organ.clone());
        match self.0.insert(key, row.z) {
            Some(last) if last >= row.z => Err(ParquetError::General(format!(
                "slice {} of {} and {} comes after slice {last}",
                row.z, row.case, row.organ
            ))),
            _ => Ok(()),
        }
    }
}
