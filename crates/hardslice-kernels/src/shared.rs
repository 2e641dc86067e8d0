//! A slice that parallel tasks write to, each its own part.

#![expect(
    unsafe_code,
    reason = "parts of one slice that are not next to each other"
)]

use std::marker::PhantomData;

/// A slice whose parts are handed out without a check that they are apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a mutable slice, and `part` asks its caller to keep the parts apart.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            slice: PhantomData,
        }
    }

    /// `len` elements from `first` on.
    ///
    /// # Safety
    ///
    /// While the part lives, no other part that overlaps it is in use.
    pub(crate) unsafe fn part(&self, first: usize, len: usize) -> &'a mut [T] {
        assert!(
            first <= self.len && len <= self.len - first,
            "a part of the slice"
        );
        // SAFETY: in bounds by the assertion, apart from others by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), len) }
    }
}
