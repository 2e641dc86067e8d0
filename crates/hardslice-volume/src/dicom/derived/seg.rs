//! Writing segmentation objects (DICOM SEG).
//!
//! # Sources
//!
//! PS3.3 A.51 (the object), C.8.20 (segmentation), C.7.6.16 (functional groups), C.7.6.17
//! (dimensions); PS3.5 8.1.1 (single bits); PS3.16 CID 7150 (categories), 7203 (derivations), 7202
//! (purposes of reference).

use std::path::Path;

use dicom_dictionary_std::tags;

use super::color::cielab;
use super::number::{decimal, decimals};
use super::{Derived, DerivedError, Kind, Maker, SourceSeries, voxels_of};
use crate::dicom::data_set::{DataSet, Syntax};
use crate::structure::{Code, Structure};
use crate::whole_file::write_whole_bytes;
use crate::{Action, Note, Volume};

const SEGMENTATION: Kind = Kind {
    sop_class: "1.2.840.10008.5.1.4.1.1.66.4",
    modality: "SEG",
    description: "Segmentation by hardslice",
};

/// The frames of the object: segment (from 1) and slice of the series.
type Frame = (u16, usize);

/// Writes labels of a series as a DICOM segmentation: binary, one segment for each structure, one frame
/// for each slice on which a segment has a voxel.
///
/// Segments are numbered as `structures` are, from 1; one without a voxel has one empty frame, in the
/// middle of the series, so that it is known to have been looked for. Frames lie on the slices of the
/// series, with their position and orientation to the letter, and name them as their source. What is
/// neither 0 nor the value of a structure is left out.
///
/// The same labels give the same bytes: UIDs follow from series, labels, structures and `maker`
/// (below `2.25`), the date is that of the series. Gives what is to be noted.
///
/// ```
/// use std::path::Path;
///
/// use hardslice_volume::dicom::{Maker, SourceSeries, read_seg, read_series, write_seg};
/// use hardslice_volume::{Anatomy, Code, LabelNames, Structure};
///
/// # let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom/oblique");
/// # let dir = tempfile::tempdir()?;
/// # let out = dir.path().join("bone.dcm");
/// let scan = read_series(&folder, None)?;
/// let bone = scan.volume.clone().map(|hu| u8::from(hu > 300.0));
/// let structure = Structure {
///     name: "bone".into(),
///     value: 1,
///     color: [241, 214, 145],
///     anatomy: Some(Anatomy {
///         code: Code {
///             scheme: "SCT".into(),
///             value: "272673000".into(),
///             meaning: "Bone".into(),
///         },
///         side: None,
///     }),
/// };
/// let series = SourceSeries::read(&folder, None)?;
/// let maker = Maker { version: "0.1.0", model: "a threshold" };
/// write_seg(&out, &bone, &series, &[structure], &maker)?;
///
/// let read = read_seg(&out, &scan, &LabelNames::new([("Bone", 1)])?)?;
/// assert!(read.volume.voxels().iter().zip(bone.voxels()).all(|(a, b)| *a == u16::from(*b)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`DerivedError`]: the labels do not lie on the series, a structure has no code or a name that DICOM
/// cannot hold, or the file system refuses.
pub fn write_seg(
    path: &Path,
    labels: &Volume<u8>,
    series: &SourceSeries,
    structures: &[Structure],
    maker: &Maker<'_>,
) -> Result<Vec<Note>, DerivedError> {
    let voxels = voxels_of(labels, series, path)?;
    let mut object = Derived::new(&SEGMENTATION, series, &voxels, structures, maker, path)?;
    let frames = frames(&voxels, series, structures);
    object.describe();
    object.put_segments(structures, path)?;
    object.put_dimensions();
    object.put_frames(&frames);
    object.put_pixels(&voxels, structures, &frames);
    write_whole_bytes(path, &object.set.to_file(Syntax::ExplicitLittle))
        .map_err(Action::Write.on(path))?;
    Ok(object.notes)
}

