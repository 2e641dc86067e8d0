//! A file: preamble, meta information, data set.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_encoding::text::SpecificCharacterSet;

use super::encoding::{Encoding, dictionary_vr};
use super::input::Input;
use super::parser::{End, elements};
use super::{DataSet, DataSetError};
use crate::Action;
use crate::dicom::DicomError;

/// Bytes before the mark `DICM`.
const PREAMBLE: usize = 128;

/// Bytes that show whether a file is DICOM.
pub(in crate::dicom) const LONGEST_START: u64 = PREAMBLE as u64 + 4;

/// Deflated explicit little endian.
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// What of a file is wanted.
#[derive(Debug, Clone, Copy)]
pub(in crate::dicom) enum Keep {
    /// What describes the image: all public elements before the pixel data.
    Header,
    /// The pixel data and its offset tables.
    Pixels,
}

/// What a file holds.
#[derive(Debug)]
pub(in crate::dicom) struct DicomFile {
    pub(in crate::dicom) set: DataSet,
    /// As announced, or as the data set shows where nothing is announced.
    pub(in crate::dicom) transfer_syntax: String,
    /// The class of the object; empty where none is given.
    pub(in crate::dicom) sop_class: String,
}

/// Reads a file.
pub(in crate::dicom) fn open(path: &Path, keep: Keep) -> Result<DicomFile, DicomError> {
    let file = File::open(path).map_err(Action::Read.on(path))?;
    let input = Input::new(Box::new(BufReader::with_capacity(1 << 16, file)));
    read(input, keep).map_err(|source| DicomError::Unreadable {
        path: path.to_path_buf(),
        source: Box::new(source),
    })
}

/// Whether a file starts as a DICOM file does: `DICM` after 128 bytes or at once, or, as consoles
/// of old write it, with the elements themselves.
pub(crate) fn begins_like_dicom(path: &Path) -> Result<bool, DicomError> {
    let mut start = Vec::new();
    let file = File::open(path).map_err(Action::Read.on(path))?;
    let n_bytes = file.metadata().map_err(Action::Read.on(path))?.len();
    file.take(LONGEST_START)
        .read_to_end(&mut start)
        .map_err(Action::Read.on(path))?;
    Ok(starts_like_dicom(&start, n_bytes))
}

/// Whether the first bytes of a file, [`LONGEST_START`] where it has as many, are those of a DICOM
/// file of `n_bytes`.
pub(in crate::dicom) fn starts_like_dicom(start: &[u8], n_bytes: u64) -> bool {
    start.get(PREAMBLE..) == Some(b"DICM")
        || start.starts_with(b"DICM")
        || begins_like_a_data_set(start, n_bytes)
}

/// Whether the first element is one that data sets begin with.
fn begins_like_a_data_set(start: &[u8], n_bytes: u64) -> bool {
    let &[a, b, c, d, v, w, x, y, ..] = start else {
        return false;
    };
    let encoding = Encoding::shown(start, None);
    let tag = encoding.tag([a, b, c, d]);
    let is_known = matches!(tag.0, 0x0002 | 0x0008) && (tag.1 == 0 || dictionary_vr(tag) != VR::UN);
    is_known && (encoding.explicit || u64::from(encoding.u32([v, w, x, y])) <= n_bytes.min(1 << 16))
}

fn read(mut input: Input<'_>, keep: Keep) -> Result<DicomFile, DataSetError> {
    let ascii = SpecificCharacterSet::default();
    let start = input.peek(PREAMBLE + 4)?;
    if start.get(PREAMBLE..) == Some(b"DICM") {
        input.head::<{ PREAMBLE + 4 }>()?;
    } else if start.starts_with(b"DICM") {
        input.head::<4>()?;
    }
    let meta_encoding = Encoding::shown(input.peek(8)?, Some(Encoding::EXPLICIT));
    let mut meta = DataSet {
        elements: std::collections::BTreeMap::new(),
        charset: ascii.clone(),
    };
    // By its tags: the length that the group announces may be missing or wrong.
    if input.peek(2)? == [2, 0] {
        let end = End::Before(Tag(0x0003, 0));
        meta = elements(&mut input, meta_encoding, &ascii, end, |_| true)?;
    }
    let announced = meta.text(tags::TRANSFER_SYNTAX_UID);
    if announced.as_deref() == Some(DEFLATED) {
        input = input.inflated();
    }
    let encoding = announced.as_deref().map(Encoding::announced);
    let encoding = Encoding::shown(input.peek(8)?, encoding);
    let (stop, wanted): (Tag, fn(Tag) -> bool) = match keep {
        // Below the float, double and extended offset elements, which describe no pixels.
        Keep::Header => (Tag(0x7FE0, 0x0001), |tag| tag.0 % 2 == 0),
        Keep::Pixels => (Tag(0x7FE0, 0x0011), |tag| tag.0 == 0x7FE0),
    };
    let set = elements(&mut input, encoding, &ascii, End::Before(stop), wanted)?;
    let shown = match encoding {
        Encoding::IMPLICIT => "1.2.840.10008.1.2",
        Encoding::EXPLICIT_BIG => "1.2.840.10008.1.2.2",
        _ => "1.2.840.10008.1.2.1",
    };
    let sop_class = set
        .text(tags::SOP_CLASS_UID)
        .or_else(|| meta.text(tags::MEDIA_STORAGE_SOP_CLASS_UID));
    Ok(DicomFile {
        transfer_syntax: announced.unwrap_or_else(|| shown.to_owned()),
        sop_class: sop_class.unwrap_or_default(),
        set,
    })
}
