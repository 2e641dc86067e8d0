//! Writing, compressed.

use std::io::{self, Write};
use std::path::Path;

use flate2::{Compression, GzBuilder};

use super::slicer;
use crate::Grid;
use crate::structure::Structure;
use crate::whole_file::write_whole;

/// Compression as of the other formats.
const GZIP_LEVEL: u32 = 4;

/// Writes a `.nrrd` of little-endian voxels in the grid's order.
pub(crate) fn write(path: &Path, grid: &Grid, scalar: &str, voxels: &[u8]) -> io::Result<()> {
    write_with(path, &header(grid, scalar), voxels)
}

/// Writes a `.seg.nrrd`: a label map whose header lists the structures, as 3D Slicer does.
pub(crate) fn write_segments(
    path: &Path,
    grid: &Grid,
    voxels: &[u8],
    structures: &[Structure],
) -> io::Result<()> {
    let header = header(grid, "unsigned char") + &slicer::lines(grid, voxels, structures);
    write_with(path, &header, voxels)
}

/// The header ends with an empty line, behind which the voxels begin.
fn write_with(path: &Path, header: &str, voxels: &[u8]) -> io::Result<()> {
    write_whole(path, |file| {
        file.write_all(header.as_bytes())?;
        file.write_all(b"\n")?;
        // No name and no time in the gzip header: the same input gives the same bytes.
        let mut gz = GzBuilder::new()
            .mtime(0)
            .write(file, Compression::new(GZIP_LEVEL));
        gz.write_all(voxels)?;
        gz.finish().map(drop)
    })
}

/// The fields in the order in which ITK writes them, in its space.
fn header(grid: &Grid, scalar: &str) -> String {
    const LPS_FROM_RAS: [f64; 3] = [-1.0, -1.0, 1.0];
    let [x, y, z] = grid.shape.xyz();
    let column = |axis: usize| {
        // Adding 0 leaves no zero negative.
        let [l, p, s] = std::array::from_fn(|world| {
            LPS_FROM_RAS[world] * grid.world_from_voxel[world][axis] + 0.0
        });
        format!("({l},{p},{s})")
    };
    format!(
        "NRRD0004\ntype: {scalar}\ndimension: 3\nspace: left-posterior-superior\n\
         sizes: {x} {y} {z}\nspace directions: {} {} {}\nkinds: domain domain domain\n\
         endian: little\nencoding: gzip\nspace origin: {}\n",
        column(0),
        column(1),
        column(2),
        column(3),
    )
}
