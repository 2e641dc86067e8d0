//! The header of a `.npy` file: which numbers, in which order, how many along each axis.

use std::io::{self, Read};

/// A number that probabilities are written in, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// `<f2`.
    F16,
    /// `<f4`.
    F32,
    /// `<f8`.
    F64,
}

impl Element {
    /// Of `numpy`'s name of a type; `None` for what is no such number.
    pub(super) fn of_descr(descr: &str) -> Option<Self> {
        match descr {
            "<f2" => Some(Self::F16),
            "<f4" => Some(Self::F32),
            "<f8" => Some(Self::F64),
            _ => None,
        }
    }

    pub(super) fn n_bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// `numpy`'s name of the type.
    pub(super) descr: String,
    /// Whether the first axis is the fastest.
    pub(super) is_fortran: bool,
    /// Elements along each axis.
    pub(super) shape: Vec<usize>,
}

/// Why there is no header.
#[derive(Debug)]
pub(super) enum NoHeader {
    /// It cannot be read; also where the file ends within it.
    Read(io::Error),
    /// It is none of `.npy`, or of a version that is not known.
    Invalid,
}

impl From<io::Error> for NoHeader {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// A header of three axes takes 128 bytes; one longer than this is none of ours to keep.
const MAX_BYTES: usize = 4096;

impl Header {
    /// Reads a header to its end, where the elements begin.
    pub(super) fn read(file: &mut impl Read) -> Result<Self, NoHeader> {
        let mut prefix = [0; 8];
        file.read_exact(&mut prefix)?;
        let [magic @ .., major, _minor] = prefix;
        if magic != *b"\x93NUMPY" {
            return Err(NoHeader::Invalid);
        }
        let mut length = [0; 4];
        let n_bytes = match major {
            1 => 2,
            2 | 3 => 4,
            _ => return Err(NoHeader::Invalid),
        };
        file.read_exact(&mut length[..n_bytes])?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_BYTES {
            return Err(NoHeader::Invalid);
        }
        let mut text = vec![0; length];
        file.read_exact(&mut text)?;
        let text = str::from_utf8(&text).map_err(|_error| NoHeader::Invalid)?;
        Self::parse(text).ok_or(NoHeader::Invalid)
    }

    /// Parses a dict of Python's with just the keys `descr`, `fortran_order` and `shape`, in any order.
    fn parse(text: &str) -> Option<Self> {
        let inside = text.trim_end_matches(['\n', ' ']).strip_prefix('{')?;
        let mut rest = inside.strip_suffix('}')?.trim();
        let (mut descr, mut is_fortran, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, after) = quoted(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            rest = match key {
                "descr" => {
                    let (found, after) = quoted(value)?;
                    descr = Some(found.to_owned());
                    after
                }
                "fortran_order" => {
                    let (found, after) = match value.strip_prefix("True") {
                        Some(after) => (true, after),
                        None => (false, value.strip_prefix("False")?),
                    };
                    is_fortran = Some(found);
                    after
                }
                "shape" => {
                    let (inside, after) = value.strip_prefix('(')?.split_once(')')?;
                    let lengths = inside.split(',').map(str::trim);
                    let lengths = lengths.filter(|length| !length.is_empty());
                    shape = Some(lengths.map(|n| n.parse().ok()).collect::<Option<_>>()?);
                    after
                }
                _ => return None,
            };
            rest = rest.trim_start();
            rest = match rest.strip_prefix(',') {
                Some(after) => after.trim_start(),
                None if rest.is_empty() => rest,
                None => return None,
            };
        }
        Some(Self {
            descr: descr?,
            is_fortran: is_fortran?,
            shape: shape?,
        })
    }
}

/// A string of Python's without escapes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|first| "'\"".contains(*first))?;
    text[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_dict_of_three_keys_in_any_order() {
        let want = Header {
            descr: "<f4".to_owned(),
            is_fortran: false,
            shape: vec![2, 3, 40],
        };
        for text in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 40), }   \n",
            "{\"shape\":(2,3,40),'descr':\"<f4\",\"fortran_order\":False}",
        ] {
            assert_eq!(Header::parse(text), Some(want.clone()), "{text}");
        }
        let flat = Header::parse("{'descr': '|u1', 'fortran_order': True, 'shape': (), }");
        assert_eq!(flat.map(|header| header.shape), Some(vec![]), "a number");
    }

    #[test]
    fn what_is_no_header_is_none() {
        for text in [
            "",
            "{",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}",
            "{'other': '<f4', 'fortran_order': False, 'shape': (1,)}",
            "{é",
        ] {
            assert_eq!(Header::parse(text), None, "{text}");
        }
    }
}
