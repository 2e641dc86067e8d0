//! Gzip files of one or several members, with or without padding.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::deflate::GZIP_MAGIC;

/// The decompressed bytes of all members of a gzip file, one after the other.
///
/// Zeros behind a member are padding, after which another member may follow, as in Python's gzip.
/// Other bytes behind the last member are counted and left alone, as the program gzip does ("trailing
/// garbage ignored"). A member that breaks off or whose checksum is wrong is an error.
///
/// # Sources
///
/// RFC 1952 2.2 (members); the padding is no part of it.
pub(super) struct GzipMembers {
    /// `None` only while one member makes room for the next.
    member: Option<GzDecoder<Rest>>,
    is_at_end: bool,
    n_garbage: u64,
}

impl GzipMembers {
    pub(super) fn new(rest: Box<dyn BufRead>) -> Self {
        Self {
            member: Some(GzDecoder::new(Rest {
                ahead: Vec::new(),
                file: rest,
            })),
            is_at_end: false,
            n_garbage: 0,
        }
    }

    /// Bytes behind the last member, padding before them not counted; known at the end.
    pub(super) fn n_garbage(&self) -> u64 {
        self.n_garbage
    }

    /// What follows a member: another one, garbage or nothing.
    fn go_on(&mut self, mut rest: Rest) -> io::Result<()> {
        loop {
            let buffered = rest.fill_buf()?;
            if buffered.is_empty() {
                self.is_at_end = true;
                break;
            }
            let n_zeros = buffered.iter().take_while(|byte| **byte == 0).count();
            let is_padding = n_zeros == buffered.len();
            rest.consume(n_zeros);
            if !is_padding {
                break;
            }
        }
        if !self.is_at_end {
            let mut first = Vec::with_capacity(GZIP_MAGIC.len());
            (&mut rest)
                .take(GZIP_MAGIC.len() as u64)
                .read_to_end(&mut first)?;
            if first == GZIP_MAGIC {
                rest.ahead = first;
            } else {
                self.n_garbage = first.len() as u64 + io::copy(&mut rest, &mut io::sink())?;
                self.is_at_end = true;
            }
        }
        self.member = Some(GzDecoder::new(rest));
        Ok(())
    }
}

/// The rest of a file, of which the first bytes may have been read ahead.
struct Rest {
    ahead: Vec<u8>,
    file: Box<dyn BufRead>,
}

impl Read for Rest {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            return self.file.read(buffer);
        }
        let n = self.ahead.len().min(buffer.len());
        buffer[..n].copy_from_slice(&self.ahead[..n]);
        self.ahead.drain(..n);
        Ok(n)
    }
}

impl BufRead for Rest {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ahead.is_empty() {
            return self.file.fill_buf();
        }
        Ok(&self.ahead)
    }

    fn consume(&mut self, n: usize) {
        let from_ahead = n.min(self.ahead.len());
        self.ahead.drain(..from_ahead);
        self.file.consume(n - from_ahead);
    }
}

impl Read for GzipMembers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.is_at_end && !buffer.is_empty() {
            let member = self.member.as_mut().expect("a member is always there");
            let n = member.read(buffer)?;
            if n > 0 {
                return Ok(n);
            }
            let member = self.member.take().expect("it was there above");
            self.go_on(member.into_inner())?;
        }
        Ok(0)
    }
}
