//! Finds the DICOM files below a folder and reads their headers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use flate2::bufread::GzDecoder;
use rayon::prelude::*;

use super::attributes::Attributes;
use super::data_set::{DataSet, Keep, LONGEST_START, begins_like_dicom, open, starts_like_dicom};
use super::frame::{CtFrame, is_localizer};
use super::pixel_format::{GREY, PixelFormat};
use super::slice_names::{is_called_after, is_called_dicom, is_called_like};
use super::{DicomError, FileList};
use crate::Action;
use crate::deflate::GZIP_MAGIC;
use crate::folder::{files_below, interrupted_transfers};

/// Media Storage Directory: the `DICOMDIR` of a CD.
const DICOMDIR: &str = "1.2.840.10008.1.3.10";

/// CT, enhanced CT and legacy-converted enhanced CT: image files in any case.
const CT_IMAGES: [&str; 3] = [
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
];

/// Where an enhanced image says where its frames lie.
const FUNCTIONAL_GROUPS: [Tag; 2] = [
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
];

/// Objects that are derived from images, or describe them, and are no scans.
const NOT_A_SCAN: [&str; 13] = [
    "SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "RTRECORD", "RTIMAGE", "SR", "KO", "PR", "REG", "FID",
    "DOC", "PLAN",
];

/// Where the pixels of an image lie.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) instance_uid: String,
    pub(super) transfer_syntax: String,
    pub(super) n_frames: u32,
}

/// What a file's header says about the file as a whole.
#[derive(Debug)]
pub(super) struct ImageFile {
    pub(super) source: Source,
    /// Empty where the anonymiser took it away: such files count as one series.
    pub(super) series_uid: String,
    pub(super) description: String,
    /// Empty where there is none.
    pub(super) frame_of_reference: String,
    pub(super) modality: String,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) is_localizer: bool,
    /// Whether the header says where the image lies in the patient.
    pub(super) is_placed: bool,
    /// Layout and frames. A file that cannot be read as CT is an error only once its series is
    /// asked for.
    pub(super) content: Result<CtContent, DicomError>,
}

/// What it takes to read the voxels of a CT file.
#[derive(Debug)]
pub(super) struct CtContent {
    pub(super) format: PixelFormat,
    pub(super) frames: Vec<CtFrame>,
}

/// What lies below a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Image files, in the order of their paths.
    pub(super) images: Vec<ImageFile>,
    /// DICOM files that hold no scan: how many of each kind.
    pub(super) others: BTreeMap<String, usize>,
    /// Files that are no DICOM.
    pub(super) n_stray: usize,
    /// Files that could be slices and cannot be read, in the order of their paths.
    pub(super) spoilt: Vec<SpoiltFile>,
}

/// A file that could be a slice and cannot be read.
#[derive(Debug)]
pub(super) struct SpoiltFile {
    pub(super) path: PathBuf,
    /// What is wrong with it; `None` where it is no DICOM at all.
    why: Option<DicomError>,
    /// Whether it is a gzip file, which no DICOM file is.
    is_packed: bool,
}

/// The error that files are which could be slices and cannot be read; `None` where there are none.
pub(super) fn spoilt_error(mut files: Vec<SpoiltFile>) -> Option<DicomError> {
    if let Some(at) = files.iter().position(|file| file.why.is_some()) {
        return files.swap_remove(at).why;
    }
    // Those that are no gzip files come first: unpacking would not help them.
    let (packed, spoilt): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.is_packed);
    let paths = |files: Vec<SpoiltFile>| files.into_iter().map(|file| file.path).collect();
    let (packed, spoilt): (Vec<PathBuf>, Vec<PathBuf>) = (paths(packed), paths(spoilt));
    if !spoilt.is_empty() {
        return Some(DicomError::Spoilt {
            n: spoilt.len(),
            files: FileList(spoilt),
        });
    }
    if packed.is_empty() {
        return None;
    }
    Some(DicomError::Packed {
        n: packed.len(),
        files: FileList(packed),
    })
}

enum Header {
    Image(Box<ImageFile>),
    Other(String),
    Stray,
}

