//! Sums over the pixels of each plane, of what a loss makes of logit and target, and the gradient of
//! the logits.
//!
//! Strips of pixels are summed in single precision, everything else in double, in an order that
//! depends on the shape alone.

mod cross_entropy;
mod operation;
mod overlap;

use rayon::prelude::*;

use crate::batch_norm::rounded;
use crate::buffers::Buffer;
use crate::moments::Wide;
use crate::simd::{Kernel, LANES, Pixel, Simd};

pub(crate) use cross_entropy::{CrossEntropy, Focal};
pub(crate) use operation::{PlaneTerms, check_planes, pixel_sums};
pub(crate) use overlap::Overlap;

/// What is summed: `N` numbers for each pixel.
pub(crate) trait Terms<const N: usize>: Copy + Send + Sync {
    /// The numbers of sixteen pixels.
    fn of<S: Simd>(self, s: S, logit: S::V, target: S::V) -> [S::V; N];
    /// The derivative by the logit of the numbers weighed by `pulls` and added up.
    fn slope<S: Simd>(self, s: S, logit: S::V, target: S::V, pulls: [S::V; N]) -> S::V;
}

/// Logits with their targets, `[n, c, y, x]`, and how much each pixel weighs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LabelledPlanes<'a> {
    pub(crate) logits: &'a [f32],
    pub(crate) targets: &'a [f32],
    /// `[n, weight_channels, y, x]`; each pixel weighs 1 where there are no channels.
    pub(crate) weights: &'a [f32],
    /// Planes of an image.
    pub(crate) channels: usize,
    /// 0, 1 (for all planes of an image) or as many as there are channels.
    pub(crate) weight_channels: usize,
    /// Pixels of a plane.
    pub(crate) plane: usize,
}

/// Pixels of a task.
const CHUNK: usize = 1 << 12;

/// Vectors that are summed in single precision.
const STRIP: usize = 16;

impl<'a> LabelledPlanes<'a> {
    fn n_planes(&self) -> usize {
        self.logits.len().checked_div(self.plane).unwrap_or(0)
    }

    /// The pixels of chunk `chunk` of plane `plane`.
    fn chunk(&self, plane: usize, chunk: usize) -> Chunk<'a> {
        let start = chunk * CHUNK;
        let end = self.plane.min(start + CHUNK);
        let of_plane = |planes: &'a [f32], plane: usize| {
            &planes[plane * self.plane + start..plane * self.plane + end]
        };
        let weights = match self.weight_channels {
            0 => None,
            1 => Some(plane / self.channels),
            _ => Some(plane),
        };
        Chunk {
            logits: of_plane(self.logits, plane),
            targets: of_plane(self.targets, plane),
            weights: weights.map(|plane| of_plane(self.weights, plane)),
        }
    }

    /// The sums of each plane, `[N, n, c]`; 0 where a plane is empty.
    pub(crate) fn sums<S: Simd, T: Terms<N>, const N: usize>(
        &self,
        s: S,
        terms: T,
        n_planes: usize,
    ) -> Buffer {
        let mut sums = Buffer::zeroed(N * n_planes);
        let n_chunks = self.plane.div_ceil(CHUNK);
        let tasks = (0..self.n_planes() * n_chunks).into_par_iter();
        let parts: Vec<[f64; N]> = tasks
            .map(|task| {
                let chunk = self.chunk(task / n_chunks, task % n_chunks);
                s.run(ChunkSums { chunk, terms })
            })
            .collect();
        for (plane, parts) in parts.chunks_exact(n_chunks.max(1)).enumerate() {
            for term in 0..N {
                let sum: f64 = parts.iter().map(|part| part[term]).sum();
                sums[term * n_planes + plane] = rounded(sum);
            }
        }
        sums
    }

    /// The gradient of the logits, from that of the sums, `[N, n, c]`.
    pub(crate) fn gradient<S: Simd, T: Terms<N>, const N: usize>(
        &self,
        s: S,
        terms: T,
        of_sums: &[f32],
    ) -> Buffer {
        let mut gradient = Buffer::stale(self.logits.len());
        let n_planes = self.n_planes();
        gradient
            .par_chunks_exact_mut(self.plane.max(1))
            .enumerate()
            .for_each(|(plane, gradient)| {
                let pulls = std::array::from_fn(|term| of_sums[term * n_planes + plane]);
                let chunks = gradient.par_chunks_mut(CHUNK).enumerate();
                chunks.for_each(|(chunk, to)| {
                    let chunk = self.chunk(plane, chunk);
                    s.run(ChunkGradient {
                        chunk,
                        terms,
                        pulls,
                        to,
                    });
                });
            });
        gradient
    }
}

