//! Writing structure sets (RTSTRUCT).
//!
//! # Sources
//!
//! PS3.3 A.19 (the object), C.8.8.5 (structure set), C.8.8.6 (contours), C.8.8.8 (observations).

use std::path::Path;

use dicom_dictionary_std::tags;

use super::number::decimals;
use super::outline::outlines;
use super::{Derived, DerivedError, Kind, Maker, SourceSeries, voxels_of};
use crate::dicom::data_set::{DataSet, Syntax};
use crate::structure::Structure;
use crate::whole_file::write_whole_bytes;
use crate::{Action, Note, Volume};

const STRUCTURE_SET: Kind = Kind {
    sop_class: "1.2.840.10008.5.1.4.1.1.481.3",
    modality: "RTSTRUCT",
    description: "Structures by hardslice",
};

/// The class by which a structure set refers to its study.
const STUDY: &str = "1.2.840.10008.3.1.2.3.1";

/// Contours are written to this share of a millimetre.
const PER_MM: f64 = 1e4;

/// Writes labels of a series as a DICOM structure set: one region for each structure, its contours
/// along the edges of pixels, holes cut out by keyholes.
///
/// [`read_rtstruct`](crate::dicom::read_rtstruct) and other readers that go by the centres of pixels find
/// the same voxels. Regions are numbered as `structures` are, from 1; one without a voxel is listed
/// without contours. Contours lie on the images of the series, and name them. Codes are written where
/// structures have them.
///
/// The same labels give the same bytes, as of [`write_seg`](super::write_seg). The file is in implicit
/// little endian, in which contours of any length can be said. Gives what is to be noted.
///
/// # Errors
///
/// [`DerivedError`]: the labels do not lie on the series, a structure has a name that DICOM cannot hold,
/// or the file system refuses.
pub fn write_rtstruct(
    path: &Path,
    labels: &Volume<u8>,
    series: &SourceSeries,
    structures: &[Structure],
    maker: &Maker<'_>,
) -> Result<Vec<Note>, DerivedError> {
    let voxels = voxels_of(labels, series, path)?;
    let mut object = Derived::new(&STRUCTURE_SET, series, &voxels, structures, maker, path)?;
    object.describe_set();
    object.put_regions(structures);
    object.put_contours(&voxels, structures);
    write_whole_bytes(path, &object.set.to_file(Syntax::ImplicitLittle))
        .map_err(Action::Write.on(path))?;
    Ok(object.notes)
}

impl Derived<'_> {
    /// What holds of the set as a whole, and which images it refers to.
    fn describe_set(&mut self) {
        let slices = 0..self.series.slices.len();
        let images: Vec<DataSet> = slices.map(|slice| self.reference(slice)).collect();
        let mut series = DataSet::empty();
        series
            .put(tags::SERIES_INSTANCE_UID, self.series.series_uid.as_str())
            .put(tags::CONTOUR_IMAGE_SEQUENCE, images);
        let mut study = DataSet::empty();
        study
            .put(tags::REFERENCED_SOP_CLASS_UID, STUDY)
            .put(
                tags::REFERENCED_SOP_INSTANCE_UID,
                self.series.study_uid.as_str(),
            )
            .put_item(tags::RT_REFERENCED_SERIES_SEQUENCE, series);
        let mut frame = DataSet::empty();
        frame
            .put(
                tags::FRAME_OF_REFERENCE_UID,
                self.series.frame_of_reference.as_str(),
            )
            .put_item(tags::RT_REFERENCED_STUDY_SEQUENCE, study);
        self.set
            .put(tags::STRUCTURE_SET_LABEL, "hardslice")
            .put(tags::STRUCTURE_SET_DATE, self.date.as_str())
            .put(tags::STRUCTURE_SET_TIME, self.time.as_str())
            .put(tags::OPERATORS_NAME, "")
            .put(tags::APPROVAL_STATUS, "UNAPPROVED")
            .put_item(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE, frame);
    }

    fn put_regions(&mut self, structures: &[Structure]) {
        let (mut regions, mut observations) = (Vec::new(), Vec::new());
        for (number, structure) in (1_u16..).zip(structures) {
            let mut region = DataSet::empty();
            region
                .put(tags::ROI_NUMBER, number.to_string())
                .put(
                    tags::REFERENCED_FRAME_OF_REFERENCE_UID,
                    self.series.frame_of_reference.as_str(),
                )
                .put(tags::ROI_NAME, self.charset.encoded(&structure.name))
                .put(tags::ROI_GENERATION_ALGORITHM, "AUTOMATIC");
            regions.push(region);
            let mut observation = DataSet::empty();
            observation
                .put(tags::OBSERVATION_NUMBER, number.to_string())
                .put(tags::REFERENCED_ROI_NUMBER, number.to_string())
                .put(tags::RTROI_INTERPRETED_TYPE, "ORGAN")
                .put(tags::ROI_INTERPRETER, "");
            if let Some(anatomy) = &structure.anatomy {
                let code = self.code(&anatomy.code);
                observation.put(tags::RTROI_IDENTIFICATION_CODE_SEQUENCE, code);
            }
            observations.push(observation);
        }
        self.set
            .put(tags::STRUCTURE_SET_ROI_SEQUENCE, regions)
            .put(tags::RTROI_OBSERVATIONS_SEQUENCE, observations);
    }

    fn put_contours(&mut self, voxels: &[u8], structures: &[Structure]) {
        let shape = self.series.grid.shape;
        let mut items = Vec::new();
        for (number, structure) in (1_u16..).zip(structures) {
            let mut contours = Vec::new();
            for (slice, plane) in voxels.chunks_exact(shape.n_pixels()).enumerate() {
                if !plane.contains(&structure.value) {
                    continue;
                }
                let inside: Vec<bool> = plane.iter().map(|v| *v == structure.value).collect();
                for ring in outlines(&inside, shape.x) {
                    let n_points = ring.len();
                    let points = ring.into_iter().flat_map(|corner| {
                        let between = corner.map(|at| at as f64 - 0.5);
                        self.series.point_mm(slice, between)
                    });
                    let points = points.map(|mm| (mm * PER_MM).round() / PER_MM);
                    let mut contour = DataSet::empty();
                    contour
                        .put(tags::CONTOUR_NUMBER, (contours.len() + 1).to_string())
                        .put_item(tags::CONTOUR_IMAGE_SEQUENCE, self.reference(slice))
                        .put(tags::CONTOUR_GEOMETRIC_TYPE, "CLOSED_PLANAR")
                        .put(tags::NUMBER_OF_CONTOUR_POINTS, n_points.to_string())
                        .put(tags::CONTOUR_DATA, decimals(points));
                    contours.push(contour);
                }
            }
            let color = structure.color.map(|value| value.to_string());
            let mut item = DataSet::empty();
            item.put(tags::ROI_DISPLAY_COLOR, color.join("\\"))
                .put(tags::REFERENCED_ROI_NUMBER, number.to_string());
            if !contours.is_empty() {
                item.put(tags::CONTOUR_SEQUENCE, contours);
            }
            items.push(item);
        }
        self.set.put(tags::ROI_CONTOUR_SEQUENCE, items);
    }
}
