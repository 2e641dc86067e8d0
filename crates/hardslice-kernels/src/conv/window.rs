//! The window of a convolution: kernel, padding and stride.

/// Where a convolution reads for the output at `(y, x)`: rows `y · step − pad + ky` for `ky` in
/// `0..kernel`, columns likewise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kernel: usize,
    pub(crate) pad: usize,
    pub(crate) step: usize,
}

impl Window {
    /// Same padding, step 1.
    pub(crate) fn same(kernel: usize) -> Self {
        Self {
            kernel,
            pad: kernel / 2,
            step: 1,
        }
    }

    /// Rows (or columns) that `n` outputs in a row read, padding included.
    pub(crate) fn reach(self, n: usize) -> usize {
        (n - 1) * self.step + self.kernel
    }

    /// Taps of the kernel.
    pub(crate) fn taps(self) -> usize {
        self.kernel * self.kernel
    }
}
