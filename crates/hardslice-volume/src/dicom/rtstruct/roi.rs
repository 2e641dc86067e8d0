//! The regions of interest of a structure set, and their contours.

use dicom_dictionary_std::tags;

use super::fill::Polygon;
use super::plane::SlicePlanes;
use crate::LabelNames;
use crate::dicom::DicomError;
use crate::dicom::attributes::Attributes;

/// A region that is asked for.
pub(super) struct Roi {
    /// Its place in the label map; 0 where there is none.
    pub(super) place: usize,
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) value: u16,
}

/// A closed contour on a slice.
pub(super) struct Contour {
    pub(super) slice: usize,
    pub(super) polygon: Polygon,
    /// Whether its kind says that where contours overlap there is a hole.
    pub(super) is_xor: bool,
}

/// The closed contours of a region, and how many others it has, which hold no area.
pub(super) struct Contours {
    pub(super) closed: Vec<Contour>,
    pub(super) n_without_area: usize,
}

impl Roi {
    /// The regions that are asked for, in the order of the label map: by `ROIName`, or else by number.
    /// Where no names are asked for, all of them, and the value is the number.
    pub(super) fn read_all(
        top: Attributes<'_>,
        names: &LabelNames,
        frame_of_reference: Option<&str>,
    ) -> Result<Vec<Self>, DicomError> {
        let (mut wanted, mut found) = (Vec::new(), Vec::new());
        let mut numbers = std::collections::BTreeSet::new();
        for item in top.items(tags::STRUCTURE_SET_ROI_SEQUENCE) {
            let item = top.within(item);
            let number = item.whole(tags::ROI_NUMBER)?;
            if !numbers.insert(number) {
                return Err(item.problem(tags::ROI_NUMBER, format!("{number} is there twice")));
            }
            let name = item.text(tags::ROI_NAME);
            let name = name.unwrap_or_else(|| number.to_string());
            let entry = if names.is_empty() {
                let value = u16::try_from(number).ok().filter(|value| *value > 0);
                let value = value.ok_or_else(|| {
                    let problem = format!(
                        "of `{name}` is {number}, which is no label (1 to 65535); ask for the \
                         structures by their names"
                    );
                    item.problem(tags::ROI_NUMBER, problem)
                })?;
                Some((0, value))
            } else {
                names
                    .entry(&name)
                    .or_else(|| names.entry(&number.to_string()))
            };
            found.push(name.clone());
            let Some((place, value)) = entry else {
                continue;
            };
            let tag = tags::REFERENCED_FRAME_OF_REFERENCE_UID;
            item.check_frame_of_reference(tag, frame_of_reference)?;
            wanted.push(Self {
                place,
                number,
                name,
                value,
            });
        }
        if found.is_empty() {
            return Err(top.missing(tags::STRUCTURE_SET_ROI_SEQUENCE));
        }
        if wanted.is_empty() {
            return Err(DicomError::NoSegment {
                wanted: names.joined(),
                segments: found.join(", "),
                path: top.path.to_path_buf(),
            });
        }
        wanted.sort_by_key(|roi| (roi.place, roi.number));
        Ok(wanted)
    }

    /// The region's contours, each on its slice.
    pub(super) fn contours(
        &self,
        top: Attributes<'_>,
        planes: &SlicePlanes,
    ) -> Result<Contours, DicomError> {
        let mut contours = Contours {
            closed: Vec::new(),
            n_without_area: 0,
        };
        for item in top.items(tags::ROI_CONTOUR_SEQUENCE) {
            let item = top.within(item);
            if item.whole(tags::REFERENCED_ROI_NUMBER)? != self.number {
                continue;
            }
            for (number, contour) in (1..).zip(item.items(tags::CONTOUR_SEQUENCE)) {
                self.add(&mut contours, number, item.within(contour), planes)?;
            }
        }
        Ok(contours)
    }

    fn add(
        &self,
        contours: &mut Contours,
        number: usize,
        contour: Attributes<'_>,
        planes: &SlicePlanes,
    ) -> Result<(), DicomError> {
        let kind = contour.text(tags::CONTOUR_GEOMETRIC_TYPE);
        let kind = kind.ok_or_else(|| contour.missing(tags::CONTOUR_GEOMETRIC_TYPE))?;
        let (is_closed, is_xor) = match kind.as_str() {
            // The second is no term of the standard's, but written by programs that interpolate.
            "CLOSED_PLANAR" | "INTERPOLATED_PLANAR" => (true, false),
            "CLOSEDPLANAR_XOR" => (true, true),
            "POINT" | "OPEN_PLANAR" | "OPEN_NONPLANAR" => (false, false),
            other => {
                let problem = format!(
                    "of contour {number} of `{}` is `{other}`, which is no kind of contour that is \
                     known",
                    self.name
                );
                return Err(contour.problem(tags::CONTOUR_GEOMETRIC_TYPE, problem));
            }
        };
        let numbers = contour.numbers(tags::CONTOUR_DATA)?.unwrap_or_default();
        let n_points = numbers.len() / 3;
        let announced = contour.whole_opt(tags::NUMBER_OF_CONTOUR_POINTS)?;
        if !numbers.len().is_multiple_of(3)
            || announced.is_some_and(|announced| announced as usize != n_points)
        {
            let announced = announced.map_or("some".to_owned(), |n| n.to_string());
            let problem = format!(
                "of contour {number} of `{}` has {} numbers for {announced} points of three",
                self.name,
                numbers.len()
            );
            return Err(contour.problem(tags::CONTOUR_DATA, problem));
        }
        if !is_closed || n_points < 3 {
            contours.n_without_area += 1;
            return Ok(());
        }
        let points = numbers.chunks_exact(3).map(|p| [p[0], p[1], p[2]]);
        let (slice, polygon) =
            planes
                .polygon(points)
                .map_err(|problem| DicomError::ContourOffSlice {
                    roi: self.name.clone(),
                    contour: number,
                    problem,
                    path: contour.path.to_path_buf(),
                })?;
        contours.closed.push(Contour {
            slice,
            polygon,
            is_xor,
        });
        Ok(())
    }
}
