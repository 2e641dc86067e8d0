//! The header: a fixed struct of 348 (NIfTI-1) or 540 bytes (NIfTI-2).

use std::path::Path;

use super::NiftiError;
use super::affine::{Pose, Qform};
use super::bytes::Fields;
use crate::scalar::{ByteOrder, ScalarType};
use crate::stored::{Layout, Scale};
use crate::{Grid, Note, PerAxis};

/// Bytes of a NIfTI-1 header.
pub(super) const SIZE_1: usize = 348;
/// Bytes of a NIfTI-2 header.
pub(super) const SIZE_2: usize = 540;

/// What a header says that matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Header {
    /// How the voxels are stored.
    pub(super) layout: Layout,
    /// The grid in the file's own axis order.
    pub(super) native: Grid,
    /// First byte of the voxels, in whichever file they stand.
    pub(super) voxel_offset: u64,
    /// Whether the voxels stand in an `.img` file of their own.
    pub(super) is_pair: bool,
    /// Bytes of the header.
    pub(super) n_bytes: usize,
}

/// The fields of either version, as numbers of one type.
struct Raw {
    dim: [i64; 8],
    datatype: i16,
    pixdim: [f64; 8],
    voxel_offset: f64,
    slope: f64,
    intercept: f64,
    units: u8,
    pose: Pose,
    magic: [u8; 4],
    n_bytes: usize,
}

/// Version and byte order, from the size that a header begins with; `None` for other files.
pub(super) fn recognised(first_bytes: [u8; 4]) -> Option<(usize, ByteOrder)> {
    let sizes = [
        (i32::from_le_bytes(first_bytes), ByteOrder::Little),
        (i32::from_be_bytes(first_bytes), ByteOrder::Big),
    ];
    sizes
        .into_iter()
        .find_map(|(size, order)| match usize::try_from(size) {
            Ok(size @ (SIZE_1 | SIZE_2)) => Some((size, order)),
            _ => None,
        })
}

impl Header {
    /// Reads a header from the first bytes of a file (540 of them, or all that there are), with what
    /// there is to say about it.
    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<(Self, Vec<Note>), NiftiError> {
        let path_buf = || path.to_path_buf();
        let short = |wanted_bytes| NiftiError::HeaderShort {
            wanted_bytes,
            found_bytes: bytes.len(),
            path: path_buf(),
        };
        let first_bytes = *bytes.first_chunk().ok_or_else(|| short(SIZE_1))?;
        let (n_bytes, order) = recognised(first_bytes).ok_or_else(|| NiftiError::NotNifti {
            first_bytes,
            path: path_buf(),
        })?;
        if bytes.len() < n_bytes {
            return Err(short(n_bytes));
        }
        let fields = Fields { bytes, order };
        let raw = if n_bytes == SIZE_1 {
            Raw::version_1(fields)
        } else {
            Raw::version_2(fields)
        };
        let is_pair = match &raw.magic[..3] {
            b"n+1" | b"n+2" => false,
            b"ni1" | b"ni2" => true,
            _ => {
                return Err(NiftiError::Magic {
                    magic: raw.magic,
                    path: path_buf(),
                });
            }
        };
        let shape = raw.shape(path)?;
        let header = Self {
            layout: Layout {
                scalar: scalar_type(raw.datatype, path)?,
                order,
                scale: raw.scale(path)?,
                shape,
            },
            native: raw.grid(shape, path)?,
            voxel_offset: raw.voxel_offset(is_pair, path)?,
            is_pair,
            n_bytes,
        };
        let notes = raw.pose.notes(&raw.pixdim, raw.mm_per_unit(), shape, path);
        Ok((header, notes))
    }
}

impl Raw {
    fn version_1(fields: Fields<'_>) -> Self {
        let float = |at| f64::from(fields.f32(at));
        Self {
            dim: std::array::from_fn(|i| i64::from(fields.i16(40 + 2 * i))),
            datatype: fields.i16(70),
            pixdim: std::array::from_fn(|i| float(76 + 4 * i)),
            voxel_offset: float(108),
            slope: float(112),
            intercept: float(116),
            units: fields.bytes[123],
            pose: Pose {
                qform: (fields.i16(252) > 0).then(|| Qform {
                    bcd: std::array::from_fn(|i| float(256 + 4 * i)),
                    offset: std::array::from_fn(|i| float(268 + 4 * i)),
                }),
                sform: (fields.i16(254) > 0).then(|| {
                    std::array::from_fn(|r| std::array::from_fn(|c| float(280 + 16 * r + 4 * c)))
                }),
            },
            magic: std::array::from_fn(|i| fields.bytes[344 + i]),
            n_bytes: SIZE_1,
        }
    }

