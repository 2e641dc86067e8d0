//! The weights' gradients: what one task adds up.

use std::ops::Range;

use super::points::N_POINTS;
use super::tiles::{RUN_PIXELS, Square, TileGrid, point_step, to_points};
use super::transform::WeightGradients;
use crate::conv::input::Blocks;
use crate::conv::scratch::with_scratch;
use crate::conv::weight_tile::{WeightTileArgs, run_tap};
use crate::simd::{LANES, Pixel, Simd};

/// The gradient of a 3x3 convolution's weight.
pub(in crate::conv) struct WinogradGradient<'a> {
    pub(in crate::conv) input: Blocks<'a>,
    /// Of the convolution's output.
    pub(in crate::conv) gradient: Blocks<'a>,
}

/// Tiles whose points are in the scratch memory at a time.
const TILES: usize = 32;

impl WinogradGradient<'_> {
    /// How many tiles there are to be summed over.
    pub(in crate::conv) fn n_tiles(&self) -> usize {
        TileGrid::over(self.gradient.extent).n_tiles()
    }

    /// How many parts the sum is worth being divided into: each transforms its sums at the points
    /// back, which must not take longer than the products.
    pub(in crate::conv) fn parts_at_most(&self) -> usize {
        (self.n_tiles() / TILES).max(1)
    }

    /// Sums over some tiles for some blocks of inputs and outputs, as `[output][input][tap][16]`
    /// of sixteen outputs; outputs are `output_step` pixels apart.
    pub(in crate::conv) fn task<S: Simd>(
        &self,
        s: S,
        tiles: Range<usize>,
        [inputs, outputs]: [Range<usize>; 2],
        sums: &mut [Pixel],
        output_step: usize,
    ) {
        let (n_inputs, n_outputs) = (inputs.len(), outputs.len());
        let lens = [n_inputs, n_outputs].map(|n| N_POINTS * point_step(n, TILES));
        let n_pairs = n_inputs * n_outputs;
        // One pixel more, as in `point_step`.
        let totals_step = n_pairs * LANES + 1;
        with_scratch(
            [lens[0] + lens[1] + RUN_PIXELS, N_POINTS * totals_step],
            |[scratch, totals]| {
                totals.fill([0.0; LANES]);
                let (x, scratch) = scratch.split_at_mut(lens[0]);
                let (gradient, strip) = scratch.split_at_mut(lens[1]);
                for first in tiles.clone().step_by(TILES) {
                    let tiles = first..tiles.end.min(first + TILES);
                    let n_tiles = tiles.len();
                    let (of_x, of_gradient) = (inputs.clone(), outputs.clone());
                    to_points(
                        s,
                        self.input,
                        of_x,
                        tiles.clone(),
                        Square::Input,
                        [&mut *x, &mut *strip],
                    );
                    let to = [&mut *gradient, &mut *strip];
                    to_points(s, self.gradient, of_gradient, tiles, Square::Gradient, to);
                    for (point, totals) in totals.chunks_exact_mut(totals_step).enumerate() {
                        let totals = &mut totals[..n_pairs * LANES];
                        let x = &x[point * point_step(n_inputs, n_tiles)..][..n_inputs * n_tiles];
                        let gradient = &gradient[point * point_step(n_outputs, n_tiles)..]
                            [..n_outputs * n_tiles];
                        multiply(s, x, gradient, n_tiles, totals);
                    }
                }
                for pair in 0..n_pairs {
                    let (output, input) = (pair / n_inputs, pair % n_inputs);
                    s.run(WeightGradients {
                        from: &totals[pair * LANES..],
                        point_step: totals_step,
                        to: &mut sums[output * output_step + input * 9 * LANES..],
                    });
                }
            },
        );
    }
}

/// Adds the products of all pairs of blocks at one point: `x`: `[input][tile]`, `gradient`:
/// `[output][tile]`, `totals`: `[output][input][16]`.
fn multiply<S: Simd>(s: S, x: &[Pixel], gradient: &[Pixel], n_tiles: usize, totals: &mut [Pixel]) {
    let per_output = x.len() / n_tiles * LANES;
    let pairs = gradient
        .chunks(2 * n_tiles)
        .zip(totals.chunks_mut(2 * per_output));
    for (gradient, totals) in pairs {
        for (input, x) in x.chunks_exact(n_tiles).enumerate() {
            let first = input * LANES;
            if const { S::TILE_BLOCKS == 2 } && gradient.len() == 2 * n_tiles {
                add_products::<S, 2>(s, x, gradient, n_tiles, totals, first);
            } else {
                for (gradient, totals) in gradient
                    .chunks_exact(n_tiles)
                    .zip(totals.chunks_exact_mut(per_output))
                {
                    add_products::<S, 1>(s, x, gradient, n_tiles, totals, first);
                }
            }
        }
    }
}

/// The same for one block of inputs and one or two of outputs.
fn add_products<S: Simd, const BLOCKS: usize>(
    s: S,
    x: &[Pixel],
    gradient: &[Pixel],
    n_tiles: usize,
    totals: &mut [Pixel],
    first: usize,
) {
    let channels = if BLOCKS == 2 { 8 } else { S::TILE_CHANNELS };
    let per_output = totals.len() / BLOCKS;
    for channel in (0..LANES).step_by(channels) {
        let mut outputs = totals.chunks_exact_mut(per_output);
        let args = WeightTileArgs::<BLOCKS> {
            x: &x.as_flattened()[channel..],
            row_step: 0,
            channel_step: 1,
            gradient: std::array::from_fn(|block| &gradient[block * n_tiles..][..n_tiles]),
            rows: 1,
            width: n_tiles,
            sums: std::array::from_fn(|_| {
                let sums = outputs.next().expect("totals hold the sums of all blocks");
                &mut sums[first + channel..]
            }),
        };
        run_tap(s, args, channels, LANES);
    }
}
