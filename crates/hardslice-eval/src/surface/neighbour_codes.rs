//! Finds where a surface runs in one row of a mask.

use super::cropped::Cropped;

/// Writes the neighbour code of each corner in a row of corners; 0 where no surface runs.
///
/// Corner `(z, y, x)` lies between the eight voxels `(z, y, x)` to `(z + 1, y + 1, x + 1)` of the
/// cropped mask. Its code has one bit for each that is inside, weighted as in surface-distance's
/// `ENCODE_NEIGHBOURHOOD_3D_KERNEL`:
///
/// ```text
/// z:      y: 128 64     z + 1:  y: 8 4
///     y + 1:  32 16         y + 1: 2 1
/// ```
///
/// All eight inside (code 255) is written as 0 too, since no surface runs there.
pub(super) fn surfel_row(mask: &Cropped, z: usize, y: usize, codes: &mut [u8]) {
    let n = codes.len();
    let corner_rows =
        [(z, y), (z, y + 1), (z + 1, y), (z + 1, y + 1)].map(|(z, y)| &mask.row(z, y)[..=n]);
    let [a, b, c, d] = corner_rows;
    for (x, corner) in codes.iter_mut().enumerate() {
        let left = 64 * a[x] + 16 * b[x] + 4 * c[x] + d[x];
        let right = 64 * a[x + 1] + 16 * b[x + 1] + 4 * c[x + 1] + d[x + 1];
        let code = 2 * left + right;
        *corner = if code == u8::MAX { 0 } else { code };
    }
}

/// Writes 1 for each voxel of a row that is inside and has one of its six neighbours outside.
///
/// Voxel `(z, y, x)` of the row is voxel `(z + 1, y + 1, x + 1)` of the cropped mask, the same as
/// a mask less its erosion by a cross.
pub(super) fn border_row(mask: &Cropped, z: usize, y: usize, codes: &mut [u8]) {
    let n = codes.len();
    let rows = [
        (z + 1, y + 1),
        (z, y + 1),
        (z + 2, y + 1),
        (z + 1, y),
        (z + 1, y + 2),
    ]
    .map(|(z, y)| &mask.row(z, y)[..n + 2]);
    let [here, below, above, behind, before] = rows;
    for (x, code) in codes.iter_mut().enumerate() {
        let i = x + 1;
        let deep = below[i] & above[i] & behind[i] & before[i] & here[i - 1] & here[i + 1];
        *code = here[i] & (1 - deep);
    }
}
