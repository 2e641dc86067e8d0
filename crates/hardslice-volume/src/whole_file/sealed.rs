//! Records that know when they were changed.
//!
//! JSON with one field more at the end, `blake3`: the hash of the text without it. Who reads the
//! record finds a bit that a disk has lost, or a digit that somebody has edited, instead of taking
//! it for a result.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{if_there, write_whole_bytes};
use crate::file_error::{Action, FileError};

/// What stands before the hash, and behind it.
const BEFORE: &[u8] = b",\n  \"blake3\": \"";
const BEHIND: &[u8] = b"\"\n}";
/// Hexadecimal digits of a hash.
const N_DIGITS: usize = 64;

/// A value as sealed JSON: an object with at least one field.
///
/// ```
/// use hardslice_volume::whole_file::{sealed, unsealed};
///
/// let json = sealed(&std::collections::BTreeMap::from([("steps", 12)]))?;
/// assert_eq!(unsealed(&json)?, b"{\n  \"steps\": 12\n}");
/// let edited = String::from_utf8(json).unwrap().replace("12", "13");
/// assert!(unsealed(edited.as_bytes()).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// What has no JSON form.
///
/// # Panics
///
/// When the value is no object with a field.
pub fn sealed(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(value)?;
    let hash = blake3::hash(&json).to_hex();
    assert!(
        json.starts_with(b"{\n") && json.ends_with(b"\n}"),
        "a record has fields"
    );
    json.truncate(json.len() - 2);
    json.extend([BEFORE, hash.as_bytes(), BEHIND].concat());
    Ok(json)
}

/// The JSON that was sealed, without its seal.
///
/// # Errors
///
/// When the seal is missing or broken.
pub fn unsealed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let broken = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "it was changed or damaged since it was written: its hash, the field `blake3` at its end, \
             is not that of the rest; delete it to have it made again",
        )
    };
    let n_seal = BEFORE.len() + N_DIGITS + BEHIND.len();
    let begin = bytes.len().checked_sub(n_seal).ok_or_else(broken)?;
    let (rest, seal) = bytes.split_at(begin);
    let digits = &seal[BEFORE.len()..BEFORE.len() + N_DIGITS];
    let json = [rest, b"\n}"].concat();
    let is_whole = seal.starts_with(BEFORE)
        && seal.ends_with(BEHIND)
        && blake3::hash(&json).to_hex().as_bytes() == digits;
    if is_whole { Ok(json) } else { Err(broken()) }
}

/// Writes a value as [`sealed`] JSON, whole or not at all.
///
/// # Errors
///
/// As [`write_json`](super::write_json).
///
/// # Panics
///
/// As [`sealed`].
pub fn write_sealed(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    sealed(value)
        .and_then(|json| write_whole_bytes(path, &json))
        .map_err(Action::Write.on(path))
}

/// Reads a value from [`sealed`] JSON.
///
/// # Errors
///
/// [`FileError`] to [read](Action::Read): the file system's refusal, a seal that is missing or broken,
/// or, with line and column, that the text holds another value.
pub fn read_sealed<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let bytes = fs::read(path).map_err(Action::Read.on(path))?;
    let value = unsealed(&bytes).and_then(|json| Ok(serde_json::from_slice(&json)?));
    value.map_err(Action::Read.on(path))
}

/// Reads a value as [`read_sealed`] does; `None` where there is no such file.
///
/// # Errors
///
/// As [`read_sealed`], but for the missing file.
pub fn read_sealed_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    if_there(read_sealed(path))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_sealed_record_reads_back_and_is_json_for_everybody_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("finished.json");
        assert_eq!(
            read_sealed_if_there::<BTreeMap<String, f64>>(&path).unwrap(),
            None
        );
        let record = BTreeMap::from([("dice".to_owned(), 0.1 + 0.2)]);
        write_sealed(&path, &record).unwrap();
        assert_eq!(read_sealed_if_there(&path).unwrap(), Some(record));
        let json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(json["blake3"].as_str().unwrap().len(), 64, "{json}");
    }

    #[test]
    fn every_bit_that_flips_and_every_byte_that_is_missing_is_found() {
        let json = sealed(&BTreeMap::from([
            ("taus", [0.5, 0.25]),
            ("weights", [1.0, 2.0]),
        ]))
        .unwrap();
        for bit in 0..json.len() * 8 {
            let mut flipped = json.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(unsealed(&flipped).is_err(), "bit {bit}");
        }
        for n in 0..json.len() {
            assert!(unsealed(&json[..n]).is_err(), "the first {n} bytes");
        }
        assert!(unsealed(b"{\n  \"taus\": 1\n}").is_err(), "without a seal");
        assert!(
            unsealed(&[json.as_slice(), b"\n"].concat()).is_err(),
            "one byte more"
        );
    }
}
