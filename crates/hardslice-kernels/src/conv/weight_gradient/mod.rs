//! The driver of the weights' gradients.
//!
//! A task owns a tile of the weight (two blocks of outputs, two of inputs) and a fixed part of
//! the rows of all images; the parts are added up in order. So the sums do not depend on how many
//! threads there are, nor on which of them did what.

mod add_up;
mod matrix;
mod strip;

use std::ops::Range;

use rayon::prelude::*;

use super::channel_block::{ChannelBlock, channel_blocks};
use super::input::{Blocks, Input};
use super::scratch::{BUDGET, Slab, fill, fill_planar, pack_vnni_pixels, with_scratch};
use super::window::Window;
use super::winograd::{self, WinogradGradient};
use crate::buffers::Buffer;
use crate::layout::Extent;
use crate::simd::{LANES, MatrixUnit, Pixel, Simd};
use add_up::AddUp;
use matrix::MatrixTask;
use strip::Unit;

/// The gradient of a convolution's weight.
pub(crate) struct WeightGradient<'a> {
    pub(crate) input: Input<'a>,
    pub(crate) window: Window,
    /// Of the convolution's output; one source.
    pub(crate) gradient: Blocks<'a>,
}

/// Blocks of outputs, and of inputs, in a tile, by the direct method…
const DIRECT_TILE: usize = 2;

/// …and by Winograd's or on a matrix unit, the first that leaves enough tasks: each tile transforms all that
/// it reads.
const TRANSFORMED_TILES: [usize; 2] = [4, 2];
const ENOUGH_TASKS: usize = 16;

/// Tasks to aim at, pixels of a part at most, and bytes of all parts at most.
const TASKS: usize = 64;
const PART_PIXELS: usize = 1 << 14;
const PARTS_BYTES: usize = 32 << 20;

/// How the work is cut up; from the shape alone.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// Blocks of inputs and of outputs in a tile.
    tile: [usize; 2],
    input_tiles: usize,
    tiles: usize,
    parts: usize,
    /// Rows of a unit: a part is a range of units, in order.
    rows: usize,
    units_per_image: usize,
}

impl Cut {
    /// A task for each part of each tile.
    fn n_tasks(&self) -> usize {
        self.tiles * self.parts
    }

    /// The blocks of inputs and of outputs of a task's tile.
    fn blocks(&self, task: usize, [n_inputs, n_outputs]: [usize; 2]) -> [Range<usize>; 2] {
        let tile = task / self.parts;
        let of = |tile: usize, side: usize, n: usize| tile * side..n.min((tile + 1) * side);
        [
            of(tile % self.input_tiles, self.tile[0], n_inputs),
            of(tile / self.input_tiles, self.tile[1], n_outputs),
        ]
    }

    /// The rows of a unit.
    fn rows_of(&self, unit: usize, extent: Extent) -> Slab {
        let first_row = unit % self.units_per_image * self.rows;
        Slab {
            image: unit / self.units_per_image,
            first_row,
            n_rows: self.rows.min(extent.height - first_row),
            width: extent.width,
        }
    }

    /// A task's part of what is summed over.
    fn part(&self, task: usize, n: usize) -> Range<usize> {
        let part = task % self.parts;
        part * n / self.parts..(part + 1) * n / self.parts
    }
}

