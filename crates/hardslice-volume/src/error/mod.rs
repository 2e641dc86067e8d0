//! What can be wrong with a file that holds a scan or labels.

mod meta_image;
mod nifti;
mod nrrd;

use crate::label_error::LabelError;
use std::path::PathBuf;

use thiserror::Error;

use crate::dicom::DicomError;
use crate::file_error::FileError;
use crate::{GridMismatch, ShearedGrid, SingularAffine, VoxelCount};

pub use meta_image::MetaImageError;
pub use nifti::NiftiError;
pub use nrrd::NrrdError;

/// A scan or a label map could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file system or the decompressor refused.
    #[error(transparent)]
    File(#[from] FileError),

    /// Neither the name nor the first bytes belong to a format that is read here.
    #[error("{found}, but {wanted} was wanted: {}", path.display())]
    Unrecognised {
        /// What the file turned out to be.
        found: &'static str,
        /// What could have been read.
        wanted: &'static str,
        /// The file.
        path: PathBuf,
    },

    /// The file ends before the voxels that its header announces.
    #[error(
        "the voxels need {wanted_bytes} bytes, the file holds {found_bytes} (truncated copy or \
         download?): {}", path.display()
    )]
    Short {
        /// Bytes that the header announces, after decompression.
        wanted_bytes: u64,
        /// Bytes that were there.
        found_bytes: u64,
        /// The file.
        path: PathBuf,
    },

    /// The header announces more voxels than the file can hold, however well compressed.
    #[error(
        "the voxels need {wanted_bytes} bytes, the compressed file can hold \
         {bytes_at_most} at most (truncated, or a damaged header): {}", path.display()
    )]
    CannotHold {
        /// Bytes that the header announces, after decompression.
        wanted_bytes: u64,
        /// Bytes that a file of this size can hold.
        bytes_at_most: u64,
        /// The file.
        path: PathBuf,
    },

    /// The voxels do not fit into memory.
    #[error("{wanted_bytes} bytes of memory are needed and not there: {}", path.display())]
    OutOfMemory {
        /// Bytes that the voxels take.
        wanted_bytes: u64,
        /// The allocator's reason.
        source: std::collections::TryReserveError,
        /// The file.
        path: PathBuf,
    },

    /// The affine flattens the volume: two voxels would lie at one place.
    #[error("{source}: {}", path.display())]
    Affine {
        /// Which affine.
        source: SingularAffine,
        /// The file.
        path: PathBuf,
    },

    /// A scan holds values that are no numbers.
    #[error(
        "{count} voxels are NaN or infinite, the first at [{}, {}, {}] (x, y, z in the file's own \
         order): {}", first_xyz[0], first_xyz[1], first_xyz[2], path.display()
    )]
    NotFinite {
        /// How many.
        count: usize,
        /// Index of the first, along the file's own axes.
        first_xyz: [usize; 3],
        /// The file.
        path: PathBuf,
    },

    /// A label map holds a value that is no label.
    #[error(
        "labels are whole numbers from 0 to 65535, but voxel [{}, {}, {}] (x, y, z in the file's \
         own order) is {value}: {}", voxel_xyz[0], voxel_xyz[1], voxel_xyz[2], path.display()
    )]
    NotALabel {
        /// The value, after slope and intercept.
        value: f64,
        /// Index of the first such voxel, along the file's own axes.
        voxel_xyz: [usize; 3],
        /// The file.
        path: PathBuf,
    },

    /// The header of a NIfTI file is wrong, or says something that is not read here.
    #[error(transparent)]
    Nifti(#[from] NiftiError),

    /// The header of an NRRD file is wrong, or says something that is not read here.
    #[error(transparent)]
    Nrrd(#[from] NrrdError),

    /// The header of a MetaImage file is wrong, or says something that is not read here.
    #[error(transparent)]
    MetaImage(#[from] MetaImageError),

    /// The labels are readable, and wrong all the same.
    #[error(transparent)]
    Labels(#[from] LabelError),

    /// DICOM files are wrong, or of a kind that is not read here.
    #[error(transparent)]
    Dicom(#[from] DicomError),

    /// Labels lie on another grid than the scan they belong to.
    #[error("{source}\n  labels: {}", path.display())]
    Grid {
        /// How far apart the grids are.
        source: Box<GridMismatch>,
        /// The label file.
        path: PathBuf,
    },

    /// A reader delivered another number of voxels than its grid has.
    #[error("{source}: {}", path.display())]
    VoxelCount {
        /// The two numbers.
        source: VoxelCount,
        /// The file.
        path: PathBuf,
    },
}

/// A volume could not be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The name does not say how to write.
    #[error("volumes are written as .nii, .nii.gz, .nrrd, .mha or .mhd, segmentations with the names of \
        their structures as .seg.nrrd, too: {}", path.display())]
    Suffix {
        /// The file.
        path: PathBuf,
    },

    /// The format has no way to say that a grid is sheared.
    #[error("{source}; NIfTI and NRRD files hold such grids: {}", path.display())]
    Sheared {
        /// The grid's shear.
        source: ShearedGrid,
        /// The file.
        path: PathBuf,
    },

    /// NIfTI-1 counts voxels in 16 bits.
    #[error("NIfTI-1 holds up to 32767 voxels along an axis, not {shape} (x × y × z); .nrrd and .mha hold more: {}", path.display())]
    TooLong {
        /// Voxels of the volume.
        shape: crate::PerAxis<usize>,
        /// The file.
        path: PathBuf,
    },

    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),

    /// The volume does not lie on the canonical grid of the placement it should be written with.
    #[error(
        "the labels lie on a grid of {got} voxels, the scan on one of {wanted} (x × y × z): {}",
        path.display()
    )]
    Shape {
        /// Voxels of the volume.
        got: crate::PerAxis<usize>,
        /// Voxels of the scan.
        wanted: crate::PerAxis<usize>,
        /// The file.
        path: PathBuf,
    },
}
