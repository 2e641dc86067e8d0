//! The cohort as memory-mapped slices: written once by `prepare`, read by everything after it.
//!
//! ```text
//! DIR/store.json                    options, organs and, for each case, what is known about it
//! DIR/cases/<case>/image.npy          int16 [z, y, x], Hounsfield units clipped to the window
//! DIR/cases/<case>/labels.npy         uint8 [z, y, x], 0 the background, 255 not judged, else organ index + 1
//! DIR/cases/<case>/labels_native.npy  uint8 [z, y, x], the same on the scan's own canonical grid
//! DIR/cases/<case>/audit.json         what the audit found while the case was read
//! DIR/cases/<case>/case.json          the case's part of store.json; written last
//! ```
//!
//! Slices of `image.npy` and `labels.npy` are squares of one size for the whole cohort, so that any
//! sixteen of them make a batch. `labels_native.npy` is what predictions are scored against, and
//! the placement in the record is what they are written back with: after `prepare` nothing opens a
//! scan again.
//!
//! # Why `.npy`
//!
//! Training touches single slices in random order, millions of times. A `.npy` file is a short
//! header and then the bare array: a slice is a pointer into the mapped file, without a call into a
//! codec, without a copy, without a cache to size; the system's page cache holds what fits and a
//! cohort larger than memory works. Compressed, chunked formats (Zarr, HDF5, blosc) would save
//! disk space, about half on clipped CT, and pay for it with a decompression for every slice of
//! every epoch. From Python, `numpy.load("image.npy", mmap_mode="r")` reads it.
//!
//! Labels are mostly background. Blocks that are all zero are left as holes in the file, which take
//! no room on the usual file systems (ext4, XFS, APFS, NTFS): seven abdominal scans at 128 × 128
//! take 46 MB on disk instead of 128, at 512 × 512 316 MB instead of 493.

mod error;
mod record;
mod npy;
mod one_case;
mod prepare;
mod holes;
mod mapped;
mod opened;
mod stored_slices;

use std::path::{Path, PathBuf};

pub use error::StoreError;
pub use one_case::CaseError;
pub(crate) use one_case::fitted_labels;
pub use opened::Store;
pub use prepare::{CaseFailure, Existing, PrepareOptions, PrepareReport, prepare, prepare_over};
pub use record::{FORMAT, Files, IGNORED, LeftOut, Source, StoreOptions, StoredCase, judged};
pub use stored_slices::StoredSlices;

use crate::CaseId;

/// The record of a store: `store.json`.
pub fn record_path(dir: &Path) -> PathBuf {
    dir.join("store.json")
}

fn case_dir(dir: &Path, case: &CaseId) -> PathBuf {
    dir.join("cases").join(case.as_str())
}
