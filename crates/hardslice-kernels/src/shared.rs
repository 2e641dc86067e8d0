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

    /// `len` elements from `first` on, `step` apart.
    ///
    /// # Safety
    ///
    /// While they live, none of these elements is in another part that is in use; those between them may be.
    pub(crate) unsafe fn strided(&self, first: usize, len: usize, step: usize) -> Strided<'a, T> {
        let reach = len.checked_sub(1).map_or(0, |last| last * step + 1);
        assert!(
            step > 0 && first <= self.len && reach <= self.len - first,
            "elements of the slice"
        );
        Strided {
            // SAFETY: in bounds by the assertion.
            start: unsafe { self.start.add(first) },
            len,
            step,
            slice: PhantomData,
        }
    }
}

/// Elements of a slice, some apart: those between them may be another task's.
#[derive(Debug)]
pub(crate) struct Strided<'a, T> {
    start: *mut T,
    len: usize,
    step: usize,
    slice: PhantomData<&'a mut [T]>,
}

impl<'a, T> Strided<'a, T> {
    #[inline(always)]
    pub(crate) fn get(&self, idx: usize) -> &T {
        assert!(idx < self.len, "an element");
        // SAFETY: in bounds by the assertion; they are this value's alone.
        unsafe { &*self.start.add(idx * self.step) }
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self, idx: usize) -> &mut T {
        assert!(idx < self.len, "an element");
        // SAFETY: as in `get`.
        unsafe { &mut *self.start.add(idx * self.step) }
    }

    /// All of them, which are next to each other.
    pub(crate) fn into_slice(self) -> &'a mut [T] {
        assert!(self.step == 1, "elements next to each other");
        // SAFETY: as in `get`.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl<'a, T> From<&'a mut [T]> for Strided<'a, T> {
    fn from(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            step: 1,
            slice: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strided_elements_leave_those_between_them_alone() {
        let mut numbers = [0; 7];
        let shared = Shared::new(&mut numbers);
        // SAFETY: even and odd places.
        let (mut even, mut odd) = unsafe { (shared.strided(0, 4, 2), shared.strided(1, 3, 2)) };
        for idx in 0..3 {
            *even.get_mut(idx) += 10 + idx;
            *odd.get_mut(idx) += 20 + idx;
        }
        *even.get_mut(3) = *even.get(0) + 5;
        assert_eq!(numbers, [10, 20, 11, 21, 12, 22, 15]);
    }

    #[test]
    #[should_panic(expected = "elements of the slice")]
    fn strided_elements_beyond_the_slice_are_refused() {
        let mut numbers = [0; 6];
        // SAFETY: nothing else uses it.
        let _ = unsafe { Shared::new(&mut numbers).strided(0, 4, 2) };
    }
}
