//! Segmentation objects (DICOM SEG) as a label map on the voxels of their scan.

mod frame_on_grid;
mod foreground;
mod segments;

use dicom_dictionary_std::tags;

use self::foreground::{Foreground, Kind};
use self::frame_on_grid::FrameOnGrid;
use self::segments::Segments;
use super::DicomError;
use super::attributes::Attributes;
use super::decode::PixelData;
use super::frame::{FrameAttributes, FramePlace};
use super::pixel_format::{LABELS, PixelFormat};
use crate::canvas::Canvas;
use crate::{LabelNames, Reference, Scan, Volume};

/// Reads the segmentation of a header onto the canonical voxels of a scan.
pub(super) fn read(
    top: Attributes<'_>,
    reference: Reference<'_>,
    names: &LabelNames,
) -> Result<Scan<u16>, DicomError> {
    let path = top.path;
    top.check_frame_of_reference(tags::FRAME_OF_REFERENCE_UID, reference.frame_of_reference)?;
    let n_frames = top.whole_opt(tags::NUMBER_OF_FRAMES)?.unwrap_or(1);
    let format = PixelFormat::read(top, LABELS)?;
    let kind = Kind::read(top)?;
    let segments = Segments::read(top, names)?;
    let pixels = PixelData::open(path, n_frames)?;
    let frames = FrameAttributes::new(top, n_frames)?;
    let foreground = Foreground {
        pixels: &pixels,
        format,
        kind,
    };

    let grid = reference.placement.canonical;
    let mut canvas = Canvas::new(grid.shape.n_voxels(), path);
    let ranks = segments.add_to(&mut canvas)?;
    for index in 0..n_frames {
        let segment_of_frame = match kind {
            Kind::LabelMap => None,
            Kind::Binary | Kind::Fractional { .. } => {
                Some(segments::of_frame(&frames, index as usize)?)
            }
        };
        if segment_of_frame.is_some_and(|segment| !ranks.contains_key(&segment)) {
            continue;
        }
        let marked = foreground
            .of_frame(index, segment_of_frame)
            .map_err(|source| DicomError::Decode {
                frame: index + 1,
                path: path.to_path_buf(),
                source,
            })?;
        let off_grid = |problem| DicomError::OffGrid {
            frame: index + 1,
            problem,
            path: path.to_path_buf(),
        };
        let place = FramePlace::read(&frames, index as usize)?;
        let on_grid = FrameOnGrid::new(&place, &format, &grid).map_err(off_grid)?;
        for (pixel, segment) in marked {
            if let Some(rank) = ranks.get(&segment) {
                canvas.paint(on_grid.voxel(pixel).map_err(off_grid)?, *rank);
            }
        }
    }
    let (labels, notes) = canvas.finish(names);
    let volume = Volume::new(grid, labels).map_err(|source| DicomError::VoxelCount {
        source,
        path: path.to_path_buf(),
    })?;
    Ok(Scan {
        volume,
        placement: *reference.placement,
        frame_of_reference: reference.frame_of_reference.map(str::to_owned),
        notes,
    })
}
