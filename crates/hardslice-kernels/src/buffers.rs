//! Memory for activations and gradients, kept from step to step.
//!
//! A training step asks for the same sizes again and again. Fresh memory costs a page fault every
//! four kilobytes, which is a good part of a step's time; so what is given back is kept here, by
//! size, and handed out again, also for somewhat less than it holds. What is kept and what is in
//! use together stay below one and a quarter times the most that was ever in use; what was given
//! back the longest time ago goes first, and straight to the system: an allocator would keep it.

#![expect(
    unsafe_code,
    reason = "Burn's interface for memory of one's own is unsafe"
)]

use std::alloc::{Layout as MemoryLayout, handle_alloc_error};
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{AllocationProperty, Bytes, Shape};
use burn_std::{AccessError, AccessPolicy, AllocationController};
use memmap2::MmapMut;

use crate::simd::{LANES, Pixel};
use crate::stored::{PixelsMut, Precision};

/// A pixel on a cache line of its own.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line(Pixel);

/// Lines below which memory comes from the allocator: a page.
const MAPPED_FROM: usize = 64;

/// Some lines, zero at first.
enum Lines {
    Allocated(Box<[Line]>),
    Mapped(MmapMut),
}

impl Lines {
    fn new(n: usize) -> Self {
        if n < MAPPED_FROM {
            return Self::Allocated(vec![Line([0.0; LANES]); n].into_boxed_slice());
        }
        let layout = MemoryLayout::array::<Line>(n).unwrap_or(MemoryLayout::new::<Line>());
        match MmapMut::map_anon(n * size_of::<Line>()) {
            Ok(memory) => Self::Mapped(memory),
            Err(_) => handle_alloc_error(layout),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Allocated(lines) => lines.len(),
            Self::Mapped(memory) => memory.len() / size_of::<Line>(),
        }
    }

    fn as_ptr(&self) -> *const Line {
        match self {
            Self::Allocated(lines) => lines.as_ptr(),
            // A page starts a line.
            Self::Mapped(memory) => memory.as_ptr().cast(),
        }
    }

    fn as_mut_ptr(&mut self) -> *mut Line {
        match self {
            Self::Allocated(lines) => lines.as_mut_ptr(),
            Self::Mapped(memory) => memory.as_mut_ptr().cast(),
        }
    }
}

/// Numbers in memory that goes back to the pool.
pub(crate) struct Buffer {
    lines: Lines,
    len: usize,
}

/// A buffer, and the turn in which it was given back.
type Kept = (u64, Lines);

struct Pool {
    /// By number of lines.
    kept: BTreeMap<usize, Vec<Kept>>,
    turn: u64,
    n_kept: usize,
    n_in_use: usize,
    n_in_use_at_most: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    kept: BTreeMap::new(),
    turn: 0,
    n_kept: 0,
    n_in_use: 0,
    n_in_use_at_most: 0,
});

impl Pool {
    /// A kept buffer of this size or up to half as much again.
    fn take(&mut self, n_lines: usize) -> Option<Lines> {
        let size = self
            .kept
            .range(n_lines..=n_lines + n_lines / 2)
            .next()
            .map(|(size, _)| *size);
        let lines = size.map(|size| self.remove(size, usize::MAX));
        self.n_in_use += lines.as_ref().map_or(n_lines, Lines::len);
        self.n_in_use_at_most = self.n_in_use_at_most.max(self.n_in_use);
        let limit = self.n_in_use_at_most * 5 / 4;
        while self.n_in_use + self.n_kept > limit && self.n_kept > 0 {
            self.forget_oldest();
        }
        lines
    }

    fn give_back(&mut self, lines: Lines) {
        self.turn += 1;
        self.n_in_use -= lines.len();
        self.n_kept += lines.len();
        self.kept
            .entry(lines.len())
            .or_default()
            .push((self.turn, lines));
    }

    /// Frees the buffer that was given back the longest time ago: the first one of its size.
    fn forget_oldest(&mut self) {
        let turn_of = |kept: &Vec<Kept>| kept.first().map(|(turn, _)| *turn);
        let oldest = self.kept.iter().min_by_key(|(_, kept)| turn_of(kept));
        if let Some((&size, _)) = oldest {
            drop(self.remove(size, 0));
        }
    }

    /// Takes a buffer of a size that is kept: the one at `place`, at most the last one.
    fn remove(&mut self, size: usize, place: usize) -> Lines {
        self.n_kept -= size;
        let of_size = self.kept.entry(size).or_default();
        let (_, lines) = of_size.remove(place.min(of_size.len() - 1));
        if of_size.is_empty() {
            self.kept.remove(&size);
        }
        lines
    }
}