/// Reads the headers of all files below `path`, or of the file `path` itself.
pub(super) fn find(path: &Path) -> Result<Found, DicomError> {
    let paths = if fs::metadata(path).map_err(Action::Read.on(path))?.is_dir() {
        files_below(path)?
    } else {
        vec![path.to_path_buf()]
    };
    let headers: Vec<_> = paths.par_iter().map(|path| read_header(path)).collect();
    let mut found = Found::default();
    let mut stray = Vec::new();
    for (header, path) in headers.into_iter().zip(paths) {
        match header {
            Ok(Header::Image(image)) => found.images.push(*image),
            Ok(Header::Other(kind)) => *found.others.entry(kind).or_default() += 1,
            Ok(Header::Stray) => stray.push(path),
            Err(error) => found.spoilt.push(SpoiltFile {
                path,
                why: Some(error),
                is_packed: false,
            }),
        }
    }
    found.n_stray = stray.len();
    for path in spoilt(&found.images, stray)? {
        found.spoilt.push(SpoiltFile {
            why: None,
            is_packed: packed_start(&path)?.is_some(),
            path,
        });
    }
    let interrupted = interrupted(&found.images)?.into_iter();
    found.spoilt.extend(interrupted.map(|path| SpoiltFile {
        path,
        why: None,
        is_packed: false,
    }));
    found.spoilt.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// The hidden files beside images that a transfer left where a slice should lie
/// (`.IM11.dcm.Xy12Zw` of rsync, without an `IM11.dcm`).
fn interrupted(images: &[ImageFile]) -> Result<Vec<PathBuf>, DicomError> {
    let folder = |image: &ImageFile| image.source.path.parent().map(Path::to_owned);
    let folders: BTreeSet<PathBuf> = images.iter().filter_map(folder).collect();
    let mut of_slices = Vec::new();
    for folder in folders {
        for (left, whole) in interrupted_transfers(&folder)? {
            let mut images = images.iter().map(|image| &image.source.path);
            if is_called_dicom(&whole) || images.any(|image| is_called_like(&whole, image)) {
                of_slices.push(left);
            }
        }
    }
    Ok(of_slices)
}

/// The files among the stray ones that could be slices: by their own names, by names like those of
/// the images beside them, because they are empty and have, like those, no ending, or because what
/// gzip packed in them is DICOM.
fn spoilt(images: &[ImageFile], stray: Vec<PathBuf>) -> Result<Vec<PathBuf>, DicomError> {
    let mut spoilt = Vec::new();
    for path in stray {
        let mut paths = images.iter().map(|image| image.source.path.as_path());
        let is_a_companion = paths.clone().any(|image| is_called_after(&path, image));
        let is_like_an_image = is_called_dicom(&path)
            || paths.any(|image| is_called_like(&path, image))
            || (path.extension().is_none()
                && !images.is_empty()
                && fs::metadata(&path).map_err(Action::Read.on(&path))?.len() == 0)
            || packed_start(&path)?.is_some_and(|start| starts_like_dicom(&start, u64::MAX));
        if is_like_an_image && !is_a_companion {
            spoilt.push(path);
        }
    }
    Ok(spoilt)
}

/// The first bytes of what gzip packed in a file; `None` where the file is not gzip's. Empty where
/// nothing can be unpacked.
fn packed_start(path: &Path) -> Result<Option<Vec<u8>>, DicomError> {
    let file = File::open(path).map_err(Action::Read.on(path))?;
    let mut file = BufReader::new(file);
    let magic = file.fill_buf().map_err(Action::Read.on(path))?;
    if !magic.starts_with(&GZIP_MAGIC) {
        return Ok(None);
    }
    let mut start = Vec::new();
    let mut unpacked = GzDecoder::new(file).take(LONGEST_START);
    match unpacked.read_to_end(&mut start) {
        // What breaks off has come as far as it goes.
        Ok(_) | Err(_) => Ok(Some(start)),
    }
}

fn read_header(path: &Path) -> Result<Header, DicomError> {
    if !begins_like_dicom(path)? {
        return Ok(Header::Stray);
    }
    let file = open(path, Keep::Header)?;
    let sop_class = file.sop_class.as_str();
    if sop_class == DICOMDIR {
        return Ok(Header::Other("DICOMDIR".into()));
    }
    let top = Attributes {
        object: &file.set,
        path,
    };
    let modality = top.text(tags::MODALITY);
    let has_pixels = top.has(tags::ROWS) && top.has(tags::COLUMNS);
    let is_ct = CT_IMAGES.contains(&sop_class) || modality.as_deref() == Some("CT");
    // Cut right behind an element, a file is whole as far as it goes.
    let says_nothing = modality.is_none() && sop_class.is_empty();
    if !has_pixels && (is_ct || says_nothing) {
        return Err(DicomError::Headless {
            path: path.to_path_buf(),
        });
    }
    let modality = modality.unwrap_or_else(|| "without modality".into());
    if !has_pixels || NOT_A_SCAN.contains(&modality.as_str()) {
        return Ok(Header::Other(modality));
    }
    let image = image_file(&file.set, path, modality, file.transfer_syntax)?;
    Ok(Header::Image(Box::new(image)))
}

fn image_file(
    object: &DataSet,
    path: &Path,
    modality: String,
    transfer_syntax: String,
) -> Result<ImageFile, DicomError> {
    let top = Attributes { object, path };
    let n_frames = top.whole_opt(tags::NUMBER_OF_FRAMES)?.unwrap_or(1).max(1);
    let content = PixelFormat::read(top, GREY).and_then(|format| {
        let frames = CtFrame::read_all(top, n_frames, format.is_signed())?;
        Ok(CtContent { format, frames })
    });
    Ok(ImageFile {
        source: Source {
            path: path.to_path_buf(),
            instance_uid: top.text(tags::SOP_INSTANCE_UID).unwrap_or_default(),
            transfer_syntax,
            n_frames,
        },
        series_uid: top.text(tags::SERIES_INSTANCE_UID).unwrap_or_default(),
        description: top.text(tags::SERIES_DESCRIPTION).unwrap_or_default(),
        frame_of_reference: top.text(tags::FRAME_OF_REFERENCE_UID).unwrap_or_default(),
        modality,
        rows: top.whole(tags::ROWS)? as usize,
        columns: top.whole(tags::COLUMNS)? as usize,
        is_localizer: top
            .text(tags::IMAGE_TYPE)
            .is_some_and(|kind| is_localizer(&kind)),
        is_placed: top.has(tags::IMAGE_POSITION_PATIENT)
            || FUNCTIONAL_GROUPS
                .into_iter()
                .any(|groups| !top.items(groups).is_empty()),
        content,
    })
}
