//! Structure sets (RTSTRUCT) as a label map on the voxels of their scan.
//!
//! # The rule
//!
//! A contour belongs to the slice that it lies on, to within a tenth of the distance of slices (more
//! where they are thinner than 2 mm, as they may then be off an even spacing by more themselves); it is
//! not drawn across slices. A voxel is in a region where its centre is within an odd number of the
//! region's contours on its slice: one contour within another cuts a hole, and so does a keyhole. A
//! centre that a contour runs through is within that contour.
//!
//! # Sources
//!
//! PS3.3 C.8.8.5 (structure set), C.8.8.6 (contours; C.8.8.6.3 keyholes).

mod fill;
mod plane;
mod roi;

use std::collections::{BTreeMap, BTreeSet};

use dicom_dictionary_std::tags;

pub(super) use self::fill::pixels_inside;
use self::plane::SlicePlanes;
use self::roi::{Contour, Roi};
use super::DicomError;
use super::attributes::Attributes;
use crate::canvas::{Canvas, Rank};
use crate::{ContourNote, LabelNames, Note, Reference, Scan, Volume};

/// Reads the structure set of a header onto the canonical voxels of a scan.
pub(super) fn read(
    top: Attributes<'_>,
    reference: Reference<'_>,
    names: &LabelNames,
) -> Result<Scan<u16>, DicomError> {
    let rois = Roi::read_all(top, names, reference.frame_of_reference)?;
    let planes = SlicePlanes::new(reference.placement);
    let planes = planes.map_err(|problem| top.problem(tags::ROI_CONTOUR_SEQUENCE, problem))?;
    let grid = reference.placement.canonical;
    let mut canvas = Canvas::new(grid.shape.n_voxels(), top.path);
    let mut notes = Vec::new();
    for roi in &rois {
        let rank = canvas.add(&roi.name, roi.value)?;
        let contours = roi.contours(top, &planes)?;
        let n_overlapping = paint(&mut canvas, rank, &contours.closed, &planes);
        notes.extend(notes_of(
            top,
            roi,
            &contours.closed,
            contours.n_without_area,
            n_overlapping,
        ));
    }
    let (labels, about_structures) = canvas.finish(names);
    notes.extend(about_structures);
    let volume = Volume::new(grid, labels).map_err(|source| DicomError::VoxelCount {
        source,
        path: top.path.to_path_buf(),
    })?;
    Ok(Scan {
        volume,
        placement: *reference.placement,
        frame_of_reference: reference.frame_of_reference.map(str::to_owned),
        notes,
    })
}

/// Paints the voxels within an odd number of contours; gives the number of those that are within
/// several of the kind that does not say whether this makes a hole.
fn paint(canvas: &mut Canvas<'_>, rank: Rank, contours: &[Contour], planes: &SlicePlanes) -> usize {
    let mut by_slice: BTreeMap<usize, Vec<&Contour>> = BTreeMap::new();
    for contour in contours {
        by_slice.entry(contour.slice).or_default().push(contour);
    }
    let mut n_overlapping = 0;
    let mut n_within = vec![0_u32; planes.shape.n_pixels()];
    for (slice, contours) in by_slice {
        n_within.fill(0);
        for contour in &contours {
            for pixel in pixels_inside(&contour.polygon, planes.shape) {
                n_within[pixel] += 1;
            }
        }
        for (pixel, n) in n_within.iter().enumerate().filter(|(_, n)| **n > 0) {
            if n % 2 == 1 {
                canvas.paint(planes.voxel(slice, pixel), rank);
            }
            if *n > 1 && !contours.iter().all(|contour| contour.is_xor) {
                n_overlapping += 1;
            }
        }
    }
    n_overlapping
}

fn notes_of(
    top: Attributes<'_>,
    roi: &Roi,
    contours: &[Contour],
    n_without_area: usize,
    n_overlapping: usize,
) -> Vec<Note> {
    let slices: BTreeSet<usize> = contours.iter().map(|contour| contour.slice).collect();
    let n_between = match (slices.first(), slices.last()) {
        (Some(first), Some(last)) => last - first + 1 - slices.len(),
        _ => 0,
    };
    let about = [
        (n_without_area > 0).then_some(ContourNote::WithoutArea {
            n_contours: n_without_area,
        }),
        contours.is_empty().then_some(ContourNote::NoneClosed),
        (n_overlapping > 0).then_some(ContourNote::Overlap {
            n_voxels: n_overlapping,
        }),
        (n_between > 0).then_some(ContourNote::Between {
            n_slices: n_between,
        }),
    ];
    let note = |about| Note::Contours {
        structure: roi.name.clone(),
        about,
        path: top.path.to_path_buf(),
    };
    about.into_iter().flatten().map(note).collect()
}