impl Buffer {
    /// `len` numbers that may be anything: the caller writes all before it reads any.
    pub(crate) fn stale(len: usize) -> Self {
        let n_lines = len.div_ceil(LANES);
        let kept = POOL
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(n_lines);
        Self {
            lines: kept.unwrap_or_else(|| Lines::new(n_lines)),
            len,
        }
    }

    /// `len` zeros.
    pub(crate) fn zeroed(len: usize) -> Self {
        let mut buffer = Self::stale(len);
        buffer.fill(0.0);
        buffer
    }

    /// As many whole pixels as there are.
    pub(crate) fn pixels(&self) -> &[Pixel] {
        self.as_chunks().0
    }

    /// As many whole pixels as there are.
    pub(crate) fn pixels_mut(&mut self) -> &mut [Pixel] {
        self.as_chunks_mut().0
    }

    /// The numbers as a tensor, without a copy.
    pub(crate) fn into_tensor(self, shape: impl Into<Shape>) -> FlexTensor {
        self.into_tensor_of(Precision::F32, shape)
    }

    fn into_tensor_of(self, precision: Precision, shape: impl Into<Shape>) -> FlexTensor {
        let layout = Layout::contiguous(shape.into());
        let n_bytes = self.len * size_of::<f32>();
        assert_eq!(
            layout.num_elements() * precision.size(),
            n_bytes,
            "a shape for all numbers"
        );
        // SAFETY: a buffer's memory is initialised as a whole, from the start.
        let bytes = unsafe { Bytes::from_controller(Box::new(self), n_bytes) };
        FlexTensor::new(bytes, layout, precision.dtype())
    }
}

/// Activations of a layer in memory that goes back to the pool.
pub(crate) struct Activations {
    numbers: Buffer,
    precision: Precision,
}

impl Activations {
    /// Pixels that may be anything: the caller writes all before it reads any.
    pub(crate) fn stale(precision: Precision, n_pixels: usize) -> Self {
        let n_bytes = n_pixels * LANES * precision.size();
        Self {
            numbers: Buffer::stale(n_bytes / size_of::<f32>()),
            precision,
        }
    }

    pub(crate) fn pixels_mut(&mut self) -> PixelsMut<'_> {
        match self.precision {
            Precision::F32 => PixelsMut::F32(self.numbers.pixels_mut()),
            Precision::Bf16 => {
                let n_pixels = self.numbers.len / (LANES / 2);
                let start = self.numbers.lines.as_mut_ptr().cast();
                // SAFETY: a pixel of sixteen bf16 is eight numbers; all bits are a bf16; the
                // memory is borrowed for good.
                PixelsMut::Bf16(unsafe { std::slice::from_raw_parts_mut(start, n_pixels) })
            }
        }
    }

    /// As a tensor, without a copy.
    pub(crate) fn into_tensor(self, shape: impl Into<Shape>) -> FlexTensor {
        self.numbers.into_tensor_of(self.precision, shape)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let lines = std::mem::replace(&mut self.lines, Lines::new(0));
        POOL.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .give_back(lines);
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `len` is at most 16 for each line, and lines lie without gaps (64 bytes each).
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`, and `self` is borrowed for good.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl AllocationController for Buffer {
    fn alloc_align(&self) -> usize {
        // What Burn checks for is the alignment of a number; more of it does no harm, but a
        // copy that Burn makes must not ask its own allocator for more than it gives.
        align_of::<f32>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Native
    }

    unsafe fn memory_mut(
        &mut self,
        _policy: AccessPolicy,
    ) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let n_bytes = self.len * size_of::<f32>();
        // SAFETY: `len` numbers lie in the lines; the caller writes only initialised bytes.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), n_bytes) })
    }

    fn memory(&self, _policy: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let n_bytes = self.len * size_of::<f32>();
        // SAFETY: `len` numbers lie in the lines.
        Ok(unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), n_bytes) })
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "numbers that are copied, or whole")]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_keeps_what_was_written() {
        let mut buffer = Buffer::zeroed(18);
        buffer[17] = 3.0;
        let tensor = buffer.into_tensor([2, 9]);
        let values: &[f32] = tensor.as_slice().unwrap();
        assert_eq!((values.len(), values[0], values[17]), (18, 0.0, 3.0));
        let copy = tensor.clone().into_data();
        assert_eq!(copy.as_slice::<f32>().unwrap()[17], 3.0_f32);
    }

    #[test]
    fn an_empty_buffer_is_a_tensor_too() {
        let tensor = Buffer::zeroed(0).into_tensor([3, 0]);
        assert_eq!(tensor.as_slice::<f32>().map(<[f32]>::len), Some(0));
    }
}