fn frames(voxels: &[u8], series: &SourceSeries, structures: &[Structure]) -> Vec<Frame> {
    let planes = || {
        voxels
            .chunks_exact(series.grid.shape.n_pixels())
            .enumerate()
    };
    let mut frames = Vec::new();
    for (number, structure) in (1..).zip(structures) {
        let is_on = |plane: &[u8]| plane.contains(&structure.value);
        let on = planes().filter(|(_, plane)| is_on(plane));
        let slices: Vec<usize> = on.map(|(slice, _)| slice).collect();
        if slices.is_empty() {
            frames.push((number, series.slices.len() / 2));
        }
        frames.extend(slices.into_iter().map(|slice| (number, slice)));
    }
    frames
}

impl Derived<'_> {
    /// What holds of the object as a whole.
    fn describe(&mut self) {
        let shape = self.series.grid.shape;
        let [rows, columns] = [shape.y, shape.x]
            .map(|n| u16::try_from(n).expect("the images of the series say theirs in 16 bits"));
        for tag in [
            tags::LOSSY_IMAGE_COMPRESSION_RATIO,
            tags::LOSSY_IMAGE_COMPRESSION_METHOD,
        ] {
            if let Some(element) = self.series.top.get(tag) {
                self.set.put_element(tag, element.clone());
            }
        }
        let lossy = self.series.top.text(tags::LOSSY_IMAGE_COMPRESSION);
        let lossy = lossy.unwrap_or_else(|| "00".to_owned());
        self.set
            .put(tags::IMAGE_TYPE, "DERIVED\\PRIMARY")
            .put(tags::CONTENT_DATE, self.date.as_str())
            .put(tags::CONTENT_TIME, self.time.as_str())
            .put(tags::CONTENT_LABEL, "SEGMENTATION")
            .put(tags::CONTENT_DESCRIPTION, "Organs found by a net")
            .put(tags::CONTENT_CREATOR_NAME, "")
            .put(tags::SAMPLES_PER_PIXEL, 1)
            .put(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
            .put(tags::ROWS, rows)
            .put(tags::COLUMNS, columns)
            .put(tags::BITS_ALLOCATED, 1)
            .put(tags::BITS_STORED, 1)
            .put(tags::HIGH_BIT, 0)
            .put(tags::PIXEL_REPRESENTATION, 0)
            .put(tags::LOSSY_IMAGE_COMPRESSION, lossy)
            .put(tags::SEGMENTATION_TYPE, "BINARY")
            .put(tags::SEGMENTS_OVERLAP, "NO");
        let mut series = DataSet::empty();
        series
            .put(tags::SERIES_INSTANCE_UID, self.series.series_uid.as_str())
            .put(tags::REFERENCED_INSTANCE_SEQUENCE, self.instances());
        self.set.put_item(tags::REFERENCED_SERIES_SEQUENCE, series);
    }

    fn put_segments(&mut self, structures: &[Structure], path: &Path) -> Result<(), DerivedError> {
        let category = Code::snomed("91723000", "Anatomical Structure");
        let mut items = Vec::new();
        for (number, structure) in (1_u16..).zip(structures) {
            let anatomy = structure.anatomy.as_ref();
            let anatomy = anatomy.ok_or_else(|| DerivedError::NoCode {
                structure: structure.name.clone(),
                path: path.to_path_buf(),
            })?;
            let mut kind = self.code(&anatomy.code);
            if let Some(side) = anatomy.side {
                let side = self.code(&side.code());
                kind[0].put(tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE, side);
            }
            let mut item = DataSet::empty();
            item.put(tags::SEGMENT_NUMBER, number)
                .put(tags::SEGMENT_LABEL, self.charset.encoded(&structure.name))
                .put(tags::SEGMENT_ALGORITHM_TYPE, "AUTOMATIC")
                .put(tags::SEGMENT_ALGORITHM_NAME, "hardslice predict")
                .put(
                    tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
                    self.code(&category),
                )
                .put(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, kind)
                .put(
                    tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE,
                    cielab(structure.color),
                );
            items.push(item);
        }
        self.set.put(tags::SEGMENT_SEQUENCE, items);
        Ok(())
    }

    /// Frames are sorted by segment, then by position.
    fn put_dimensions(&mut self) {
        let uid = self.uid("dimensions");
        let mut organization = DataSet::empty();
        organization.put(tags::DIMENSION_ORGANIZATION_UID, uid.as_str());
        self.set
            .put_item(tags::DIMENSION_ORGANIZATION_SEQUENCE, organization);
        let dimension = |attribute, group, label| {
            let mut item = DataSet::empty();
            item.put(tags::DIMENSION_ORGANIZATION_UID, uid.as_str())
                .put(tags::DIMENSION_INDEX_POINTER, [attribute])
                .put(tags::FUNCTIONAL_GROUP_POINTER, [group])
                .put(tags::DIMENSION_DESCRIPTION_LABEL, label);
            item
        };
        let dimensions = vec![
            dimension(
                tags::REFERENCED_SEGMENT_NUMBER,
                tags::SEGMENT_IDENTIFICATION_SEQUENCE,
                "Segment",
            ),
            dimension(
                tags::IMAGE_POSITION_PATIENT,
                tags::PLANE_POSITION_SEQUENCE,
                "Position",
            ),
        ];
        self.set.put(tags::DIMENSION_INDEX_SEQUENCE, dimensions);
    }

    fn put_frames(&mut self, frames: &[Frame]) {
        let series = self.series;
        let mut orientation = DataSet::empty();
        orientation.put(
            tags::IMAGE_ORIENTATION_PATIENT,
            decimals(series.orientation),
        );
        let mut measures = DataSet::empty();
        measures
            .put(tags::PIXEL_SPACING, decimals(series.pixel_spacing_mm))
            .put(tags::SLICE_THICKNESS, decimal(series.thickness_mm))
            .put(
                tags::SPACING_BETWEEN_SLICES,
                decimal(series.grid.spacing_mm().z),
            );
        let mut shared = DataSet::empty();
        shared
            .put_item(tags::PLANE_ORIENTATION_SEQUENCE, orientation)
            .put_item(tags::PIXEL_MEASURES_SEQUENCE, measures);
        self.set
            .put_item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, shared);
        let derivation = self.code(&Code {
            scheme: "DCM".to_owned(),
            value: "113076".to_owned(),
            meaning: "Segmentation".to_owned(),
        });
        let purpose = self.code(&Code {
            scheme: "DCM".to_owned(),
            value: "121322".to_owned(),
            meaning: "Source image for image processing operation".to_owned(),
        });
        let items = frames.iter().map(|&(segment, slice)| {
            let index = u32::try_from(slice + 1).expect("a file of 4 GB holds fewer frames");
            let mut content = DataSet::empty();
            content.put(tags::DIMENSION_INDEX_VALUES, [u32::from(segment), index]);
            let mut position = DataSet::empty();
            position.put(
                tags::IMAGE_POSITION_PATIENT,
                decimals(series.slices[slice].position),
            );
            let mut identification = DataSet::empty();
            identification.put(tags::REFERENCED_SEGMENT_NUMBER, segment);
            let mut source = self.reference(slice);
            source
                .put(tags::SPATIAL_LOCATIONS_PRESERVED, "YES")
                .put(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, purpose.clone());
            let mut image = DataSet::empty();
            image
                .put_item(tags::SOURCE_IMAGE_SEQUENCE, source)
                .put(tags::DERIVATION_CODE_SEQUENCE, derivation.clone());
            let mut item = DataSet::empty();
            item.put_item(tags::FRAME_CONTENT_SEQUENCE, content)
                .put_item(tags::PLANE_POSITION_SEQUENCE, position)
                .put_item(tags::SEGMENT_IDENTIFICATION_SEQUENCE, identification)
                .put_item(tags::DERIVATION_IMAGE_SEQUENCE, image);
            item
        });
        let items: Vec<DataSet> = items.collect();
        self.set
            .put(tags::NUMBER_OF_FRAMES, frames.len().to_string())
            .put(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, items);
    }

    /// Single bits follow each other through all frames, the lowest bit of a byte first.
    fn put_pixels(&mut self, voxels: &[u8], structures: &[Structure], frames: &[Frame]) {
        let n_pixels = self.series.grid.shape.n_pixels();
        let mut bits = vec![0_u8; (frames.len() * n_pixels).div_ceil(8)];
        for (frame, &(segment, slice)) in frames.iter().enumerate() {
            let value = structures[usize::from(segment) - 1].value;
            let plane = &voxels[slice * n_pixels..][..n_pixels];
            for (pixel, _) in plane
                .iter()
                .enumerate()
                .filter(|(_, found)| **found == value)
            {
                let bit = frame * n_pixels + pixel;
                bits[bit / 8] |= 1 << (bit % 8);
            }
        }
        self.set.put(tags::PIXEL_DATA, bits);
    }
}
