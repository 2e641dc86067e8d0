//! Records that know when they were changed.

use hardslice_volume::whole_file::sealed;
use serde_json::{Map, Value};

/// Seals an input that is a record in JSON, so that what its reader does behind the seal is reached;
/// any other input stays as it is, and is refused for its seal.
pub(crate) fn with_seal(input: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Map<String, Value>>(input) {
        Ok(record) if !record.is_empty() => sealed(&record).expect("what was read can be written"),
        _ => input.to_vec(),
    }
}
