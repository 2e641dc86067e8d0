//! Rows of the input with their padding, in memory that each thread keeps.

#![expect(unsafe_code, reason = "`f32` and bf16 in one memory")]

use std::cell::RefCell;
use std::ops::Range;

use burn_std::bf16;

use super::input::{Blocks, Planes};
use super::window::Window;
use crate::buffers::Buffer;
use crate::simd::{Kernel, LANES, Pixel, PixelOf, Simd};
use crate::source::{Place, RowAt, Source};
use crate::stored::Stored;

/// Scratch memories of a thread.
const N_KEPT: usize = 3;

thread_local! {
    static KEPT: RefCell<[Option<Buffer>; N_KEPT]> = const { RefCell::new([None, None, None]) };
}

/// Bytes that the rows of one task may take: a good part of a second-level cache.
pub(super) const BUDGET: usize = 512 << 10;

/// Lends some of a thread's scratch memories, of `lens` pixels, filled with anything.
pub(super) fn with_scratch<R, const N: usize>(
    lens: [usize; N],
    task: impl FnOnce([&mut [Pixel]; N]) -> R,
) -> R {
    const { assert!(N <= N_KEPT, "as many as a thread keeps") };
    let mut kept = KEPT.take();
    let mut memories = kept.iter_mut().zip(lens);
    let result = task(std::array::from_fn(|_| {
        let (memory, len) = memories.next().expect("as many as a thread keeps");
        at_least(memory, len)
    }));
    KEPT.set(kept);
    result
}

fn at_least(kept: &mut Option<Buffer>, len: usize) -> &mut [Pixel] {
    let enough = kept.take().filter(|kept| kept.pixels().len() >= len);
    &mut kept
        .insert(enough.unwrap_or_else(|| Buffer::stale(len * LANES)))
        .pixels_mut()[..len]
}

/// Which rows a scratch memory holds: those that `n_rows` outputs from `first_row` on read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slab {
    pub(super) image: usize,
    pub(super) first_row: usize,
    pub(super) n_rows: usize,
    /// Outputs in a row.
    pub(super) width: usize,
}

impl Slab {
    /// Pixels of a row in the scratch memory.
    pub(super) fn stride(self, window: Window) -> usize {
        window.reach(self.width)
    }

    /// Pixels of a block in the scratch memory.
    pub(super) fn plane(self, window: Window) -> usize {
        window.reach(self.n_rows) * self.stride(window)
    }
}

/// Reads the rows of some blocks, with zeros around, as `[block][row][column]`.
#[inline(always)]
pub(super) fn fill<S: Simd>(
    s: S,
    blocks: Blocks<'_>,
    which: Range<usize>,
    rows: Slab,
    window: Window,
    to: &mut [Pixel],
) {
    let to = to.as_chunks_mut::<1>().0;
    fill_with(blocks, which, rows, window, to, |source, at, to| {
        source.read_row_into(s, at, blocks.extent, to);
    });
}

/// The same rounded to bf16, `N` blocks side by side: a pixel's channels of a block are eight VNNI pairs, so
/// that they take half of the memory. What fills the last side up is zero.
pub(super) fn fill_vnni<S: Simd, const N: usize>(
    s: S,
    blocks: Blocks<'_>,
    which: Range<usize>,
    rows: Slab,
    window: Window,
    to: &mut [Pixel],
) {
    let (start, n) = (
        to.as_mut_ptr().cast::<[PixelOf<bf16>; N]>(),
        2 * to.len() / N,
    );
    // SAFETY: twice as many bf16 as `f32` fit, need no more alignment, and may be any bits.
    let to = unsafe { std::slice::from_raw_parts_mut(start, n) };
    let n_blocks = which.len();
    if blocks.are_stored_bf16() {
        fill_with(blocks, which, rows, window, to, |source, at, to| {
            source.copy_row(at, blocks.extent, to);
        });
    } else {
        fill_with(blocks, which, rows, window, to, |source, at, to| {
            source.read_row_into(s, at, blocks.extent, to);
        });
    }
    if !n_blocks.is_multiple_of(N) {
        for pixel in &mut to[n_blocks / N * rows.plane(window)..][..rows.plane(window)] {
            pixel[n_blocks % N..].fill([bf16::ZERO; LANES]);
        }
    }
}

