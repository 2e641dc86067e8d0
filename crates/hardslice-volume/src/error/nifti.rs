//! What can be wrong with a NIfTI header.

use std::path::PathBuf;

use thiserror::Error;

/// A NIfTI header is wrong, or says something that is not read here.
#[derive(Debug, Error)]
pub enum NiftiError {
    /// The file ends inside its header.
    #[error(
        "a NIfTI header has {wanted_bytes} bytes, the file holds {found_bytes}: {}", path.display()
    )]
    HeaderShort {
        /// Bytes of the header.
        wanted_bytes: usize,
        /// Bytes that were there.
        found_bytes: usize,
        /// The file.
        path: PathBuf,
    },

    /// The first bytes are not those of a NIfTI header.
    #[error(
        "not a NIfTI file: it begins with bytes {first_bytes:02x?}, a NIfTI header with its own \
         size, 348 or 540: {}", path.display()
    )]
    NotNifti {
        /// The first four bytes.
        first_bytes: [u8; 4],
        /// The file.
        path: PathBuf,
    },

    /// The size fits but the magic does not.
    #[error(
        "not a NIfTI file: its magic is {magic:02x?} (zeros: Analyze 7.5, which says nothing about \
         directions; convert it to NIfTI): {}", path.display()
    )]
    Magic {
        /// The bytes in the magic's place.
        magic: [u8; 4],
        /// The file.
        path: PathBuf,
    },

    /// The header's magic says that the voxels stand in another file than they can.
    #[error(
        "the header says that the voxels stand in an .img file beside it, but it is not named \
         .hdr: {}", path.display()
    )]
    PairName {
        /// The file.
        path: PathBuf,
    },

    /// A number of axes or a length that no volume has.
    #[error("dimensions {dim:?} (number of axes, then their lengths) make no volume: {}", path.display())]
    Dimensions {
        /// The header's `dim`.
        dim: [i64; 8],
        /// The file.
        path: PathBuf,
    },

    /// More than one volume.
    #[error(
        "{n_frames} frames, but a scan has one (dimensions {dim:?}); split the file: {}",
        path.display()
    )]
    Frames {
        /// Product of the lengths of the axes beyond the third.
        n_frames: i64,
        /// The header's `dim`.
        dim: [i64; 8],
        /// The file.
        path: PathBuf,
    },

    /// Voxels that are no real numbers.
    #[error("voxels of type {name} (code {code}) are not read, only real numbers are: {}", path.display())]
    Datatype {
        /// The type's name in the standard.
        name: &'static str,
        /// Its code.
        code: i16,
        /// The file.
        path: PathBuf,
    },

    /// Voxels that begin inside the header or nowhere.
    #[error("the voxels begin at byte {found} ({wanted_min} or later was wanted): {}", path.display())]
    VoxelOffset {
        /// The header's `vox_offset`.
        found: f64,
        /// The first byte that is not header.
        wanted_min: u64,
        /// The file.
        path: PathBuf,
    },

    /// Slope or intercept are no numbers.
    #[error("slope {slope} and intercept {intercept} cannot be applied: {}", path.display())]
    Scale {
        /// The header's `scl_slope`.
        slope: f64,
        /// The header's `scl_inter`.
        intercept: f64,
        /// The file.
        path: PathBuf,
    },

    /// The rotation of the qform is none.
    #[error(
        "the qform's quaternion (b, c, d) = {bcd:?} is longer than 1, so it is no rotation: {}",
        path.display()
    )]
    Quaternion {
        /// The header's `quatern_b`, `quatern_c`, `quatern_d`.
        bcd: [f64; 3],
        /// The file.
        path: PathBuf,
    },
}
