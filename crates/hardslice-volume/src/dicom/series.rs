//! Which series lie in a folder, and which of them is meant.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::DicomError;
use super::files::{Found, ImageFile};
use crate::PerAxis;

/// One series of images, as its headers describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesInfo {
    /// `SeriesInstanceUID`; empty where it was removed from the files.
    pub uid: String,
    /// `SeriesDescription`; empty where there is none.
    pub description: String,
    /// `Modality`, such as `CT`.
    pub modality: String,
    /// Files of the series.
    pub n_files: usize,
    /// Frames in those files: slices, when the series is one volume.
    pub n_frames: usize,
    /// Frames, rows and columns (of the first file).
    pub shape: PerAxis<usize>,
    /// Whether every image is a survey for planning the scan.
    pub is_localizer: bool,
    /// Whether the headers say where the images lie in the patient, so that they can make a
    /// volume. Dose reports and screenshots do not.
    pub is_placed: bool,
}

impl SeriesInfo {
    /// Whether the series can be meant where none is named.
    fn is_scan(&self) -> bool {
        self.modality == "CT" && self.is_placed && !self.is_localizer
    }
}

impl fmt::Display for SeriesInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            uid,
            description,
            modality,
            n_files,
            shape,
            ..
        } = self;
        let kind = match (self.is_localizer, self.is_placed) {
            (true, _) => ", localizer",
            (false, false) => ", no position in the patient",
            (false, true) => "",
        };
        let uid = if uid.is_empty() {
            "(no SeriesInstanceUID)"
        } else {
            uid
        };
        write!(f, "{uid}  {modality}, {shape} in {n_files} files{kind}")?;
        if !description.is_empty() {
            write!(f, ", `{description}`")?;
        }
        Ok(())
    }
}

/// Series, one a line, for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesList(pub Vec<SeriesInfo>);

impl fmt::Display for SeriesList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for series in &self.0 {
            write!(f, "\n  {series}")?;
        }
        Ok(())
    }
}

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
    match files.iter().find(|file| file.modality != "CT") {
        Some(file) => Err(DicomError::NotCt {
            modality: file.modality.clone(),
            path: file.source.path.clone(),
        }),
        None => Ok(files),
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
