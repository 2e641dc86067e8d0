//! Where one frame lies in the patient, from a classic image or from functional groups.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::DicomError;
use super::attributes::Attributes;
use super::data_set::DataSet;
use super::pixel_format::Rescale;
use super::vector::{Vector, cross, dot, length, scaled};

/// The attributes of the frames of one file.
///
/// A classic image states them once at the top of the file; an enhanced one in sequences
/// ("functional groups", PS3.3 C.7.6.16), for all frames together or for each.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameAttributes<'a> {
    pub(super) top: Attributes<'a>,
    shared: Option<Attributes<'a>>,
    per_frame: &'a [DataSet],
}

impl<'a> FrameAttributes<'a> {
    /// Finds the attributes of `n_frames` frames: functional groups must describe each of them.
    pub(super) fn new(top: Attributes<'a>, n_frames: u32) -> Result<Self, DicomError> {
        let frames = Self {
            top,
            shared: top.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE),
            per_frame: top.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE),
        };
        if !frames.has_functional_groups() {
            return if n_frames > 1 {
                Err(top.missing(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE))
            } else {
                Ok(frames)
            };
        }
        let n_described = frames.per_frame.len();
        if n_described != n_frames as usize {
            let problem =
                format!("is {n_frames}, but the functional groups describe {n_described}");
            return Err(top.problem(tags::NUMBER_OF_FRAMES, problem));
        }
        Ok(frames)
    }

    /// Whether the file states its frames' attributes in functional groups.
    fn has_functional_groups(&self) -> bool {
        self.shared.is_some() || !self.per_frame.is_empty()
    }

    /// The group of attributes that a frame finds in `sequence`: its own, or else the shared one,
    /// or, in a classic image, the top of the file.
    pub(super) fn group(&self, frame: usize, sequence: Tag) -> Option<Attributes<'a>> {
        if !self.has_functional_groups() {
            return Some(self.top);
        }
        let own = self
            .per_frame
            .get(frame)
            .and_then(|item| self.top.within(item).item(sequence));
        own.or_else(|| self.shared?.item(sequence))
    }

    /// As [`group`](Self::group), where the group has to be there.
    fn required(&self, frame: usize, sequence: Tag) -> Result<Attributes<'a>, DicomError> {
        self.group(frame, sequence)
            .ok_or_else(|| self.top.missing(sequence))
    }
}

/// Where the pixels of a frame lie: millimetres, in DICOM's LPS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FramePlace {
    /// Centre of the first pixel.
    pub(super) position: Vector,
    /// The way that the column index grows, of length 1.
    pub(super) along_row: Vector,
    /// The way that the row index grows, of length 1.
    pub(super) along_column: Vector,
    /// Between neighbouring columns.
    pub(super) column_spacing_mm: f64,
    /// Between neighbouring rows.
    pub(super) row_spacing_mm: f64,
}

impl FramePlace {
    /// Reads the place of a frame.
    pub(super) fn read(frames: &FrameAttributes<'_>, frame: usize) -> Result<Self, DicomError> {
        let position = frames
            .required(frame, tags::PLANE_POSITION_SEQUENCE)?
            .numbers_of::<3>(tags::IMAGE_POSITION_PATIENT)?;
        let orientation = frames.required(frame, tags::PLANE_ORIENTATION_SEQUENCE)?;
        let [a, b, c, d, e, f] = orientation.numbers_of::<6>(tags::IMAGE_ORIENTATION_PATIENT)?;
        let (row, column) = ([a, b, c], [d, e, f]);
        let lengths_off = (length(row) - 1.0).abs().max((length(column) - 1.0).abs());
        if lengths_off > 0.01 || dot(row, column).abs() > 0.01 {
            let problem =
                format!("holds {row:?} and {column:?}, which are no perpendicular unit vectors");
            return Err(orientation.problem(tags::IMAGE_ORIENTATION_PATIENT, problem));
        }
        let measures = frames.required(frame, tags::PIXEL_MEASURES_SEQUENCE)?;
        let [row_spacing_mm, column_spacing_mm] = measures.numbers_of::<2>(tags::PIXEL_SPACING)?;
        if row_spacing_mm <= 0.0 || column_spacing_mm <= 0.0 {
            let problem = format!("is {row_spacing_mm} × {column_spacing_mm} mm");
            return Err(measures.problem(tags::PIXEL_SPACING, problem));
        }
        Ok(Self {
            position,
            along_row: scaled(row, 1.0 / length(row)),
            along_column: scaled(column, 1.0 / length(column)),
            column_spacing_mm,
            row_spacing_mm,
        })
    }

