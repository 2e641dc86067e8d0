//! The header: lines of text before the data.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use super::NrrdError;
use super::space;
use crate::scalar::{ByteOrder, ScalarType};
use crate::stored::{Compression, Layout, Source};
use crate::{Action, Grid, PerAxis, ReadError};

/// A header longer than this is no header.
const MAX_HEADER_BYTES: u64 = 1 << 22;

/// What a header says.
#[derive(Debug)]
pub(super) struct Header {
    path: PathBuf,
    /// `field: value` lines, names in lower case.
    fields: Vec<(String, String)>,
    /// `key:=value` lines, which may be many; of several with one key the first.
    keys: BTreeMap<String, String>,
}

/// Where the voxels lie among the axes of the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axes {
    /// The grid of the three spatial axes, in the file's own order.
    pub(super) native: Grid,
    /// Values along the axis that is not spatial; 1 where there is none.
    pub(super) n_layers: usize,
    /// Values from one layer to the next.
    pub(super) layer_stride: usize,
}

impl Header {
    /// Opens a file and reads its header; the reader stands at the first byte behind it.
    pub(super) fn open(path: &Path) -> Result<(Self, BufReader<File>), ReadError> {
        let file = File::open(path).map_err(Action::Read.on(path))?;
        let mut reader = BufReader::with_capacity(1 << 18, file);
        Ok((Self::read(&mut reader, path)?, reader))
    }

