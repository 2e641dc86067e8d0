//! Moving voxels from one axis order to another.

use rayon::prelude::*;

use crate::{Orientation, PerAxis};

/// Side of the tiles in which two axes are exchanged: 32 × 32 values of 8 bytes stay in the first
/// level cache of every processor of today, read side and write side together.
const TILE: usize = 32;

/// Reverses axes of a volume `[z, y, x]` in place.
pub(crate) fn reverse_in_place<T: Send>(
    voxels: &mut [T],
    shape: PerAxis<usize>,
    reversed: PerAxis<bool>,
) {
    if voxels.is_empty() {
        return;
    }
    let n_pixels = shape.n_pixels();
    voxels
        .par_chunks_mut(n_pixels)
        .for_each(|slice| match (reversed.y, reversed.x) {
            (true, true) => slice.reverse(),
            (false, true) => slice.chunks_exact_mut(shape.x).for_each(<[T]>::reverse),
            (true, false) => swap_ends(slice, shape.x),
            (false, false) => {}
        });
    if reversed.z {
        swap_ends(voxels, n_pixels);
    }
}

/// Swaps the first run of `length` values with the last, the second with the last but one, ...
fn swap_ends<T>(values: &mut [T], length: usize) {
    let mut runs = values.chunks_exact_mut(length);
    while let (Some(first), Some(last)) = (runs.next(), runs.next_back()) {
        first.swap_with_slice(last);
    }
}

/// The voxels of `source` in the axis order of `shape`.
///
/// `orientation` tells for each axis of the result which axis of `source` it comes from.
///
/// # Shapes
///
/// `source` is stored with its axis 0 fastest and 2 slowest; so is the result, `[z, y, x]` of
/// `shape`. The caller has checked that their lengths match.
pub(crate) fn permuted<T: Copy + Send + Sync>(
    source: &[T],
    shape: PerAxis<usize>,
    orientation: Orientation,
) -> Vec<T> {
    let Some(&filler) = source.first() else {
        return Vec::new();
    };
    let walk = Walk::new(shape, orientation);
    let mut result = vec![filler; source.len()];
    // Slabs of a tile's depth along z are independent of each other.
    let slab = TILE * shape.n_pixels();
    result
        .par_chunks_mut(slab)
        .enumerate()
        .for_each(|(i, out)| copy_slab(source, out, i * TILE, shape, &walk));
    result
}

/// Hands over the slices of what [`permuted`] gives, `[y, x]` with their z, without making all of it
/// at once.
pub(crate) fn each_permuted_slice<T: Copy>(
    source: &[T],
    shape: PerAxis<usize>,
    orientation: Orientation,
    mut each: impl FnMut(usize, &[T]),
) {
    let Some(&filler) = source.first() else {
        return;
    };
    let walk = Walk::new(shape, orientation);
    let mut slab = vec![filler; TILE.min(shape.z) * shape.n_pixels()];
    for first_z in (0..shape.z).step_by(TILE) {
        let slab = &mut slab[..TILE.min(shape.z - first_z) * shape.n_pixels()];
        copy_slab(source, slab, first_z, shape, &walk);
        for (z, slice) in (first_z..).zip(slab.chunks_exact(shape.n_pixels())) {
            each(z, slice);
        }
    }
}

/// Fills a slab of the result.
fn copy_slab<T: Copy>(
    source: &[T],
    out: &mut [T],
    first_z: usize,
    shape: PerAxis<usize>,
    walk: &Walk,
) {
    if walk.steps.x.length == 1 {
        copy_rows(source, out, first_z, shape, walk);
    } else {
        copy_tiles(source, out, first_z, shape, walk);
    }
}

/// A signed step through the source.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Values from one voxel to the next.
    length: usize,
    /// Whether the source runs the other way.
    reversed: bool,
    /// Voxels along the axis.
    n: usize,
}

impl Step {
    /// Offset in the source of voxel `at` along this axis.
    fn offset(self, at: usize) -> usize {
        self.length * if self.reversed { self.n - 1 - at } else { at }
    }

    /// Offset of the lowest source value among voxels `from..to` along this axis.
    fn lowest(self, from: usize, to: usize) -> usize {
        self.offset(if self.reversed { to - 1 } else { from })
    }
}

/// How the source is walked while the result is filled in order.
#[derive(Debug, Clone, Copy)]
struct Walk {
    steps: PerAxis<Step>,
}

