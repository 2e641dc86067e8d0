//! Writing NIfTI-1.

use std::io::{self, Write};
use std::path::Path;

use flate2::{Compression, GzBuilder};

use super::affine::Qform;
use super::header::SIZE_1;
use crate::whole_file::write_whole;
use crate::{Action, Grid, Placement, Volume, WriteError};

/// Voxels begin behind the header and four bytes that say that it has no extension.
const VOXEL_OFFSET: u16 = 352;

/// Compression: on scans, level 4 is within a few per cent of the size of level 9, in a fraction
/// of the time.
const GZIP_LEVEL: u32 = 4;

/// "Scanner coordinates", the code for both affines.
const SCANNER: i16 = 1;

/// Writes a label map as NIfTI-1, `u8`, on the scan's own grid and in its own axis order.
///
/// The affine stands in the sform and, unless it is sheared, in the qform too. A name that ends in
/// `.gz` is compressed; the same labels give the same bytes.
///
/// ```
/// use hardslice_volume::{read_nifti_labels, read_scan, write_label_map};
///
/// # use hardslice_volume::{Grid, PerAxis, Volume, write_scan};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ct.nii.gz");
/// # let grid = Grid {
/// #     shape: PerAxis::from_xyz([2, 1, 1]),
/// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
/// # };
/// # write_scan(&path, &Volume::new(grid, vec![-1000_i16, 40])?)?;
/// let scan = read_scan(&path)?;
/// let mask = scan.volume.map(|hu| u8::from(hu > 0.0));
/// let out = dir.path().join("liver.nii.gz");
/// write_label_map(&out, &mask, &scan.placement)?;
///
/// let read = read_nifti_labels(&out)?;
/// assert_eq!(read.placement, scan.placement, "on the scan's own grid");
/// assert_eq!(read.volume.voxels(), [1, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`WriteError`]: the labels do not lie on the placement's canonical grid, the name does not end
/// in `.nii` or `.nii.gz`, an axis is too long for NIfTI-1, or the file system refuses.
pub fn write_label_map(
    path: &Path,
    labels: &Volume<u8>,
    placement: &Placement,
) -> Result<(), WriteError> {
    let native = placement
        .to_native(labels)
        .map_err(|_shape| WriteError::Shape {
            got: labels.shape(),
            wanted: placement.canonical.shape,
            path: path.to_path_buf(),
        })?;
    write(
        path,
        &placement.native,
        Stored {
            datatype: 2,
            bits: 8,
        },
        |to| to.write_all(&native),
    )
}

/// Writes a scan as NIfTI-1, `i16`, on its canonical grid; compressed when the name ends in `.gz`.
///
/// The same scan gives the same bytes.
///
/// ```
/// use hardslice_volume::{Grid, PerAxis, Volume, read_scan, write_scan};
///
/// let grid = Grid {
///     shape: PerAxis::new(2, 1, 2),
///     world_from_voxel: [[0.8, 0.0, 0.0, 0.0], [0.0, 0.8, 0.0, 0.0], [0.0, 0.0, 2.5, 0.0]],
/// };
/// let scan = Volume::new(grid, vec![-1000, 40, 60, 300])?;
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("ct.nii.gz");
/// write_scan(&path, &scan)?;
/// assert_eq!(read_scan(&path)?.volume.voxels(), [-1000.0, 40.0, 60.0, 300.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`write_label_map`].
pub fn write_scan(path: &Path, scan: &Volume<i16>) -> Result<(), WriteError> {
    write(
        path,
        scan.grid(),
        Stored {
            datatype: 4,
            bits: 16,
        },
        |to| {
            let mut bytes = Vec::with_capacity(1 << 16);
            for chunk in scan.voxels().chunks(1 << 15) {
                bytes.clear();
                bytes.extend(chunk.iter().flat_map(|v| v.to_le_bytes()));
                to.write_all(&bytes)?;
            }
            Ok(())
        },
    )
}

/// A NIfTI datatype code and its size.
#[derive(Debug, Clone, Copy)]
struct Stored {
    datatype: i16,
    bits: i16,
}

fn write(
    path: &Path,
    grid: &Grid,
    stored: Stored,
    voxels: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let is_gzip = name.strip_suffix(".nii.gz").is_some();
    if !is_gzip && name.strip_suffix(".nii").is_none() {
        return Err(WriteError::Suffix {
            path: path.to_path_buf(),
        });
    }
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
            voxels(&mut gz)?;
            gz.finish().map(drop)
        } else {
            file.write_all(&header)?;
            voxels(file)
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
