//! The bytes of a file, with a look ahead.

use std::io::{self, Read};

use dicom_core::Tag;

use super::DataSetError;

/// A stream that counts what was taken and can be looked into.
pub(super) struct Input<'a> {
    reader: Box<dyn Read + 'a>,
    ahead: Vec<u8>,
    at: u64,
}

impl<'a> Input<'a> {
    pub(super) fn new(reader: Box<dyn Read + 'a>) -> Self {
        Self {
            reader,
            ahead: Vec::new(),
            at: 0,
        }
    }

    /// Bytes taken so far.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The next bytes, without taking them; fewer where the file ends.
    pub(super) fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        let missing = n.saturating_sub(self.ahead.len()) as u64;
        (&mut self.reader)
            .take(missing)
            .read_to_end(&mut self.ahead)?;
        Ok(&self.ahead[..n.min(self.ahead.len())])
    }

    /// Exactly `N` bytes of an element's head.
    pub(super) fn head<const N: usize>(&mut self) -> Result<[u8; N], DataSetError> {
        let at = self.at;
        let bytes = self.peek(N)?;
        let head = bytes
            .try_into()
            .map_err(|_short: std::array::TryFromSliceError| DataSetError::HeadTruncated { at })?;
        self.ahead.drain(..N);
        self.at += N as u64;
        Ok(head)
    }

    /// The value of an element. Memory grows with what is there, not with what is announced.
    pub(super) fn value(&mut self, tag: Tag, length: u64) -> Result<Vec<u8>, DataSetError> {
        let mut bytes = Vec::new();
        self.take(length).read_to_end(&mut bytes)?;
        check(tag, length, bytes.len() as u64)?;
        Ok(bytes)
    }

    /// Goes on behind the value of an element.
    pub(super) fn skip(&mut self, tag: Tag, length: u64) -> Result<(), DataSetError> {
        let found = io::copy(&mut self.take(length), &mut io::sink())?;
        check(tag, length, found)
    }

    /// Whether nothing but zeros is left, which is padding. Takes them.
    pub(super) fn is_padding(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        loop {
            match self.read(&mut buffer)? {
                0 => return Ok(true),
                n if buffer[..n].iter().any(|byte| *byte != 0) => return Ok(false),
                _ => {}
            }
        }
    }

    /// All that is left, through a decompressor.
    pub(super) fn inflated(self) -> Input<'a> {
        let at = self.at;
        Input {
            reader: Box::new(flate2::read::DeflateDecoder::new(self)),
            ahead: Vec::new(),
            at,
        }
    }

    fn take(&mut self, length: u64) -> io::Take<&mut Self> {
        Read::take(self, length)
    }
}

fn check(tag: Tag, wanted: u64, found: u64) -> Result<(), DataSetError> {
    if found == wanted {
        return Ok(());
    }
    Err(DataSetError::Truncated { tag, wanted, found })
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = if self.ahead.is_empty() {
            self.reader.read(buffer)?
        } else {
            let n = self.ahead.len().min(buffer.len());
            buffer[..n].copy_from_slice(&self.ahead[..n]);
            self.ahead.drain(..n);
            n
        };
        self.at += n as u64;
        Ok(n)
    }
}
