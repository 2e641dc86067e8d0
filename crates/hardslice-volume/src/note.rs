//! What a reader took for granted, and says so.

use std::fmt;
use std::path::{Path, PathBuf};

/// Something in a file that was read by a rule, not by the letter, and that whoever answers for the
/// result may want to look at.
///
/// Readers return their notes beside the volume, and print nothing. A note never stands for a
/// doubt about voxels: what is in doubt is an error.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// Labels that are whole numbers up to a rounding, as slopes and 32-bit numbers leave them,
    /// were taken for those numbers.
    Rounded {
        /// Voxels that were no whole numbers.
        n_voxels: usize,
        /// The largest distance of one of them from its whole number.
        largest_off: f64,
        /// The file.
        path: PathBuf,
    },

    /// Voxels belong to two structures: the one that the label map lists later has them.
    Overlap {
        /// The structure that lost voxels.
        first: String,
        /// The structure that has them.
        second: String,
        /// How many.
        n_voxels: usize,
        /// The file or folder.
        path: PathBuf,
    },

    /// The label map names structures that the file or folder does not hold; their labels have no
    /// voxel.
    StructuresAbsent {
        /// The names, those of one label value together: `kidney_left or left kidney`.
        names: Vec<String>,
        /// The file or folder.
        path: PathBuf,
    },

    /// The two affines of a NIfTI header place the volume differently; the sform was taken.
    PosesDiffer {
        /// Largest distance between matching corner voxels, millimetres.
        distance_mm: f64,
        /// The file.
        path: PathBuf,
    },

    /// The spacing that a NIfTI header gives is not that of its sform, which was taken.
    SpacingDiffers {
        /// The header's `pixdim` along the file's axes, millimetres.
        pixdim_mm: [f64; 3],
        /// The spacing of the sform along the file's axes, millimetres.
        sform_mm: [f64; 3],
        /// The file.
        path: PathBuf,
    },

    /// A header says nothing about directions.
    NoPose {
        /// Where the file's axes were taken to run: the way of the field's tools.
        axes: &'static str,
        /// The file.
        path: PathBuf,
    },

    /// Files that could be slices cannot be read, and lie among images of other series than the one
    /// that was read.
    OthersSpoilt {
        /// How many.
        n_files: usize,
        /// The first of them.
        path: PathBuf,
    },

    /// What the contours of a structure leave open, and how it was read.
    Contours {
        /// The structure.
        structure: String,
        /// What it is about.
        about: ContourNote,
        /// The file.
        path: PathBuf,
    },

    /// A series has no date, which an object that is derived from it must have: it was given the first
    /// day of 1900.
    NoDate {
        /// The series' first file.
        path: PathBuf,
    },

    /// Bytes other than zeros follow the voxels. They were left alone.
    BytesBehind {
        /// How many.
        n_bytes: u64,
        /// The file.
        path: PathBuf,
    },
}

/// What contours leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContourNote {
    /// Contours overlap on a slice: voxels within an even number of them count as a hole.
    Overlap {
        /// Voxels within several contours.
        n_voxels: usize,
    },

    /// There are contours on both sides of slices that have none, and no voxel on those.
    Between {
        /// How many slices.
        n_slices: usize,
    },

    /// Points, open contours and those of fewer than three points hold no area. They were left out.
    WithoutArea {
        /// How many.
        n_contours: usize,
    },

    /// There is no closed contour, so no voxel.
    NoneClosed,
}

impl fmt::Display for ContourNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap { n_voxels } => write!(
                f,
                "they overlap in {n_voxels} voxels, and what is within an even number of them \
                 counts as a hole"
            ),
            Self::Between { n_slices } => write!(
                f,
                "there are none on {n_slices} slices between others, which were left without a voxel"
            ),
            Self::WithoutArea { n_contours } => write!(
                f,
                "{n_contours} are points, open or of fewer than three points, so without an area, \
                 and were left out"
            ),
            Self::NoneClosed => write!(f, "there is no closed one, so no voxel"),
        }
    }
}

impl Note {
    /// The file or folder that it is about.
    fn path(&self) -> &Path {
        match self {
            Self::Rounded { path, .. }
            | Self::Overlap { path, .. }
            | Self::StructuresAbsent { path, .. }
            | Self::PosesDiffer { path, .. }
            | Self::SpacingDiffers { path, .. }
            | Self::NoPose { path, .. }
            | Self::OthersSpoilt { path, .. }
            | Self::Contours { path, .. }
            | Self::NoDate { path }
            | Self::BytesBehind { path, .. } => path,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rounded {
                n_voxels,
                largest_off,
                ..
            } => write!(
                f,
                "{n_voxels} voxels are no whole numbers, by {largest_off:.1e} at most, and were \
                 taken for the nearest label"
            ),
            Self::Overlap {
                first,
                second,
                n_voxels,
                ..
            } => write!(
                f,
                "`{first}` and `{second}` overlap in {n_voxels} voxels, which count as `{second}`, \
                 the later of the two"
            ),
            Self::StructuresAbsent { names, .. } => {
                write!(f, "not there, so without a voxel: {}", names.join(", "))
            }
            Self::PosesDiffer { distance_mm, .. } => write!(
                f,
                "sform and qform place the volume differently, corners up to {distance_mm:.3} mm \
                 apart; the sform was taken"
            ),
            Self::SpacingDiffers {
                pixdim_mm,
                sform_mm,
                ..
            } => write!(
                f,
                "the header's pixdim says {pixdim_mm:.4?} mm, its sform {sform_mm:.4?} mm; the sform \
                 was taken"
            ),
            Self::NoPose { axes, .. } => write!(
                f,
                "the header says nothing about directions; its axes were taken to run {axes}"
            ),
            Self::OthersSpoilt { n_files, .. } => write!(
                f,
                "files that cannot be read lie among images of other series ({n_files}, the first is \
                 named)"
            ),
            Self::Contours {
                structure, about, ..
            } => write!(f, "contours of `{structure}`: {about}"),
            Self::NoDate { .. } => write!(
                f,
                "the series has no date, so what was derived from it is dated 1900-01-01"
            ),
            Self::BytesBehind { n_bytes, .. } => {
                write!(f, "{n_bytes} bytes behind the voxels were not read")
            }
        }?;
        write!(f, ": {}", self.path().display())
    }
}
