//! The driver of the direct convolutions: which task computes what, and in which order.

#![expect(
    unsafe_code,
    reason = "tasks write to rows of one tensor that are not next to each other"
)]

mod matrix;

use burn_std::bf16;
use rayon::prelude::*;

use crate::conv::input::Input;
use crate::conv::output::Output;
use crate::conv::scratch::{BUDGET, Slab, fill, fill_planar, fill_vnni, with_scratch};
use crate::conv::tile::TileArgs;
use crate::conv::tile_walk::{TileWalk, tiles_of_row};
use crate::conv::tile_weights::{Packing, TileWeights};
use crate::conv::window::Window;
use crate::layout::Extent;
use crate::moments::Moments;
use crate::shared::{Shared, Strided};
use crate::simd::{MatrixUnit, Pixel, PixelOf, Simd};
use crate::stored::{SharedPixels, Stored, round};
use matrix::BEYOND;

/// A direct convolution: no im2col, no transform.
pub(crate) struct DirectConv<'a> {
    pub(crate) input: Input<'a>,
    pub(crate) window: Window,
    /// Positions of the window.
    pub(crate) grid: Extent,
    /// VNNI pairs only for blocks.
    pub(crate) weights: &'a TileWeights,
    /// For each output block.
    pub(crate) bias: &'a [Pixel],
    /// Whether negative results become 0.
    pub(crate) relu: bool,
}

/// Bytes of the weights that one group of output blocks reads before the next one comes.
const WEIGHTS_BUDGET: usize = 256 << 10;

/// Tasks below which output blocks are dealt out, too.
const TASKS: usize = 32;

/// How a convolution is cut up; from its shape alone, so that the result is the same for any
/// number of threads.
#[derive(Debug, Clone, Copy)]
struct Cut {
    rows: usize,
    inputs: usize,
    groups: usize,
}

