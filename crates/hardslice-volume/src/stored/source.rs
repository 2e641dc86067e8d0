//! A file that may be compressed.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::ZlibDecoder;

use super::gzip::GzipMembers;
use crate::deflate::GZIP_MAGIC;
use crate::deflate::MAX_DEFLATE_RATIO;
use crate::{Action, Note, ReadError};

/// How the bytes of a file are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zlib,
}

/// The bytes of a file, decompressed on the way.
pub(crate) struct Source {
    reader: Reader,
    path: PathBuf,
    /// Bytes that can come out at most.
    bytes_at_most: u64,
    /// Bytes that came out so far.
    bytes_read: u64,
}

enum Reader {
    Plain(Box<dyn BufRead>),
    Gzip(GzipMembers),
    Zlib(ZlibDecoder<Box<dyn BufRead>>),
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
            Self::Zlib(reader) => reader.read(buffer),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("path", &self.path)
            .field("bytes_read", &self.bytes_read)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// Opens a file, which is decompressed when it begins like gzip, whatever its name.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(Action::Read.on(path))?;
        let n_bytes = file.metadata().map_err(Action::Read.on(path))?.len();
        let mut buffered = BufReader::with_capacity(1 << 18, file);
        let first = buffered.fill_buf().map_err(Action::Read.on(path))?;
        let compression = if first.starts_with(&GZIP_MAGIC) {
            Compression::Gzip
        } else {
            Compression::None
        };
        Ok(Self::new(buffered, path, compression, n_bytes))
    }

    /// The `n_bytes` that are left of a file.
    pub(crate) fn new(
        rest: impl BufRead + 'static,
        path: &Path,
        compression: Compression,
        n_bytes: u64,
    ) -> Self {
        let rest: Box<dyn BufRead> = Box::new(rest);
        let reader = match compression {
            Compression::None => Reader::Plain(rest),
            Compression::Gzip => Reader::Gzip(GzipMembers::new(rest)),
            Compression::Zlib => Reader::Zlib(ZlibDecoder::new(rest)),
        };
        let ratio = match compression {
            Compression::None => 1,
            Compression::Gzip | Compression::Zlib => MAX_DEFLATE_RATIO as u64,
        };
        Self {
            reader,
            path: path.to_path_buf(),
            bytes_at_most: n_bytes.saturating_mul(ratio),
            bytes_read: 0,
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fills `buffer` as far as the file goes; a truncated gzip ends where it breaks off.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let mut n = 0;
        while n < buffer.len() {
            match self.reader.read(&mut buffer[n..]) {
                Ok(0) => break,
                Ok(got) => n += got,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(e) => return Err(Action::Read.on(&self.path)(e).into()),
            }
        }
        self.bytes_read += n as u64;
        Ok(n)
    }

    /// Skips bytes; fewer than asked for when the file ends.
    pub(crate) fn skip(&mut self, n_bytes: u64) -> Result<u64, ReadError> {
        let mut buffer = [0; 4096];
        let mut left = n_bytes;
        while left > 0 {
            let want = usize::try_from(left.min(buffer.len() as u64));
            let want = want.expect("no more than the buffer is long");
            let got = self.fill(&mut buffer[..want])?;
            left -= got as u64;
            if got < want {
                break;
            }
        }
        Ok(n_bytes - left)
    }

    /// Refuses, before anything is allocated, what the file cannot hold.
    pub(crate) fn check_can_hold(&self, wanted_bytes: u64) -> Result<(), ReadError> {
        let at_most = self.bytes_at_most.saturating_sub(self.bytes_read);
        if wanted_bytes <= at_most {
            return Ok(());
        }
        let path = self.path.clone();
        Err(match self.reader {
            Reader::Gzip(_) | Reader::Zlib(_) => ReadError::CannotHold {
                wanted_bytes,
                bytes_at_most: at_most,
                path,
            },
            Reader::Plain(_) => ReadError::Short {
                wanted_bytes,
                found_bytes: at_most,
                path,
            },
        })
    }

    /// Reads to the end, so that a checksum that stands there is checked.
    ///
    /// What is left is padding when it is zeros, as tapes and archives leave them; other bytes are
    /// ignored too, as nibabel and gzip do, with a note.
    pub(crate) fn finish(mut self) -> Result<Option<Note>, ReadError> {
        let (mut n_bytes, mut is_padding) = (0, true);
        let mut buffer = [0; 1 << 14];
        loop {
            match self.reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    n_bytes += n as u64;
                    is_padding &= buffer[..n].iter().all(|byte| *byte == 0);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Action::Read.on(&self.path)(e).into()),
            }
        }
        if let Reader::Gzip(members) = &self.reader {
            n_bytes += members.n_garbage();
            is_padding &= members.n_garbage() == 0;
        }
        Ok((!is_padding).then_some(Note::BytesBehind {
            n_bytes,
            path: self.path,
        }))
    }
}