impl Walk {
    fn new(shape: PerAxis<usize>, orientation: Orientation) -> Self {
        let lengths = shape.xyz();
        let sources = orientation.sources_xyz();
        let mut source_lengths = [0; 3];
        for (source, n) in sources.iter().zip(lengths) {
            source_lengths[source.axis] = n;
        }
        let strides = [1, source_lengths[0], source_lengths[0] * source_lengths[1]];
        Self {
            steps: PerAxis::from_xyz(std::array::from_fn(|axis| Step {
                length: strides[sources[axis].axis],
                reversed: sources[axis].reversed,
                n: lengths[axis],
            })),
        }
    }
}

/// Fills a slab whose rows are rows of the source.
fn copy_rows<T: Copy>(
    source: &[T],
    out: &mut [T],
    first_z: usize,
    shape: PerAxis<usize>,
    walk: &Walk,
) {
    let steps = walk.steps;
    for (i, row) in out.chunks_exact_mut(shape.x).enumerate() {
        let (z, y) = (first_z + i / shape.y, i % shape.y);
        let start = steps.z.offset(z) + steps.y.offset(y);
        row.copy_from_slice(&source[start..start + shape.x]);
        if steps.x.reversed {
            row.reverse();
        }
    }
}

/// Fills a slab whose rows run across the source, in tiles of the row axis and of the axis along
/// which the source is contiguous.
fn copy_tiles<T: Copy>(
    source: &[T],
    out: &mut [T],
    first_z: usize,
    shape: PerAxis<usize>,
    walk: &Walk,
) {
    let PerAxis { z, y, x } = walk.steps;
    let depth = out.len() / shape.n_pixels();
    let runs_along_z = z.length == 1;
    // Voxel `f` of the contiguous axis, `o` of the other one.
    let (fast, n_fast, fast_0, fast_stride) = if runs_along_z {
        (z, depth, first_z, shape.n_pixels())
    } else {
        (y, shape.y, 0, shape.x)
    };
    let (other, n_other, other_0, other_stride) = if runs_along_z {
        (y, shape.y, 0, shape.x)
    } else {
        (z, depth, first_z, shape.n_pixels())
    };
    for o in 0..n_other {
        let out = &mut out[o * other_stride..];
        let from_other = other.offset(other_0 + o);
        for f0 in (0..n_fast).step_by(TILE) {
            let f1 = n_fast.min(f0 + TILE);
            let from_fast = from_other + fast.lowest(fast_0 + f0, fast_0 + f1);
            for at in 0..shape.x {
                let start = from_fast + x.offset(at);
                let run = &source[start..start + f1 - f0];
                let column = out[f0 * fast_stride + at..].iter_mut().step_by(fast_stride);
                if fast.reversed {
                    column
                        .zip(run.iter().rev())
                        .for_each(|(to, from)| *to = *from);
                } else {
                    column.zip(run).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes that are no multiple of a tile, and one axis shorter than the others by far.
    const SHAPES: [[usize; 3]; 3] = [[3, 4, 5], [33, 1, 70], [40, 65, 7]];

    #[test]
    fn every_voxel_arrives_where_the_orientation_says() {
        for lengths in SHAPES {
            let source: Vec<u32> = (0..).take(lengths.iter().product()).collect();
            for orientation in Orientation::all() {
                let sources = orientation.sources_xyz();
                let shape = PerAxis::from_xyz(sources.map(|s| lengths[s.axis]));
                let result = permuted(&source, shape, orientation);
                let mut at = result.iter();
                for z in 0..shape.z {
                    for y in 0..shape.y {
                        for x in 0..shape.x {
                            let mut ijk = [0; 3];
                            for (s, v) in sources.iter().zip([x, y, z]) {
                                ijk[s.axis] = if s.reversed {
                                    lengths[s.axis] - 1 - v
                                } else {
                                    v
                                };
                            }
                            let want = ijk[0] + lengths[0] * (ijk[1] + lengths[1] * ijk[2]);
                            let got = at.next().copied();
                            assert_eq!(
                                got,
                                u32::try_from(want).ok(),
                                "{orientation} of {lengths:?} at [{x}, {y}, {z}]"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn reversing_in_place_agrees_with_permuting() {
        for lengths in SHAPES {
            let shape = PerAxis::from_xyz(lengths);
            let source: Vec<u32> = (0..).take(shape.n_voxels()).collect();
            for orientation in Orientation::all().filter(|o| o.keeps_axis_order()) {
                let mut got = source.clone();
                reverse_in_place(&mut got, shape, orientation.reversed());
                assert!(
                    got == permuted(&source, shape, orientation),
                    "{orientation}, {lengths:?}"
                );
            }
        }
    }
}
