//! The driver of Winograd's convolutions: which task computes what, and in which order.

#![expect(
    unsafe_code,
    reason = "tasks write to tiles of one tensor that are not next to each other"
)]

use std::ops::Range;

use rayon::prelude::*;

use super::points::{N_POINTS, TILE};
use super::tiles::{RUN_PIXELS, Square, TileGrid, point_step, to_points};
use super::transform::{Outputs, Points};
use super::weights::Transformed;
use crate::conv::gather::WeightView;
use crate::conv::input::Blocks;
use crate::conv::output::Output;
use crate::conv::scratch::with_scratch;
use crate::conv::tile::TileArgs;
use crate::conv::tile_walk::{run_tile, tiles_of_row};
use crate::layout::Extent;
use crate::moments::Moments;
use crate::shared::{Shared, Strided};
use crate::simd::{LANES, Pixel, PixelOf, Simd};
use crate::stored::{Stored, with_pixels};

/// A 3x3 convolution, same padding.
pub(in crate::conv) struct WinogradConv<'a> {
    pub(in crate::conv) input: Blocks<'a>,
    pub(in crate::conv) grid: Extent,
    pub(in crate::conv) weights: &'a WeightView<'a>,
    /// For each output block.
    pub(in crate::conv) bias: &'a [Pixel],
    /// Whether negative results become 0.
    pub(in crate::conv) relu: bool,
}

/// Bytes of a task's transformed inputs: a good part of a second-level cache.
const INPUTS_BUDGET: usize = 384 << 10;

/// Tiles of a task at least, whatever they take: fewer are not worth reading the weights for.
const TILES: usize = 28;

/// Bytes of the transformed weights that are in memory at a time.
const WEIGHTS_BUDGET: usize = 16 << 20;

/// Tasks below which groups of output blocks are dealt out, too, and those of a thread that are
/// enough: each such task transforms its inputs again. No number depends on how they are dealt out.
const TASKS: usize = 16;
const TASKS_OF_THREAD: usize = 4;

/// How a convolution is cut up; from its shape alone, so that the result is the same for any
/// number of threads.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// Ranges of tiles.
    ranges: usize,
    /// Output blocks whose weights are transformed at a time: whole groups.
    batch: usize,
}

