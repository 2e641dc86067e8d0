//! Sums over planes, in a fixed order.

use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::batch_norm::rounded;
use crate::buffers::Buffer;

/// Sums each plane: `[n, c, y, x]` to `[n, c]`.
///
/// Differentiable. An empty plane sums to 0. On the CPU the sums are taken in double precision
/// and in an order that depends on the shape alone.
pub fn plane_sums(x: Tensor<4>) -> Tensor<2> {
    crate::operations::plane_sums(x)
}

/// Numbers that eight running sums take in at a time.
const RUNNING: usize = 8;

/// The sum of each plane.
pub(crate) fn of_planes(x: &[f32], plane: usize, n_planes: usize) -> Buffer {
    let mut sums = Buffer::zeroed(n_planes);
    if plane > 0 {
        let planes = x.par_chunks_exact(plane);
        sums.par_iter_mut()
            .zip(planes)
            .for_each(|(sum, plane)| *sum = rounded(of_plane(plane)));
    }
    sums
}

/// A plane of each number.
pub(crate) fn spread(x: &[f32], plane: usize) -> Buffer {
    let mut planes = Buffer::stale(x.len() * plane);
    if plane > 0 {
        planes
            .par_chunks_exact_mut(plane)
            .zip(x)
            .for_each(|(plane, x)| plane.fill(*x));
    }
    planes
}

fn of_plane(plane: &[f32]) -> f64 {
    let mut running = [0.0_f64; RUNNING];
    for values in plane.chunks(RUNNING) {
        for (sum, value) in running.iter_mut().zip(values) {
            *sum += f64::from(*value);
        }
    }
    running.iter().sum()
}
