//! Writing NIfTI-1.

use std::io::Write;
use std::path::Path;

use flate2::{Compression, GzBuilder};

use super::affine::Qform;
use super::header::SIZE_1;
use crate::whole_file::write_whole;
use crate::{Action, Grid, WriteError};

/// Voxels begin behind the header and four bytes that say that it has no extension.
const VOXEL_OFFSET: u16 = 352;

/// Compression: on scans, level 4 is within a few per cent of the size of level 9, in a fraction
/// of the time.
const GZIP_LEVEL: u32 = 4;

/// "Scanner coordinates", the code for both affines.
const SCANNER: i16 = 1;

/// A NIfTI datatype code and its size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) datatype: i16,
    pub(crate) bits: i16,
}

/// Writes little-endian voxels in the grid's order; compressed or not.
pub(crate) fn write(
    path: &Path,
    grid: &Grid,
    stored: Stored,
    is_gzip: bool,
    voxels: &[u8],
) -> Result<(), WriteError> {
    let header = header(grid, stored).ok_or_else(|| WriteError::TooLong {
        shape: grid.shape,
        path: path.to_path_buf(),
    })?;
    write_whole(path, |file| {
        if is_gzip {
            // No name and no time in the gzip header: the same input gives the same bytes.
            let mut gz = GzBuilder::new()
                .mtime(0)
                .write(file, Compression::new(GZIP_LEVEL));
            gz.write_all(&header)?;
            gz.write_all(voxels)?;
            gz.finish().map(drop)
        } else {
            file.write_all(&header)?;
            file.write_all(voxels)
        }
    })
    .map_err(Action::Write.on(path))?;
    Ok(())
}

/// The header and the empty extension behind it; `None` when an axis is too long.
fn header(grid: &Grid, stored: Stored) -> Option<[u8; VOXEL_OFFSET as usize]> {
    let mut bytes = [0; VOXEL_OFFSET as usize];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &i32::try_from(SIZE_1).ok()?.to_le_bytes());
    put(38, b"r");
    put(40, &3_i16.to_le_bytes());
    put(70, &stored.datatype.to_le_bytes());
    put(72, &stored.bits.to_le_bytes());
    let mut float = |at: usize, value: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "NIfTI-1 stores f32")]
        put(at, &(value as f32).to_le_bytes());
    };
    float(108, f64::from(VOXEL_OFFSET));
    float(112, 1.0);
    for (row, values) in grid.world_from_voxel.iter().enumerate() {
        for (column, value) in values.iter().enumerate() {
            float(280 + 16 * row + 4 * column, *value);
        }
    }
    for (axis, mm) in grid.spacing_mm().xyz().into_iter().enumerate() {
        float(80 + 4 * axis, mm);
    }
    for axis in 3..7 {
        float(80 + 4 * axis, 1.0);
    }
    let qform = Qform::of(grid);
    float(76, qform.map_or(1.0, |(_, qfac)| qfac));
    if let Some((Qform { bcd, offset }, _)) = qform {
        for axis in 0..3 {
            float(256 + 4 * axis, bcd[axis]);
            float(268 + 4 * axis, offset[axis]);
        }
        put(252, &SCANNER.to_le_bytes());
    }
    put(254, &SCANNER.to_le_bytes());
    // Millimetres and seconds.
    put(123, &[2 | 8]);
    put(344, b"n+1\0");
    let lengths = grid.shape.xyz();
    for axis in 0..7 {
        let length = lengths.get(axis).copied().unwrap_or(1);
        put(42 + 2 * axis, &i16::try_from(length).ok()?.to_le_bytes());
    }
    Some(bytes)
}