impl WinogradConv<'_> {
    fn cut<S: Simd>(&self, _: S) -> Cut {
        let n_inputs = self.weights.inputs.len();
        let per_block = N_POINTS * n_inputs * size_of::<Pixel>();
        let n_tiles = TileGrid::over(self.grid).n_tiles();
        let at_once = (INPUTS_BUDGET / per_block.max(1)).max(TILES);
        let groups = WEIGHTS_BUDGET / (per_block * LANES * S::TILE_BLOCKS).max(1);
        Cut {
            ranges: n_tiles.div_ceil(at_once),
            batch: groups.max(1) * S::TILE_BLOCKS,
        }
    }

    /// Computes all outputs and, where asked for, the moments of each output block.
    pub(in crate::conv) fn run<S: Simd>(
        &self,
        s: S,
        outputs: &[Output<'_>],
        with_moments: bool,
    ) -> Vec<Moments> {
        if self.grid.n * self.grid.plane() == 0 {
            return vec![Moments::default(); outputs.len()];
        }
        assert_eq!(
            outputs.len(),
            self.weights.outputs.len(),
            "a place for each output block"
        );
        let cut = self.cut(s);
        let mut partial = vec![Moments::default(); outputs.len() * cut.ranges];
        for (batch, partial) in partial.chunks_mut(cut.batch * cut.ranges).enumerate() {
            let first = batch * cut.batch;
            let blocks = first..outputs.len().min(first + cut.batch);
            let weights = Transformed::new(s, self.weights, blocks.clone(), S::TILE_BLOCKS);
            let batch = Batch {
                weights: &weights,
                outputs: &outputs[blocks.clone()],
                bias: &self.bias[blocks],
                moments: with_moments.then(|| Shared::new(partial)),
            };
            self.run_batch(s, cut, &batch);
        }
        partial.chunks(cut.ranges).map(Moments::joined).collect()
    }

    fn run_batch<S: Simd>(&self, s: S, cut: Cut, batch: &Batch<'_>) {
        let n_groups = batch.outputs.len().div_ceil(S::TILE_BLOCKS);
        let n_tiles = TileGrid::over(self.grid).n_tiles();
        let n_tasks = TASKS.min(TASKS_OF_THREAD * rayon::current_num_threads());
        let splits = n_tasks.div_ceil(cut.ranges).min(n_groups);
        (0..cut.ranges * splits).into_par_iter().for_each(|task| {
            let (range, split) = (task / splits, task % splits);
            let task = Task {
                tiles: range * n_tiles / cut.ranges..(range + 1) * n_tiles / cut.ranges,
                groups: split * n_groups / splits..(split + 1) * n_groups / splits,
                place: range,
                n_places: cut.ranges,
            };
            self.task(s, batch, &task);
        });
    }

    fn task<S: Simd>(&self, s: S, batch: &Batch<'_>, task: &Task) {
        let n_tiles = task.tiles.len();
        let n_inputs = self.weights.inputs.len();
        let input_step = point_step(n_inputs, n_tiles);
        let product_step = point_step(S::TILE_BLOCKS, n_tiles);
        let lens = [N_POINTS * input_step + RUN_PIXELS, N_POINTS * product_step];
        let counts: Vec<usize> = self
            .weights
            .inputs
            .iter()
            .map(|block| block.count)
            .collect();
        with_scratch(lens, |[inputs, products]| {
            let (inputs, strip) = inputs.split_at_mut(N_POINTS * input_step);
            let tiles = task.tiles.clone();
            to_points(
                s,
                self.input,
                0..n_inputs,
                tiles,
                Square::Input,
                [&mut *inputs, strip],
            );
            for group in task.groups.clone() {
                let n_blocks = batch.weights.blocks_in(group);
                for point in 0..N_POINTS {
                    let product = Product {
                        x: inputs[point * input_step..].as_flattened(),
                        counts: &counts,
                        weights: batch.weights.at(group, point),
                        n_tiles,
                    };
                    let to = &mut products[point * product_step..][..n_blocks * n_tiles];
                    if const { S::TILE_BLOCKS == 2 } && n_blocks == 2 {
                        product.run::<S, 2>(s, to);
                    } else {
                        product.run::<S, 1>(s, to);
                    }
                }
                for block in 0..n_blocks {
                    let done = Done {
                        block: group * S::TILE_BLOCKS + block,
                        pixels: &products[block * n_tiles..],
                        step: product_step,
                    };
                    self.finish(s, batch, task, &done);
                }
            }
        });
    }

    /// Transforms a block's products back, and takes the moments of what comes out.
    fn finish<S: Simd>(&self, s: S, batch: &Batch<'_>, task: &Task, done: &Done<'_>) {
        let moments = with_pixels!(SharedPixels, tensor = batch.outputs[done.block].tensor => {
            self.finish_in(s, batch, task, done, tensor)
        });
        if let Some(all) = batch.moments {
            // SAFETY: a task is alone with the place of its tiles in the table.
            let place = unsafe { all.part(done.block * task.n_places + task.place, 1) };
            place[0] = moments;
        }
    }

    fn finish_in<S: Simd, E: Stored>(
        &self,
        s: S,
        batch: &Batch<'_>,
        task: &Task,
        done: &Done<'_>,
        tensor: Shared<'_, PixelOf<E>>,
    ) -> Moments {
        let mut moments = Moments::default();
        for run in TileGrid::over(self.grid).runs(task.tiles.clone()) {
            let n_columns = (run.n_tiles * TILE).min(self.grid.width - run.x);
            let n_rows = TILE.min(self.grid.height - run.y);
            let row = |row: usize| -> &mut [PixelOf<E>] {
                if row >= n_rows {
                    return &mut [];
                }
                let at = [run.image, run.y + row, run.x];
                // SAFETY: a task is alone with its tiles of its output blocks, and each row is
                // asked for once at a time.
                let pixels =
                    unsafe { batch.outputs[done.block].pixels(tensor, self.grid, at, n_columns) };
                pixels.into_slice()
            };
            s.run(Outputs {
                from: Points {
                    pixels: &done.pixels[run.start..],
                    step: done.step,
                },
                n_tiles: run.n_tiles,
                bias: &batch.bias[done.block],
                floor: if self.relu { 0.0 } else { f32::NEG_INFINITY },
                to: std::array::from_fn(row),
            });
            if batch.moments.is_some() {
                for row in (0..n_rows).map(row) {
                    moments.join(&Moments::of(s, row));
                }
            }
        }
        moments
    }
}

/// Output blocks whose weights are transformed.
struct Batch<'a> {
    weights: &'a Transformed,
    outputs: &'a [Output<'a>],
    bias: &'a [Pixel],
    moments: Option<Shared<'a, Moments>>,
}

/// The products of an output block with a task's tiles.
struct Done<'a> {
    block: usize,
    /// From the first tile's first point on.
    pixels: &'a [Pixel],
    /// Pixels between points.
    step: usize,
}

struct Task {
    tiles: Range<usize>,
    groups: Range<usize>,
    /// Of its moments among those of all ranges of tiles.
    place: usize,
    n_places: usize,
}

/// The matrix product at one point.
struct Product<'a> {
    /// `[input block][tile][16]`.
    x: &'a [f32],
    counts: &'a [usize],
    weights: &'a [f32],
    n_tiles: usize,
}

impl Product<'_> {
    /// Gives `[output block][tile]`.
    fn run<S: Simd, const BLOCKS: usize>(&self, s: S, to: &mut [Pixel]) {
        let zeros = [[0.0; LANES]; BLOCKS];
        for (first, n) in tiles_of_row(self.n_tiles, S::TILE_PIXELS) {
            let mut blocks = to.chunks_exact_mut(self.n_tiles);
            let tile = TileArgs::<BLOCKS> {
                x: &self.x[first * LANES..],
                plane: self.n_tiles * LANES,
                channel_step: 1,
                counts: self.counts,
                taps: &[0],
                weights: self.weights,
                out: std::array::from_fn(|_| {
                    let block = blocks.next().expect("products of all blocks of the group");
                    Strided::from(&mut block[first..])
                }),
                bias: Some(&zeros),
                floor: f32::NEG_INFINITY,
            };
            run_tile::<S, BLOCKS, LANES, false>(s, tile, n);
        }
    }
}
