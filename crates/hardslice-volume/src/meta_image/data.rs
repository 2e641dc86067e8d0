//! Where the voxels are: behind the header, in another file, or in a list of slices.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::MetaImageError;
use super::header::Header;
use crate::stored::{Compression, Layout, Source};
use crate::{Action, ReadError};

impl Header {
    /// The bytes of the voxels; `reader` stands behind the header.
    pub(super) fn data(
        &self,
        mut reader: BufReader<File>,
        layout: &Layout,
    ) -> Result<Source, ReadError> {
        let is_compressed = self.flag(&["CompressedData"])? == Some(true);
        let skip = self.header_size()?;
        let (_, data_file) = self
            .field(&["ElementDataFile"])?
            .expect("a header ends with this field");
        let n_bytes = layout.n_bytes().map_or(u64::MAX, |n| n as u64);
        if is_list(data_file) {
            if is_compressed {
                let wanted = "plain voxels where the slices stand in a list of files";
                return Err(self.wrong("CompressedData", "True", wanted).into());
            }
            let files = self.list(data_file, &mut reader, layout, skip)?;
            let rest = BufReader::with_capacity(1 << 18, files);
            return Ok(Source::new(rest, &self.path, Compression::None, n_bytes));
        }
        let (path, mut reader) = if is_local(data_file) {
            (self.path.clone(), reader)
        } else {
            let path = self.path.with_file_name(data_file);
            if data_file.contains('%') && !path.exists() {
                let wanted = "LOCAL, LIST or the name of a file (write a pattern out as a LIST)";
                return Err(self.wrong("ElementDataFile", data_file, wanted).into());
            }
            let file = File::open(&path).map_err(Action::Read.on(&path))?;
            (path, BufReader::with_capacity(1 << 18, file))
        };
        let all = reader
            .get_ref()
            .metadata()
            .map_err(Action::Read.on(&path))?
            .len();
        let here = reader.stream_position().map_err(Action::Read.on(&path))?;
        let begin = match skip {
            Skip::Bytes(0) => here,
            Skip::Bytes(n) => n,
            // The voxels are what the file ends with.
            Skip::ToEnd if !is_compressed => all.saturating_sub(n_bytes),
            Skip::ToEnd => {
                let wanted = "0 where the voxels are compressed";
                return Err(self.wrong("HeaderSize", "-1", wanted).into());
            }
        };
        if begin != here {
            reader
                .seek(SeekFrom::Start(begin))
                .map_err(Action::Read.on(&path))?;
        }
        let compression = if is_compressed {
            let first = reader.fill_buf().map_err(Action::Read.on(&path))?;
            // MetaIO reads either.
            if first.starts_with(&[0x1f, 0x8b]) {
                Compression::Gzip
            } else {
                Compression::Zlib
            }
        } else {
            Compression::None
        };
        Ok(Source::new(
            reader,
            &path,
            compression,
            all.saturating_sub(begin),
        ))
    }

    /// The files that hold the voxels, but for the header's own; `reader` stands behind the header.
    pub(super) fn data_files(
        &self,
        reader: &mut BufReader<File>,
    ) -> Result<Vec<PathBuf>, ReadError> {
        let (_, data_file) = self
            .field(&["ElementDataFile"])?
            .expect("a header ends with this field");
        let names = match data_file {
            local if is_local(local) => Vec::new(),
            list if is_list(list) => self.listed(reader)?,
            name => vec![name.to_owned()],
        };
        let names = names.iter();
        Ok(names.map(|name| self.path.with_file_name(name)).collect())
    }

    /// What stands before the voxels in their file.
    fn header_size(&self) -> Result<Skip, MetaImageError> {
        match self.field(&["HeaderSize"])? {
            None => Ok(Skip::Bytes(0)),
            Some((_, "-1")) => Ok(Skip::ToEnd),
            Some((field, value)) => {
                value
                    .parse()
                    .map(Skip::Bytes)
                    .map_err(|_number: std::num::ParseIntError| {
                        self.wrong(field, value, "a number of bytes, or -1")
                    })
            }
        }
    }

    /// The files that the lines behind `ElementDataFile = LIST` name, one for each slice.
    fn list(
        &self,
        data_file: &str,
        reader: &mut BufReader<File>,
        layout: &Layout,
        skip: Skip,
    ) -> Result<SliceFiles, ReadError> {
        let wanted = "a file for each slice";
        if !matches!(data_file.split_whitespace().nth(1), None | Some("2" | "2D")) {
            return Err(self.wrong("ElementDataFile", data_file, wanted).into());
        }
        let names = self.listed(reader)?;
        if names.len() != layout.shape.z {
            let found = format!("LIST of {} files", names.len());
            return Err(self.wrong("ElementDataFile", &found, wanted).into());
        }
        let slice_bytes = (layout.shape.n_pixels() * layout.scalar.n_bytes()) as u64;
        let mut slices = Vec::with_capacity(names.len());
        for name in names {
            let path = self.path.with_file_name(name);
            let file_bytes = path.metadata().map_err(Action::Read.on(&path))?.len();
            let begin = match skip {
                Skip::Bytes(n) => n,
                Skip::ToEnd => file_bytes.saturating_sub(slice_bytes),
            };
            let found_bytes = file_bytes.saturating_sub(begin);
            // A slice that is too long would be as wrong as one that is too short.
            if found_bytes != slice_bytes {
                return Err(ReadError::Short {
                    wanted_bytes: slice_bytes,
                    found_bytes,
                    path,
                });
            }
            slices.push((path, begin));
        }
        slices.reverse();
        Ok(SliceFiles { slices, open: None })
    }
}

impl Header {
    /// The names in the lines behind the header.
    fn listed(&self, reader: &mut BufReader<File>) -> Result<Vec<String>, ReadError> {
        let mut text = String::new();
        reader
            .take(1 << 22)
            .read_to_string(&mut text)
            .map_err(Action::Read.on(&self.path))?;
        let names = text.lines().map(str::trim).filter(|name| !name.is_empty());
        Ok(names.map(str::to_owned).collect())
    }
}

/// Whether the voxels stand behind the header.
fn is_local(data_file: &str) -> bool {
    ["LOCAL", "Local", "local"].contains(&data_file)
}

/// Whether the slices stand in files of their own, which the lines behind the header name.
fn is_list(data_file: &str) -> bool {
    data_file.split_whitespace().next() == Some("LIST")
}

/// How many bytes to skip in the file of the voxels.
#[derive(Debug, Clone, Copy)]
enum Skip {
    Bytes(u64),
    ToEnd,
}

/// Files one after the other.
struct SliceFiles {
    /// The files to come, the next one last, and where the voxels begin in each.
    slices: Vec<(PathBuf, u64)>,
    open: Option<File>,
}

impl SliceFiles {
    fn open(path: &Path, begin: u64) -> io::Result<File> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(begin))?;
        Ok(file)
    }
}

impl Read for SliceFiles {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(file) = &mut self.open {
                let n = file.read(buffer)?;
                if n > 0 || buffer.is_empty() {
                    return Ok(n);
                }
            }
            let Some((path, begin)) = self.slices.pop() else {
                return Ok(0);
            };
            self.open = Some(Self::open(&path, begin)?);
        }
    }
}
