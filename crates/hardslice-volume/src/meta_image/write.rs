//! Writing, compressed.

use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::whole_file::{write_whole, write_whole_bytes};
use crate::{Ending, Grid};

/// Compression as of the other formats.
const ZLIB_LEVEL: u32 = 4;

/// Writes a `.mha` of little-endian voxels in the grid's order.
pub(crate) fn write_attached(
    path: &Path,
    grid: &Grid,
    element_type: &str,
    voxels: &[u8],
) -> io::Result<()> {
    let compressed = compressed(voxels)?;
    let header = header(grid, element_type, compressed.len(), "LOCAL");
    write_whole(path, |file| {
        file.write_all(header.as_bytes())?;
        file.write_all(&compressed)
    })
}

/// Writes a `.mhd`, and its voxels to a `.zraw` of the same name.
pub(crate) fn write_detached(
    path: &Path,
    grid: &Grid,
    element_type: &str,
    voxels: &[u8],
) -> io::Result<()> {
    let compressed = compressed(voxels)?;
    let data_file = data_file_name(path);
    let header = header(grid, element_type, compressed.len(), &data_file);
    // The header comes last: who finds it finds the voxels.
    write_whole_bytes(&path.with_file_name(data_file), &compressed)?;
    write_whole_bytes(path, header.as_bytes())
}

/// What the file of the voxels is called that is written beside a `.mhd`.
pub(crate) fn data_file_name(path: &Path) -> String {
    format!("{}.zraw", Ending::stem(path))
}

fn compressed(voxels: &[u8]) -> io::Result<Vec<u8>> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::new(ZLIB_LEVEL));
    zlib.write_all(voxels)?;
    zlib.finish()
}

/// The fields in the order in which ITK writes them.
fn header(grid: &Grid, element_type: &str, n_compressed: usize, data_file: &str) -> String {
    const LPS_FROM_RAS: [f64; 3] = [-1.0, -1.0, 1.0];
    let spacing = grid.spacing_mm().xyz();
    let m = &grid.world_from_voxel;
    // Adding 0 leaves no zero negative.
    let offset = [0, 1, 2].map(|world| LPS_FROM_RAS[world] * m[world][3] + 0.0);
    let directions: Vec<f64> = (0..9)
        .map(|i| (i / 3, i % 3))
        .map(|(axis, world)| LPS_FROM_RAS[world] * m[world][axis] / spacing[axis] + 0.0)
        .collect();
    format!(
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n\
         CompressedData = True\nCompressedDataSize = {n_compressed}\nTransformMatrix = {}\n\
         Offset = {}\nCenterOfRotation = 0 0 0\n\
         ElementSpacing = {}\nDimSize = {}\nElementType = {element_type}\n\
         ElementDataFile = {data_file}\n",
        joined(&directions),
        joined(&offset),
        joined(&spacing),
        joined(&grid.shape.xyz()),
    )
}

fn joined(values: &[impl ToString]) -> String {
    let values: Vec<_> = values.iter().map(ToString::to_string).collect();
    values.join(" ")
}