    fn version_2(fields: Fields<'_>) -> Self {
        let float = |at| fields.f64(at);
        Self {
            dim: std::array::from_fn(|i| fields.i64(16 + 8 * i)),
            datatype: fields.i16(12),
            pixdim: std::array::from_fn(|i| float(104 + 8 * i)),
            voxel_offset: fields.i64(168) as f64,
            slope: float(176),
            intercept: float(184),
            units: fields.i32(500).to_le_bytes()[0],
            pose: Pose {
                qform: (fields.i32(344) > 0).then(|| Qform {
                    bcd: std::array::from_fn(|i| float(352 + 8 * i)),
                    offset: std::array::from_fn(|i| float(376 + 8 * i)),
                }),
                sform: (fields.i32(348) > 0).then(|| {
                    std::array::from_fn(|r| std::array::from_fn(|c| float(400 + 32 * r + 8 * c)))
                }),
            },
            magic: std::array::from_fn(|i| fields.bytes[4 + i]),
            n_bytes: SIZE_2,
        }
    }

    /// Voxels along the file's axes; axes beyond the third must have length 1.
    fn shape(&self, path: &Path) -> Result<PerAxis<usize>, NiftiError> {
        let dim = self.dim;
        let wrong = || NiftiError::Dimensions {
            dim,
            path: path.to_path_buf(),
        };
        let n_axes = usize::try_from(dim[0]).unwrap_or(0);
        if !(1..=7).contains(&n_axes) {
            return Err(wrong());
        }
        let lengths = &dim[1..=n_axes];
        if lengths.iter().any(|n| *n <= 0) {
            return Err(wrong());
        }
        let n_frames = lengths
            .iter()
            .skip(3)
            .fold(1_i64, |n, length| n.saturating_mul(*length));
        if n_frames != 1 {
            return Err(NiftiError::Frames {
                n_frames,
                dim,
                path: path.to_path_buf(),
            });
        }
        let length = |axis: usize| lengths.get(axis).map_or(Ok(1), |n| usize::try_from(*n));
        match [length(0), length(1), length(2)] {
            [Ok(x), Ok(y), Ok(z)] => Ok(PerAxis::from_xyz([x, y, z])),
            _ => Err(wrong()),
        }
    }

    /// Slope and intercept; `None` when values are stored as they are.
    fn scale(&self, path: &Path) -> Result<Option<Scale>, NiftiError> {
        let (slope, intercept) = (self.slope, self.intercept);
        if slope == 0.0 || slope.is_nan() {
            return Ok(None);
        }
        if !slope.is_finite() || !intercept.is_finite() {
            return Err(NiftiError::Scale {
                slope,
                intercept,
                path: path.to_path_buf(),
            });
        }
        #[expect(clippy::float_cmp, reason = "exactly 1 and 0 change nothing")]
        let is_plain = slope == 1.0 && intercept == 0.0;
        Ok((!is_plain).then_some(Scale { slope, intercept }))
    }

    /// Millimetres in the unit of the header's lengths.
    fn mm_per_unit(&self) -> f64 {
        match self.units & 7 {
            1 => 1e3,
            3 => 1e-3,
            _ => 1.0,
        }
    }

    /// The file's own grid, in millimetres.
    fn grid(&self, shape: PerAxis<usize>, path: &Path) -> Result<Grid, NiftiError> {
        let mm_per_unit = self.mm_per_unit();
        let affine = self.pose.affine(&self.pixdim, shape, path)?;
        Ok(Grid {
            shape,
            world_from_voxel: affine.map(|row| row.map(|v| v * mm_per_unit)),
        })
    }

    fn voxel_offset(&self, is_pair: bool, path: &Path) -> Result<u64, NiftiError> {
        let wanted_min = if is_pair { 0 } else { self.n_bytes as u64 };
        let found = self.voxel_offset;
        // Beyond 2^53 a file offset is damage.
        if !(found >= wanted_min as f64 && found < 9e15) {
            return Err(NiftiError::VoxelOffset {
                found,
                wanted_min,
                path: path.to_path_buf(),
            });
        }
        #[expect(clippy::cast_possible_truncation, reason = "below 2^53, checked above")]
        #[expect(clippy::cast_sign_loss, reason = "not negative, checked above")]
        let offset = found as u64;
        Ok(offset)
    }
}

/// The number type of a NIfTI datatype code.
fn scalar_type(code: i16, path: &Path) -> Result<ScalarType, NiftiError> {
    let name = match code {
        2 => return Ok(ScalarType::U8),
        4 => return Ok(ScalarType::I16),
        8 => return Ok(ScalarType::I32),
        16 => return Ok(ScalarType::F32),
        64 => return Ok(ScalarType::F64),
        256 => return Ok(ScalarType::I8),
        512 => return Ok(ScalarType::U16),
        768 => return Ok(ScalarType::U32),
        1024 => return Ok(ScalarType::I64),
        1280 => return Ok(ScalarType::U64),
        1 => "BINARY",
        32 => "COMPLEX64",
        128 => "RGB24",
        1536 => "FLOAT128",
        1792 => "COMPLEX128",
        2048 => "COMPLEX256",
        2304 => "RGBA32",
        _ => "UNKNOWN",
    };
    Err(NiftiError::Datatype {
        name,
        code,
        path: path.to_path_buf(),
    })
}
