//! Which series lie in a folder, and which of them is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::DicomError;
use super::files::{Found, ImageFile, SpoiltFile, spoilt_error};
use super::series_info::{SeriesInfo, SeriesList};
use super::slice_names::is_numbered_like;
use crate::folder::whole_of_left_over;
use crate::{Note, PerAxis};

/// The files of each series, sorted by UID.
pub(super) fn by_series(images: Vec<ImageFile>) -> BTreeMap<String, Vec<ImageFile>> {
    let mut series = BTreeMap::<String, Vec<ImageFile>>::new();
    for image in images {
        series
            .entry(image.series_uid.clone())
            .or_default()
            .push(image);
    }
    series
}

/// Describes a series; `None` when it has no files.
pub(super) fn describe(files: &[ImageFile]) -> Option<SeriesInfo> {
    let first = files.first()?;
    let n_frames = files.iter().map(|file| file.source.n_frames as usize).sum();
    Some(SeriesInfo {
        uid: first.series_uid.clone(),
        description: first.description.clone(),
        modality: first.modality.clone(),
        n_files: files.len(),
        n_frames,
        shape: PerAxis::new(n_frames, first.rows, first.columns),
        is_localizer: files.iter().all(|file| file.is_localizer),
        is_placed: files.iter().any(|file| file.is_placed),
    })
}

/// The files of the series that is meant, the one named or the only CT volume there is, and what
/// there is to say about the others.
///
/// Files that could be slices of it and cannot be read are an error; those that can only belong to
/// other series are not.
pub(super) fn choose(
    found: Found,
    wanted: Option<&str>,
    path: &Path,
) -> Result<(Vec<ImageFile>, Option<Note>), DicomError> {
    let Found {
        images,
        others,
        n_stray,
        spoilt,
    } = found;
    let owners = spoilt.iter().map(|file| owners(file, &images));
    let owners: Vec<BTreeSet<String>> = owners.collect();
    let mut series = by_series(images);
    let listed: Vec<_> = series
        .values()
        .filter_map(|files| describe(files))
        .collect();
    let path = path.to_path_buf();
    let chosen = match wanted {
        Some(uid) => uid.to_owned(),
        None => match *scans(&listed) {
            [only] => only.uid.clone(),
            [] => {
                if let Some(error) = spoilt_error(spoilt) {
                    return Err(error);
                }
                return Err(DicomError::NoImages {
                    others,
                    n_stray,
                    path,
                });
            }
            _ => {
                return Err(DicomError::SeveralSeries {
                    series: SeriesList(listed),
                    path,
                });
            }
        },
    };
    let Some(files) = series.remove(&chosen) else {
        return Err(DicomError::NoSuchSeries {
            wanted: chosen,
            series: SeriesList(listed),
            path,
        });
    };
    if let Some(file) = files.iter().find(|file| file.modality != "CT") {
        return Err(DicomError::NotCt {
            modality: file.modality.clone(),
            path: file.source.path.clone(),
        });
    }
    if let Some(first) = files.first()
        && files.iter().all(|file| file.is_localizer)
    {
        return Err(DicomError::Localizer {
            path: first.source.path.clone(),
        });
    }
    let (mut its, mut of_others) = (Vec::new(), Vec::new());
    for (file, owners) in spoilt.into_iter().zip(owners) {
        if owners.is_empty() || owners.contains(&chosen) {
            its.push(file);
        } else {
            of_others.push(file.path);
        }
    }
    if let Some(error) = spoilt_error(its) {
        return Err(error);
    }
    let note = of_others.first().map(|first| Note::OthersSpoilt {
        n_files: of_others.len(),
        path: first.clone(),
    });
    Ok((files, note))
}

/// The series that a file could be a slice of, which cannot be read: those with images in its folder
/// of names like its own; where there are none, all that have images there. Empty where the folder
/// holds no images, so that it could be of any.
fn owners(file: &SpoiltFile, images: &[ImageFile]) -> BTreeSet<String> {
    let beside = || {
        let is_beside = |image: &&ImageFile| image.source.path.parent() == file.path.parent();
        images.iter().filter(is_beside)
    };
    let left_over = whole_of_left_over(&file.path);
    let called = left_over.as_ref().unwrap_or(&file.path);
    let alike = beside().filter(|image| is_numbered_like(called, &image.source.path));
    let alike: BTreeSet<String> = alike.map(|image| image.series_uid.clone()).collect();
    if alike.is_empty() {
        beside().map(|image| image.series_uid.clone()).collect()
    } else {
        alike
    }
}

/// The series that can be meant where none is named: those that are CT volumes; where there are
/// none, all, so that the error tells what is wrong with the only one.
fn scans(listed: &[SeriesInfo]) -> Vec<&SeriesInfo> {
    let scans: Vec<_> = listed.iter().filter(|series| series.is_scan()).collect();
    if scans.is_empty() {
        listed.iter().collect()
    } else {
        scans
    }
}
