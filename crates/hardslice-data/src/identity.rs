//! Content hashes (cache keys): what a piece of work is recognised by.

use serde::Serialize;

/// The identity of a piece of work: BLAKE3, in hexadecimal, of all that decides it, as JSON.
///
/// # Panics
///
/// When `decided_by` has no JSON form, as a path that is not UTF-8: two pieces of work must never be
/// taken for each other because neither could be written down.
///
/// ```
/// use hardslice_data::identity;
///
/// assert_eq!(identity(&("train", 7)), identity(&("train", 7)));
/// assert_ne!(identity(&("train", 7)), identity(&("train", 8)));
/// ```
pub fn identity(decided_by: &impl Serialize) -> String {
    let json =
        serde_json::to_vec(decided_by).expect("what decides a piece of work has a JSON form");
    blake3::hash(&json).to_hex().to_string()
}
