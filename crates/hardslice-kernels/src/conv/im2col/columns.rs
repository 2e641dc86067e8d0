//! The matrices that im2col makes: what each position of a window reads, packed in panels.

use rayon::prelude::*;

use crate::buffers::Buffer;
use crate::conv::gemm::panel;
use crate::conv::input::Blocks;
use crate::conv::scratch::{Slab, fill, round_in_place};
use crate::conv::window::Window;
use crate::layout::{Extent, n_blocks};
use crate::simd::{LANES, Simd, vnni_pair};
use crate::source::Source;

/// A tensor with zeros around each image, and where the elements lie that a window reads.
pub(super) struct Padded {
    /// `[image][block][row][column][16]`.
    elements: Buffer,
    /// Of the first tap of each position of the window, in the first block of its image.
    pixels: Vec<usize>,
    /// Of each channel and tap, from there.
    taps: Vec<usize>,
}

impl Padded {
    /// The elements are rounded to bf16 where they are to be brought in VNNI pairs.
    pub(super) fn new<S: Simd>(
        s: S,
        source: Source<'_>,
        window: Window,
        grid: Extent,
        is_vnni: bool,
    ) -> Self {
        let slab = |image| Slab {
            image,
            first_row: 0,
            n_rows: grid.height,
            width: grid.width,
        };
        let (stride, plane) = (slab(0).stride(window), slab(0).plane(window));
        let blocks = n_blocks(source.channels);
        let mut elements = Buffer::stale(grid.n * blocks * plane * LANES);
        let sources = [source];
        let all = Blocks {
            sources: &sources,
            extent: grid,
        };
        let chunks = elements.pixels_mut().par_chunks_mut(plane).enumerate();
        chunks.for_each(|(chunk, to)| {
            let (image, block) = (chunk / blocks, chunk % blocks);
            fill(s, all, block..block + 1, slab(image), window, to);
            if is_vnni {
                round_in_place(s, to);
            }
        });
        let pixels = (0..grid.n * grid.plane()).map(|pixel| {
            let (image, pixel) = (pixel / grid.plane(), pixel % grid.plane());
            let (y, x) = (pixel / grid.width, pixel % grid.width);
            (image * blocks * plane + y * stride + x) * LANES
        });
        let taps = (0..source.channels * window.taps()).map(|place| {
            let (channel, tap) = (place / window.taps(), place % window.taps());
            let (ky, kx) = (tap / window.kernel, tap % window.kernel);
            let pixel = channel / LANES * plane + ky * stride + kx;
            pixel * LANES + channel % LANES
        });
        Self {
            elements,
            pixels: pixels.collect(),
            taps: taps.collect(),
        }
    }

    /// The pixels as `[row][image][column]`, not as `[image][row][column]`.
    pub(super) fn by_rows(mut self, grid: Extent) -> Self {
        let all = self.pixels;
        let rows = (0..grid.height).flat_map(|y| (0..grid.n).map(move |image| [image, y]));
        let rows = rows.map(|[image, y]| &all[(image * grid.height + y) * grid.width..]);
        self.pixels = rows.flat_map(|row| &row[..grid.width]).copied().collect();
        self
    }

    /// `[panel of pixels][channel and tap][pixel]`, channels and taps in VNNI pairs where asked for.
    pub(super) fn columns<S: Simd>(&self, s: S, is_vnni: bool) -> Buffer {
        self.panels(s, &self.taps, &self.pixels, is_vnni)
    }

    /// `[panel of channels and taps][pixel][channel and tap]`, pixels in VNNI pairs where asked for.
    pub(super) fn rows<S: Simd>(&self, s: S, is_vnni: bool) -> Buffer {
        self.panels(s, &self.pixels, &self.taps, is_vnni)
    }

    fn panels<S: Simd>(&self, _: S, rows: &[usize], columns: &[usize], is_vnni: bool) -> Buffer {
        let (elements, panel) = (&self.elements, panel::<S>());
        let at_once = if is_vnni { 2 } else { 1 };
        let per_panel = rows.len().div_ceil(at_once) * panel;
        let mut panels = Buffer::stale(columns.len().div_ceil(panel) * per_panel);
        panels
            .par_chunks_mut(per_panel)
            .zip(columns.par_chunks(panel))
            .for_each(|(to, columns)| {
                for (to, rows) in to.chunks_exact_mut(panel).zip(rows.chunks(at_once)) {
                    for (to, column) in to.iter_mut().zip(columns) {
                        *to = match *rows {
                            [low, high] => {
                                vnni_pair(elements[low + column], elements[high + column])
                            }
                            [last] if is_vnni => vnni_pair(elements[last + column], 0.0),
                            _ => elements[rows[0] + column],
                        };
                    }
                }
            });
        panels
    }

    /// `[channel][pixel]` of a window of one pixel.
    pub(super) fn planes(&self) -> Buffer {
        let n_pixels = self.pixels.len();
        let mut planes = Buffer::stale(self.taps.len() * n_pixels);
        planes
            .par_chunks_mut(n_pixels)
            .zip(&self.taps)
            .for_each(|(plane, channel)| {
                for (to, pixel) in plane.iter_mut().zip(&self.pixels) {
                    *to = self.elements[channel + pixel];
                }
            });
        planes
    }
}