impl DirectConv<'_> {
    /// What computes the tiles, where it is a matrix unit.
    fn matrix_unit<S: Simd>(&self, s: S) -> Option<MatrixUnit> {
        let has_products = self.weights.packing.is_vnni() && !self.weights.inputs.is_empty();
        s.matrix_unit().filter(|_| has_products)
    }

    /// Rows of a task, input blocks at a time, groups of output blocks of a task. A matrix unit takes
    /// all input blocks at once: what it reads is half as long.
    fn cut<S: Simd>(&self, s: S, n_inputs: usize) -> Cut {
        let Extent { n, height, width } = self.grid;
        let on_matrix_unit = self.matrix_unit(s).is_some();
        let pixel_bytes = if on_matrix_unit {
            size_of::<PixelOf<bf16>>()
        } else {
            size_of::<Pixel>()
        };
        let row_bytes = self.window.reach(width) * pixel_bytes;
        let per_block_pair = self.weights.per_block_pair() * self.weights.group * size_of::<f32>();
        let at_four_rows = BUDGET / (row_bytes * self.window.reach(4.min(height)));
        let at_once = if on_matrix_unit {
            n_inputs
        } else {
            at_four_rows.min(WEIGHTS_BUDGET / per_block_pair)
        };
        let inputs = at_once.clamp(1, n_inputs.max(1));
        let fits = (BUDGET / (row_bytes * inputs)).saturating_sub(self.window.kernel - 1);
        let enough_tasks = height.div_ceil(TASKS.div_ceil(n)).max(4);
        let rows = (fits / self.window.step).min(enough_tasks).clamp(1, height);
        let n_tasks = n * height.div_ceil(rows);
        let groups = self
            .weights
            .n_groups()
            .div_ceil(TASKS.div_ceil(n_tasks))
            .max(1);
        Cut {
            rows,
            inputs,
            groups,
        }
    }

    /// Computes all outputs.
    pub(crate) fn run<S: Simd>(&self, s: S, outputs: &[Output<'_>]) {
        self.run_and_measure(s, outputs, None);
    }

    /// Computes all outputs, and the moments of each output block.
    pub(crate) fn run_with_moments<S: Simd>(&self, s: S, outputs: &[Output<'_>]) -> Vec<Moments> {
        if self.grid.n * self.grid.plane() == 0 {
            return vec![Moments::default(); outputs.len()];
        }
        let cut = self.cut(s, self.input.channel_blocks().len());
        let n_chunks = self.grid.n * self.grid.height.div_ceil(cut.rows);
        let mut partial = vec![Moments::default(); outputs.len() * n_chunks];
        self.run_and_measure(s, outputs, Some(Shared::new(&mut partial)));
        partial.chunks(n_chunks).map(Moments::joined).collect()
    }

    fn run_and_measure<S: Simd>(
        &self,
        s: S,
        outputs: &[Output<'_>],
        moments: Option<Shared<'_, Moments>>,
    ) {
        if self.grid.n * self.grid.plane() == 0 || outputs.is_empty() {
            return;
        }
        assert_eq!(
            outputs.len(),
            self.weights.n_outputs,
            "a place for each output block"
        );
        let counts: Vec<usize> = self
            .input
            .channel_blocks()
            .iter()
            .map(|block| block.count)
            .collect();
        assert_eq!(
            counts.len(),
            self.weights.inputs.len(),
            "weights for each input block"
        );
        let cut = self.cut(s, counts.len());
        let n_chunks = self.grid.height.div_ceil(cut.rows);
        let n_splits = self.weights.n_groups().div_ceil(cut.groups);
        (0..self.grid.n * n_chunks * n_splits)
            .into_par_iter()
            .for_each(|task| {
                let (split, task) = (task % n_splits, task / n_splits);
                let first_row = task % n_chunks * cut.rows;
                let rows = Slab {
                    image: task / n_chunks,
                    first_row,
                    n_rows: cut.rows.min(self.grid.height - first_row),
                    width: self.grid.width,
                };
                let last = self.weights.n_groups().min((split + 1) * cut.groups);
                let groups = split * cut.groups..last;
                self.task(
                    s,
                    &Task {
                        rows,
                        groups,
                        cut,
                        counts: &counts,
                        outputs,
                        moments,
                    },
                );
            });
    }

    fn task<S: Simd>(&self, s: S, task: &Task<'_>) {
        let plane = task.rows.plane(self.window);
        let n_inputs = task.counts.len();
        let n_passes = n_inputs.div_ceil(task.cut.inputs).max(1);
        let of_block = task.rows.n_rows * task.rows.width;
        let n_held = match task.outputs[0].tensor {
            SharedPixels::F32(_) => 0,
            SharedPixels::Bf16(_) if self.matrix_unit(s).is_some() => 0,
            SharedPixels::Bf16(_) => task.groups.len() * self.weights.group * of_block,
        };
        let side = self.weights.packing.side();
        let n_scratch = if self.weights.packing.is_vnni() {
            // Pixels half as long.
            let sides = task.cut.inputs.div_ceil(side);
            (side * (sides * plane + BEYOND * self.window.step)).div_ceil(2)
        } else {
            task.cut.inputs * plane
        };
        with_scratch([n_scratch, n_held], |[scratch, held]| {
            for pass in 0..n_passes {
                let inputs = pass * task.cut.inputs..n_inputs.min((pass + 1) * task.cut.inputs);
                match self.input {
                    Input::Blocks(blocks) => {
                        let fill = match self.weights.packing {
                            Packing::Single => fill,
                            Packing::Vnni => fill_vnni::<S, 1>,
                            Packing::VnniSideBySide => fill_vnni::<S, 2>,
                        };
                        fill(s, blocks, inputs.clone(), task.rows, self.window, scratch);
                    }
                    Input::Planes(planes) => {
                        fill_planar(planes, task.rows, self.window, scratch.as_flattened_mut());
                    }
                }
                let part = Part {
                    scratch: scratch.as_flattened(),
                    counts: &task.counts[inputs.clone()],
                    first_input: inputs.start,
                    is_first: pass == 0,
                    is_last: pass + 1 == n_passes,
                };
                for group in task.groups.clone() {
                    let first = (group - task.groups.start) * self.weights.group * of_block;
                    // Results in single precision, and those of a matrix unit, go into their tensor
                    // at once.
                    let held = if n_held == 0 {
                        &mut []
                    } else {
                        &mut held[first..]
                    };
                    if const { S::TILE_BLOCKS == 2 } && self.weights.blocks_in(group) == 2 {
                        self.group::<S, 2>(s, task, &part, group, held);
                    } else {
                        self.group::<S, 1>(s, task, &part, group, held);
                    }
                    if part.is_last {
                        self.finish(s, task, group, held);
                    }
                }
            }
        });
    }

    /// Rounds the results of a task's rows of a group, where they were held back, and takes their
    /// moments.
    fn finish<S: Simd>(&self, s: S, task: &Task<'_>, group: usize, held: &[Pixel]) {
        let first = group * self.weights.group;
        let of_block = task.rows.n_rows * task.rows.width;
        for place in 0..self.weights.blocks_in(group) {
            let block = first + place;
            match task.outputs[block].tensor {
                SharedPixels::F32(tensor) => self.measure(s, task, block, tensor),
                SharedPixels::Bf16(tensor) => {
                    // A matrix unit has rounded them.
                    let held = if held.is_empty() {
                        held
                    } else {
                        &held[place * of_block..][..of_block]
                    };
                    for (row, held) in held.chunks_exact(task.rows.width).enumerate() {
                        let output = &task.outputs[block];
                        let at = [task.rows.image, task.rows.first_row + row, 0];
                        // SAFETY: tasks have images and rows, or output blocks, of their own.
                        let to = unsafe { output.pixels(tensor, self.grid, at, held.len()) };
                        round(s, held, to);
                    }
                    self.measure(s, task, block, tensor);
                }
            }
        }
    }

    /// Takes the moments of a task's rows of a block, which are complete.
    fn measure<S: Simd, E: Stored>(
        &self,
        s: S,
        task: &Task<'_>,
        block: usize,
        tensor: Shared<'_, PixelOf<E>>,
    ) {
        let Some(moments) = task.moments else { return };
        let chunks = self.grid.height.div_ceil(task.cut.rows);
        let Slab {
            image,
            first_row,
            n_rows,
            width,
        } = task.rows;
        let place = (block * self.grid.n + image) * chunks + first_row / task.cut.rows;
        let at = [image, first_row, 0];
        // SAFETY: a task is alone with its rows of its output blocks, and with their place in the
        // table; the rows are whole rows of one block, one after the other.
        let (pixels, moments) = unsafe {
            let output = &task.outputs[block];
            let pixels = output.pixels(tensor, self.grid, at, n_rows * width);
            (pixels.into_slice(), moments.part(place, 1))
        };
        moments[0] = Moments::of(s, pixels);
    }

    /// One group of output blocks from some input blocks.
    fn group<S: Simd, const BLOCKS: usize>(
        &self,
        s: S,
        task: &Task<'_>,
        part: &Part<'_>,
        group: usize,
        held: &mut [Pixel],
    ) {
        if let Some(unit) = self.matrix_unit(s) {
            match task.outputs[0].tensor {
                SharedPixels::F32(_) => {
                    self.matrix_group::<S, f32, BLOCKS>(s, unit, task, part, group);
                }
                SharedPixels::Bf16(_) => {
                    self.matrix_group::<S, bf16, BLOCKS>(s, unit, task, part, group);
                }
            }
            return;
        }
        let rows = task.rows;
        let walk = TileWalk::over(self.input, rows, self.window, self.weights.packing);
        let first_block = group * self.weights.group;
        for row in 0..rows.n_rows {
            for (column, pixels) in tiles_of_row(self.grid.width, walk.most_pixels::<S, BLOCKS>()) {
                let mut held = held.chunks_exact_mut(rows.n_rows * rows.width);
                let out = std::array::from_fn(|block| {
                    let output = &task.outputs[first_block + block];
                    let SharedPixels::F32(tensor) = output.tensor else {
                        let held = held.next().expect("bf16 blocks of a group are held back");
                        return Strided::from(&mut held[row * rows.width + column..][..pixels]);
                    };
                    let at = [rows.image, rows.first_row + row, column];
                    // SAFETY: tasks have images and rows, or output blocks, of their own.
                    unsafe { output.pixels(tensor, self.grid, at, pixels) }
                });
                let bias = &self.bias[first_block..first_block + BLOCKS];
                let has_relu = self.relu && part.is_last;
                let tile = TileArgs::<BLOCKS> {
                    x: &part.scratch[walk.start(row, column)..],
                    plane: walk.plane,
                    channel_step: walk.channel_step,
                    counts: part.counts,
                    taps: &walk.taps,
                    weights: self.weights.of_group(group, part.first_input),
                    out,
                    bias: part.is_first.then_some(bias),
                    floor: if has_relu { 0.0 } else { f32::NEG_INFINITY },
                };
                walk.run(s, tile, pixels);
            }
        }
    }
}

struct Task<'a> {
    rows: Slab,
    groups: std::ops::Range<usize>,
    cut: Cut,
    counts: &'a [usize],
    outputs: &'a [Output<'a>],
    moments: Option<Shared<'a, Moments>>,
}

/// Some of the input blocks, in the scratch memory.
struct Part<'a> {
    scratch: &'a [f32],
    counts: &'a [usize],
    first_input: usize,
    is_first: bool,
    is_last: bool,
}
