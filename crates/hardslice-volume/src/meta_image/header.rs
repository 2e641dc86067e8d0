//! The header: lines `Field = value`, the last of which says where the voxels are.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::MetaImageError;
use crate::scalar::{ByteOrder, ScalarType};
use crate::stored::Layout;
use crate::{Action, Grid, Note, PerAxis, ReadError};

/// A header longer than this is no header.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// Fields of one meaning: older and newer names.
const BYTE_ORDER: &[&str] = &["ElementByteOrderMSB", "BinaryDataByteOrderMSB"];
const OFFSET: &[&str] = &["Offset", "Position", "Origin"];
const DIRECTIONS: &[&str] = &["TransformMatrix", "Rotation", "Orientation"];

/// Signs that bring ITK's axes to RAS.
const RAS_FROM_LPS: [f64; 3] = [-1.0, -1.0, 1.0];

/// The fields of a header, in their order.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) path: PathBuf,
    fields: Vec<(String, String)>,
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
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut left = MAX_HEADER_BYTES;
        while fields
            .last()
            .is_none_or(|(field, _)| field != "ElementDataFile")
        {
            let mut line = Vec::new();
            let n = reader
                .take(left)
                .read_until(b'\n', &mut line)
                .map_err(Action::Read.on(path))?;
            left -= n as u64;
            let line = match String::from_utf8(line) {
                Ok(line) if n > 0 => line,
                _ => {
                    return Err(MetaImageError::Endless {
                        path: path.to_path_buf(),
                    }
                    .into());
                }
            };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // Some writers put a colon in the place of the equals sign, as MetaIO allows.
            let Some((field, value)) = line.split_once('=').or_else(|| line.split_once(':')) else {
                return Err(MetaImageError::Line {
                    line: line.chars().take(80).collect(),
                    path: path.to_path_buf(),
                }
                .into());
            };
            fields.push((field.trim().to_owned(), value.trim().to_owned()));
        }
        Ok(Self {
            path: path.to_path_buf(),
            fields,
        })
    }

    /// The value of a field under any of its names; `None` where it is absent.
    pub(super) fn field(&self, names: &[&str]) -> Result<Option<(&str, &str)>, MetaImageError> {
        let mut found = self
            .fields
            .iter()
            .filter(|(field, _)| names.contains(&field.as_str()));
        let Some((first, value)) = found.next() else {
            return Ok(None);
        };
        match found.find(|(_, other)| other != value) {
            None => Ok(Some((first, value))),
            Some((second, other)) => Err(MetaImageError::Contradiction {
                first: first.clone(),
                first_value: value.clone(),
                second: second.clone(),
                second_value: other.clone(),
                path: self.path.clone(),
            }),
        }
    }

    fn needed(&self, field: &'static str) -> Result<&str, MetaImageError> {
        let found = self.field(&[field])?.map(|(_, value)| value);
        found.ok_or_else(|| MetaImageError::Missing {
            field,
            path: self.path.clone(),
        })
    }

    pub(super) fn wrong(&self, field: &str, value: &str, wanted: &'static str) -> MetaImageError {
        MetaImageError::Field {
            field: field.to_owned(),
            value: value.to_owned(),
            wanted,
            path: self.path.clone(),
        }
    }

    /// What a field that is true or false says; `None` where it is absent.
    pub(super) fn flag(&self, names: &[&str]) -> Result<Option<bool>, MetaImageError> {
        let Some((field, value)) = self.field(names)? else {
            return Ok(None);
        };
        match value.to_lowercase().as_str() {
            "true" | "t" | "1" | "yes" => Ok(Some(true)),
            "false" | "f" | "0" | "no" => Ok(Some(false)),
            _ => Err(self.wrong(field, value, "True or False")),
        }
    }

    /// The numbers of a field, as many as wanted; `None` where it is absent.
    fn numbers(
        &self,
        names: &[&str],
        n: usize,
        wanted: &'static str,
    ) -> Result<Option<Vec<f64>>, MetaImageError> {
        let Some((field, value)) = self.field(names)? else {
            return Ok(None);
        };
        let numbers: Option<Vec<f64>> = value
            .split_whitespace()
            .map(|number| {
                number
                    .parse()
                    .ok()
                    .filter(|number: &f64| number.is_finite())
            })
            .collect();
        numbers
            .filter(|numbers| numbers.len() == n)
            .map(Some)
            .ok_or_else(|| self.wrong(field, value, wanted))
    }

    /// The grid in the file's own axis order, and what there is to say about it.
    pub(super) fn grid(&self) -> Result<(Grid, Option<Note>), MetaImageError> {
        let text = self.needed("DimSize")?;
        let wrong_size = || self.wrong("DimSize", text, "3 whole numbers above 0");
        let lengths: Option<Vec<usize>> = text.split_whitespace().map(|n| n.parse().ok()).collect();
        let lengths = lengths.filter(|lengths| !lengths.contains(&0));
        let lengths = lengths.ok_or_else(wrong_size)?;
        let n_axes = self.needed("NDims")?;
        if n_axes.parse() != Ok(lengths.len()) {
            return Err(self.wrong("NDims", n_axes, "the number of axes that DimSize has"));
        }
        let [x, y, z, ref rest @ ..] = lengths[..] else {
            return Err(wrong_size());
        };
        if rest.iter().any(|length| *length != 1) {
            return Err(wrong_size());
        }
        let n = lengths.len();
        let spacing = self.numbers(&["ElementSpacing"], n, "a distance in mm for each axis")?;
        let spacing = match spacing {
            Some(spacing) => spacing,
            None => self
                .numbers(&["ElementSize"], n, "a size in mm for each axis")?
                .ok_or_else(|| MetaImageError::Missing {
                    field: "ElementSpacing",
                    path: self.path.clone(),
                })?,
        };
        if spacing[..3].iter().any(|mm| *mm <= 0.0) {
            let text = format!("{spacing:?}");
            return Err(self.wrong("ElementSpacing", &text, "distances above 0"));
        }
        let offset = self.numbers(OFFSET, n, "a position in mm for each axis")?;
        let offset = offset.unwrap_or_else(|| vec![0.0; n]);
        let directions = self.numbers(DIRECTIONS, n * n, "a direction for each axis")?;
        let note = directions.is_none().then(|| Note::NoPose {
            axes: "to the left, to the back and to the head, as ITK has it",
            path: self.path.clone(),
        });
        // One axis after the other: the columns of the affine.
        let along = |axis: usize, world: usize| match &directions {
            Some(directions) => directions[axis * n + world],
            None => f64::from(u8::from(axis == world)),
        };
        let grid = Grid {
            shape: PerAxis::from_xyz([x, y, z]),
            world_from_voxel: std::array::from_fn(|world| {
                let sign = RAS_FROM_LPS[world];
                let step = |axis: usize| sign * along(axis, world) * spacing[axis];
                // Adding 0 leaves no zero negative.
                [step(0), step(1), step(2), sign * offset[world]].map(|v| v + 0.0)
            }),
        };
        Ok((grid, note))
    }

    /// How the voxels are stored.
    pub(super) fn layout(&self, shape: PerAxis<usize>) -> Result<Layout, MetaImageError> {
        if let Some((field, value)) = self.field(&["ObjectType"])?
            && !value.eq_ignore_ascii_case("Image")
        {
            return Err(self.wrong(field, value, "Image"));
        }
        if let Some((field, value)) = self.field(&["ElementNumberOfChannels"])?
            && value != "1"
        {
            return Err(self.wrong(field, value, "one value a voxel"));
        }
        for (names, plain, wanted) in [
            (
                &["ElementToIntensityFunctionSlope"],
                1.0,
                "1 (tools disagree on whether to apply another; save the volume with its values as they \
                 should be)",
            ),
            (
                &["ElementToIntensityFunctionOffset"],
                0.0,
                "0 (tools disagree on whether to apply another; save the volume with its values as they \
                 should be)",
            ),
        ] {
            #[expect(clippy::float_cmp, reason = "exactly 1 and 0 change nothing")]
            if let Some(found) = self.numbers(names, 1, "a number")?
                && found[0] != plain
            {
                return Err(self.wrong(names[0], &found[0].to_string(), wanted));
            }
        }
        if self.flag(&["BinaryData"])? == Some(false) {
            let wanted = "True (save the volume as binary; SimpleITK does)";
            return Err(self.wrong("BinaryData", "False", wanted));
        }
        let name = self.needed("ElementType")?;
        let scalar = scalar_type(name).ok_or_else(|| {
            self.wrong(
                "ElementType",
                name,
                "an integer of up to 64 bits, MET_FLOAT or MET_DOUBLE",
            )
        })?;
        let order = match self.flag(BYTE_ORDER)? {
            Some(true) => ByteOrder::Big,
            Some(false) => ByteOrder::Little,
            None if scalar.n_bytes() == 1 => ByteOrder::Little,
            None => {
                return Err(MetaImageError::Missing {
                    field: "ElementByteOrderMSB",
                    path: self.path.clone(),
                });
            }
        };
        Ok(Layout {
            scalar,
            order,
            scale: None,
            shape,
        })
    }
}

/// The number type of a MetaIO type name. `MET_LONG` has 32 bits there on every machine.
fn scalar_type(name: &str) -> Option<ScalarType> {
    Some(match name {
        "MET_CHAR" => ScalarType::I8,
        "MET_UCHAR" => ScalarType::U8,
        "MET_SHORT" => ScalarType::I16,
        "MET_USHORT" => ScalarType::U16,
        "MET_INT" | "MET_LONG" => ScalarType::I32,
        "MET_UINT" | "MET_ULONG" => ScalarType::U32,
        "MET_LONG_LONG" => ScalarType::I64,
        "MET_ULONG_LONG" => ScalarType::U64,
        "MET_FLOAT" => ScalarType::F32,
        "MET_DOUBLE" => ScalarType::F64,
        _ => return None,
    })
}
