//! From the pixel data of a file to the decoded bytes of one frame.

mod error;
mod fragments;
mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod rle;
mod transfer_syntax;

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::{OpenFileOptions, mem::InMemElement};

use super::DicomError;
use super::files::trimmed;
use super::pixel_format::PixelFormat;

pub use error::DecodeError;
pub(super) use transfer_syntax::Codec;

/// The pixel data of one file.
#[derive(Debug)]
pub(super) struct PixelData {
    codec: Codec,
    element: InMemElement,
    /// The Extended Offset Table; empty where there is none.
    extended_offsets: Vec<u64>,
    n_frames: usize,
}

impl PixelData {
    /// Reads the pixel data of a file, still compressed.
    pub(super) fn open(path: &Path, n_frames: u32) -> Result<Self, DicomError> {
        let mut object = OpenFileOptions::new()
            .read_to(tags::PIXEL_DATA)
            .open_file(path)
            .map_err(DicomError::unreadable(path))?;
        let in_file = |source| DicomError::Decode {
            frame: 1,
            path: path.to_path_buf(),
            source,
        };
        let uid = trimmed(object.meta().transfer_syntax()).to_owned();
        let codec = Codec::of(&uid).map_err(in_file)?;
        let extended_offsets = extended_offsets(&object);
        let element = object.take(tags::PIXEL_DATA).ok_or_else(|| {
            in_file(DecodeError::PixelData {
                found: "missing",
                wanted: "an image with whole-number values",
            })
        })?;
        Ok(Self {
            codec,
            element,
            extended_offsets,
            n_frames: n_frames as usize,
        })
    }

    /// The decoded bytes of a frame in the machine's byte order: `rows · columns` samples of
    /// `bits_allocated` bits. Frames of single bits are not cut out; see [`Self::native_bytes`].
    pub(super) fn frame(
        &self,
        index: u32,
        format: &PixelFormat,
    ) -> Result<Cow<'_, [u8]>, DecodeError> {
        let index = index as usize;
        let wanted = format.frame_bytes();
        let frame = match self.codec {
            Codec::Native => {
                let Cow::Borrowed(all) = self.native_bytes()? else {
                    return Err(DecodeError::PixelData {
                        found: "text",
                        wanted: "binary",
                    });
                };
                let start = index.saturating_mul(wanted);
                let left = all.get(start..).unwrap_or_default();
                let short = DecodeError::Short {
                    wanted,
                    found: left.len(),
                };
                return Ok(Cow::Borrowed(left.get(..wanted).ok_or(short)?));
            }
            Codec::EncapsulatedNative => self.encoded(index)?,
            Codec::DeflatedFrame => {
                let mut bytes = Vec::with_capacity(wanted);
                flate2::read::DeflateDecoder::new(&*self.encoded(index)?)
                    .take(wanted as u64)
                    .read_to_end(&mut bytes)
                    .map_err(DecodeError::codec("deflated frame"))?;
                Cow::Owned(bytes)
            }
            Codec::Rle => Cow::Owned(rle::decode(&self.encoded(index)?, format)?),
            Codec::Jpeg => Cow::Owned(jpeg::decode(&self.encoded(index)?, format)?),
            Codec::JpegLs => Cow::Owned(jpeg_ls::decode(&self.encoded(index)?, format)?),
            Codec::Jpeg2000 => Cow::Owned(jpeg2000::decode(&self.encoded(index)?, format)?),
        };
        if frame.len() < wanted {
            return Err(DecodeError::Short {
                wanted,
                found: frame.len(),
            });
        }
        Ok(frame)
    }

    /// All bytes of pixel data that is not compressed.
    pub(super) fn native_bytes(&self) -> Result<Cow<'_, [u8]>, DecodeError> {
        let wanted = "plain values, as the transfer syntax says,";
        match (self.codec, self.element.value().primitive()) {
            (Codec::Native, Some(values)) => Ok(values.to_bytes()),
            _ => Err(DecodeError::PixelData {
                found: "compressed",
                wanted,
            }),
        }
    }

    /// The compressed bytes of a frame.
    fn encoded(&self, index: usize) -> Result<Cow<'_, [u8]>, DecodeError> {
        let Some(fragments) = self.element.value().fragments() else {
            return Err(DecodeError::PixelData {
                found: "not in fragments",
                wanted: "compressed data, as the transfer syntax says,",
            });
        };
        let basic = self.element.value().offset_table().unwrap_or_default();
        let basic = basic.iter().map(|offset| u64::from(*offset));
        let offsets = if self.extended_offsets.is_empty() {
            basic.collect()
        } else {
            self.extended_offsets.clone()
        };
        fragments::of_frame(fragments, &offsets, index, self.n_frames)
    }
}

/// The Extended Offset Table (7FE0,0001); empty where there is none.
fn extended_offsets(object: &dicom_object::InMemDicomObject) -> Vec<u64> {
    const EXTENDED_OFFSET_TABLE: Tag = Tag(0x7FE0, 0x0001);
    let Some(element) = object.get(EXTENDED_OFFSET_TABLE) else {
        return Vec::new();
    };
    let bytes = element.to_bytes().unwrap_or_default();
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().map(|word| u64::from_ne_bytes(*word)).collect()
}

/// Checks the size of a compressed image against the header.
fn check_size(
    columns: usize,
    rows: usize,
    samples: usize,
    format: &PixelFormat,
) -> Result<(), DecodeError> {
    if (columns, rows, samples) == (format.columns, format.rows, 1) {
        return Ok(());
    }
    Err(DecodeError::Size {
        columns,
        rows,
        samples,
        wanted_columns: format.columns,
        wanted_rows: format.rows,
    })
}
