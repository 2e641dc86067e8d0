//! A file that may be compressed.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::{Action, ReadError};

/// Deflate cannot shrink anything by more than this factor.
const MAX_GZIP_RATIO: u64 = 1032;

/// The first bytes of every gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The bytes of a file, decompressed on the way when they begin like gzip, whatever its name.
pub(crate) struct Source {
    reader: Box<dyn Read>,
    path: PathBuf,
    is_gzip: bool,
    /// Bytes that can come out at most.
    bytes_at_most: u64,
    /// Bytes that came out so far.
    bytes_read: u64,
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
    /// Opens a file.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(Action::Read.on(path))?;
        let n_bytes = file.metadata().map_err(Action::Read.on(path))?.len();
        let mut buffered = BufReader::with_capacity(1 << 18, file);
        let first = buffered.fill_buf().map_err(Action::Read.on(path))?;
        let is_gzip = first.starts_with(&GZIP_MAGIC);
        Ok(Self::new(buffered, path, is_gzip, n_bytes))
    }

    /// The `n_bytes` that are left of a file, gzip or not.
    pub(crate) fn new(
        rest: impl BufRead + 'static,
        path: &Path,
        is_gzip: bool,
        n_bytes: u64,
    ) -> Self {
        let reader: Box<dyn Read> = if is_gzip {
            Box::new(MultiGzDecoder::new(rest))
        } else {
            Box::new(rest)
        };
        Self {
            reader,
            path: path.to_path_buf(),
            is_gzip,
            bytes_at_most: n_bytes.saturating_mul(if is_gzip { MAX_GZIP_RATIO } else { 1 }),
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
        Err(if self.is_gzip {
            ReadError::CannotHold {
                wanted_bytes,
                bytes_at_most: at_most,
                path,
            }
        } else {
            ReadError::Short {
                wanted_bytes,
                found_bytes: at_most,
                path,
            }
        })
    }

    /// Reads to the end, so that a checksum that stands there is checked.
    ///
    /// Bytes behind the voxels are ignored, as nibabel does.
    pub(crate) fn finish(mut self) -> Result<(), ReadError> {
        let path = std::mem::take(&mut self.path);
        io::copy(&mut self.reader, &mut io::sink()).map_err(Action::Read.on(&path))?;
        Ok(())
    }
}
