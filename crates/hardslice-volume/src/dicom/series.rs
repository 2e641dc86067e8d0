//! Which series lie in a folder, and which of them is meant.

use std::collections::BTreeMap;
use std::path::Path;

use super::DicomError;
use super::files::{Found, ImageFile};
use super::series_info::{SeriesInfo, SeriesList};
use crate::PerAxis;

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

/// The files of the series that is meant: the one named, or the only CT volume there is.
pub(super) fn choose(
    found: Found,
    wanted: Option<&str>,
    path: &Path,
) -> Result<Vec<ImageFile>, DicomError> {
    let Found {
        images,
        others,
        n_stray,
    } = found;
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
    match files.first() {
        Some(first) if files.iter().all(|file| file.is_localizer) => Err(DicomError::Localizer {
            path: first.source.path.clone(),
        }),
        _ => Ok(files),
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
