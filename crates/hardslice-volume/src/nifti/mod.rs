//! NIfTI-1 and NIfTI-2: `.nii`, `.nii.gz`, `.hdr`/`.img` and their `.gz`.
//!
//! The header is parsed here, not by the `nifti` crate (0.18): that one panics on unusual
//! quaternions, takes the spacing of the wrong axis from them, saturates integers silently, and
//! holds the compressed and the decompressed file beside the converted voxels. The header is a
//! fixed struct of 348 or 540 bytes, so little is to be gained from a dependency.
//!
//! # Conventions
//!
//! - The affine is the sform where its code is above 0, else the qform where its code is above 0,
//!   else, as in nibabel, the spacing alone with `x` running to the left and the origin in the
//!   middle of the volume. (The standard says nothing about directions in the last case; ITK takes
//!   another guess. Such files should not be trusted for left and right.)
//! - `xyzt_units` is honoured: metres and micrometres become millimetres. (nibabel ignores it.)
//! - A slope of 0 or NaN means that values are stored as they are.
//!
//! # Sources
//!
//! - R. W. Cox et al. (2004), "A (sort of) new image data format standard: NIfTI-1", and the
//!   comments in `nifti1.h` and `nifti2.h`.
//! - nibabel 5.4, against which the golden files are made.

mod bytes;
mod header;
mod affine;
mod read;
mod write;

pub use crate::error::NiftiError;
pub use read::{read_nifti_labels, read_nifti_scan};

pub(crate) use read::nifti_pair;

pub(crate) use read::{NiftiVoxels, read_nifti_label_voxels, starts_like_nifti};
pub(crate) use write::{Stored, write};
