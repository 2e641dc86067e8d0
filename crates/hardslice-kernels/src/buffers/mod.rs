//! Memory for activations and gradients, kept from step to step.

#![expect(
    unsafe_code,
    reason = "Burn's interface for memory of one's own is unsafe"
)]

mod arena;

use std::fmt;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{AllocationProperty, Bytes, Shape, TensorData};
use burn_std::{AccessError, AccessPolicy, AllocationController};

use crate::precision::Precision;
use crate::simd::{LANES, Pixel};
use crate::stored::PixelsMut;
use arena::Piece;

/// Elements in memory that goes back to the arena: what is asked for again in every step costs no
/// page faults.
pub struct Buffer {
    lines: Piece,
    len: usize,
}

impl Buffer {
    /// `len` elements that may be anything: the caller writes all before it reads any.
    pub(crate) fn stale(len: usize) -> Self {
        Self {
            lines: Piece::new(len.div_ceil(LANES)),
            len,
        }
    }

    /// `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        let mut buffer = Self::stale(len);
        buffer.fill(0.0);
        buffer
    }

    /// These elements.
    pub fn copy_of(elements: &[f32]) -> Self {
        let mut buffer = Self::stale(elements.len());
        buffer.copy_from_slice(elements);
        buffer
    }

    /// The contents of a tensor on any device, without a copy.
    ///
    /// # Panics
    ///
    /// Where the shape is not one of as many elements.
    pub fn into_data(self, shape: impl Into<Shape>) -> TensorData {
        TensorData::from_bytes(self.into_bytes(), shape, Precision::F32.dtype())
    }

    /// As many whole pixels as there are.
    pub(crate) fn pixels(&self) -> &[Pixel] {
        self.as_chunks().0
    }

    /// As many whole pixels as there are.
    pub(crate) fn pixels_mut(&mut self) -> &mut [Pixel] {
        self.as_chunks_mut().0
    }

    /// The elements as a tensor, without a copy.
    pub(crate) fn into_tensor(self, shape: impl Into<Shape>) -> FlexTensor {
        self.into_tensor_of(Precision::F32, shape)
    }

    fn into_tensor_of(self, precision: Precision, shape: impl Into<Shape>) -> FlexTensor {
        let layout = Layout::contiguous(shape.into());
        assert_eq!(
            layout.num_elements() * precision.size(),
            self.len * size_of::<f32>(),
            "a shape for all elements"
        );
        FlexTensor::new(self.into_bytes(), layout, precision.dtype())
    }

    fn into_bytes(self) -> Bytes {
        let n_bytes = self.len * size_of::<f32>();
        // SAFETY: a buffer's memory is initialised as a whole, from the start.
        unsafe { Bytes::from_controller(Box::new(self), n_bytes) }
    }
}

/// Activations of a layer in memory that goes back to the arena.
pub(crate) struct Activations {
    elements: Buffer,
    precision: Precision,
}

impl Activations {
    /// Pixels that may be anything: the caller writes all before it reads any.
    pub(crate) fn stale(precision: Precision, n_pixels: usize) -> Self {
        let n_bytes = n_pixels * LANES * precision.size();
        Self {
            elements: Buffer::stale(n_bytes / size_of::<f32>()),
            precision,
        }
    }

    pub(crate) fn pixels_mut(&mut self) -> PixelsMut<'_> {
        match self.precision {
            Precision::F32 => PixelsMut::F32(self.elements.pixels_mut()),
            Precision::Bf16 => {
                let n_pixels = self.elements.len / (LANES / 2);
                let start = self.elements.lines.as_mut_ptr().cast();
                // SAFETY: a pixel of sixteen bf16 is eight elements; all bits are a bf16; the
                // memory is borrowed for good.
                PixelsMut::Bf16(unsafe { std::slice::from_raw_parts_mut(start, n_pixels) })
            }
        }
    }

    /// As a tensor, without a copy.
    pub(crate) fn into_tensor(self, shape: impl Into<Shape>) -> FlexTensor {
        self.elements.into_tensor_of(self.precision, shape)
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

impl Clone for Buffer {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl AllocationController for Buffer {
    fn alloc_align(&self) -> usize {
        // What Burn checks for is the alignment of an element; more of it does no harm, but a
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
        // SAFETY: `len` elements lie in the lines; the caller writes only initialised bytes.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), n_bytes) })
    }

    fn memory(&self, _policy: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let n_bytes = self.len * size_of::<f32>();
        // SAFETY: `len` elements lie in the lines.
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
    fn copies_and_data_hold_the_same_numbers() {
        let elements = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let buffer = Buffer::copy_of(&elements);
        assert_eq!(buffer.clone(), buffer);
        let data = buffer.into_data([2, 3]);
        assert_eq!(data.shape().as_slice(), [2, 3]);
        assert_eq!(data.as_slice::<f32>().unwrap(), elements);
    }

    #[test]
    fn an_empty_buffer_is_a_tensor_too() {
        let tensor = Buffer::zeroed(0).into_tensor([3, 0]);
        assert_eq!(tensor.as_slice::<f32>().map(<[f32]>::len), Some(0));
    }
}