/// Pixels of one plane, in order.
#[derive(Debug, Clone, Copy)]
struct Chunk<'a> {
    logits: &'a [f32],
    targets: &'a [f32],
    weights: Option<&'a [f32]>,
}

/// Sixteen pixels.
struct Sixteen<V> {
    logit: V,
    target: V,
    weight: V,
}

impl Chunk<'_> {
    fn n_vectors(&self) -> usize {
        self.logits.len().div_ceil(LANES)
    }

    /// Vector `place` of the chunk. Behind the last pixel, pixels weigh nothing.
    #[inline(always)]
    fn read<S: Simd>(&self, s: S, place: usize) -> Sixteen<S::V> {
        let start = place * LANES;
        if start + LANES > self.logits.len() {
            return self.read_last(s, start);
        }
        Sixteen {
            logit: sixteen(s, self.logits, start),
            target: sixteen(s, self.targets, start),
            weight: match self.weights {
                Some(weights) => sixteen(s, weights, start),
                None => s.splat(1.0),
            },
        }
    }

    #[inline(always)]
    fn read_last<S: Simd>(&self, s: S, start: usize) -> Sixteen<S::V> {
        let n = self.logits.len() - start;
        let mut values = [[0.0; LANES]; 3];
        values[0][..n].copy_from_slice(&self.logits[start..]);
        values[1][..n].copy_from_slice(&self.targets[start..]);
        match self.weights {
            Some(weights) => values[2][..n].copy_from_slice(&weights[start..]),
            None => values[2][..n].fill(1.0),
        }
        Sixteen {
            logit: s.read(&values[0]),
            target: s.read(&values[1]),
            weight: s.read(&values[2]),
        }
    }
}

#[inline(always)]
fn sixteen<S: Simd>(s: S, values: &[f32], start: usize) -> S::V {
    let values: &Pixel = values[start..start + LANES]
        .try_into()
        .expect("as many elements as there are lanes");
    s.read(values)
}

struct ChunkSums<'a, T, const N: usize> {
    chunk: Chunk<'a>,
    terms: T,
}

impl<T: Terms<N>, const N: usize> Kernel for ChunkSums<'_, T, N> {
    type Output = [f64; N];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> [f64; N] {
        let Self { chunk, terms } = self;
        let mut totals: [Wide; N] = [[0.0; LANES]; N];
        let n_vectors = chunk.n_vectors();
        for strip in (0..n_vectors).step_by(STRIP) {
            let mut sums = [s.zero(); N];
            for place in strip..n_vectors.min(strip + STRIP) {
                let pixels = chunk.read(s, place);
                let of_pixels = terms.of(s, pixels.logit, pixels.target);
                for term in 0..N {
                    sums[term] = s.mul_add(of_pixels[term], pixels.weight, sums[term]);
                }
            }
            for term in 0..N {
                let sums = s.to_array(sums[term]);
                for lane in 0..LANES {
                    totals[term][lane] += f64::from(sums[lane]);
                }
            }
        }
        totals.map(|lanes| lanes.iter().sum())
    }
}

struct ChunkGradient<'a, T, const N: usize> {
    chunk: Chunk<'a>,
    terms: T,
    pulls: [f32; N],
    to: &'a mut [f32],
}

impl<T: Terms<N>, const N: usize> Kernel for ChunkGradient<'_, T, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut pulls = [s.zero(); N];
        for (to, pull) in pulls.iter_mut().zip(self.pulls) {
            *to = s.splat(pull);
        }
        let (whole, last) = self.to.as_chunks_mut::<LANES>();
        for (place, to) in whole.iter_mut().enumerate() {
            let pixels = self.chunk.read(s, place);
            let slope = self.terms.slope(s, pixels.logit, pixels.target, pulls);
            s.write(to, s.mul(slope, pixels.weight));
        }
        if !last.is_empty() {
            let pixels = self.chunk.read(s, whole.len());
            let slope = self.terms.slope(s, pixels.logit, pixels.target, pulls);
            let lanes = s.to_array(s.mul(slope, pixels.weight));
            last.copy_from_slice(&lanes[..last.len()]);
        }
    }
}