impl WeightGradient<'_> {
    /// `[outputs, inputs, ky, kx]`.
    pub(crate) fn run<S: Simd>(&self, s: S) -> Buffer {
        let inputs = self.input.channel_blocks();
        let n_outputs = self.gradient.sources[0].channels;
        let outputs = channel_blocks(&[n_outputs]);
        let winograd = winograd::pays(
            self.input,
            self.window,
            self.gradient.extent,
            self.input.takes_bf16_dot(s),
        )
        .filter(|_| self.matrix_unit(s).is_none())
        .map(|input| WinogradGradient {
            input,
            gradient: self.gradient,
        });
        let n_blocks = [inputs.len(), outputs.len()];
        let cut = self.cut(winograd.as_ref(), self.matrix_unit(s).is_some(), n_blocks);
        let per_output = cut.tile[0] * self.window.taps() * LANES;
        let tile_len = cut.tile[1] * per_output;
        let mut partial = Buffer::stale(cut.n_tasks() * tile_len * LANES);
        if self.gradient.extent.n * self.gradient.extent.plane() > 0 {
            partial
                .pixels_mut()
                .par_chunks_exact_mut(tile_len)
                .enumerate()
                .for_each(|(task, sums)| match &winograd {
                    Some(winograd) => {
                        let [inputs, outputs] = cut.blocks(task, n_blocks);
                        let tiles = cut.part(task, winograd.n_tiles());
                        winograd.task(s, tiles, [inputs, outputs], sums, per_output);
                    }
                    None => self.task(s, cut, [&inputs, &outputs], task, sums),
                });
        } else {
            partial.fill(0.0);
        }
        self.add_up(s, cut, &inputs, n_outputs, partial.pixels())
    }

    /// Whether it is computed in bf16 dot products, of two pixels at a time.
    fn is_vnni<S: Simd>(&self, s: S) -> bool {
        self.input.takes_bf16_dot(s) && self.window.step == 1
    }

    fn matrix_unit<S: Simd>(&self, s: S) -> Option<MatrixUnit> {
        s.matrix_unit().filter(|_| self.is_vnni(s))
    }

    fn cut(
        &self,
        winograd: Option<&WinogradGradient<'_>>,
        on_matrix_unit: bool,
        n_blocks: [usize; 2],
    ) -> Cut {
        let parts_at_most = match winograd {
            Some(winograd) => winograd.parts_at_most(),
            None if on_matrix_unit => usize::MAX,
            None => return self.cut_into(DIRECT_TILE, n_blocks, usize::MAX),
        };
        let [large, small] =
            TRANSFORMED_TILES.map(|side| self.cut_into(side, n_blocks, parts_at_most));
        if large.n_tasks() < ENOUGH_TASKS {
            small
        } else {
            large
        }
    }

    /// Tiles of so many blocks a side.
    fn cut_into(
        &self,
        side: usize,
        [n_inputs, n_outputs]: [usize; 2],
        parts_at_most: usize,
    ) -> Cut {
        let Extent { n, height, width } = self.gradient.extent;
        let tile = [n_inputs, n_outputs].map(|n| n.clamp(1, side));
        let input_tiles = n_inputs.div_ceil(tile[0]);
        let tiles = input_tiles * n_outputs.div_ceil(tile[1]);
        let input_bytes = self.window.reach(width.max(1)) * size_of::<Pixel>() * tile[0];
        let gradient_bytes = width * size_of::<Pixel>() * tile[1];
        let fits = BUDGET.saturating_sub(input_bytes * self.window.kernel)
            / (input_bytes * self.window.step + gradient_bytes).max(1);
        let tile_bytes = tile[0] * tile[1] * self.window.taps() * LANES * size_of::<Pixel>();
        let for_precision = (n * height * width).div_ceil(PART_PIXELS);
        let in_memory = (PARTS_BYTES / (tiles * tile_bytes).max(1)).max(1);
        let parts = TASKS
            .div_ceil(tiles.max(1))
            .min(parts_at_most)
            .max(for_precision)
            .min(in_memory);
        let enough_units = height.div_ceil(parts.div_ceil(n.max(1)));
        let rows = fits.min(enough_units).max(1);
        let units_per_image = height.div_ceil(rows);
        let parts = parts.clamp(1, (n * units_per_image).max(1));
        Cut {
            tile,
            input_tiles,
            tiles,
            parts,
            rows,
            units_per_image,
        }
    }

    fn task<S: Simd>(
        &self,
        s: S,
        cut: Cut,
        [inputs, outputs]: [&[ChannelBlock]; 2],
        task: usize,
        sums: &mut [Pixel],
    ) {
        let blocks = cut.blocks(task, [inputs.len(), outputs.len()]);
        let [n_inputs, n_outputs] = [blocks[0].len(), blocks[1].len()];
        let per_output = sums.len() / cut.tile[1];
        let matrix_unit = self.matrix_unit(s);
        let is_vnni = self.is_vnni(s);
        if matrix_unit.is_none() {
            sums.fill([0.0; LANES]);
        }
        let n_units = self.gradient.extent.n * cut.units_per_image;
        for (idx, unit) in cut.part(task, n_units).enumerate() {
            let rows = cut.rows_of(unit, self.gradient.extent);
            let x_len = n_inputs * rows.plane(self.window);
            let gradient_len = n_outputs * rows.plane(Window::same(1));
            let [beyond, transposed_len] = match matrix_unit {
                Some(_) => [
                    matrix::beyond(self.window),
                    n_outputs * matrix::transposed_len(rows, self.window),
                ],
                None => [0, 0],
            };
            let lens = [x_len + beyond, gradient_len, transposed_len];
            with_scratch(lens, |[x, gradient, transposed]| {
                self.fill(s, rows, blocks.clone(), x, gradient);
                if is_vnni {
                    x[x_len..].fill([0.0; LANES]);
                    pack_vnni_pixels(s, x);
                }
                if let Some(unit) = matrix_unit {
                    let task = MatrixTask {
                        unit,
                        window: self.window,
                        rows,
                        x,
                        gradient,
                        n_inputs,
                        n_outputs,
                        is_first: idx == 0,
                        per_output,
                    };
                    task.add_to(s, transposed, sums);
                    return;
                }
                if is_vnni {
                    for row in gradient.chunks_exact_mut(rows.width) {
                        pack_vnni_pixels(s, row);
                    }
                }
                let unit = Unit {
                    window: self.window,
                    is_planar: matches!(self.input, Input::Planes(_)),
                    is_vnni,
                    x: x.as_flattened(),
                    gradient,
                    n_outputs,
                    rows,
                    per_output,
                };
                unit.add_to(s, &inputs[blocks[0].clone()], sums);
            });
        }
    }

    /// Brings the rows of a unit into scratch memory: of some input blocks to `x`, of some output blocks to
    /// `gradient`.
    fn fill<S: Simd>(
        &self,
        s: S,
        rows: Slab,
        [inputs, outputs]: [Range<usize>; 2],
        x: &mut [Pixel],
        gradient: &mut [Pixel],
    ) {
        fill(s, self.gradient, outputs, rows, Window::same(1), gradient);
        match self.input {
            Input::Blocks(blocks) => fill(s, blocks, inputs, rows, self.window, x),
            Input::Planes(planes) => fill_planar(planes, rows, self.window, x.as_flattened_mut()),
        }
    }

    /// Adds the parts up, in order, and brings the sums into the weight's own order.
    fn add_up<S: Simd>(
        &self,
        s: S,
        cut: Cut,
        inputs: &[ChannelBlock],
        n_outputs: usize,
        partial: &[Pixel],
    ) -> Buffer {
        let taps = self.window.taps();
        let n_inputs: usize = inputs.iter().map(|block| block.count).sum();
        let per_output = n_inputs * taps;
        let mut weight = Buffer::stale(n_outputs * per_output);
        if weight.is_empty() {
            return weight;
        }
        let tile_len = cut.tile[0] * cut.tile[1] * taps * LANES;
        weight
            .par_chunks_mut(LANES * per_output)
            .enumerate()
            .for_each(|(output, weight)| {
                for (input, block) in inputs.iter().enumerate() {
                    let [n_inputs, n_outputs] = cut.tile;
                    let tile = output / n_outputs * cut.input_tiles + input / n_inputs;
                    let in_tile = (output % n_outputs * n_inputs + input % n_inputs) * taps * LANES;
                    s.run(AddUp {
                        parts: &partial[tile * cut.parts * tile_len..][..cut.parts * tile_len],
                        tile_len,
                        start: in_tile,
                        channels: block.count,
                        taps,
                        to: &mut weight[block.first * taps..],
                        per_output,
                    });
                }
            });
        weight
    }
}
