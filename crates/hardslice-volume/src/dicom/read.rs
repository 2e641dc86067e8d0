//! Reads the voxels of a series.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rayon::prelude::*;

use super::decode::{Codec, DecodeError, PixelData};
use super::files::{CtContent, ImageFile, Source, find};
use super::series::choose;
use super::stack::{Slice, Stack};
use super::{DicomError, FileList};
use crate::{Action, Placement, Scan};

/// Reads the series that is meant: find, choose, stack, decode, turn to canonical axes.
pub(super) fn read_series(path: &Path, uid: Option<&str>) -> Result<Scan<f32>, DicomError> {
    let (images, note) = choose(find(path)?, uid, path)?;
    let frame_of_reference = frame_of_reference(&images)?;
    let (files, contents) = readable(images)?;
    let stack = Stack::new(&files, &contents)?;
    check_can_hold(&files, &contents)?;
    let voxels = decode(&files, &contents, &stack)?;
    let path = || files[0].path.clone();
    let placement = Placement::new(stack.grid).map_err(|source| DicomError::Affine {
        source: Box::new(source),
        path: path(),
    })?;
    let scan = Scan::from_native(placement, voxels).map_err(|source| DicomError::VoxelCount {
        source,
        path: path(),
    })?;
    Ok(Scan {
        frame_of_reference,
        notes: note.into_iter().collect(),
        ..scan
    })
}

/// The frame of reference that all files share; `None` where they name none.
fn frame_of_reference(images: &[ImageFile]) -> Result<Option<String>, DicomError> {
    let mut first = BTreeMap::<&str, &ImageFile>::new();
    for image in images {
        first.entry(&image.frame_of_reference).or_insert(image);
    }
    if first.len() > 1 {
        return Err(DicomError::FramesOfReference {
            n: first.len(),
            files: FileList(first.values().map(|f| f.source.path.clone()).collect()),
        });
    }
    let uid = first.into_keys().next().filter(|uid| !uid.is_empty());
    Ok(uid.map(str::to_owned))
}

/// What each file holds, or why it cannot be read; checked before the first voxel is decoded.
pub(super) fn readable(
    images: Vec<ImageFile>,
) -> Result<(Vec<Source>, Vec<CtContent>), DicomError> {
    let readable = images.into_iter().map(
        |ImageFile {
             source, content, ..
         }| {
            let Source {
                path,
                transfer_syntax,
                ..
            } = &source;
            if let Err(source) = Codec::of(transfer_syntax) {
                return Err(DicomError::Decode {
                    frame: 1,
                    path: path.clone(),
                    source,
                });
            }
            Ok((source, content?))
        },
    );
    readable
        .collect::<Result<Vec<_>, _>>()
        .map(|pairs| pairs.into_iter().unzip())
}

/// Refuses, before memory is taken for voxels, files that cannot hold what they announce.
fn check_can_hold(files: &[Source], contents: &[CtContent]) -> Result<(), DicomError> {
    for (file, content) in files.iter().zip(contents) {
        let Source {
            path,
            transfer_syntax,
            n_frames,
            ..
        } = file;
        let in_file = |source| DicomError::Decode {
            frame: 1,
            path: path.clone(),
            source,
        };
        let n_bytes = fs::metadata(path).map_err(Action::Read.on(path))?.len();
        let ratio = Codec::of(transfer_syntax)
            .map_err(in_file)?
            .most_compressed_file(transfer_syntax);
        let at_most = usize::try_from(n_bytes).unwrap_or(usize::MAX);
        let at_most = at_most.saturating_mul(ratio);
        let wanted = content
            .format
            .frame_bytes()
            .saturating_mul(*n_frames as usize);
        if wanted > at_most {
            return Err(in_file(DecodeError::Short {
                wanted,
                found: at_most,
            }));
        }
    }
    Ok(())
}

/// The voxels in the order of the stack, in Hounsfield units.
///
/// Slices are decoded in parallel, each into its own place. A file of one frame is held by the
/// thread that decodes it; a file of many frames is read once.
fn decode(files: &[Source], contents: &[CtContent], stack: &Stack) -> Result<Vec<f32>, DicomError> {
    let n_pixels = stack.grid.shape.n_pixels();
    let mut voxels = vec![0.0; stack.grid.shape.n_voxels()];
    let mut planes: Vec<Vec<(&Slice, &mut [f32])>> = files.iter().map(|_| Vec::new()).collect();
    for (slice, plane) in stack.slices.iter().zip(voxels.chunks_exact_mut(n_pixels)) {
        planes[slice.file].push((slice, plane));
    }
    let of_file = |file: usize, planes: Vec<(&Slice, &mut [f32])>| {
        let Source { path, n_frames, .. } = &files[file];
        let pixels = PixelData::open(path, *n_frames)?;
        let format = &contents[file].format;
        let decoded: Vec<_> = planes
            .into_par_iter()
            .map(|(slice, plane)| {
                let index = slice.frame.index;
                let in_file = |source| DicomError::Decode {
                    frame: index + 1,
                    path: path.clone(),
                    source,
                };
                let bytes = pixels.frame(index, format).map_err(in_file)?;
                for (voxel, stored) in plane.iter_mut().zip(format.stored_values(&bytes)) {
                    *voxel = slice.frame.rescale.hounsfield(stored);
                }
                Ok(())
            })
            .collect();
        first_error(decoded)
    };
    let planes = planes.into_par_iter().enumerate();
    let decoded: Vec<_> = planes.map(|(file, planes)| of_file(file, planes)).collect();
    first_error(decoded)?;
    Ok(voxels)
}

/// The first error in the order of the items, whichever thread met one first.
fn first_error(results: Vec<Result<(), DicomError>>) -> Result<(), DicomError> {
    results.into_iter().collect()
}
