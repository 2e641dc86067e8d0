//! Segmentation objects (DICOM SEG) as a label map on the voxels of their scan.

mod frame_on_grid;
mod foreground;
mod segments;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dicom_dictionary_std::tags;
use dicom_object::OpenFileOptions;

use self::foreground::{Foreground, Kind};
use self::frame_on_grid::FrameOnGrid;
use self::segments::Segments;
use super::DicomError;
use super::attributes::Attributes;
use super::decode::PixelData;
use super::files::{collect_files, is_dicom};
use super::frame::{FrameAttributes, FramePlace};
use super::pixel_format::{LABELS, PixelFormat};
use crate::{LabelNames, Placement, Scan, Volume};

/// Reads a segmentation onto the canonical voxels of a scan.
pub(super) fn read(
    path: &Path,
    placement: &Placement,
    names: &LabelNames,
) -> Result<Scan<u16>, DicomError> {
    let path = &the_file(path)?;
    let object = OpenFileOptions::new()
        .read_until(tags::PIXEL_DATA)
        .open_file(path)
        .map_err(DicomError::unreadable(path))?;
    let top = Attributes {
        object: &object,
        path,
    };
    check_modality(top)?;
    let n_frames = top.whole_opt(tags::NUMBER_OF_FRAMES)?.unwrap_or(1);
    let format = PixelFormat::read(top, LABELS)?;
    let kind = Kind::read(top)?;
    let segments = Segments::read(top, names)?;
    let pixels = PixelData::open(path, n_frames)?;
    let frames = FrameAttributes::new(top);
    let foreground = Foreground {
        pixels: &pixels,
        format,
        kind,
    };

    let grid = placement.canonical;
    let mut painting = Painting {
        owners: vec![0; grid.shape.n_voxels()],
        overlaps: BTreeMap::new(),
    };
    for index in 0..n_frames {
        let segment_of_frame = match kind {
            Kind::LabelMap => None,
            Kind::Binary | Kind::Fractional { .. } => {
                Some(segments::of_frame(&frames, index as usize)?)
            }
        };
        if segment_of_frame.is_some_and(|segment| segments.value(segment).is_none()) {
            continue;
        }
        let marked = foreground
            .of_frame(index, segment_of_frame)
            .map_err(|source| DicomError::Decode {
                frame: index + 1,
                path: path.clone(),
                source,
            })?;
        let off_grid = |problem| DicomError::OffGrid {
            frame: index + 1,
            problem,
            path: path.clone(),
        };
        let place = FramePlace::read(&frames, index as usize)?;
        let on_grid = FrameOnGrid::new(&place, &format, &grid).map_err(off_grid)?;
        for (pixel, segment) in marked {
            if segments.value(segment).is_some() {
                let voxel = on_grid.voxel(pixel).map_err(off_grid)?;
                painting.paint(voxel, segment, &segments);
            }
        }
    }
    let labels = painting.finish(&segments, path)?;
    let volume = Volume::new(grid, labels).map_err(|source| DicomError::VoxelCount {
        source,
        path: path.clone(),
    })?;
    Ok(Scan {
        volume,
        placement: *placement,
    })
}

/// The segmentation file itself, or the only DICOM file of a folder.
fn the_file(path: &Path) -> Result<PathBuf, DicomError> {
    let refused = |found: String| DicomError::Unsupported {
        found,
        wanted: "one DICOM segmentation (SEG)",
        path: path.to_path_buf(),
    };
    if !path.is_dir() {
        return if is_dicom(path)? {
            Ok(path.to_path_buf())
        } else {
            Err(refused("a file that is no DICOM".into()))
        };
    }
    let mut files = Vec::new();
    collect_files(path, &mut files)?;
    let mut dicom = Vec::new();
    for file in files {
        if is_dicom(&file)? {
            dicom.push(file);
        }
    }
    match <[PathBuf; 1]>::try_from(dicom) {
        Ok([only]) => Ok(only),
        Err(files) => Err(refused(format!(
            "a folder with {} DICOM files",
            files.len()
        ))),
    }
}

fn check_modality(top: Attributes<'_>) -> Result<(), DicomError> {
    let path = top.path.to_path_buf();
    match top.text(tags::MODALITY).as_deref() {
        Some("SEG") => Ok(()),
        Some("RTSTRUCT") => Err(DicomError::RtStruct { path }),
        other => Err(DicomError::Unsupported {
            found: format!("modality `{}`", other.unwrap_or_default()),
            wanted: "a DICOM segmentation (SEG)",
            path,
        }),
    }
}

/// Which segment each voxel belongs to.
struct Painting {
    /// Segment numbers, canonical `[z, y, x]`; 0 for none.
    owners: Vec<u16>,
    /// Voxels that two segments of different values claim.
    overlaps: BTreeMap<(u16, u16), usize>,
}

impl Painting {
    fn paint(&mut self, voxel: usize, segment: u16, segments: &Segments) {
        let owner = &mut self.owners[voxel];
        if *owner == 0 {
            *owner = segment;
        } else if segments.value(*owner) != segments.value(segment) {
            let pair = (segment.min(*owner), segment.max(*owner));
            *self.overlaps.entry(pair).or_default() += 1;
        }
    }

    /// The label values, when no two segments of different values overlap.
    fn finish(self, segments: &Segments, path: &Path) -> Result<Vec<u16>, DicomError> {
        if let Some((&(first, second), &n_voxels)) = self.overlaps.first_key_value() {
            return Err(DicomError::Overlap {
                first: segments.label(first),
                second: segments.label(second),
                n_voxels,
                path: path.to_path_buf(),
            });
        }
        let values = self
            .owners
            .into_iter()
            .map(|owner| segments.value(owner).unwrap_or(0));
        Ok(values.collect())
    }
}
