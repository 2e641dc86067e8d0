//! Finds the DICOM files below a folder and reads their headers.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::{InMemDicomObject, OpenFileOptions};
use rayon::prelude::*;

use super::DicomError;
use super::attributes::Attributes;
use super::frame::{CtFrame, FrameAttributes, is_localizer};
use super::pixel_format::{GREY, PixelFormat};
use crate::Action;

/// Headers are read up to here: everything below describes the pixels, nothing above does.
const HEADER_END: Tag = Tag(0x7FE0, 0x0001);

/// Media Storage Directory: the `DICOMDIR` of a CD.
const DICOMDIR: &str = "1.2.840.10008.1.3.10";

/// CT, enhanced CT and legacy-converted enhanced CT: image files in any case.
const CT_IMAGES: [&str; 3] = [
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
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
}

enum Header {
    Image(Box<ImageFile>),
    Other(String),
    Stray,
}

/// Reads the headers of all files below `path`, or of the file `path` itself.
pub(super) fn find(path: &Path) -> Result<Found, DicomError> {
    let mut paths = Vec::new();
    if fs::metadata(path).map_err(Action::Read.on(path))?.is_dir() {
        collect_files(path, &mut paths)?;
    } else {
        paths.push(path.to_path_buf());
    }
    let headers: Vec<_> = paths.par_iter().map(|path| read_header(path)).collect();
    let mut found = Found::default();
    for header in headers {
        match header? {
            Header::Image(image) => found.images.push(*image),
            Header::Other(kind) => *found.others.entry(kind).or_default() += 1,
            Header::Stray => found.n_stray += 1,
        }
    }
    Ok(found)
}

/// Files below a folder in the order of their names. Linked folders are not entered, so that no
/// circle of links can be.
pub(super) fn collect_files(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), DicomError> {
    let mut entries = fs::read_dir(dir)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(Action::List.on(dir))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(Action::Read.on(&path))?;
        if kind.is_dir() {
            collect_files(&path, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a file starts as a DICOM file does: `DICM` after 128 bytes, or, where the preamble was
/// left out, at once.
pub(super) fn is_dicom(path: &Path) -> Result<bool, DicomError> {
    let mut start = Vec::new();
    let file = File::open(path).map_err(Action::Read.on(path))?;
    file.take(132)
        .read_to_end(&mut start)
        .map_err(Action::Read.on(path))?;
    Ok(start.get(128..) == Some(b"DICM") || start.starts_with(b"DICM"))
}

fn read_header(path: &Path) -> Result<Header, DicomError> {
    if !is_dicom(path)? {
        return Ok(Header::Stray);
    }
    let object = OpenFileOptions::new()
        .read_until(HEADER_END)
        .open_file(path)
        .map_err(DicomError::unreadable(path))?;
    let meta = object.meta();
    let sop_class = trimmed(&meta.media_storage_sop_class_uid);
    if sop_class == DICOMDIR {
        return Ok(Header::Other("DICOMDIR".into()));
    }
    let transfer_syntax = trimmed(meta.transfer_syntax()).to_owned();
    let top = Attributes {
        object: &object,
        path,
    };
    let modality = top
        .text(tags::MODALITY)
        .unwrap_or_else(|| "without modality".into());
    let has_pixels = top.has(tags::ROWS) && top.has(tags::COLUMNS);
    if !has_pixels && CT_IMAGES.contains(&sop_class) {
        return Err(DicomError::Headless {
            path: path.to_path_buf(),
        });
    }
    if !has_pixels || NOT_A_SCAN.contains(&modality.as_str()) {
        return Ok(Header::Other(modality));
    }
    let image = image_file(&object, path, modality, transfer_syntax)?;
    Ok(Header::Image(Box::new(image)))
}

fn image_file(
    object: &InMemDicomObject,
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
        modality,
        rows: top.whole(tags::ROWS)? as usize,
        columns: top.whole(tags::COLUMNS)? as usize,
        is_localizer: top
            .text(tags::IMAGE_TYPE)
            .is_some_and(|kind| is_localizer(&kind)),
        is_placed: top.has(tags::IMAGE_POSITION_PATIENT)
            || FrameAttributes::new(top).has_functional_groups(),
        content,
    })
}

/// A UID without its padding.
pub(super) fn trimmed(uid: &str) -> &str {
    uid.trim_end_matches(|c: char| c.is_whitespace() || c == '\0')
}
