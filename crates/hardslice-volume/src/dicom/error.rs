//! What can be wrong with DICOM files.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::data_set::DataSetError;
use super::decode::DecodeError;
use super::series_info::SeriesList;
use crate::{FileError, LabelError, SingularAffine, VoxelCount};

/// DICOM files could not be read as a scan or as labels.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DicomError {
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),

    /// A file that starts as DICOM does not go on so.
    #[error("damaged or truncated DICOM file: {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the parser met.
        source: Box<DataSetError>,
    },

    /// Files that ought to be DICOM, or that others of their name are, and are not.
    #[error(
        "{n} files are no DICOM although their names say so (empty, cut short or damaged copies?); \
        slices of the series could be among them, so export them again, or move them away if they \
        are none: {files}"
    )]
    Spoilt {
        /// How many.
        n: usize,
        /// The files.
        files: FileList,
    },

    /// Files that are gzip's and no DICOM as they lie.
    #[error(
        "{n} files are packed with gzip, which DICOM files are not: unpack them (`gunzip FILE`) and \
        give the folder again, or move them away if they are no slices: {files}"
    )]
    Packed {
        /// How many.
        n: usize,
        /// The files.
        files: FileList,
    },

    /// A series of surveys for planning the scan.
    #[error(
        "the series is a localizer (a survey for planning the scan), not a scan: {}",
        path.display()
    )]
    Localizer {
        /// Its first file.
        path: PathBuf,
    },

    /// The slices of a series belong to several frames of reference.
    #[error(
        "the slices belong to {n} frames of reference, between which positions mean nothing; \
        split the series first: {files}"
    )]
    FramesOfReference {
        /// How many.
        n: usize,
        /// The first file of each.
        files: FileList,
    },

    /// A CT image ends within its header.
    #[error("the CT image has no Rows and Columns (truncated copy or download?): {}", path.display())]
    Headless {
        /// The file.
        path: PathBuf,
    },

    /// There is no series of images.
    #[error(
        "no series of images was found ({}), but one DICOM CT series was wanted{}: {}",
        Counts(others, *n_stray), way_out(others), path.display()
    )]
    NoImages {
        /// DICOM files of other kinds, by modality.
        others: BTreeMap<String, usize>,
        /// Files that are no DICOM.
        n_stray: usize,
        /// The folder or file.
        path: PathBuf,
    },

    /// Several series could be meant.
    #[error("{} series were found; name one (`predict --series UID`, or `series_uid` in a cohort's \
        table), or leave one alone in the folder:{series}\n  folder: {}",
        series.0.len(), path.display())]
    SeveralSeries {
        /// All of them.
        series: SeriesList,
        /// The folder.
        path: PathBuf,
    },

    /// The series named is not there.
    #[error("no series `{wanted}` was found, only these:{series}\n  folder: {}", path.display())]
    NoSuchSeries {
        /// The UID asked for.
        wanted: String,
        /// The series there are.
        series: SeriesList,
        /// The folder.
        path: PathBuf,
    },

    /// The series is of another modality.
    #[error("modality is `{modality}`, but CT was wanted: {}", path.display())]
    NotCt {
        /// What the header says.
        modality: String,
        /// Its first file.
        path: PathBuf,
    },

    /// An attribute is missing, or its value cannot be used.
    #[error("{attribute} {problem}: {}", path.display())]
    Attribute {
        /// Name and tag.
        attribute: String,
        /// What is wrong.
        problem: String,
        /// The file.
        path: PathBuf,
    },

    /// The file is well-formed, but of a kind that is not read.
    #[error("found {found}, but {wanted} was wanted: {}", path.display())]
    Unsupported {
        /// What the file holds.
        found: String,
        /// What is read.
        wanted: &'static str,
        /// The file.
        path: PathBuf,
    },

    /// One series holds images that do not stack: a localizer among the slices, two sizes.
    #[error(
        "the series holds {n_kinds} kinds of images, which make no volume; move all but one \
        kind away:{kinds}"
    )]
    Mixed {
        /// How many.
        n_kinds: usize,
        /// Each of them with its files, the most frequent first.
        kinds: String,
    },

    /// Two slices lie at one position.
    #[error(
        "{n} slices are there twice{same_image}, the first at ({:.2}, {:.2}, {:.2}) mm; a series \
         of several phases or reconstructions has to be split first: {files}",
        position_mm[0], position_mm[1], position_mm[2]
    )]
    Doubled {
        /// Pairs of slices.
        n: usize,
        /// Whether the first pair is one image, as a remark.
        same_image: &'static str,
        /// Where the first pair lies, DICOM's LPS, millimetres.
        position_mm: [f64; 3],
        /// The pairs.
        files: FileList,
    },

    /// Slices are missing between others.
    #[error(
        "{n_missing} slices are missing: neighbours lie {step_mm:.3} mm apart instead of \
        {typical_mm:.3} mm: {files}"
    )]
    Gap {
        /// How many.
        n_missing: f64,
        /// The distance of most neighbours, millimetres.
        typical_mm: f64,
        /// The first gap, millimetres.
        step_mm: f64,
        /// The slices on both sides of each gap.
        files: FileList,
    },

    /// The distance between slices varies.
    #[error("slices are spaced unevenly, {least_mm:.3} mm to {most_mm:.3} mm apart: {files}")]
    Uneven {
        /// The smallest distance, millimetres.
        least_mm: f64,
        /// The largest distance, millimetres.
        most_mm: f64,
        /// The slices at both.
        files: FileList,
    },

    /// Slices of several acquisitions lie between one another.
    #[error(
        "slices of {} acquisitions lie between one another (AcquisitionNumber (0020,0012) {}): they show \
        different times, though their spacing is even; split the series first: {files}",
        numbers.len(), numbers.join(", ")
    )]
    Interleaved {
        /// The acquisitions.
        numbers: Vec<String>,
        /// The slices.
        files: FileList,
    },

    /// The slices are not perpendicular to the way they are stacked.
    #[error(
        "the gantry was tilted by {degrees:.2}° ({evidence}); undo the tilt first, for example \
         with dcm2niix, and read its `_Tilt` file: {files}"
    )]
    Tilted {
        /// What shows the tilt.
        evidence: &'static str,
        /// By how much.
        degrees: f64,
        /// The slices.
        files: FileList,
    },

    /// Slices lie aside of the others.
    #[error(
        "slices are shifted in their plane by {shift_mm:.3} mm ({allowed_mm:.3} mm allowed): \
        {files}"
    )]
    Shifted {
        /// The first such shift, millimetres.
        shift_mm: f64,
        /// What is allowed, millimetres.
        allowed_mm: f64,
        /// The first slice, and the first shifted one.
        files: FileList,
    },

    /// The pixels could not be decoded.
    #[error("cannot decode frame {frame}: {}", path.display())]
    Decode {
        /// Its number, from 1.
        frame: u32,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: DecodeError,
    },

    /// A segmentation cannot be read as labels.
    #[error(transparent)]
    Labels(#[from] LabelError),

    /// A segmentation belongs to another frame of reference than the scan.
    #[error(
        "the segmentation or structure belongs to frame of reference {found}, the scan to {wanted}: \
        positions in the two have nothing to do with each other; give that of this scan: {}",
        path.display()
    )]
    FrameOfReference {
        /// The segmentation's `FrameOfReferenceUID`.
        found: String,
        /// The scan's.
        wanted: String,
        /// The segmentation.
        path: PathBuf,
    },

    /// A segmentation does not lie on the scan's voxels.
    #[error("frame {frame} of the segmentation does not lie on the voxels of the scan: {problem}: {}",
        path.display())]
    OffGrid {
        /// Its number, from 1.
        frame: u32,
        /// How it is off.
        problem: String,
        /// The file.
        path: PathBuf,
    },

    /// None of the structures asked for is in the segmentation.
    #[error("none of the structures asked for ({wanted}) is among the segments ({segments}): {}",
        path.display())]
    NoSegment {
        /// The names looked for.
        wanted: String,
        /// The labels there are.
        segments: String,
        /// The file.
        path: PathBuf,
    },

    /// A contour does not lie on a slice of the scan.
    #[error("contour {contour} of `{roi}` does not lie on the slices of the scan: {problem}: {}",
        path.display())]
    ContourOffSlice {
        /// The region.
        roi: String,
        /// Which of its contours, from 1.
        contour: usize,
        /// How it is off.
        problem: String,
        /// The file.
        path: PathBuf,
    },

    /// Positions and spacings make no grid.
    #[error("{source}: {}", path.display())]
    Affine {
        /// Which affine.
        source: Box<SingularAffine>,
        /// The first file.
        path: PathBuf,
    },

    /// Another number of voxels than the grid has.
    #[error("{source}: {}", path.display())]
    VoxelCount {
        /// The two numbers.
        source: VoxelCount,
        /// The first file.
        path: PathBuf,
    },
}

/// Files, for a message: the first few by name, the rest counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileList(pub Vec<PathBuf>);

impl fmt::Display for FileList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let shown: Vec<_> = self
            .0
            .iter()
            .take(SHOWN)
            .map(|path| path.display().to_string())
            .collect();
        write!(f, "{}", shown.join(", "))?;
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What was found instead of images.
struct Counts<'a>(&'a BTreeMap<String, usize>, usize);

impl fmt::Display for Counts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, n) in self.0 {
            write!(f, "{n} {kind}, ")?;
        }
        write!(f, "{} files that are no DICOM", self.1)
    }
}

/// What to do with what was found.
fn way_out(others: &BTreeMap<String, usize>) -> &'static str {
    if others.contains_key("SEG") || others.contains_key("RTSTRUCT") {
        " (segmentations belong to the labels, not to the image)"
    } else {
        ""
    }
}
