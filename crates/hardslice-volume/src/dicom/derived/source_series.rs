//! The series that an object is derived from.

use std::path::{Path, PathBuf};

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::dicom::DicomError;
use crate::dicom::attributes::Attributes;
use crate::dicom::data_set::{DataSet, Keep, open};
use crate::dicom::files::find;
use crate::dicom::frame::FrameAttributes;
use crate::dicom::read::readable;
use crate::dicom::series::choose;
use crate::dicom::stack::Stack;
use crate::{Grid, Placement};

/// What the images of a series must agree in.
const OF_ALL: [Tag; 3] = [
    tags::PATIENT_ID,
    tags::STUDY_INSTANCE_UID,
    tags::FRAME_OF_REFERENCE_UID,
];

/// A series of CT images as the origin of a segmentation: its patient, study and frame of reference,
/// and which image each slice is.
#[derive(Debug, Clone)]
pub struct SourceSeries {
    /// What the first slice's file says at its top.
    pub(super) top: DataSet,
    /// The file of the first slice.
    pub(super) path: PathBuf,
    pub(super) series_uid: String,
    pub(super) study_uid: String,
    pub(super) frame_of_reference: String,
    /// In the order of the grid's slowest axis.
    pub(super) slices: Vec<SourceSlice>,
    /// As the scan's file has it: columns, rows, slices.
    pub(super) grid: Grid,
    /// `ImageOrientationPatient`, `PixelSpacing`, as they are written.
    pub(super) orientation: [f64; 6],
    pub(super) pixel_spacing_mm: [f64; 2],
    /// `SliceThickness`; the distance of slices where there is none.
    pub(super) thickness_mm: f64,
}

/// One slice of the series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SourceSlice {
    pub(super) sop_class: String,
    pub(super) instance_uid: String,
    /// Its number in its file, from 1; `None` where the file holds one image.
    pub(super) frame: Option<u32>,
    /// `ImagePositionPatient`, as it is written.
    pub(super) position: [f64; 3],
}

impl SourceSeries {
    /// Reads what the headers of a series say of it; the arguments are those of
    /// [`read_series`](crate::dicom::read_series).
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use hardslice_volume::dicom::{SourceSeries, read_series};
    ///
    /// # let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom/explicit");
    /// let scan = read_series(&folder, None)?;
    /// let series = SourceSeries::read(&folder, None)?;
    /// assert!(series.is_of(&scan.placement), "the same voxels");
    /// # Ok::<(), hardslice_volume::dicom::DicomError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DicomError`] where the series cannot be read as a scan, or lacks what an object that refers
    /// to it must say: the UIDs of study, series, frame of reference and images. Also where its files
    /// belong to several patients, studies or frames of reference.
    pub fn read(dir: &Path, series_uid: Option<&str>) -> Result<Self, DicomError> {
        let (images, _) = choose(find(dir)?, series_uid, dir)?;
        let (files, contents) = readable(images)?;
        let stack = Stack::new(&files, &contents)?;
        let headers = files
            .iter()
            .map(|file| Ok(open(&file.path, Keep::Header)?.set));
        let headers = headers.collect::<Result<Vec<_>, DicomError>>()?;
        let of_file = |file: usize| Attributes {
            object: &headers[file],
            path: &files[file].path,
        };
        let first = of_file(stack.slices[0].file);
        let mut slices = Vec::new();
        for slice in &stack.slices {
            let top = of_file(slice.file);
            for tag in OF_ALL {
                is_same(first, top, tag)?;
            }
            let n_frames = files[slice.file].n_frames;
            let frames = FrameAttributes::new(top, n_frames)?;
            let place = frames
                .group(slice.frame.index as usize, tags::PLANE_POSITION_SEQUENCE)
                .unwrap_or(top);
            slices.push(SourceSlice {
                sop_class: needed(top, tags::SOP_CLASS_UID)?,
                instance_uid: needed(top, tags::SOP_INSTANCE_UID)?,
                frame: top
                    .has(tags::NUMBER_OF_FRAMES)
                    .then_some(slice.frame.index + 1),
                position: place.numbers_of(tags::IMAGE_POSITION_PATIENT)?,
            });
        }
        let index = stack.slices[0].frame.index as usize;
        let frames = FrameAttributes::new(first, files[stack.slices[0].file].n_frames)?;
        let group = |sequence| frames.group(index, sequence).unwrap_or(first);
        let measures = group(tags::PIXEL_MEASURES_SEQUENCE);
        let spacing_mm = stack.grid.spacing_mm().z;
        let thickness = measures.numbers_opt::<1>(tags::SLICE_THICKNESS)?;
        Ok(Self {
            series_uid: needed(first, tags::SERIES_INSTANCE_UID)?,
            study_uid: needed(first, tags::STUDY_INSTANCE_UID)?,
            frame_of_reference: needed(first, tags::FRAME_OF_REFERENCE_UID)?,
            slices,
            grid: stack.grid,
            orientation: group(tags::PLANE_ORIENTATION_SEQUENCE)
                .numbers_of(tags::IMAGE_ORIENTATION_PATIENT)?,
            pixel_spacing_mm: measures.numbers_of(tags::PIXEL_SPACING)?,
            thickness_mm: thickness.map_or(spacing_mm, |[mm]| mm),
            path: first.path.to_path_buf(),
            top: first.object.clone(),
        })
    }

    /// Whether a scan has the voxels of this series.
    pub fn is_of(&self, placement: &Placement) -> bool {
        self.grid == placement.native
    }

    /// A point of a slice in DICOM's axes, millimetres, by its column and row, which count from the
    /// centre of the first pixel and may lie between pixels.
    pub(super) fn point_mm(&self, slice: usize, [column, row]: [f64; 2]) -> [f64; 3] {
        let [a, b, c, d, e, f] = self.orientation;
        let [row_mm, column_mm] = self.pixel_spacing_mm;
        // As on the scan's grid: directions are stored with few digits, and may be off by a per cent.
        let [along_row, along_column] = [[a, b, c], [d, e, f]].map(|direction| {
            let length = direction.iter().map(|part| part * part).sum::<f64>().sqrt();
            direction.map(|part| part / length)
        });
        let position = self.slices[slice].position;
        std::array::from_fn(|axis| {
            position[axis]
                + column * column_mm * along_row[axis]
                + row * row_mm * along_column[axis]
        })
    }
}

/// What an object that is derived from images must be able to say of them.
fn needed(top: Attributes<'_>, tag: Tag) -> Result<String, DicomError> {
    let problem = "is missing or empty (an anonymiser's work?), and what is derived from a series \
                   refers to it by this; give the series as the archive has it, or write another \
                   format";
    top.text(tag)
        .ok_or_else(|| top.problem(tag, problem.to_owned()))
}

/// Refuses files of one series that say otherwise whom or what they belong to.
fn is_same(first: Attributes<'_>, other: Attributes<'_>, tag: Tag) -> Result<(), DicomError> {
    let (wanted, found) = (first.text(tag), other.text(tag));
    if wanted == found {
        return Ok(());
    }
    let [wanted, found] = [wanted, found].map(Option::unwrap_or_default);
    let problem = format!(
        "is `{found}`, but `{wanted}` in {}: an object that is derived from a series belongs to one \
         patient, study and frame of reference",
        first.path.display()
    );
    Err(other.problem(tag, problem))
}
