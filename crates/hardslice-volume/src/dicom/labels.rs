//! Labels in DICOM, of either kind: segmentation objects and structure sets.

use std::path::{Path, PathBuf};

use dicom_dictionary_std::tags;

use super::attributes::Attributes;
use super::data_set::{Keep, begins_like_dicom, open};
use super::{DicomError, rtstruct, seg};
use crate::folder::files_below;
use crate::{LabelNames, Reference, Scan};

/// Which kinds of labels are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Segmentation,
    StructureSet,
    Either,
}

impl Wanted {
    fn in_words(self) -> &'static str {
        match self {
            Self::Segmentation => "one DICOM segmentation (SEG)",
            Self::StructureSet => "one DICOM structure set (RTSTRUCT)",
            Self::Either => "one DICOM segmentation (SEG) or structure set (RTSTRUCT)",
        }
    }
}

/// Reads labels onto the canonical voxels of a scan.
pub(super) fn read(
    path: &Path,
    wanted: Wanted,
    reference: Reference<'_>,
    names: &LabelNames,
) -> Result<Scan<u16>, DicomError> {
    let path = &the_file(path, wanted)?;
    let file = open(path, Keep::Header)?;
    let top = Attributes {
        object: &file.set,
        path,
    };
    match (top.text(tags::MODALITY).as_deref(), wanted) {
        (Some("SEG"), Wanted::Segmentation | Wanted::Either) => seg::read(top, reference, names),
        (Some("RTSTRUCT"), Wanted::StructureSet | Wanted::Either) => {
            rtstruct::read(top, reference, names)
        }
        (other, _) => Err(DicomError::Unsupported {
            found: format!("modality `{}`", other.unwrap_or_default()),
            wanted: wanted.in_words(),
            path: path.clone(),
        }),
    }
}

/// The file itself, or the only DICOM file of a folder.
fn the_file(path: &Path, wanted: Wanted) -> Result<PathBuf, DicomError> {
    let refused = |found: String| DicomError::Unsupported {
        found,
        wanted: wanted.in_words(),
        path: path.to_path_buf(),
    };
    if !path.is_dir() {
        return if begins_like_dicom(path)? {
            Ok(path.to_path_buf())
        } else {
            Err(refused("a file that is no DICOM".into()))
        };
    }
    let mut dicom = Vec::new();
    for file in files_below(path)? {
        if begins_like_dicom(&file)? {
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