    /// The way that slices are stacked, of length 1.
    pub(super) fn normal(&self) -> Vector {
        let normal = cross(self.along_row, self.along_column);
        scaled(normal, 1.0 / length(normal))
    }
}

/// One CT frame: where it lies and what its values mean.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CtFrame {
    /// Its number in its file, from 0.
    pub(super) index: u32,
    pub(super) place: FramePlace,
    pub(super) rescale: Rescale,
    /// How the header says that the gantry was tilted, degrees.
    pub(super) tilt_degrees: f64,
    /// What the header gives for the distance between slices, or else for their thickness.
    pub(super) nominal_spacing_mm: Option<f64>,
    pub(super) is_localizer: bool,
    /// Which acquisition of the series it is from, where the header says so.
    pub(super) acquisition: Option<u32>,
}

impl CtFrame {
    /// Reads the frames of a CT file.
    pub(super) fn read_all(
        top: Attributes<'_>,
        n_frames: u32,
        signed: bool,
    ) -> Result<Vec<Self>, DicomError> {
        let frames = FrameAttributes::new(top, n_frames)?;
        (0..n_frames)
            .map(|index| Self::read(&frames, index, signed))
            .collect()
    }

    fn read(frames: &FrameAttributes<'_>, index: u32, signed: bool) -> Result<Self, DicomError> {
        let frame = index as usize;
        let group = |sequence| frames.group(frame, sequence);
        let values = group(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE).unwrap_or(frames.top);
        if values.has(tags::MODALITY_LUT_SEQUENCE) {
            let problem = "is used instead of slope and intercept, which is not read";
            return Err(values.problem(tags::MODALITY_LUT_SEQUENCE, problem.into()));
        }
        let measures = group(tags::PIXEL_MEASURES_SEQUENCE).unwrap_or(frames.top);
        let between = measures.numbers_opt::<1>(tags::SPACING_BETWEEN_SLICES)?;
        let thickness = measures.numbers_opt::<1>(tags::SLICE_THICKNESS)?;
        let nominal_spacing_mm = between
            .or(thickness)
            .map(|[mm]| mm.abs())
            .filter(|mm| *mm > 0.0);
        let details = group(tags::CT_ACQUISITION_DETAILS_SEQUENCE).unwrap_or(frames.top);
        let [tilt_degrees] = details
            .numbers_opt::<1>(tags::GANTRY_DETECTOR_TILT)?
            .unwrap_or_default();
        let kind = group(tags::CT_IMAGE_FRAME_TYPE_SEQUENCE)
            .and_then(|kind| kind.text(tags::FRAME_TYPE))
            .or_else(|| frames.top.text(tags::IMAGE_TYPE));
        let content = group(tags::FRAME_CONTENT_SEQUENCE).unwrap_or(frames.top);
        // A number that cannot be read says nothing, and nothing else needs it.
        let of_frame = content.whole_opt(tags::FRAME_ACQUISITION_NUMBER);
        let of_file = frames.top.whole_opt(tags::ACQUISITION_NUMBER);
        let acquisition = of_frame.ok().flatten().or(of_file.ok().flatten());
        Ok(Self {
            index,
            place: FramePlace::read(frames, frame)?,
            rescale: Rescale::read(values, signed)?,
            tilt_degrees,
            nominal_spacing_mm,
            is_localizer: kind.is_some_and(|kind| is_localizer(&kind)),
            acquisition,
        })
    }
}

/// Whether an image type (`ORIGINAL\PRIMARY\LOCALIZER`) is a survey for planning the scan.
pub(super) fn is_localizer(image_type: &str) -> bool {
    image_type
        .split('\\')
        .any(|part| part.trim() == "LOCALIZER")
}