/// Fills the rows of some blocks by `read`, with zeros around; `N` blocks side by side.
#[inline(always)]
fn fill_with<E: Stored, const N: usize>(
    blocks: Blocks<'_>,
    which: Range<usize>,
    rows: Slab,
    window: Window,
    to: &mut [[PixelOf<E>; N]],
    read: impl Fn(&Source<'_>, RowAt, Place<'_, E, N>),
) {
    let stride = rows.stride(window);
    let (height, width) = (blocks.extent.height, blocks.extent.width);
    let n_read = width.min(stride - window.pad);
    for (i, block) in which.enumerate() {
        let place = i % N;
        let zero = |pixels: &mut [[PixelOf<E>; N]]| {
            for pixel in pixels {
                pixel[place] = [E::default(); LANES];
            }
        };
        let (source, block) = blocks.find(block);
        let plane = rows.plane(window);
        let to = &mut to[i / N * plane..][..plane];
        for (row, to) in to.chunks_exact_mut(stride).enumerate() {
            let row = (rows.first_row * window.step + row).wrapping_sub(window.pad);
            if row >= height {
                zero(to);
                continue;
            }
            zero(&mut to[..window.pad]);
            zero(&mut to[window.pad + n_read..]);
            let at = RowAt {
                image: rows.image,
                block,
                row,
                column: 0,
            };
            let memory = &mut to[window.pad..window.pad + n_read];
            read(source, at, Place { memory, place });
        }
    }
}

/// Rounds pixels to bf16 and back.
pub(super) fn round_in_place<S: Simd>(s: S, pixels: &mut [Pixel]) {
    s.run(RoundInPlace(pixels));
}

struct RoundInPlace<'a>(&'a mut [Pixel]);

impl Kernel for RoundInPlace<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for pixel in self.0 {
            let mut rounded = [bf16::ZERO; LANES];
            s.write(&mut rounded, s.read(pixel));
            s.write(pixel, s.read(&rounded));
        }
    }
}

/// Each pixel and the one after it, rounded to bf16, as a VNNI pair in each lane, where the first of
/// them lay. The last one has nothing after it: zeros.
pub(super) fn pack_vnni_pixels<S: Simd>(s: S, pixels: &mut [Pixel]) {
    s.run(PackVnniPixels(pixels));
}

struct PackVnniPixels<'a>(&'a mut [Pixel]);

impl Kernel for PackVnniPixels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Some(first) = self.0.first() else { return };
        let mut this = s.read(first);
        for place in 0..self.0.len() {
            let next = match self.0.get(place + 1) {
                Some(next) => s.read(next),
                None => s.zero(),
            };
            s.write(&mut self.0[place], s.vnni_pair(this, next));
            this = next;
        }
    }
}

/// Reads the rows of all channels of a planar tensor, with zeros around, as
/// `[channel][row][column]`.
pub(super) fn fill_planar(planes: Planes<'_>, rows: Slab, window: Window, to: &mut [f32]) {
    let stride = rows.stride(window);
    let (height, width) = (planes.extent.height, planes.extent.width);
    let n_read = width.min(stride - window.pad);
    let of_image = planes.channels * planes.extent.plane();
    let values = &planes.values[rows.image * of_image..][..of_image];
    let channels = to
        .chunks_exact_mut(rows.plane(window))
        .take(planes.channels);
    for (channel, to) in channels.enumerate() {
        for (row, to) in to.chunks_exact_mut(stride).enumerate() {
            to.fill(0.0);
            let row = (rows.first_row * window.step + row).wrapping_sub(window.pad);
            if row < height {
                let from = &values[(channel * height + row) * width..][..n_read];
                to[window.pad..window.pad + n_read].copy_from_slice(from);
            }
        }
    }
}