    /// Reads the header and leaves `reader` at the first byte behind it.
    fn read(reader: &mut BufReader<File>, path: &Path) -> Result<Self, ReadError> {
        let mut header = Self {
            path: path.to_path_buf(),
            fields: Vec::new(),
            keys: BTreeMap::new(),
        };
        let mut left = MAX_HEADER_BYTES;
        let mut is_first = true;
        loop {
            let mut line = Vec::new();
            let n = reader
                .take(left)
                .read_until(b'\n', &mut line)
                .map_err(Action::Read.on(path))?;
            left -= n as u64;
            let is_nrrd = line.starts_with(b"NRRD000");
            if std::mem::take(&mut is_first) {
                if !is_nrrd {
                    return Err(NrrdError::NotNrrd { path: header.path }.into());
                }
                continue;
            }
            let whole = line.ends_with(b"\n");
            let line = match String::from_utf8(line) {
                // A detached header may end with the file.
                Ok(line) if whole || left > 0 => line,
                _ => return Err(NrrdError::Endless { path: header.path }.into()),
            };
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                return Ok(header);
            }
            header.add(line);
        }
    }

    fn add(&mut self, line: &str) {
        if line.starts_with('#') {
            return;
        }
        // `key:=value` has a colon too, so the one that comes first decides.
        let Some((name, value)) = line.split_once(':') else {
            return;
        };
        if let Some(value) = value.strip_prefix('=') {
            self.keys
                .entry(name.to_owned())
                .or_insert_with(|| value.to_owned());
        } else {
            self.fields
                .push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }

    /// The value of `key:=value`.
    pub(super) fn key(&self, key: &str) -> Option<&str> {
        self.keys.get(key).map(|value| value.trim())
    }

    fn field(&self, names: &[&'static str]) -> Option<&str> {
        let found = self
            .fields
            .iter()
            .find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.as_str())
    }

    /// The numbers of the segments that `SegmentN_` keys speak of, which may have gaps.
    pub(super) fn segment_numbers(&self) -> BTreeSet<usize> {
        let numbers = self.keys.keys().filter_map(|key| {
            let (number, _) = key.strip_prefix("Segment")?.split_once('_')?;
            number.parse().ok()
        });
        numbers.collect()
    }

    /// The file that the voxels stand in, where that is another one.
    pub(super) fn data_file(&self) -> Option<&str> {
        self.field(&["data file", "datafile"])
    }

    fn needed(&self, field: &'static str) -> Result<&str, NrrdError> {
        self.field(&[field]).ok_or_else(|| self.missing(field))
    }

    fn missing(&self, field: &'static str) -> NrrdError {
        NrrdError::Missing {
            field,
            path: self.path.clone(),
        }
    }

    /// The error for a `field` or key that says `value`.
    pub(super) fn wrong(
        &self,
        field: &'static str,
        value: &str,
        wanted: &'static str,
    ) -> NrrdError {
        NrrdError::Field {
            field,
            value: value.to_owned(),
            wanted,
            path: self.path.clone(),
        }
    }

    /// The grid of the spatial axes and the place of the layers.
    pub(super) fn axes(&self) -> Result<Axes, NrrdError> {
        let sizes = self.needed("sizes")?;
        let wrong_sizes = || self.wrong("sizes", sizes, "3 or 4 whole numbers above 0");
        let lengths: Vec<usize> = sizes
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_number: std::num::ParseIntError| wrong_sizes())?;
        if !(3..=4).contains(&lengths.len()) || lengths.contains(&0) {
            return Err(wrong_sizes());
        }
        let to_ras = self.to_ras()?;
        let text = self.needed("space directions")?;
        let wanted = "a vector (x,y,z) for each of three axes and `none` for a fourth";
        let directions = space::vectors(text).filter(|d| d.len() == lengths.len());
        let directions = directions.ok_or_else(|| self.wrong("space directions", text, wanted))?;
        let spatial: Vec<(usize, [f64; 3])> = directions
            .iter()
            .enumerate()
            .filter_map(|(i, d)| d.map(|d| (i, d)))
            .collect();
        let [(i, x), (j, y), (k, z)] = spatial[..] else {
            return Err(self.wrong("space directions", text, wanted));
        };
        let origin = self.field(&["space origin"]).unwrap_or("(0,0,0)");
        let Some([Some(offset)]) = space::vectors(origin)
            .as_deref()
            .map(|v| <[_; 1]>::try_from(v).unwrap_or([None]))
        else {
            return Err(self.wrong("space origin", origin, "a vector (x,y,z)"));
        };
        let layer_axis = directions.iter().position(Option::is_none);
        Ok(Axes {
            native: Grid {
                shape: PerAxis::from_xyz([lengths[i], lengths[j], lengths[k]]),
                world_from_voxel: std::array::from_fn(|r| {
                    [x[r], y[r], z[r], offset[r]].map(|v| v * to_ras[r])
                }),
            },
            n_layers: layer_axis.map_or(1, |axis| lengths[axis]),
            layer_stride: layer_axis.map_or(1, |axis| {
                lengths[..axis]
                    .iter()
                    .fold(1, |n: usize, length| n.saturating_mul(*length))
            }),
        })
    }

    /// Signs that bring the file's space to RAS.
    fn to_ras(&self) -> Result<[f64; 3], NrrdError> {
        let name = self.needed("space")?;
        let wanted = "right-anterior-superior, left-anterior-superior or left-posterior-superior";
        space::to_ras(name).ok_or_else(|| self.wrong("space", name, wanted))
    }

    /// How all values are stored, layers included.
    pub(super) fn layout(&self, axes: &Axes) -> Result<Layout, NrrdError> {
        let name = self.needed("type")?;
        let scalar = scalar_type(name).ok_or_else(|| {
            self.wrong("type", name, "an integer of up to 64 bits, float or double")
        })?;
        let order = match self.field(&["endian"]) {
            Some("little") => ByteOrder::Little,
            Some("big") => ByteOrder::Big,
            None if scalar.n_bytes() == 1 => ByteOrder::Little,
            None => return Err(self.missing("endian")),
            Some(other) => return Err(self.wrong("endian", other, "little or big")),
        };
        let mut shape = axes.native.shape;
        // The layers are read as if they were voxels and parted afterwards.
        shape.z = shape.z.saturating_mul(axes.n_layers);
        Ok(Layout {
            scalar,
            order,
            scale: None,
            shape,
        })
    }

    /// The bytes of the data, behind this header or in a file of their own.
    pub(super) fn data(&self, mut reader: BufReader<File>) -> Result<Source, ReadError> {
        let encoding = self.needed("encoding")?.to_lowercase();
        let compression = match encoding.as_str() {
            "raw" => Compression::None,
            "gzip" | "gz" => Compression::Gzip,
            _ => return Err(self.wrong("encoding", &encoding, "raw or gzip").into()),
        };
        for names in [["line skip", "lineskip"], ["byte skip", "byteskip"]] {
            if let Some(value) = self.field(&names).filter(|v| *v != "0") {
                return Err(self.wrong(names[0], value, "0").into());
            }
        }
        let Some(name) = self.data_file() else {
            let all = reader
                .get_ref()
                .metadata()
                .map_err(Action::Read.on(&self.path))?
                .len();
            let behind = reader
                .stream_position()
                .map_err(Action::Read.on(&self.path))?;
            return Ok(Source::new(
                reader,
                &self.path,
                compression,
                all.saturating_sub(behind),
            ));
        };
        let path = self.path.with_file_name(name);
        if name.contains(char::is_whitespace) && !path.exists() {
            return Err(self.wrong("data file", name, "the name of one file").into());
        }
        let file = File::open(&path).map_err(Action::Read.on(&path))?;
        let n_bytes = file.metadata().map_err(Action::Read.on(&path))?.len();
        Ok(Source::new(
            BufReader::with_capacity(1 << 18, file),
            &path,
            compression,
            n_bytes,
        ))
    }
}

/// The number type of an NRRD type name.
fn scalar_type(name: &str) -> Option<ScalarType> {
    Some(match name.to_lowercase().as_str() {
        "signed char" | "int8" | "int8_t" => ScalarType::I8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => ScalarType::U8,
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => {
            ScalarType::I16
        }
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => {
            ScalarType::U16
        }
        "int" | "signed int" | "int32" | "int32_t" => ScalarType::I32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => ScalarType::U32,
        "longlong"
        | "long long"
        | "long long int"
        | "signed long long"
        | "signed long long int"
        | "int64"
        | "int64_t" => ScalarType::I64,
        "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" | "uint64_t" => {
            ScalarType::U64
        }
        "float" => ScalarType::F32,
        "double" => ScalarType::F64,
        _ => return None,
    })
}
